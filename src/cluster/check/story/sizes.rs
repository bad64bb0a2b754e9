//! Rules about sizes: connections, memory, disks, networks.

pub const STORIES: &[(&str, &str)] = &[
    (
        "PGH010",
        "Every connection through HAProxy uses one of max_connections of a database. HAProxy's servers share them, except for those
that are reserved: superuser_reserved_connections, reserved_connections, and a few for Patroni, pg_rewind and people. If
so many are reserved that the rest does not give every listener one, clients are refused while the server idles.

Raise max_connections, or reserve fewer connections.

Source: https://www.postgresql.org/docs/current/runtime-config-connection.html, https://docs.haproxy.org/3.0/configuration.html#5.2-maxconn",
    ),
    (
        "PGH011",
        "PostgreSQL allocates shared_buffers when it starts, and never gives them back. It also reads through the kernel's cache, so
more than 40 % of memory rarely helps. Above three quarters, the kernel kills connections, sorts and vacuum on whichever
machine is primary. The rule looks at the master and at the slaves, whose machines may be smaller.

Remove the setting. The default is a quarter of the memory.

Source: https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-SHARED-BUFFERS",
    ),
    (
        "PGH012",
        "Each sort or hash of a query may take work_mem, and each connection runs a query. The sum of shared_buffers, work_mem for
each of max_connections, autovacuum_work_mem for each worker of autovacuum, and the system's share exceeds the machine's
memory. A busy hour can end with the kernel killing backends. Each connection also has its own page table for all of
shared_buffers, 8 bytes for every 4 KiB: 2000 connections and 4 GiB make 16 GiB of page tables. From 8 GiB of
shared_buffers on, machines reserve huge pages, and the page tables almost vanish. A query with many sorts takes work_mem
several times, so the real need may be higher than the sum.

Lower work_mem (a role or a query that needs more can set its own), lower max_connections (HAProxy and a pool queue the
rest), or use a larger machine.

Source: https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-WORK-MEM",
    ),
    (
        "PGH013",
        "With huge_pages = on, PostgreSQL refuses to start unless the kernel has reserved enough huge pages. Below 8 GiB of
shared_buffers, and before PostgreSQL 15, machines reserve none, so the cluster would not start. Otherwise they reserve at
boot as many as PostgreSQL reported while the image was built. But a kernel may not find that much contiguous memory, and a
machine that takes over must start all the same. The default, try, uses huge pages where there are enough.

Remove the setting.

Source: https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-HUGE-PAGES",
    ),
    (
        "PGH014",
        "PostgreSQL's settings for memory, parallelism and the planner follow from the memory and the processors of the smallest
database machine. pgherd's table does not have this instance type, so these settings would keep PostgreSQL's own defaults,
with 128 MB of shared_buffers. Those start anywhere, and are slow on anything large.

State beside the type what AWS says about it:

    master {
      instance_type = \"q1.large\"
      memory_gb     = 16
      vcpus         = 2
    }

Accept the rule to run with PostgreSQL's defaults and with what postgres.settings sets.

Source: https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-type-specifications.html",
    ),
    (
        "PGH015",
        "Each connection through HAProxy has two buffers of 16 KiB, one per direction. All the connections that its limits allow at
once, including those that wait, need more memory than its machine has. When everybody connects, the kernel kills HAProxy,
and every connection breaks.

Use a larger machine for HAProxy, or lower max_connections: HAProxy's limits follow from it.

Source: https://docs.haproxy.org/3.0/configuration.html#3.2-tune.bufsize",
    ),
    (
        "PGH016",
        "PostgreSQL maps all of its shared memory when it starts: shared_buffers, a table of locks with room for
max_locks_per_transaction of every connection and worker (about 400 bytes each), a table of predicate locks, the text of
each connection's query, and whatever else the settings ask for. It cannot map more than the machine's memory. No machine
of this kind would start, and the cluster could never be initialised.

Lower the setting that takes most of it, or use a larger machine.

Source: https://www.postgresql.org/docs/current/runtime-config-locks.html#GUC-MAX-LOCKS-PER-TRANSACTION",
    ),
    (
        "PGH020",
        "Every standby has a replication slot, which keeps WAL on the primary until the standby has received it. The slot of a
standby that is absent for days keeps all of it. Without max_slot_wal_keep_size the primary's disk fills, and a full disk
stops every write. A slot that exceeds the limit is dropped instead, and Patroni copies the standby again when it returns.

Remove the setting. The default is a quarter of the disk.

Source: https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-MAX-SLOT-WAL-KEEP-SIZE",
    ),
    (
        "PGH021",
        "The primary's disk must hold the WAL that slots may keep (max_slot_wal_keep_size), the WAL since the last checkpoint
(max_wal_size), and wal_keep_size. Together with the system these exceed the disk before there is a single row. An absent
standby or a busy hour fills it, and PostgreSQL stops.

Lower these settings, or enlarge the disk.

Source: https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-MAX-WAL-SIZE",
    ),
    (
        "PGH022",
        "AWS charges for gp3 operations above 3000 per second, and every instance type limits the operations of all its volumes. You
pay for operations beyond that limit and can never use them. Small instances reach their limit only for half an hour a
day. `pgherd check` shows what they can use all day.

Lower iops, or use a machine with a higher limit.

Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ebs-optimized.html",
    ),
    (
        "PGH023",
        "AWS charges for gp3 throughput above 125 MiB/s, and every instance type limits the throughput of all its volumes. You pay
for throughput beyond that limit and can never use it. Small instances reach their limit only for half an hour a day.
`pgherd check` shows what they can use all day.

Lower throughput, or use a machine with a higher limit.

Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ebs-optimized.html",
    ),
    (
        "PGH024",
        "Every standby has a replication slot, which keeps WAL on the primary until the standby has received it. A slot that keeps
more than max_slot_wal_keep_size, or that nobody used for idle_replication_slot_timeout, is dropped. Its standby must be
copied again, which takes hours with a large database. A client's logical slot loses its position in the changes. A standby
that restarts is away for a minute, one whose machine is replaced for several, and a busy primary writes a gigabyte of WAL
in seconds.

Remove both settings: pgherd sets max_slot_wal_keep_size to a quarter of the disk.

Source: https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-IDLE-REPLICATION-SLOT-TIMEOUT",
    ),
    (
        "PGH030",
        "Any standby may become primary, at any hour. A smaller one then carries the master's load with less memory or fewer
processors. Patroni gives all members the same settings, so sizes follow from the smallest machine all the time.

Use the same machines for master and slaves.",
    ),
    (
        "PGH031",
        "A standby is a copy of everything. If its disk is smaller than the master's, the data outgrow it first. The standby stops,
the master continues without it, and the cluster has one copy less although nothing has failed.

Give the slaves a disk as large as the master's.",
    ),
    (
        "PGH032",
        "t2, t3, t3a and t4g run on CPU credits. Without credits they have 5 to 40 % of their processors. A database spends the
credits under load. Then t3, t3a and t4g continue at AWS's price per vCPU-hour (unlimited mode, AWS's default for them). t2,
and any of them in an account whose default is standard mode, drop to their baseline: queries pile up and Patroni's loop
runs late. A primary that renews its lock too late is replaced by a standby with the same problem. Their network and their
link to the disks also run on credits, in either mode.

Use another instance type. For a test, accept the rule.

Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances.html",
    ),
    (
        "PGH400",
        "Everything that a database returns passes through HAProxy. Small instance types have a network baseline, and more than that
only for 5 to 60 minutes, on credits. t3.small has 128 Mbit/s (16 MB/s) and up to 5 Gbit/s, m6i.large 781 Mbit/s and up to
12.5 Gbit/s. If HAProxy's baseline is less than the sum of the databases' baselines, its network limits the cluster after
the first busy hour. Reads and writes slow down together, and no machine shows any load. `pgherd check` adds up the
databases' baselines.

The default, c6in.large, has a baseline of 3.125 Gbit/s. Use a larger size of c6in (or of c7gn for Graviton) when the
databases grow. If clients read far less than the machines could send, accept the rule:

    accept \"PGH400\" { reason = \"point reads only: 5 MB/s at the busiest\" }

Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-network-bandwidth.html",
    ),
    (
        "PGH401",
        "The primary sends all WAL to each standby over the same network that its clients use. A bulk load writes each row twice, to
the WAL and to its table, so half of the disk's throughput is WAL. If that, times the number of standbys, exceeds the
maximum of the instance type's network, the standbys fall behind. In synchronous mode commits wait for them.

Use a type with more network, a slower disk or fewer slaves. If nothing writes that fast, accept the rule.

Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-network-bandwidth.html",
    ),
    (
        "PGH402",
        "pgherd has a table of AWS's instance types with their memory, processors, network and links to EBS. It accepts a newer type
with memory_gb and vcpus, but cannot compare the disk and the network with the machine's limits. A volume may be faster than
its link, or HAProxy slower than the databases. This command shows the limits:

    aws ec2 describe-instance-types --instance-types TYPE --query 'InstanceTypes[].[EbsInfo,NetworkInfo]'

Compare them, then accept the rule.

Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypes.html",
    ),
];
