//! How text is stored, sorted and compared.

use super::form::Choice;

/// How text is stored, sorted and compared. Chosen when a database is made; another one later is another database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locale {
    /// Whose rules they are.
    pub provider: Provider,
    /// Its name, as the provider writes it.
    pub name: String,
    /// PostgreSQL's name of the encoding.
    pub encoding: String,
}

/// Who knows how text is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// PostgreSQL itself (17 and newer): the same on every machine, for as long as the major lasts.
    Builtin,
    /// The ICU library (15 and newer).
    Icu,
    /// The C library.
    Libc,
}

impl Provider {
    /// Every provider.
    pub const ALL: [Provider; 3] = [Provider::Builtin, Provider::Icu, Provider::Libc];

    /// PostgreSQL's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Provider::Builtin => "builtin",
            Provider::Icu => "icu",
            Provider::Libc => "libc",
        }
    }

    /// Who has a locale of this name, where nobody is named: PostgreSQL itself if it can.
    pub fn of(locale: &str, major: u16) -> Self {
        let own = ["C", "C.UTF-8", "PG_UNICODE_FAST"].contains(&locale);
        if own && major >= 17 { Provider::Builtin } else { Provider::Libc }
    }
}

impl Locale {
    /// What a cluster has whose blueprint says nothing: code points in UTF-8, by PostgreSQL itself where it can.
    pub fn usual(major: u16) -> Self {
        const NAME: &str = "C.UTF-8";
        Locale { provider: Provider::of(NAME, major), name: NAME.into(), encoding: "UTF8".into() }
    }

    /// Whether its rules are those of a library that an upgrade of the base brings anew.
    pub fn follows_a_library(&self) -> bool {
        match self.provider {
            Provider::Builtin => false,
            Provider::Icu => true,
            Provider::Libc => !["C", "C.UTF-8"].contains(&self.name.as_str()),
        }
    }

    /// The locale of the C library that the server runs with, beside its own.
    pub fn of_the_c_library(&self) -> &str {
        match (self.provider, self.encoding.as_str()) {
            (Provider::Libc, _) => &self.name,
            (_, "UTF8") => "C.UTF-8",
            _ => "C",
        }
    }
}

impl Choice for Provider {
    const ALL: &'static [Provider] = &Provider::ALL;

    fn word(self) -> &'static str {
        self.name()
    }
}
