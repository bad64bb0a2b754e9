//! Locales and encodings: how text is stored, sorted and compared.

use serde::Serialize;

use super::form::Choice;

/// How text is stored, sorted and compared. It is fixed when a database is created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Locale {
    /// The provider of the sorting rules.
    pub provider: Provider,
    /// The locale's name, in the provider's syntax.
    pub name: String,
    /// PostgreSQL's name for the encoding.
    pub encoding: String,
}

/// A locale provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// PostgreSQL itself (17 and newer). Its rules are the same on every machine and never change within a major version.
    Builtin,
    /// The ICU library (15 and newer).
    Icu,
    /// The C library.
    Libc,
}

impl Provider {
    /// Every provider.
    pub const ALL: [Provider; 3] = [Provider::Builtin, Provider::Icu, Provider::Libc];

    /// Returns PostgreSQL's name for the provider.
    pub fn name(self) -> &'static str {
        match self {
            Provider::Builtin => "builtin",
            Provider::Icu => "icu",
            Provider::Libc => "libc",
        }
    }

    /// Returns the default provider of a locale: PostgreSQL itself if it has the locale, else libc.
    pub fn of(locale: &str, major: u16) -> Self {
        let own = ["C", "C.UTF-8", "PG_UNICODE_FAST"].contains(&locale);
        if own && major >= 17 { Provider::Builtin } else { Provider::Libc }
    }
}

impl Locale {
    /// Returns the default locale: C.UTF-8, which sorts by code point, from PostgreSQL itself if it has it.
    pub fn usual(major: u16) -> Self {
        const NAME: &str = "C.UTF-8";
        Locale { provider: Provider::of(NAME, major), name: NAME.into(), encoding: "UTF8".into() }
    }

    /// Returns whether the rules come from a library, so that an upgrade of the base distribution may change them.
    pub fn follows_a_library(&self) -> bool {
        match self.provider {
            Provider::Builtin => false,
            Provider::Icu => true,
            Provider::Libc => !["C", "C.UTF-8"].contains(&self.name.as_str()),
        }
    }

    /// Returns the C library's locale that the server runs with.
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
