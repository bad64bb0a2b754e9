//! Checks the settings of TLS. PostgreSQL reads them only when it starts with `ssl = on`, as every machine does.

use crate::blueprint::diagnostic::{Refusal, refuse};
use crate::blueprint::nearest::nearest;
use crate::blueprint::rules::language as is;

/// The cipher suites of OpenSSL up to TLS 1.2.
const SUITES: &str = include_str!("ciphers.txt");

/// The keywords of OpenSSL's cipher lists that include suites for the machines' keys, which are ECDSA
/// (<https://docs.openssl.org/3.0/man1/openssl-ciphers/>).
const WITH_ECDSA: [&str; 37] = [
    "AES",
    "AES128",
    "AES256",
    "AESCCM",
    "AESCCM8",
    "AESGCM",
    "ALL",
    "ARIA",
    "ARIA128",
    "ARIA256",
    "ARIAGCM",
    "CAMELLIA",
    "CAMELLIA128",
    "CAMELLIA256",
    "CBC",
    "CHACHA20",
    "DEFAULT",
    "ECDH",
    "ECDHE",
    "ECDSA",
    "EECDH",
    "FIPS",
    "HIGH",
    "SHA",
    "SHA1",
    "SHA256",
    "SHA384",
    "SSLv3",
    "SUITEB128",
    "SUITEB128C2",
    "SUITEB128ONLY",
    "SUITEB192",
    "TLSv1",
    "TLSv1.0",
    "TLSv1.2",
    "aECDSA",
    "kECDHE",
];
/// The keywords that include none.
const WITHOUT_ECDSA: [&str; 44] = [
    "3DES",
    "ADH",
    "AECDH",
    "COMPLEMENTOFALL",
    "COMPLEMENTOFDEFAULT",
    "DES",
    "DH",
    "DHE",
    "DSS",
    "EDH",
    "EXP",
    "EXPORT",
    "GOST94",
    "IDEA",
    "LOW",
    "MD5",
    "MEDIUM",
    "NULL",
    "PSK",
    "RC2",
    "RC4",
    "RSA",
    "SEED",
    "SRP",
    "aDSS",
    "aGOST",
    "aGOST01",
    "aNULL",
    "aPSK",
    "aRSA",
    "aSRP",
    "eNULL",
    "kDH",
    "kDHE",
    "kDHEPSK",
    "kDHd",
    "kDHr",
    "kECDHEPSK",
    "kEDH",
    "kGOST",
    "kPSK",
    "kRSA",
    "kRSAPSK",
    "kSRP",
];
/// The keywords that remove all suites for ECDSA when they are excluded.
const ECDSA: [&str; 6] = ["ECDSA", "aECDSA", "ECDHE", "EECDH", "kECDHE", "kEECDH"];

/// All of OpenSSL's suites of TLS 1.3.
const TLS_13: [&str; 5] = [
    "TLS_AES_128_CCM_8_SHA256",
    "TLS_AES_128_CCM_SHA256",
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
];

/// The curves that PostgreSQL up to 17 can use and that clients take in TLS 1.3 (RFC 8446, 4.2.7). X25519 is not among them:
/// `EC_KEY_new_by_curve_name` does not know it, and the server would not start.
const CURVES: [&str; 3] = ["prime256v1", "secp384r1", "secp521r1"];
/// OpenSSL 3's groups, for `ssl_groups` of PostgreSQL 18.
const GROUPS: [&str; 13] = [
    "P-256",
    "P-384",
    "P-521",
    "X25519",
    "X448",
    "ffdhe2048",
    "ffdhe3072",
    "ffdhe4096",
    "ffdhe6144",
    "ffdhe8192",
    "prime256v1",
    "secp384r1",
    "secp521r1",
];

/// Refuses a value with which a server with TLS would not start or clients could not connect.
pub fn check(name: &str, value: &str, major: Option<u16>) -> Result<(), Refusal> {
    match name {
        "ssl_ciphers" => ciphers(value, major),
        "ssl_tls13_ciphers" if value.is_empty() => Ok(()),
        "ssl_tls13_ciphers" => each(value.split(':'), &TLS_13, "suite of TLS 1.3"),
        "ssl_ecdh_curve" => each([value].into_iter(), &CURVES, "curve that PostgreSQL and its clients share"),
        // OpenSSL 3.5 adds groups, but not every base has it. The trial at the end of the image's build decides.
        "ssl_groups" if value.contains("MLKEM") => Ok(()),
        "ssl_groups" => each(value.split(':'), &GROUPS, "group of OpenSSL"),
        "ssl_min_protocol_version" | "ssl_max_protocol_version"
            if ["tlsv1", "tlsv1.1"].contains(&value.to_lowercase().as_str()) =>
        {
            refuse(
                &is::SETTING_VALUE,
                format!(
                    "`{value}` is insecure and deprecated (RFC 8996), and the images' OpenSSL no longer supports it"
                ),
                "remove it; the default is TLSv1.2 and newer",
            )
        }
        _ => Ok(()),
    }
}

