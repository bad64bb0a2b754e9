//! Rules about failovers: quorum, budget, timers.

pub const STORIES: &[(&str, &str)] = &[
    (
        "PGH001",
        "etcd holds the primary's lock, and grants it only while a majority of its members agree. Databases, and with them
etcd's members, are distributed over network.zones. If one zone holds most of the members, its loss leaves no majority.
The primary then cannot renew its lock and steps down although it is healthy, and no other machine may take over. Writes
stop until the zone is back. With two zones this is always so, because one of them holds most of an odd number.

Set three zones. If the region has no third, or if you want a single zone (for a test, or because the application lives
in that zone too), accept the rule:

    accept \"PGH001\" { reason = \"the application lives in this zone alone\" }

Source: https://etcd.io/docs/v3.5/faq/ (failure tolerance), https://patroni.readthedocs.io/en/latest/ha_multi_dc.html",
    ),
    (
        "PGH002",
        "In synchronous mode a commit waits for as many standbys as there are databases in the fullest zone, so that the loss of
a zone leaves a machine with every acknowledged commit. Where so few standbys are left that commits would wait for all of
them, they wait for one less: otherwise each standby's loss would hold up every commit. Then a zone can hold the primary
and every standby that a commit waited for. When that zone is lost, the other machines may not elect a primary, because
they may lack acknowledged commits. Writes stop until the zone is back, or until somebody decides to lose the commits
that may be missing (`herdctl failover --candidate …`).

Set as many zones as there are databases, or accept the rule.

Source: https://patroni.readthedocs.io/en/latest/replication_modes.html#quorum-commit-mode",
    ),
    (
        "PGH003",
        "slaves { count = 0 } is one PostgreSQL behind HAProxy, without replication. Patroni repairs a crash of PostgreSQL. A
crash of the machine lasts until the machine is back, and if its disk is lost, everything since the last backup is lost.
failover.synchronous has no effect, because there is no standby to wait for.

Two slaves are the minimum with which one machine may fail and commits still wait for a standby.",
    ),
    (
        "PGH004",
        "failover { rto = … } is the longest time that writes may stop when one thing fails: PostgreSQL, the primary's machine,
its network, a synchronous standby, HAProxy's process or etcd's leader. It also covers a planned switchover.
`pgherd check` adds up the timers on the way to a new primary. Where the blueprint does not set retry_timeout, it is lowered
until the sum fits, and still outlasts an election of etcd. By default loop_wait and ttl already are at Patroni's minimum, 1
s and 20 s. ttl is the largest term, so no cluster with Patroni can promise less than about 28 s.

Remove the timers that you set, or set an rto that the sum can meet.

Source: https://patroni.readthedocs.io/en/latest/dynamic_configuration.html, and the source of each term in `pgherd check`",
    ),
    (
        "PGH005",
        "failover { rpo = … } is how much of the acknowledged writes may be lost when one thing fails, in seconds of writes. An
rpo of 0 needs synchronous mode and a standby to wait for. Without synchronous mode, a primary that is cut off accepts
writes until it steps down, for loop_wait + retry_timeout, and they are rewound when it comes back. A primary that dies
has not sent its last writes.

The rpo holds for one fault at a time. When no standby is left, Patroni lets writes continue without waiting, and a
second fault then hits the only copy. With `synchronous = \"strict\"` writes stop instead, until a standby is back.

Source: https://patroni.readthedocs.io/en/latest/replication_modes.html; measured: 3 of 10 crashes lost a row without it",
    ),
    (
        "PGH006",
        "With haproxy { count = 1 } there is one HAProxy. systemd restarts its process within seconds, and the rto covers that. It does not cover the loss
of its machine. No other machine takes its address over, so clients wait until AWS has recovered the machine, or until
somebody has replaced it, in load_balancer/terraform_haproxy:

    terraform apply -replace='aws_instance.haproxy[\"haproxy\"]'

Without -replace, Terraform sees a machine that exists, and does nothing about one that hangs. The new machine has the
same address. Meanwhile the databases are healthy and lose nothing, but clients cannot connect to them past HAProxy: the
security groups and pg_hba.conf only let HAProxy's machine in.

Set haproxy { count = 2 }: the second is in another zone, and clients that know both go on within seconds. The cluster's
README has the connection strings. Or accept the rule, and state in the reason what you will do in that case.

Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-recover.html",
    ),
    (
        "PGH007",
        "A primary that cannot renew its lock retries for retry_timeout, and then steps down to be safe. etcd without a leader
grants nothing until it has elected another one. Its members wait between one and two election timeouts before that.
Patroni gives each member of etcd an equal share of retry_timeout, and spends one share on the member that is lost. If
the election may take longer than the other shares, less a second for the last request, then the loss of etcd's leader alone,
such as a reboot of a standby's machine, costs the primary its role. That outage is unnecessary.

Set a retry_timeout of at least 5 s.

Source: https://etcd.io/docs/v3.5/tuning/, Patroni's dcs/etcd.py (`_calculate_timeouts`)",
    ),
    (
        "PGH008",
        "A standby must replay all the WAL that it has received before it takes over. If a read on the standby uses what the WAL
removes (rows that were vacuumed, a table that was altered), replay waits for the read for up to
max_standby_streaming_delay or max_standby_archive_delay. Both are 30 s by default, and -1 means for ever. Only then is
the read cancelled. A promotion at that moment waits as long, and nobody can write. The sums of `pgherd check` do not
include this wait, because a cluster without long reads never has it.

Set both delays to the time that a failover may wait:

    postgres {
      settings = {
        max_standby_streaming_delay         = \"1s\"
        max_standby_archive_delay           = \"1s\"
        hot_standby_feedback                = true
        idle_in_transaction_session_timeout = \"10min\"
      }
    }

With hot_standby_feedback the primary keeps the rows that standbys still read, so vacuum conflicts with no read. Only
reads of a table that is altered are then cancelled. If reads on standbys are short, accept the rule.

Source: https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-CONFLICT",
    ),
    (
        "PGH009",
        "In synchronous mode every commit waits for a standby. A standby whose machine dies sends nothing any more. The primary
gives it up after wal_sender_timeout, and Patroni then waits for the others only, or for nobody if none is left. With 0
the primary never gives it up. If no other standby is left, commits wait until the kernel has resent the same bytes for
about a quarter of an hour.

Remove the setting. The default is 10 s.

Source: https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-WAL-SENDER-TIMEOUT",
    ),
    (
        "PGH017",
        "With failover { synchronous = \"strict\" } a commit is acknowledged only when a standby has it, and while no standby is there
it waits. With slaves { count = 0 } there never is one: the cluster would start, and hang at its first write.

Set two slaves. With one, its loss, and every failover, stops all writes until a second machine streams again. If a single
machine is what you want, remove the line: the default, `synchronous = true`, waits only while there is a standby.

Source: https://patroni.readthedocs.io/en/latest/replication_modes.html#synchronous-mode (synchronous_mode_strict)",
    ),
];
