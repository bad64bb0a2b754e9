//! Refuses settings that belong to pgherd, to Patroni or to a session.

use crate::blueprint::diagnostic::{Refusal, refuse};
use crate::blueprint::rules::language as is;
use crate::parameters;

/// Settings with one owner: why a blueprint may not set them, and what to do instead.
struct Owner {
    names: &'static [&'static str],
    reason: &'static str,
    help: &'static str,
}

const OWNERS: [Owner; 12] = [
    Owner {
        names: &["listen_addresses", "port"],
        reason: "pgherd plans every address and port, and configures the other machines for them",
        help: "remove it; clients connect to haproxy.write_port and haproxy.read_port",
    },
    Owner {
        names: &["cluster_name", "hot_standby", "wal_log_hints"],
        reason: "Patroni passes it on the server's command line and ignores other values",
        help: "remove it",
    },
    Owner {
        names: &["primary_conninfo", "primary_slot_name", "promote_trigger_file", "trigger_file", "standby_mode"],
        reason: "Patroni points each standby at the current primary",
        help: "remove it",
    },
    Owner {
        names: &["synchronous_standby_names"],
        reason: "Patroni chooses the synchronous standbys, and promotes one of them in a failover",
        help: "set failover { synchronous = true } instead",
    },
    Owner {
        names: &["restore_command", "archive_cleanup_command", "pause_at_recovery_target"],
        reason: "Patroni ignores recovery settings here",
        help: "remove it; recover by hand, with Patroni paused",
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
        reason: "the image has these files where Patroni expects them",
        help: "remove it",
    },
    Owner {
        names: &["include", "include_if_exists", "include_dir"],
        reason: "settings belong in the blueprint, where they can be reviewed",
        help: "set the settings themselves",
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
        reason: "every connection is encrypted, and each machine generates its own key at first boot",
        help: "remove it",
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
        reason: "patroni.yml sends the log to standard error, which the journal keeps, and overrides this setting",
        help: "remove it; `journalctl -u patroni` on the machine shows the log, and other settings choose what is logged",
    },
    Owner { names: &["password_encryption"], reason: "pg_hba.conf accepts only SCRAM-SHA-256", help: "remove it" },
    Owner {
        names: &["role", "seed", "transaction_deferrable", "transaction_isolation", "transaction_read_only"],
        reason: "it belongs to a session; in a configuration file it does nothing, or keeps PostgreSQL from starting",
        help: "remove it; for the defaults of transactions set those such as default_transaction_isolation",
    },
    Owner {
        names: &["is_superuser", "lc_collate", "lc_ctype", "session_authorization"],
        reason: "PostgreSQL only shows it; no configuration file can set it",
        help: "remove it",
    },
];

/// Refuses a setting, in lower case, that has an owner.
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
            refuse(&is::SETTING_OWNED, format!("a blueprint cannot set `{name}`: {}", owner.reason), owner.help)
        }
        None => Ok(()),
    }
}
