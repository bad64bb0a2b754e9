//! What is decided when a cluster is initialised: locales, guests, logical slots.

use super::{Case, inside};

/// A block for a guest, inside `postgres` with a user and a database. Lines are counted from the block's first.
fn guest(code: &'static str, line: usize, column: usize, text: &str, says: &str) -> Case {
    let around = "postgres {\nusers = [\"app\"]\ndatabases = { app = \"app\" }\nuser \"report\" {\n";
    inside(code, line + 4, column, &format!("{around}{text}\n}}\n}}"), says)
}

/// Lines inside `postgres`, counted from their first.
fn postgres(code: &'static str, line: usize, column: usize, text: &str, says: &str) -> Case {
    inside(code, line + 1, column, &format!("postgres {{\n{text}\n}}"), says)
}

/// The cases: what must be refused, where, and part of the message.
pub fn cases() -> Vec<Case> {
    vec![
        guest("PGH380", 1, 14, "databases = [\"ap\"]", "did you mean \"app\"?"),
        guest("PGH380", 1, 14, "databases = [\"other\"]", "the blueprint has no database `other`"),
        guest("PGH380", 1, 14, "databases = [\"postgres\"]", "the blueprint has no database `postgres`"),
        guest("PGH380", 1, 13, "databases = []", "has access to no database"),
        guest("PGH380", 0, 1, "", "has access to no database"),
        guest(
            "PGH380",
            2,
            10,
            "databases = [\"app\"]\naccess = \"owner\"",
            "only the owner may create and change tables",
        ),
        guest("PGH148", 1, 21, "databases = [\"app\", \"app\"]", "is listed twice"),
        postgres(
            "PGH380",
            3,
            14,
            "databases = { app = \"app\" }\nuser \"app\" {\ndatabases = [\"app\"]\n}",
            "`app` owns `app`",
        ),
        postgres(
            "PGH148",
            3,
            6,
            "users = [\"app\"]\ndatabases = [\"app\"]\nuser \"app\" {\ndatabases = [\"app\"]\n}",
            "remove `app` from `users`",
        ),
        postgres("PGH148", 2, 10, "databases = [\"app\"]\ndatabase \"app\" {\n}", "remove `app` from `databases`"),
        postgres("PGH156", 1, 10, "database \"template1\" {\n}", "exists on every server"),
        postgres(
            "PGH156",
            2,
            6,
            "databases = [\"app\"]\nuser \"My-App\" {\ndatabases = [\"app\"]\n}",
            "would need quotes",
        ),
        postgres(
            "PGH157",
            2,
            9,
            "database \"legacy\" {\nowner = \"app\"\n}",
            "the owner `app` is not one of the users",
        ),
        postgres("PGH381", 1, 10, "locale = \"de_DE.utf8\"", "did you mean \"de_DE.UTF-8\"?"),
        postgres("PGH381", 1, 10, "locale = \"de_DE\"", "did you mean \"de_DE.UTF-8\"?"),
        postgres("PGH381", 1, 10, "locale = \"xx_XX.UTF-8\"", "no image has the locale"),
        postgres("PGH381", 1, 10, "locale = \"POSIX\"", "write \"C\""),
        postgres(
            "PGH381",
            1,
            10,
            "locale = \"de_DE.UTF-8\"\nlocale_provider = \"icu\"",
            "write a BCP 47 tag, such as \"de-DE\"",
        ),
        postgres(
            "PGH381",
            1,
            10,
            "locale = \"de_DE.UTF-8\"\nlocale_provider = \"builtin\"",
            "no builtin locale `de_DE.UTF-8`",
        ),
        postgres("PGH381", 1, 10, "locale = \"PG_UNICODE_FAST\"", "PostgreSQL 17 has no builtin locale"),
        postgres("PGH381", 1, 10, "locale = \"xx-YY\"\nlocale_provider = \"icu\"", "no language `xx`"),
        postgres("PGH381", 1, 10, "locale = \"tlh\"\nlocale_provider = \"icu\"", "no language `tlh`"),
        postgres(
            "PGH381",
            1,
            10,
            "locale = \"qq\"\nlocale_provider = \"icu\"",
            "\"und\" for an order that belongs to no language",
        ),
        postgres("PGH381", 2, 10, "version = 14\nlocale = \"de-DE\"\nlocale_provider = \"icu\"", "15 is the first"),
        postgres("PGH381", 2, 19, "version = 16\nlocale_provider = \"builtin\"", "17 is the first"),
        postgres("PGH381", 1, 19, "locale_provider = \"glibc\"", "`glibc` is not a valid value"),
        postgres("PGH381", 1, 12, "encoding = \"UTF9\"", "did you mean \"UTF8\"?"),
        postgres("PGH381", 1, 12, "encoding = \"latin1\"", "the locale C.UTF-8 needs the encoding UTF8, not LATIN1"),
        postgres(
            "PGH381",
            3,
            12,
            "database \"legacy\" {\nlocale = \"de_DE.UTF-8\"\nencoding = \"LATIN1\"\n}",
            "needs the encoding UTF8",
        ),
        postgres(
            "PGH382",
            2,
            28,
            "databases = [\"app\"]\nlogical_slots = { cdc    = \"ap\" }",
            "did you mean \"app\"?",
        ),
        postgres(
            "PGH382",
            2,
            19,
            "databases = [\"app\"]\nlogical_slots = { \"my-cdc\" = \"app\" }",
            "is not a valid slot name",
        ),
        postgres(
            "PGH382",
            2,
            19,
            "databases = [\"app\"]\nlogical_slots = { slave1 = \"app\" }",
            "a machine's own slot",
        ),
        postgres(
            "PGH382",
            0,
            1,
            "databases = [\"app\"]\nlogical_slots = { cdc = \"app\" }\nsettings = { wal_level = \"replica\" }",
            "remove wal_level",
        ),
    ]
}
