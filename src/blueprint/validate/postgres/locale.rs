//! `locale`, `locale_provider` and `encoding`, of the cluster and of a database: how text is stored, sorted and compared.

use super::super::{BlockReader, Reading, Refusal, doc, is, nearest, refuse, unknown_choice};
use crate::blueprint::form::{Choice, Doc, Form, Holds};
use crate::blueprint::locale::{Locale, Provider};
use crate::blueprint::value::text;

const GLIBC: &str = include_str!("locales.txt");
const ICU: &str = include_str!("languages.txt");

/// The encodings of a server (<https://www.postgresql.org/docs/current/multibyte.html#MULTIBYTE-CHARSET-SUPPORTED>).
const ENCODINGS: [&str; 35] = [
    "UTF8",
    "EUC_CN",
    "EUC_JIS_2004",
    "EUC_JP",
    "EUC_KR",
    "EUC_TW",
    "ISO_8859_5",
    "ISO_8859_6",
    "ISO_8859_7",
    "ISO_8859_8",
    "KOI8R",
    "KOI8U",
    "LATIN1",
    "LATIN10",
    "LATIN2",
    "LATIN3",
    "LATIN4",
    "LATIN5",
    "LATIN6",
    "LATIN7",
    "LATIN8",
    "LATIN9",
    "MULE_INTERNAL",
    "SQL_ASCII",
    "WIN1250",
    "WIN1251",
    "WIN1252",
    "WIN1253",
    "WIN1254",
    "WIN1255",
    "WIN1256",
    "WIN1257",
    "WIN1258",
    "WIN866",
    "WIN874",
];

/// The attributes `locale`, `locale_provider` and `encoding` of a block, documented.
pub struct Docs {
    locale: Doc,
    provider: Doc,
    encoding: Doc,
}

const LOCALE: Doc = doc("locale", "How text is sorted and compared. It is fixed when the database is created.");
const PROVIDER: Doc = doc(
    "locale_provider",
    "What implements the locale: PostgreSQL itself, the ICU library (language tags, such as `de-DE`) or the C library (names, such as `de_DE.UTF-8`).",
);
const ENCODING: Doc = doc("encoding", "How text is stored. An encoding other than UTF8 needs `locale = \"C\"`.");

/// Those of the cluster.
pub const OF_THE_CLUSTER: Docs = Docs {
    locale: LOCALE.by_default("`\"C.UTF-8\"`: by code points, the same on every machine"),
    provider: PROVIDER.by_default("`builtin` from PostgreSQL 17 on if it has the locale, else `libc`"),
    encoding: ENCODING.by_default("`\"UTF8\"`"),
};

/// Those of a database.
pub const OF_A_DATABASE: Docs = Docs {
    locale: LOCALE.by_default("the cluster's"),
    provider: PROVIDER.by_default("the cluster's; for a database with its own `locale`, chosen as for the cluster"),
    encoding: ENCODING.by_default("the cluster's"),
};

/// Returns what the block sets; `None` if it sets nothing. What is not set is as in `around`: the cluster's for a database, pgherd's for
/// the cluster.
pub fn read(r: &BlockReader, docs: Docs, around: Option<&Locale>, major: Option<u16>) -> Option<Locale> {
    let name = r.optional(docs.locale, |name| Ok(name.to_string()));
    let providers = Form::of(Holds::OneOf(Provider::words()));
    let provider = r.value(docs.provider, providers, None, |value| {
        let word = text(value)?;
        Provider::named(word).map(Some).ok_or_else(|| unknown_choice::<Provider>(&is::LOCALE, word))
    });
    let encoding = r.optional(docs.encoding, encoding);
    if ![name.is_set(), provider.is_set(), encoding.is_set()].contains(&true) {
        return None;
    }
    let major = major?;
    let usual = around.cloned().unwrap_or_else(|| Locale::usual(major));
    let chosen = name.value.clone().unwrap_or_else(|| usual.name.clone());
    let locale = Locale {
        provider: provider.value.unwrap_or_else(|| match &name.value {
            Some(name) => Provider::of(name, major),
            None => usual.provider,
        }),
        name: chosen,
        encoding: encoding.value.clone().unwrap_or(usual.encoding),
    };
    let place = |found: &Reading<Option<String>>| if found.is_set() { found.at.clone() } else { provider.at.clone() };
    if let Err(refusal) = exists(&locale, major) {
        r.report("locale", &place(&name), refusal);
    } else if locale.encoding != "UTF8" && locale.name != "C" {
        let refusal = Refusal {
            rule: &is::LOCALE,
            problem: format!("the locale {} needs the encoding UTF8, not {}", locale.name, locale.encoding),
            help: "set locale = \"C\" too, which sorts by bytes in every encoding, or remove the encoding".into(),
        };
        r.report("encoding", &place(&encoding), refusal);
    }
    Some(locale)
}

