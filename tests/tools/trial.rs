//! The trial of settings that every image's build ends with (`try_settings.py`), run on this machine's PostgreSQL: with the shipped
//! settings a primary and a standby work, and what breaks one of them is named. What `check` refuses is put into patroni.yml by hand.

use std::process::{Command, Output};

use crate::real::postgres;
use crate::support::generated::Generated;

/// Returns what the trial prints with one more setting in patroni.yml.
fn try_with(more: &str) -> Output {
    let programs = postgres::programs();
    let major =
        programs.parent().and_then(|folder| folder.file_name()).expect("a major").to_string_lossy().into_owned();
    let text = format!(
        "cluster \"trial\" {{\n  region = \"eu-west-1\"\n  postgres {{\n    version = {major}\n    users = [\"app\"]\n    databases = {{ app = \"app\" }}\n  }}\n}}\n"
    );
    let generated = Generated::from_text("trial.hcl", &text);
    let config = generated.path("db_config/patroni.yml");
    let patroni = std::fs::read_to_string(&config).expect("patroni.yml");
    const FIRST: &str = "      parameters:\n";
    assert!(patroni.contains(FIRST), "{patroni}");
    std::fs::write(&config, patroni.replacen(FIRST, &format!("{FIRST}{more}"), 1)).expect("written");
    let folder = tempfile::TempDir::new().expect("a folder");
    assert!(Command::new("chown").arg("postgres").arg(folder.path()).status().expect("chown").success());
    let script = generated.path("db_config/try_settings.py");
    let output = Command::new(script).arg(folder.path()).output().expect("the script");
    assert!(folder.path().join("data/PG_VERSION").exists(), "{output:?}");
    output
}

#[test]
fn a_primary_and_a_standby_work_with_the_shipped_settings() {
    let output = try_with("");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The extension is created in a schema that the setting omits.
#[test]
fn a_search_path_is_for_applications_and_does_not_hinder_the_founding() {
    let output = try_with("        search_path: \"app\"\n");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Each server starts, and each setting is reported with what it breaks.
#[test]
fn a_setting_that_breaks_sessions_tls_or_a_standby_is_named() {
    for (setting, value, breaks) in [
        ("local_preload_libraries", "auto_explain", "could not access file \"$libdir/plugins/auto_explain\""),
        ("ssl_ciphers", "TLS_AES_256_GCM_SHA384", "no valid ciphers"),
        ("default_transaction_isolation", "serializable", "Patroni on the standby"),
    ] {
        let output = try_with(&format!("        {setting}: \"{value}\"\n"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("postgres.settings.{setting} = '{value}'")) && said.contains(breaks), "{said}");
    }
}
