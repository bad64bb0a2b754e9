//! Settings that a blueprint may not set, and why.

use crate::blueprint::diagnostic::{Refusal, refuse};
use crate::blueprint::rules::language as is;
use crate::parameters;

/// Whose setting it is, and what to do instead.
struct Owner {
    names: &'static [&'static str],
    reason: &'static str,
    help: &'static str,
}

const OWNERS: [Owner; 12] = [
    Owner {
        names: &["listen_addresses", "port"],
        reason: "pgherd plans every address and port; the other machines are told these",
        help: "leave it out; clients come in through haproxy.write_port and haproxy.read_port",
    },
    Owner {
        names: &["cluster_name", "hot_standby", "wal_log_hints"],
        reason: "Patroni passes it on the server's command line and takes no other value",
        help: "leave it out",
    },
    Owner {
        names: &["primary_conninfo", "primary_slot_name", "promote_trigger_file", "trigger_file", "standby_mode"],
        reason: "Patroni points each standby at the primary of the moment",
        help: "leave it out",
    },
    Owner {
        names: &["synchronous_standby_names"],
        reason: "Patroni names the synchronous standby, and takes it into account when it fails over",
        help: "write failover { synchronous = true }",
    },
    Owner {
        names: &["restore_command", "archive_cleanup_command", "pause_at_recovery_target"],
        reason: "Patroni drops settings of recovery from here",
        help: "leave it out: a recovery is done by hand, with Patroni paused",
    },
    Owner {
        names: &[
            "data_directory",
            "config_file",
            "hba_file",
            "ident_file",
            "external_pid_file",
            "unix_socket_directories",
        ],
        reason: "the image has these files where Patroni looks for them",
        help: "leave it out",
    },
    Owner {
        names: &["include", "include_if_exists", "include_dir"],
        reason: "settings stand in the blueprint, where they can be reviewed",
        help: "write the settings themselves",
    },
    Owner {
        names: &[
            "ssl",
            "ssl_ca_file",
            "ssl_cert_file",
            "ssl_crl_dir",
            "ssl_crl_file",
            "ssl_dh_params_file",
            "ssl_key_file",
            "ssl_passphrase_command",
            "ssl_passphrase_command_supports_reload",
        ],
        reason: "every connection is encrypted; each machine makes its own key at first boot",
        help: "leave it out",
    },
    Owner {
        names: &[
            "event_source",
            "log_destination",
            "log_directory",
            "log_file_mode",
            "log_filename",
            "log_rotation_age",
            "log_rotation_size",
            "log_truncate_on_rotation",
            "logging_collector",
            "syslog_facility",
            "syslog_ident",
            "syslog_sequence_numbers",
            "syslog_split_messages",
        ],
        reason: "patroni.yml sends the log to standard error, which the journal keeps, and overrides what is said here",
        help: "leave it out: `journalctl -u patroni` on the machine has the log; what is logged is yours to set",
    },
    Owner { names: &["password_encryption"], reason: "pg_hba.conf lets in SCRAM-SHA-256 alone", help: "leave it out" },
    Owner {
        names: &["role", "seed", "transaction_deferrable", "transaction_isolation", "transaction_read_only"],
        reason: "it belongs to a session; in a configuration it does nothing, or keeps PostgreSQL from starting",
        help: "leave it out; what transactions begin with are settings of their own, such as default_transaction_isolation",
    },
    Owner {
        names: &["is_superuser", "lc_collate", "lc_ctype", "session_authorization"],
        reason: "PostgreSQL only shows it; no configuration file can set it",
        help: "leave it out",
    },
];

/// Refuses a setting (in lower case) that has an owner.
pub fn check(name: &str) -> Result<(), Refusal> {
    let recovery = name.starts_with("recovery_") && !["recovery_init_sync_method", "recovery_prefetch"].contains(&name);
    let shown = parameters::newest(name).is_some_and(|parameter| parameter.kind == parameters::Kind::Shown);
    let name_or_kin = match () {
        () if recovery => "restore_command",
        () if shown => "session_authorization",
        () => name,
    };
    let owner = OWNERS.iter().find(|owner| owner.names.contains(&name_or_kin));
    match owner {
        Some(owner) => {
            refuse(&is::SETTING_OWNED, format!("`{name}` is not a blueprint's to set: {}", owner.reason), owner.help)
        }
        None => Ok(()),
    }
}
