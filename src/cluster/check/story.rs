//! What `pgherd explain` tells of a rule: what happens, why it matters, what to do, and where that is written.

use crate::blueprint::rules::language;

/// The whole story of the rule of this code; empty for a code that is none.
pub fn story(code: &str) -> &'static str {
    let of_language = language::ALL.iter().map(|(rule, story)| (rule.code, *story));
    STORIES.iter().copied().chain(of_language).find(|(known, _)| *known == code).map_or("", |(_, story)| story)
}

const STORIES: &[(&str, &str)] = &[
    (
        "PGH001",
        "etcd holds the primary's lock, and grants it only while a majority of its members agree. Databases, and with them
etcd's members, are dealt out over network.zones; where one zone holds most of them, its loss leaves no majority. The
primary cannot renew its lock and steps down, although it is well, and nobody may take over: writes stop until the zone
is back. With two zones that is always so, whichever way an odd number is dealt out.

Name three zones. Where the region has no third, or one zone is what is wanted (a test, a place beside another system
that lives in the same zone), say so:

    accept \"PGH001\" { reason = \"the application lives in this zone alone\" }

Source: https://etcd.io/docs/v3.5/faq/ (failure tolerance), https://patroni.readthedocs.io/en/latest/ha_multi_dc.html",
    ),
    (
        "PGH002",
        "In synchronous mode a commit waits for one standby, and only that one may take over: any other may lack commits that
were acknowledged. Patroni chooses it by its lag, not by its zone. Where a zone holds two databases, the primary and its
synchronous standby can be those two; when the zone is lost, the rest have a quorum and may still not elect a primary.
Writes stop until the zone is back, or until somebody decides that what may be lacking is lost
(`herdctl failover --candidate …`).

Name as many zones as there are databases, have no more databases than zones, or accept it.

Source: https://patroni.readthedocs.io/en/latest/replication_modes.html#synchronous-mode",
    ),
    (
        "PGH003",
        "slaves { count = 0 } is a PostgreSQL with HAProxy in front: nothing replicates. A crash of PostgreSQL is repaired by
Patroni; a crash of the machine lasts until it is back, and what its disk loses is lost since the last backup.
failover.synchronous promises nothing, since there is nobody to wait for.

Two slaves are the least with which one machine may fail and commits still wait for a standby.",
    ),
    (
        "PGH004",
        "failover { rto = … } is the longest time that writes may stop when one thing fails: PostgreSQL, the primary's machine,
its network, the synchronous standby, HAProxy's process, etcd's leader, or a planned switchover. `pgherd check` adds up the timers on the way to
a new primary; those that the blueprint does not write are lowered until the sum fits: retry_timeout down to what an
election of etcd takes, loop_wait down to 1 s. ttl is at Patroni's minimum of 20 s already, and is the largest term:
below about 27 s no Patroni can promise anything.

Leave out timers that you wrote, or state an rto that the sum can meet.

Source: https://patroni.readthedocs.io/en/latest/dynamic_configuration.html, and each term's own in `pgherd check`",
    ),
    (
        "PGH005",
        "failover { rpo = … } is how much of what was acknowledged may be lost when one thing fails, in seconds of writes. 0 takes
synchronous mode and a standby to wait for. Without synchronous mode a primary that is cut off takes writes until it steps
down, for loop_wait + retry_timeout, and they are rewound when it comes back; one that dies had not sent its last ones.

rpo holds for one fault at a time: when no standby is left, Patroni lets writes go on without waiting, and a second fault
then finds one copy.

Source: https://patroni.readthedocs.io/en/latest/replication_modes.html; measured: 3 of 10 crashes lost a row without it",
    ),
    (
        "PGH006",
        "There is one HAProxy. systemd starts its process again within seconds, and the rto covers that. Its machine is another
matter: nobody takes its address over, so clients wait until AWS has recovered the machine or somebody has replaced it, in
load_balancer/terraform_haproxy:

    terraform apply -replace=aws_instance.haproxy

Without -replace Terraform sees a machine that exists, and does nothing about one that hangs. The new one has the same
address. The databases are well meanwhile, and lose nothing; but clients cannot go to them past HAProxy: the security
groups and pg_hba.conf let them in from there alone.

Accept it with what you do then as the reason.

Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-recover.html",
    ),
    (
        "PGH007",
        "A primary that cannot renew its lock retries for retry_timeout and then steps down, to be safe. etcd without a leader
grants nothing until it has elected another: its members wait between one and two election timeouts. Where that may be
longer than the retries, the loss of etcd's leader alone, say a reboot of a standby's machine, costs the primary its
place: an outage that nothing called for.

Write a retry_timeout that covers two election timeouts (4 s).

Source: https://etcd.io/docs/v3.5/tuning/, https://patroni.readthedocs.io/en/latest/dynamic_configuration.html",
    ),
    (
        "PGH008",
        "A standby may only take over when it has replayed all the WAL that it has received. Where a read on it uses what the
WAL takes away (rows that vacuum removed, a table that is altered), replay waits for the read:
max_standby_streaming_delay and max_standby_archive_delay long, by default 30 s each, and for ever with -1. Only then
is the read cancelled. A promotion in that moment waits as long, and nobody writes; the sums of `pgherd check` do not
count it, since a cluster without long reads never pays it.

Write both delays as long as a failover may wait:

    postgres {
      settings = {
        max_standby_streaming_delay         = \"1s\"
        max_standby_archive_delay           = \"1s\"
        hot_standby_feedback                = true
        idle_in_transaction_session_timeout = \"10min\"
      }
    }

hot_standby_feedback has the primary keep the rows that standbys still read, so that vacuum is in nobody's way; what is
left to cancel are reads of a table that is altered. Or accept it where reads on standbys are short.

Source: https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-CONFLICT",
    ),
    (
        "PGH009",
        "In synchronous mode every commit waits for the standby. A standby whose machine dies says nothing any more, and the
primary gives it up after wal_sender_timeout; Patroni then names another one. With 0 it never does: commits wait until
the kernel has sent the same bytes for about a quarter of an hour without an answer.

Leave the setting out for 10 s.

Source: https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-WAL-SENDER-TIMEOUT",
    ),
    (
        "PGH010",
        "Every connection through HAProxy ends in one of max_connections of a database. HAProxy's servers share them out, less
those that are kept: superuser_reserved_connections, reserved_connections, and a few for Patroni, pg_rewind and people.
Where so many are kept that the rest does not give every listener one, clients would be refused while the server idles.

Raise max_connections, or reserve fewer.

Source: https://www.postgresql.org/docs/current/runtime-config-connection.html, https://docs.haproxy.org/3.0/configuration.html#5.2-maxconn",
    ),
    (
        "PGH011",
        "shared_buffers is taken when PostgreSQL starts and never given back. PostgreSQL reads through the kernel's cache as
well, so more than 40 % of memory rarely helps; above three quarters connections, sorts and vacuum are what the kernel
kills, on whichever machine is the primary then. Both kinds of machines count: the slaves' may be the smaller.

Leave it out for a quarter of the memory.

Source: https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-SHARED-BUFFERS",
    ),
    (
        "PGH012",
        "Each sort or hash of a query may take work_mem, and each connection runs a query. shared_buffers, work_mem once for
each of max_connections, autovacuum_work_mem for each worker of autovacuum, and what the system takes are more than the
machine has: a busy hour can end with the kernel killing backends. Each connection also has a page table of its own of all
of shared_buffers, 8 bytes for 4 KiB: 2000 connections and 4 GiB are 16 GiB of tables. From 8 GiB of shared_buffers on
machines set huge pages aside, and the tables shrink to nothing. A query with many sorts takes work_mem several times, so the sum is low
rather than high.

Lower work_mem (a role or a query that needs more can set its own), lower max_connections (HAProxy and a pool hold what
waits), or take a larger machine.

Source: https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-WORK-MEM",
    ),
    (
        "PGH013",
        "huge_pages = on makes PostgreSQL refuse to start unless the kernel has set aside enough huge pages. Below 8 GiB of
shared_buffers (and before PostgreSQL 15) machines set none aside, so the cluster would not come up. From there on they
do, at boot, as many as PostgreSQL said while the image was made; but a kernel may have fewer in one piece, and a machine
that fails over must start all the same. The default, try, takes them where there are enough.

Leave it out.

Source: https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-HUGE-PAGES",
    ),
    (
        "PGH014",
        "PostgreSQL's memory, parallelism and planner settings follow from the memory and the processors of the smallest database
machine. This type is not in pgherd's table, so they would stay at PostgreSQL's own defaults, with 128 MB of shared_buffers: made to start anywhere, and slow on anything large.

Write what AWS says of it beside it:

    master {
      instance_type = \"q1.large\"
      memory_gb     = 16
      vcpus         = 2
    }

Accept it to run on PostgreSQL's defaults and on what postgres.settings says.

Source: https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-type-specifications.html",
    ),
    (
        "PGH015",
        "Each connection through HAProxy has two buffers of 16 KiB, one a direction. All that its limits let in at once, waiting
ones included, need more than its machine has: in the hour when everybody connects, the kernel kills HAProxy, and with it
every connection.

Take a larger machine for HAProxy, or lower max_connections: HAProxy's limits follow from it.

Source: https://docs.haproxy.org/3.0/configuration.html#3.2-tune.bufsize",
    ),
    (
        "PGH016",
        "PostgreSQL maps all of its shared memory when it starts: shared_buffers, a table of locks with room for
max_locks_per_transaction of every connection and worker (about 400 bytes each), one of predicate locks, the text of each
connection's query, and what else the settings ask for. More than the machine's memory cannot be mapped: no machine of
this kind would start, and the cluster would never be founded.

Lower what takes most of it, or take a larger machine.

Source: https://www.postgresql.org/docs/current/runtime-config-locks.html#GUC-MAX-LOCKS-PER-TRANSACTION",
    ),
    (
        "PGH020",
        "Every standby has a replication slot, which keeps WAL on the primary until the standby has it. A standby that is gone
for days keeps all of them: without max_slot_wal_keep_size the primary's disk fills, and a full disk stops every write.
A capped slot is dropped instead, and the standby is copied anew when it returns, which Patroni does by itself.

Leave the setting out for a quarter of the disk.

Source: https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-MAX-SLOT-WAL-KEEP-SIZE",
    ),
    (
        "PGH021",
        "WAL on the primary's disk is what slots may keep (max_slot_wal_keep_size), what a checkpoint may be behind
(max_wal_size), and wal_keep_size. Together with the system they are more than the disk, before there is one row: an
absent standby or a busy hour fills it, and PostgreSQL stops.

Lower them, or enlarge the disk.

Source: https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-MAX-WAL-SIZE",
    ),
    (
        "PGH022",
        "gp3 sells operations a second above 3000, and every instance type has a limit of its own to all of its volumes. What the
volume can do beyond that limit is paid for and never used. Small instances reach their limit for half an hour a day
only; `pgherd check` shows what they have all day.

Write less, or take a machine with more.

Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ebs-optimized.html",
    ),
    (
        "PGH023",
        "gp3 sells throughput above 125 MiB/s, and every instance type's link to its volumes has a limit of its own. What the
volume can do beyond it is paid for and never used. Small instances reach their limit for half an hour a day only;
`pgherd check` shows what they have all day.

Write less, or take a machine with more.

Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ebs-optimized.html",
    ),
    (
        "PGH024",
        "Every standby has a replication slot, which keeps WAL on the primary until the standby has it. A slot that keeps more
than max_slot_wal_keep_size, or that nobody used for idle_replication_slot_timeout, is given up, and its standby must be
copied anew, which takes hours where the data is large; a client's logical slot is lost with its place in the changes. A
standby that restarts is away for a minute, one whose machine is replaced for some, and a busy primary writes a gigabyte
of WAL in seconds.

Leave both out: pgherd sets max_slot_wal_keep_size to a quarter of the disk.

Source: https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-IDLE-REPLICATION-SLOT-TIMEOUT",
    ),
    (
        "PGH030",
        "Every standby may become the primary, at an hour that nobody chose. A smaller one then carries what the master carried,
with less memory or fewer processors; and since Patroni gives all members the same settings, sizes follow from the
smallest machine all the time.

Keep master and slaves alike.",
    ),
    (
        "PGH031",
        "A standby is a copy of everything. Where its disk is smaller than the master's, the data outgrow it first: it stops, the
master goes on without it, and the cluster has a copy less without anything having failed.

Give the slaves the master's disk.",
    ),
    (
        "PGH032",
        "t2, t3, t3a and t4g run on CPU credits: all day they have 5 to 40 % of their processors. A database spends the credits
under load. t3, t3a and t4g then go on at AWS's price for each vCPU-hour (unlimited mode, AWS's default for them); t2, and
any of them in an account whose default is standard mode, drop to their baseline: queries pile up, Patroni's loop gets
late, and a primary that renews its lock too late is replaced by a standby with the same trouble. Their network and their
link to the disks run on credits as well, in either mode. For a test that is fine: accept it.

Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances.html",
    ),
    (
        "PGH040",
        "PostgreSQL never overwrites a row: an UPDATE or DELETE leaves the old one, and autovacuum takes it away, counts what is
there for the planner, and freezes old transactions. Without it, or without track_counts, which tells it where work is,
nothing happens for weeks. Then tables are several times their size, plans go wrong at once, and as long as nobody
vacuums by hand, PostgreSQL starts emergency vacuums of whole tables at an hour of its own, so as not to run out of
transaction numbers; if it does run out, it refuses every write.

Leave it out. If vacuum takes too much at a time, autovacuum_vacuum_cost_limit and autovacuum_vacuum_cost_delay slow it
down, and a single table can have settings of its own: ALTER TABLE … SET (autovacuum_enabled = off).

Source: https://www.postgresql.org/docs/current/routine-vacuuming.html",
    ),
    (
        "PGH041",
        "With archive_mode on, PostgreSQL keeps each WAL file until archive_command, or archive_library, has said that it has it.
On the machines as they are made nothing can: no image has pgBackRest, WAL-G or the AWS CLI, Patroni's unit lets
PostgreSQL write to /var/lib/postgresql alone, the instance role opens nothing but the cluster's own passwords, and no
rule lets anything out of the network. So the command fails, again and again, and all WAL stays: max_slot_wal_keep_size
does not cap this. When the disk is full, PostgreSQL stops; Patroni fails over to a standby, where the same begins. A
command that copies onto the same disk ends there as well, and is no backup.

Leave archive_mode out. What can be done without it: pg_dump through HAProxy's read port, and snapshots of the
volumes (a snapshot of one volume is a consistent copy, as after a power cut).

Whoever has an image of their own with a program that archives (each module takes ami_image_id), and has opened what it
needs, accepts the rule with that as the reason. archive_mode with archive_command = \"/bin/true\" throws WAL away and
breaks no rule: the command can be changed later without a restart, archive_mode cannot.

Source: https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-ARCHIVING-WAL",
    ),
    (
        "PGH042",
        "archive_command and archive_library only do something while archive_mode is on. It is off by default: the server starts,
nothing is archived, and nothing complains. Whoever reads the blueprint believes in a backup that is not there, and finds
out on the day of the restore.

Take the setting out. Before you turn archive_mode on, read `pgherd explain PGH041`.

Source: https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-ARCHIVE-MODE",
    ),
    (
        "PGH043",
        "These settings are for the hour in which somebody saves what can be saved from a damaged database, in one session, on a
copy. In the configuration they hold for every session for good, and turn an error that somebody would see into data
that are wrong or gone:

    zero_damaged_pages        empties a page that it cannot read
    ignore_checksum_failure   reads a page whose checksum is wrong
    ignore_invalid_pages      goes on in recovery where pages are missing
    ignore_system_indexes     reads the catalog without its indexes
    data_sync_retry           believes the kernel's second answer about a write whose first was an error
    session_replication_role  with `replica`, foreign keys and triggers are passed over

Patroni writes them to every member, so the standbys, which might have had the good copy, do the same.

Leave them out.

Source: https://www.postgresql.org/docs/current/runtime-config-developer.html,
https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SESSION-REPLICATION-ROLE",
    ),
    (
        "PGH044",
        "hot_standby_feedback is right where standbys serve reads: the primary keeps the rows that they still look at, and vacuum
cancels no read. But it keeps them for as long as any transaction on any standby is open, and one that a client has
forgotten is open for days: every table grows, on all machines, for a reason that the primary itself does not show.

Give such transactions an end, on all machines:

    settings = { hot_standby_feedback = true, idle_in_transaction_session_timeout = \"10min\" }

A role that needs longer can have its own: ALTER ROLE report SET idle_in_transaction_session_timeout = '2h'.

Source: https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-HOT-STANDBY-FEEDBACK",
    ),
    (
        "PGH050",
        "network.admins opens SSH (port 22) on every machine to those ranges. Machines let in by key alone, and the key is the EC2
key pair that key_name names: without one the port is open and nobody can log in, so nobody can run `herdctl` or read a
log either. A key_name that is added later replaces the machine, since AWS only writes a key at the first boot: better
to have it from the start. admins, the other way round, can be added at any time: that only changes a security group.

    master  { key_name = \"dba\" }
    slaves  { key_name = \"dba\" }
    haproxy { key_name = \"dba\" }

Accept it where admins are to see the stats page alone, or where an image of your own lets them in by other means.

Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-key-pairs.html",
    ),
    (
        "PGH090",
        "accept \"…\" says that a rule is broken on purpose, and keeps it quiet. The blueprint has changed and breaks it no more;
the block would keep it quiet when it is broken again, for another reason.

Take the block out.",
    ),
    (
        "PGH311",
        "Each range, group or prefix list of network.clients and network.admins is a rule for each port that it opens: 61 admins are
122 rules in HAProxy's group, for SSH and the stats page. AWS gives a security group 60 rules in each direction unless it was
asked for more, and the apply would stop in the middle at the 61st. A prefix list counts as many rules as it may have
entries, which its owner knows and this check does not: here it counts as one.

Ask for more before the run; it takes minutes, as a rule. Or write wider ranges, or the id of a security group that
the machines of clients are in: that is one rule, however many they are.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html",
    ),
    (
        "PGH312",
        "The rules of all security groups of a network interface are at most 1,000, whatever quota AWS was asked for, and each
machine here is in one group.

Write wider ranges, or the id of a security group that the machines of clients are in.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html",
    ),
    (
        "PGH340",
        "pgherd knows AWS's regions from a list with a date. A region that is not on it is either a new one or a slip of the pen.
A new one works: `run` asks AWS (`aws ec2 describe-regions`) before it builds or makes anything, and says what AWS says. Terraform's
AWS provider has such a list as well, and refuses a region that is younger than itself.

Accept it for a region that AWS does have.

Source: https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html",
    ),
    (
        "PGH341",
        "pgherd knows the zones of AWS's regions from a list with a date; which of them an account has can differ. A zone that is
not on the list is either a new one or a slip of the pen. `run` asks AWS (`aws ec2 describe-availability-zones`) before it builds or
makes anything.

Accept it for a zone that the account does have.

Source: https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html",
    ),
    (
        "PGH342",
        "Terraform's AWS provider holds a list of regions of its own, and refuses one that is younger than itself (`invalid AWS
Region`). The generated modules take version 5.100 and later ones; this region needs a version 6 that knows it. `run` plans the
network before it builds anything, so an older provider's refusal costs no image.

    terraform -chdir=network/terraform_network init -upgrade

Source: https://registry.terraform.io/providers/hashicorp/aws/latest",
    ),
    (
        "PGH383",
        "A replication slot lives in files of its own, which no WAL carries to a standby. The slot that a client of logical
replication made (Debezium, a subscription, a warehouse's loader) is therefore gone when another machine is promoted. The
client makes a new one that begins at that moment, or it fails; what was committed and not sent is missing downstream, and
nobody says so. Patroni also drops slots that it does not know when a machine changes its part.

    postgres {
      logical_slots = { warehouse = \"app\" }
      user \"warehouse\" {
        databases = [\"app\"]
        access    = \"replicate\"
      }
    }

makes the slot with the plugin pgoutput and an empty publication of its name (ALTER PUBLICATION warehouse ADD TABLE …), copies
the slot to every standby, and moves it forward there. After a failover some
changes may come twice: clients keep the position that they have confirmed. A standby that was copied anew has no WAL from
before its copy: it can take over once the client has confirmed what lies before. A slot that nobody reads keeps WAL up to
max_slot_wal_keep_size, then it is lost. To add one to a cluster that runs: herdctl edit-config, `slots:`.

Source: https://patroni.readthedocs.io/en/latest/dynamic_configuration.html,
https://www.postgresql.org/docs/current/logicaldecoding-explanation.html#LOGICALDECODING-REPLICATION-SLOTS",
    ),
    (
        "PGH384",
        "The PostgreSQL project mends each major for five years; the last release is in November. Half a year before it is time to
plan: what an upgrade to another major takes is a rehearsal with a copy, the applications' own tests, and a day.

Found a cluster of a newer major beside this one and fill it, by logical replication or by a dump. `pgherd gen` does not
depend on the day; `pgherd check` alone tells this.

Source: https://www.postgresql.org/support/versioning/",
    ),
    (
        "PGH385",
        "The PostgreSQL project mends each major for five years. After the last release nobody does: faults that lose data and holes
that let people in become known, with no update to close them. PGDG's apt repository takes the packages away some time
later, so that a new image cannot even be built.

Found a cluster of a newer major and fill it. Until that is done, say who has decided so and until when:

    accept \"PGH385\" { reason = \"moves to 18 by March, ticket DBA-77; clients are inside alone\" }

Source: https://www.postgresql.org/support/versioning/, https://wiki.postgresql.org/wiki/Apt",
    ),
    (
        "PGH386",
        "PostgreSQL lets every role into every database, because PUBLIC may connect. Here it may not: a database lets in its owner
and the users whose blocks name it. A user of the list `users` that owns no database can log in to nothing.

    user \"report\" {
      databases = [\"app\"]
      access    = \"read\"
    }

Accept it for a role whose database is made by hand later: GRANT CONNECT ON DATABASE … TO …

Source: https://www.postgresql.org/docs/current/ddl-priv.html",
    ),
    (
        "PGH387",
        "An index on text is sorted by the rules of its locale. With libc these are glibc's, with ICU that library's; both change with
their versions, and a newer base brings a newer one. An index that was built by the old rules and is searched by the new
misses rows, and a unique one lets duplicates in. glibc 2.28 moved nearly everything. PostgreSQL warns of a version that
differs (\"collation version mismatch\") and goes on; standbys on another base than the primary do not even agree with it.

The default, C.UTF-8, sorts by code points and never changes. What people read is sorted in the query, ORDER BY name
COLLATE \"de-x-icu\", or in one column. Where the whole database must sort so, accept it, and after each new base: REINDEX
DATABASE, then ALTER DATABASE … REFRESH COLLATION VERSION.

Source: https://wiki.postgresql.org/wiki/Locale_data_changes, https://www.postgresql.org/docs/current/collation.html",
    ),
    (
        "PGH388",
        "sync_replication_slots has a standby of PostgreSQL 17 or newer copy the primary's logical slots that were made with
failover = true. It connects to a database for that, as the replication user, whom pg_hba.conf here lets in for the WAL
alone: its worker starts, fails and starts again. And Patroni before 4.1 (Debian 13 has 4.0.7) takes such a slot for that of a
machine that is gone: restarted, it drops it.

logical_slots does the same with every major: Patroni makes the slots, copies them and moves them forward.

Source: both seen in the lab with PostgreSQL 17 and Patroni 4.0.7; https://github.com/patroni/patroni/pull/3245, https://github.com/patroni/patroni/pull/3493",
    ),
    (
        "PGH400",
        "Every answer of a database passes through HAProxy. Small instance types have a network baseline all day and a maximum for
5 to 60 minutes, on credits: t3.small has 128 Mbit/s (16 MB/s) and 5 Gbit/s, m6i.large 781 Mbit/s and 12.5 Gbit/s. Where
HAProxy's baseline is less than what the databases can send at theirs, its network is the cluster's limit after the first
busy hour: reads and writes slow down together, and no machine shows a load. `pgherd check` adds up what the databases
have all day.

The default, c6in.large, has 3.125 Gbit/s all day. Take a larger size of c6in (of c7gn for Graviton) when the databases
grow, or accept the rule where clients read far less than machines could send:

    accept \"PGH400\" { reason = \"point reads only: 5 MB/s at the busiest\" }

Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-network-bandwidth.html",
    ),
    (
        "PGH401",
        "The primary sends all WAL to each standby over the same network that its clients use. A bulk load writes each row
twice, to the WAL and to its table, so that half of what the disk takes is WAL. Where that, times the standbys, is more
than the instance type can send even for a while, the standbys fall behind, and in synchronous mode commits wait for them.

Take a type with more network, a slower disk or fewer slaves. Accept the rule where nothing writes that fast.

Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-network-bandwidth.html",
    ),
    (
        "PGH402",
        "pgherd has a table of AWS's instance types with their memory, processors, network and links to EBS. A type that AWS has
added since is accepted with memory_gb and vcpus, but nobody holds the disk's and the network's figures against what
the machine can do: a volume may be faster than its link, HAProxy slower than the databases.

    aws ec2 describe-instance-types --instance-types TYPE --query 'InstanceTypes[].[EbsInfo,NetworkInfo]'

shows them. Compare, then accept the rule.

Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypes.html",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint::rules;

    #[test]
    fn every_rule_has_its_story_and_no_story_is_left_over() {
        let told: Vec<&str> = STORIES.iter().map(|(code, _)| *code).collect();
        let codes: Vec<&str> = rules::ALL.iter().map(|rule| rule.code).collect();
        assert_eq!(told, codes);
    }
}