/// Returns PostgreSQL's own name of an encoding, whatever its spelling.
fn encoding(text: &str) -> Result<String, Refusal> {
    let plain = |name: &str| name.to_uppercase().replace(['-', '_', ' '], "");
    let own = ENCODINGS.into_iter().find(|known| plain(known) == plain(text));
    match own {
        Some(own) => Ok(own.into()),
        None => {
            let lower = ENCODINGS.map(str::to_lowercase);
            let help = match nearest(text, lower.iter().map(String::as_str)) {
                Some(meant) => format!("did you mean \"{}\"?", meant.to_uppercase()),
                None => "remove it; the default is UTF8".into(),
            };
            refuse(&is::LOCALE, format!("`{text}` is not an encoding that a PostgreSQL server can use"), help)
        }
    }
}

/// Refuses a locale that this major or the images do not have.
fn exists(locale: &Locale, major: u16) -> Result<(), Refusal> {
    let first = match locale.provider {
        Provider::Builtin => 17,
        Provider::Icu => 15,
        Provider::Libc => 0,
    };
    if major < first {
        let problem = format!(
            "PostgreSQL {major} has no locale provider `{}`; {first} is the first that has it",
            locale.provider.name()
        );
        return refuse(&is::LOCALE, problem, "remove it; the default is \"libc\". Or set another postgres.version");
    }
    let name = locale.name.as_str();
    match locale.provider {
        Provider::Builtin if ["C", "C.UTF-8"].contains(&name) || (name == "PG_UNICODE_FAST" && major >= 18) => Ok(()),
        Provider::Builtin => refuse(
            &is::LOCALE,
            format!("PostgreSQL {major} has no builtin locale `{name}`"),
            "write \"C.UTF-8\"; for the order of a language set locale_provider = \"icu\" and a locale such as \"de-DE\"",
        ),
        Provider::Icu if is_language_tag(name) => in_icu(name),
        Provider::Icu => refuse(
            &is::LOCALE,
            format!("`{name}` is not a language tag"),
            format!("write a BCP 47 tag, such as \"{}\"", language_tag(name)),
        ),
        Provider::Libc => in_glibc(name),
    }
}

/// Refuses a language that ICU has no rules for. So do initdb and CREATE DATABASE from 16 on; 15 would sort by the root order.
fn in_icu(tag: &str) -> Result<(), Refusal> {
    let language = tag.split('-').next().unwrap_or_default();
    match ICU.lines().filter(|line| !line.starts_with('#')).any(|known| known == language) {
        true => Ok(()),
        false => refuse(
            &is::LOCALE,
            format!("ICU has no language `{language}`; no database could be created"),
            "write one that it has, such as \"de-DE\", or \"und\" for an order that belongs to no language",
        ),
    }
}

/// Refuses a locale that the C library of the images does not have.
fn in_glibc(name: &str) -> Result<(), Refusal> {
    let known = || GLIBC.lines().filter(|line| !line.starts_with('#'));
    if ["C", "C.UTF-8"].contains(&name) || known().any(|known| known == name) {
        return Ok(());
    }
    let problem = format!("no image has the locale `{name}`");
    let spelled = name
        .replace(".utf8", ".UTF-8")
        .replace(".UTF8", ".UTF-8")
        .replace(".utf-8", ".UTF-8")
        .replace('-', "_")
        .replace("UTF_8", "UTF-8");
    let whole = if spelled.contains('.') { spelled } else { format!("{spelled}.UTF-8") };
    let help = match known().find(|known| known.eq_ignore_ascii_case(&whole)).or_else(|| nearest(&whole, known())) {
        _ if name.eq_ignore_ascii_case("posix") => "write \"C\", which means the same".into(),
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None => "write a locale of glibc in UTF-8, such as \"de_DE.UTF-8\", or remove it".into(),
    };
    refuse(&is::LOCALE, problem, help)
}

/// Returns whether a name has the form of a language tag.
fn is_language_tag(name: &str) -> bool {
    let mut parts = name.split('-');
    let language = parts.next().unwrap_or_default();
    let plain = |part: &str| (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric());
    let letters = language.chars().all(|c| c.is_ascii_lowercase());
    (letters && (2..=3).contains(&language.len()) && parts.all(plain)) || name == "und"
}

/// Converts a name of glibc into a language tag, as a suggestion.
fn language_tag(name: &str) -> String {
    let tag = name.split(['.', '@']).next().unwrap_or_default().replace('_', "-");
    if is_language_tag(&tag) { tag } else { "de-DE".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_taken_where_icu_has_it() {
        for tag in ["de-DE", "de", "deu", "und", "und-u-kn", "haw", "sr-Latn-RS", "no", "zh-Hant", "de-u-co-phonebk"] {
            assert!(is_language_tag(tag) && in_icu(tag).is_ok(), "{tag}");
        }
        for tag in ["xx-YY", "tlh", "qq", "xyz"] {
            assert!(in_icu(tag).is_err(), "{tag}");
        }
    }
}