/// Refuses the first unknown name.
fn each<'a>(names: impl Iterator<Item = &'a str>, known: &'static [&'static str], what: &str) -> Result<(), Refusal> {
    let Some(unknown) = { names }.find(|name| !known.contains(name)) else { return Ok(()) };
    let help = match nearest(unknown, known.iter().copied()) {
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None => format!("remove it, or choose from {}", known.join(", ")),
    };
    let problem = format!("`{unknown}` is not a {what}; a server with TLS would not start");
    refuse(&is::SETTING_VALUE, problem, help)
}

/// Refuses a cipher list with an unknown word, which OpenSSL ignores, or without a suite for the machines' keys.
fn ciphers(value: &str, major: Option<u16>) -> Result<(), Refusal> {
    const HELP: &str = "remove it; the default is \"HIGH:MEDIUM:+3DES:!aNULL\". Or name suites for ECDSA, such as \"ECDHE-ECDSA-AES256-GCM-SHA384\"";
    let suites = || SUITES.lines().filter(|line| !line.starts_with('#'));
    let mut some = false;
    for word in value.split([':', ',', ' ', ';']).filter(|word| !word.is_empty()) {
        if word.starts_with("@STRENGTH") || word.starts_with("@SECLEVEL=") {
            continue;
        }
        let (takes, name) = match word.strip_prefix(['!', '-']) {
            Some(name) => (true, name),
            None => (false, word),
        };
        if name.starts_with("TLS_") {
            let problem = format!("`{name}` is a suite of TLS 1.3, which OpenSSL ignores in ssl_ciphers");
            let help = match major {
                Some(major) if major < 18 => format!("remove it; PostgreSQL {major} offers all suites of TLS 1.3"),
                _ => "set ssl_tls13_ciphers instead".into(),
            };
            return refuse(&is::SETTING_VALUE, problem, help);
        }
        if takes && ECDSA.contains(&name) {
            let problem = format!("`{word}` removes all suites for the machines' keys, which are ECDSA");
            return refuse(&is::SETTING_BREAKS, problem, HELP);
        }
        let moves = word.starts_with('+');
        let parts: Vec<&str> = name.trim_start_matches('+').split('+').collect();
        let is_keyword = |part: &&str| WITH_ECDSA.contains(part) || WITHOUT_ECDSA.contains(part) || *part == "kEECDH";
        if let Some(unknown) = parts.iter().find(|part| !is_keyword(part) && !suites().any(|suite| suite == **part)) {
            let known = suites().chain(WITH_ECDSA).chain(WITHOUT_ECDSA);
            let help = nearest(unknown, known).map_or(HELP.into(), |meant| format!("did you mean \"{meant}\"?"));
            return refuse(&is::SETTING_VALUE, format!("OpenSSL has no cipher suite `{unknown}` and ignores it"), help);
        }
        let fits = |part: &&str| WITH_ECDSA.contains(part) || *part == "kEECDH" || part.starts_with("ECDHE-ECDSA-");
        some |= !takes && !moves && parts.iter().all(fits);
    }
    match some {
        true => Ok(()),
        false => refuse(
            &is::SETTING_BREAKS,
            format!(
                "`{value}` has no suite for the machines' keys, which are ECDSA; the server would not start, or nobody could connect with TLS 1.2"
            ),
            HELP,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_needs_a_suite_for_the_machines_keys() {
        for (value, taken) in [
            ("HIGH:MEDIUM:+3DES:!aNULL", true),
            ("HIGH:!aNULL", true),
            ("ECDHE-ECDSA-AES256-GCM-SHA384", true),
            ("ECDHE-ECDSA-AES256-GCM-SHA384,ECDHE-RSA-AES256-GCM-SHA384", true),
            ("ECDHE+AESGCM:!aNULL", true),
            ("DEFAULT@SECLEVEL=2", false),
            ("DEFAULT:@SECLEVEL=2", true),
            ("EECDH+AESGCM:EDH+AESGCM", true),
            ("TLS_AES_256_GCM_SHA384", false),
            ("HIGH:TLS_AES_256_GCM_SHA384", false),
            ("ECDHE-RSA-AES256-GCM-SHA384", false),
            ("AES256-SHA", false),
            ("RC4", false),
            ("!aNULL", false),
            ("+HIGH", false),
            ("", false),
            ("HIGH:!ECDSA", false),
            ("HIHG", false),
            ("none", false),
        ] {
            assert_eq!(check("ssl_ciphers", value, Some(17)).is_ok(), taken, "{value}");
        }
    }

    #[test]
    fn a_curve_is_one_that_a_server_starts_with() {
        for (name, value, taken) in [
            ("ssl_ecdh_curve", "prime256v1", true),
            ("ssl_ecdh_curve", "secp384r1", true),
            ("ssl_ecdh_curve", "X25519", false),
            ("ssl_ecdh_curve", "P-256", false),
            ("ssl_ecdh_curve", "prime256v1:secp384r1", false),
            ("ssl_ecdh_curve", "", false),
            ("ssl_groups", "X25519:prime256v1", true),
            ("ssl_groups", "X25519:prime256", false),
            ("ssl_groups", "", false),
            ("ssl_tls13_ciphers", "TLS_AES_256_GCM_SHA384", true),
            ("ssl_tls13_ciphers", "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256", true),
            ("ssl_tls13_ciphers", "", true),
            ("ssl_tls13_ciphers", "HIGH", false),
        ] {
            assert_eq!(check(name, value, Some(18)).is_ok(), taken, "{name} = {value}");
        }
    }
}
