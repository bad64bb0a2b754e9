//! Settings of the WAL, of the standbys, and of logical replication.

use super::{DatabaseBlocks, Setting, manual, mib, setting};
use crate::blueprint::model::{Blueprint, least_wal_senders};
use crate::cluster::decision::list;
use crate::cluster::sizing;

/// Patroni's own default of `max_wal_senders` and `max_replication_slots`, which is the minimum here.
const WAL_SENDERS: u32 = 10;

pub fn wal(blueprint: &Blueprint, blocks: &DatabaseBlocks, major: u16) -> Vec<Setting> {
    let most = sizing::max_wal_size_mib(blocks.smallest_disk());
    let (level, why) = match blueprint.postgres.logical_slots.is_empty() {
        true => ("replica", "Standbys need this level. Logical replication would need more WAL."),
        false => ("logical", "The slots of logical_slots need this level."),
    };
    let mut all = archive(blueprint);
    all.extend([
        setting("wal_level", level, list(["postgres.logical_slots"]), why, manual!("wal", "WAL-LEVEL")),
        setting(
            "max_wal_size",
            mib(most),
            blocks.disk_attributes("size"),
            "A tenth of the disk, between 1 and 16 GiB. A larger value makes crash recovery take longer.",
            manual!("wal", "MAX-WAL-SIZE"),
        ),
        setting(
            "min_wal_size",
            mib(most / 4),
            list(["postgres.max_wal_size"]),
            "A quarter of max_wal_size is kept for reuse, so that a busy hour need not create its WAL files.",
            manual!("wal", "MIN-WAL-SIZE"),
        ),
        setting(
            "checkpoint_timeout",
            "15min",
            vec![],
            "The first change of a page after a checkpoint writes the whole page to the WAL, and all WAL goes to every standby. Fewer \
             checkpoints send less. max_wal_size still bounds recovery.",
            manual!("wal", "CHECKPOINT-TIMEOUT"),
        ),
        setting(
            "checkpoint_completion_target",
            "0.9",
            vec![],
            "A checkpoint spreads its writes over most of the time until the next one. PostgreSQL 13's default is half of that time.",
            manual!("wal", "CHECKPOINT-COMPLETION-TARGET"),
        ),
        setting(
            "wal_compression",
            if major < 15 { "on" } else { "lz4" },
            list(["postgres.version"]),
            "Most of the WAL after a checkpoint is whole pages. Compressing them costs little CPU, and saves disk and network to every \
             standby. PostgreSQL 15 is the first with lz4.",
            manual!("wal", "WAL-COMPRESSION"),
        ),
    ]);
    all
}

/// Returns the settings with which PostgreSQL ends a WAL file when it shuts down.
fn archive(blueprint: &Blueprint) -> Vec<Setting> {
    let mode = setting(
        "archive_mode",
        "on",
        vec![],
        "With archive_mode on, PostgreSQL begins a new WAL file when it shuts down. A standby that changes its primary fetches the current WAL \
         file again from its beginning, and in a new file there is little to fetch. Turning archive_mode on later needs a restart.",
        concat!(
            manual!("wal", "ARCHIVE-MODE"),
            "; ShutdownXLOG, in PostgreSQL's xlog.c; RequestXLogStreaming, in its walreceiverfuncs.c"
        ),
    );
    let command = setting(
        "archive_command",
        "/bin/true",
        vec![],
        "This command always succeeds and stores nothing, so PostgreSQL recycles its WAL files as usual. Another command takes effect with a \
         reload.",
        manual!("wal", "ARCHIVE-COMMAND"),
    );
    // PostgreSQL archives nothing while both are set.
    let library = blueprint.postgres.settings.contains_key("archive_library");
    std::iter::once(mode).chain((!library).then_some(command)).collect()
}

pub fn standbys(blueprint: &Blueprint, blocks: &DatabaseBlocks) -> Vec<Setting> {
    const SENDERS: &str = "A standby that copies the primary takes two senders, and at the start all standbys copy. The rest are for tools \
                           and clients.";
    let (timeout, retry) = if blueprint.failover.synchronous.is_on() {
        (
            "A standby whose machine died is given up after this time, instead of a minute. Commits wait for it if no other standby \
             is left. It reconnects by itself.",
            "A standby looks for its new primary this often, instead of every five seconds. Commits \
             wait until one streams. A standby that is itself promoted may also notice it only after this time.",
        )
    } else {
        (
            "A standby whose machine died is given up after this time, instead of a minute. It reconnects by itself.",
            "A standby looks for its new primary this often, instead of every five seconds. It falls \
             behind until it streams. A standby that is itself promoted may also notice it only after this time.",
        )
    };
    let logical = blueprint.postgres.logical_slots.len() as u32;
    let slaves = u32::from(blueprint.slave_count);
    let senders = WAL_SENDERS.max(slaves + least_wal_senders(slaves, logical)).to_string();
    let count = || list(["slaves.count", "postgres.logical_slots"]);
    vec![
        setting("max_wal_senders", senders.clone(), count(), SENDERS, manual!("replication", "MAX-WAL-SENDERS")),
        setting("max_replication_slots", senders, count(), SENDERS, manual!("replication", "MAX-REPLICATION-SLOTS")),
        setting(
            "max_slot_wal_keep_size",
            mib(sizing::max_slot_wal_keep_mib(blocks.smallest_disk())),
            blocks.disk_attributes("size"),
            "A quarter of the disk, so that the slot of an absent standby can never fill it.",
            manual!("replication", "MAX-SLOT-WAL-KEEP-SIZE"),
        ),
        setting("wal_sender_timeout", "10s", vec![], timeout, manual!("replication", "WAL-SENDER-TIMEOUT")),
        setting(
            "wal_receiver_timeout",
            "3s",
            vec![],
            "A standby that receives nothing from its primary for this long gives up the connection. HAProxy then sees that it follows no \
             primary, and soon stops sending it reads.",
            manual!("replication", "WAL-RECEIVER-TIMEOUT"),
        ),
        setting(
            "wal_retrieve_retry_interval",
            "100ms",
            vec![],
            retry,
            concat!(
                manual!("replication", "WAL-RETRIEVE-RETRY-INTERVAL"),
                "; WaitForWALToBecomeAvailable, in PostgreSQL's xlogrecovery.c; measured: with 1s, two of five switchovers took 1 s longer \
                 because a reload had just woken the standby that was promoted"
            ),
        ),
    ]
}

/// Returns what logical replication needs from the server.
pub fn logical(blueprint: &Blueprint, major: u16) -> Vec<Setting> {
    let mut all = vec![];
    if !blueprint.postgres.logical_slots.is_empty() {
        all.push(setting(
            "hot_standby_feedback",
            "on",
            list(["postgres.logical_slots"]),
            "Patroni turns it on wherever there are logical slots. A standby's copy of a slot needs rows of the catalog that the primary \
             would otherwise vacuum away.",
            manual!("replication", "HOT-STANDBY-FEEDBACK"),
        ));
    }
    if major >= 17 {
        all.push(setting(
            "sync_replication_slots",
            "off",
            list(["postgres.version"]),
            "PostgreSQL's own failover slots do not work with Patroni before 4.1, which takes them for slots of machines that are gone \
             and drops them. logical_slots does the same job, with every major.",
            "measured in the lab: Patroni 4.0.7 dropped a slot made with failover = true when it was restarted; \
             https://github.com/patroni/patroni/pull/3245 (in 4.1)",
        ));
    }
    all
}
