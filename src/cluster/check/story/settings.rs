//! Rules about PostgreSQL's settings, versions, users, locales and logical replication.

pub const STORIES: &[(&str, &str)] = &[
    (
        "PGH040",
        "PostgreSQL never overwrites a row: an UPDATE or DELETE leaves the old one behind. autovacuum removes old rows, collects
statistics for the planner, and freezes old transactions. If it is off, or track_counts, which tells it where to work, is
off, nothing seems wrong for weeks. Then tables are several times their size, and plans go wrong. If nobody vacuums by
hand, PostgreSQL starts emergency vacuums of whole tables at any hour, so as not to run out of transaction numbers. If it
does run out, it refuses every write.

Remove the setting. If vacuum takes too much at a time, autovacuum_vacuum_cost_limit and autovacuum_vacuum_cost_delay slow
it down, and a single table can have its own settings: ALTER TABLE … SET (autovacuum_enabled = off).

Source: https://www.postgresql.org/docs/current/routine-vacuuming.html",
    ),
    (
        "PGH041",
        "With archive_mode on, as it is by default here, PostgreSQL keeps each WAL file until archive_command or archive_library
reports success. Nothing on the generated machines can archive: no image has pgBackRest, WAL-G or the AWS CLI, Patroni's
unit lets PostgreSQL write only to /var/lib/postgresql, the instance role gives access only to the cluster's own passwords,
and no rule lets anything out of the network. So the command fails again and again, and all WAL stays.
max_slot_wal_keep_size does not limit this. When the disk is full, PostgreSQL stops. Patroni fails over to a standby, where
the same begins. A command that copies to the same disk ends there as well, and makes no backup.

Remove the setting. Without it you can use pg_dump through HAProxy's read port, and snapshots of the volumes (a snapshot
of one volume is consistent, like the disk after a power cut).

If you use your own image with a program that archives (each module takes ami_image_id), and have given it the access that
it needs, accept the rule and state that as the reason. The default, archive_command = \"/bin/true\", throws WAL away and
does not violate the rule: the command can be changed later without a restart, and archive_mode cannot.

Source: https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-ARCHIVING-WAL",
    ),
    (
        "PGH042",
        "archive_command and archive_library have no effect while archive_mode is off: the server starts, archives nothing, and does
not complain. Whoever reads the blueprint believes in a backup that does not exist, and finds out on the day of the restore.

Remove the settings. Before you set an archive_command, read `pgherd explain PGH041`.

Source: https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-ARCHIVE-MODE",
    ),
    (
        "PGH043",
        "These settings are for saving what can be saved from a damaged database, in one session, on a copy. In the configuration
they hold for every session for good. They turn an error that somebody would see into data that are wrong or gone:

    zero_damaged_pages        empties a page that it cannot read
    ignore_checksum_failure   reads a page whose checksum is wrong
    ignore_invalid_pages      continues recovery where pages are missing
    ignore_system_indexes     reads the catalog without its indexes
    data_sync_retry           trusts the kernel when it retries a write that failed
    session_replication_role  with `replica`, skips foreign keys and triggers

Patroni applies them on every member, so the standbys, which might have had the good copy, do the same.

Remove the setting.

Source: https://www.postgresql.org/docs/current/runtime-config-developer.html,
https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SESSION-REPLICATION-ROLE",
    ),
    (
        "PGH044",
        "hot_standby_feedback is right where standbys serve reads: the primary keeps the rows that they still read, and vacuum
cancels no read. But it keeps them for as long as any transaction on any standby is open. A transaction that a client
forgot stays open for days. Every table grows on all machines, for a reason that the primary itself does not show.

Limit such transactions on all machines:

    settings = { hot_standby_feedback = true, idle_in_transaction_session_timeout = \"10min\" }

A role that needs longer can have its own limit: ALTER ROLE report SET idle_in_transaction_session_timeout = '2h'.

Source: https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-HOT-STANDBY-FEEDBACK",
    ),
    (
        "PGH383",
        "A replication slot lives in its own files, which no WAL carries to a standby. The slot that a client of logical replication
created (Debezium, a subscription, a loader of a data warehouse) is therefore gone when another machine is promoted. The client
creates a new slot that begins at that moment, or it fails. Changes that were committed and not sent are missing downstream,
without any message. Patroni also drops slots that it does not know when a machine changes its role.

    postgres {
      logical_slots = { warehouse = \"app\" }
      user \"warehouse\" {
        databases = [\"app\"]
        access    = \"replicate\"
      }
    }

creates the slot with the plugin pgoutput and an empty publication of its name (ALTER PUBLICATION warehouse ADD TABLE …),
copies the slot to every standby, and advances it there. After a failover some changes may come twice, so clients must keep
the position that they have confirmed. A standby that was copied again has no WAL from before its copy. It can serve the
slot once the client has confirmed what lies before. A slot that nobody reads keeps WAL up to max_slot_wal_keep_size, and
is then lost. To add a slot to a running cluster: herdctl edit-config, `slots:`.

Source: https://patroni.readthedocs.io/en/latest/dynamic_configuration.html,
https://www.postgresql.org/docs/current/logicaldecoding-explanation.html#LOGICALDECODING-REPLICATION-SLOTS",
    ),
    (
        "PGH384",
        "The PostgreSQL project maintains each major for five years. The last release is in November. Half a year before it is time to
plan: an upgrade to another major takes a rehearsal with a copy, the applications' own tests, and a day.

Create a cluster of a newer major beside this one, and fill it by logical replication or by a dump. Only `pgherd check`
reports this: `pgherd gen` does not depend on the date.

Source: https://www.postgresql.org/support/versioning/",
    ),
    (
        "PGH385",
        "The PostgreSQL project maintains each major for five years. After the last release nobody fixes bugs that lose data, or
security holes that become known. PGDG's apt repository removes the packages some time later, so that you cannot even build
a new image.

Create a cluster of a newer major, and fill it. Until that is done, state who has decided so and until when:

    accept \"PGH385\" { reason = \"moves to 18 by March, ticket DBA-77; only internal clients\" }

Source: https://www.postgresql.org/support/versioning/, https://wiki.postgresql.org/wiki/Apt",
    ),
    (
        "PGH386",
        "By default PostgreSQL lets every role into every database, because PUBLIC may connect. Here it may not: a database lets in
only its owner and the users whose blocks list it. A user in the list `users` that owns no database can log in to none.

    user \"report\" {
      databases = [\"app\"]
      access    = \"read\"
    }

If you will create the role's database later by hand, accept the rule: GRANT CONNECT ON DATABASE … TO …

Source: https://www.postgresql.org/docs/current/ddl-priv.html",
    ),
    (
        "PGH387",
        "An index on text is sorted by the rules of its locale. They come from glibc (libc) or from the ICU library, change with its
version, and a newer base brings a newer one. Searching an index by newer rules than it was built with misses rows, and a
unique index lets duplicates in. glibc 2.28 changed the order of nearly everything. PostgreSQL warns about a different
version (\"collation version mismatch\") and continues. Standbys on another base than the primary do not even agree with it.

The default, C.UTF-8, sorts by code point and never changes. Sort what people read in the query, ORDER BY name COLLATE
\"de-x-icu\", or in one column. If the whole database must sort that way, accept the rule. After each new base run REINDEX
DATABASE, then ALTER DATABASE … REFRESH COLLATION VERSION.

Source: https://wiki.postgresql.org/wiki/Locale_data_changes, https://www.postgresql.org/docs/current/collation.html",
    ),
    (
        "PGH388",
        "With sync_replication_slots, a standby of PostgreSQL 17 or newer copies the primary's logical slots that were created with
failover = true. For that it connects to a database as the replication user, whom pg_hba.conf here lets in only for the WAL.
Its worker starts, fails and starts again. Besides, Patroni before 4.1 (Debian 13 has 4.0.7) takes such a slot for the slot
of a machine that is gone, and drops it when it restarts.

Use logical_slots, which does the same job with every major: Patroni creates the slots, copies them and advances them.

Source: both seen in the lab with PostgreSQL 17 and Patroni 4.0.7; https://github.com/patroni/patroni/pull/3245,
https://github.com/patroni/patroni/pull/3493",
    ),
];
