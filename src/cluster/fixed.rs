//! Decisions that are the same in every cluster: timers, limits, ports and versions that no blueprint can change.
//!
//! Each is declared here once, with its reason and source. Templates and Terraform are filled from the values, and comments in the
//! generated files are the reasons.

use serde::Serialize;

use super::decision::{Decision, Ledger};

/// A value that can be changed, to see what depends on it.
trait Perturb {
    /// Gives it another value.
    fn change(&mut self);
}

macro_rules! numbers {
    ($($kind:ty),*) => { $(impl Perturb for $kind { fn change(&mut self) { *self += 1 } })* };
}
numbers!(u16, u32, i32);

impl Perturb for &'static str {
    fn change(&mut self) {
        *self = "another";
    }
}

macro_rules! fixed {
    ($($(#[$doc:meta])* $area:ident: $Area:ident {
        $($name:ident: $kind:ty = $value:literal $unit:literal, $why:expr, $source:expr;)*
    })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
            pub struct $Area { $(#[doc = concat!("The value of `", stringify!($area), ".", stringify!($name), "`.")] pub $name: $kind),* }
        )*

        /// All of these values, by area.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        pub struct Fixed { $($(#[$doc])* pub $area: $Area),* }

        impl Fixed {
            /// The values that every cluster has.
            pub const DEFAULT: Fixed = Fixed { $($area: $Area { $($name: $value),* }),* };

            /// Records the values as decisions.
            pub(super) fn record(&self, ledger: &mut Ledger) {
                $($(
                    let name = concat!(stringify!($area), ".", stringify!($name));
                    let value = format!("{}{}", self.$area.$name, $unit);
                    ledger.add(name, value, vec![], $why, $source, |c| c.fixed.$area.$name.change());
                )*)*
            }

            /// Returns the values as decisions, with their reasons.
            pub fn decisions(&self) -> Vec<Decision> {
                let mut ledger = Ledger::default();
                self.record(&mut ledger);
                ledger.into_decisions()
            }
        }
    };
}

const HAPROXY: &str = "https://docs.haproxy.org/3.0/configuration.html#4.2";
const HAPROXY_CHECK: &str = "https://docs.haproxy.org/3.0/configuration.html#5.2-inter";
const HAPROXY_STATS: &str = "https://docs.haproxy.org/3.0/configuration.html#3.1-stats%20timeout";
const PATRONI: &str = "https://patroni.readthedocs.io/en/latest/dynamic_configuration.html";
const PATRONI_QUERIES: &str = "https://github.com/patroni/patroni/blob/v4.0.7/patroni/postgresql/config.py";
const ETCD: &str = "https://etcd.io/docs/v3.5/op-guide/maintenance/";
const SERVICE: &str = "https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html";
const EXEC: &str = "https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html";
const TIMER: &str = "https://www.freedesktop.org/software/systemd/man/latest/systemd.timer.html";
const BOTO: &str = "https://botocore.amazonaws.com/v1/documentation/api/latest/reference/config.html";
const DESIGN: &str = "this cluster's design";
const NLB: &str = "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html";
const OWN: &str = "each program's own default";
const GP3: &str = "https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html";
const QUIET: &str = "Two log lines per minute show that it is still waiting, without filling the log.";
const OOM: &str = "The kernel must not kill it when memory runs out, because without it there is no primary.";
const FILES: &str = "Each connection is a file. This is more than any limit on connections here can require.";
const AT_ONCE: &str = "It restarts within a second or two, however often it fails. Every second counts, and an endless loop shows in the log.";
const FEW: &str = "A process in the same region responds within milliseconds or not at all.";

fixed! {
    /// TCP ports, besides those that the blueprint sets.
    port: FixedPorts {
        postgres: u16 = 5432 "", "PostgreSQL's default port, which every tool knows.", OWN;
        patroni: u16 = 8008 "", "Patroni's REST API reports who is primary and who lags.", OWN;
        disk: u16 = 8009 "", "HAProxy asks here how full the disk of PostgreSQL's data is. The port beside Patroni's is free on every base.", DESIGN;
        etcd_client: u16 = 2379 "", "Patroni uses etcd here, and so do machines that join it.", OWN;
        etcd_peer: u16 = 2380 "", "etcd's members talk to each other here.", OWN;
        ssh: u16 = 22 "", "Administration by SSH is open only to the blueprint's admins.", OWN;
        https: u16 = 443 "", "AWS's APIs listen here.", OWN;
    }
    /// HAProxy's timers and checks, besides those that a failover depends on.
    haproxy: FixedHaproxy {
        connect_timeout: u32 = 300 " ms", "The timeout is short because everything is in one region, and kernels accept connections however busy their servers are. A machine that does not respond by then is gone, or one packet was lost: the retry goes to another server.", "https://docs.haproxy.org/3.0/configuration.html#4.2-timeout%20connect; measured together with the intervals of checks";
        idle_timeout: u32 = 24 " h", "A running statement sends nothing until it ends, so HAProxy sees an idle session. CREATE INDEX, VACUUM or a dump may take hours. Keepalives detect dead peers within minutes.", HAPROXY;
        keepalive_idle: u32 = 60 " s", "A silent peer gets a keepalive probe after this time. The kernel's default is two hours.", HAPROXY;
        keepalive_interval: u32 = 10 " s", "The probe is repeated at this interval until the peer responds.", HAPROXY;
        keepalive_count: u32 = 6 "", "After this many probes without a response the peer counts as dead. That takes two minutes, as with PostgreSQL's settings on its side.", HAPROXY;
        check_timeout: u32 = 2 " s", "A Patroni that has not responded to a check by then counts as failed, like one that refuses the connection.", HAPROXY;
        user_timeout: u32 = 10 " s", "A peer that acknowledges nothing that was sent to it for this long counts as dead. Keepalives do not detect it, because the kernel sends none while sent data is not acknowledged.", "https://docs.haproxy.org/3.0/configuration.html#5.1-tcp-ut; tcp(7), TCP_USER_TIMEOUT";
        queue_timeout: u32 = 30 " s", "A client waits this long while all connections are taken, instead of being refused at once. While there is no primary, nobody waits: HAProxy closes the connection at once, and the client tries again.", "https://docs.haproxy.org/3.0/configuration.html#4.2; measured: without a server that is up the connection is closed within milliseconds";
        retries: u32 = 3 "", "The first retry of a failed connection already goes to another server.", HAPROXY;
        read_lag_mb: u32 = 16 " MB", "A standby that lacks more than one WAL segment, about a second's work of a busy primary, gets no new connections. It keeps those that it has.", "https://patroni.readthedocs.io/en/latest/rest_api.html";
        fallback_inter: u32 = 500 " ms", "HAProxy uses this interval whether the server is up or down. More frequent checks would take processor time from Patroni while it fails over.", "measured: a switchover took 1.30 to 1.64 s with checks every 200 ms (n = 8), 1.29 to 1.50 s with rare ones (n = 8)";
        fallback_rise: u32 = 3 " checks", "When HAProxy starts, a standby serves reads after its first good check. The primary needs more of them, so that standbys are found first.", "measured: with one check, the read port led to the primary for up to half a second after each start; https://docs.haproxy.org/3.0/configuration.html#5.2-rise";
        first_checks: u32 = 200 " ms", "After a start, the first checks of all servers begin within this time. By default HAProxy spreads them over two seconds here, the longest interval of any of its checks.", "https://docs.haproxy.org/3.0/configuration.html#3.2-max-spread-checks; start_checks, in HAProxy's check.c; measured with three databases: reads 0.7 to 1.1 s after a start by default, 0.2 s with this";
        command_timeout: u32 = 30 " s", "A person at the socket may take some time between two commands.", HAPROXY_STATS;
        request_timeout: u32 = 5 " s", "A client that does not finish its request must not hold one of the admin port's connections for long.", HAPROXY;
        page_timeout: u32 = 30 " s", "People, Prometheus and probes send a request and leave.", HAPROXY;
        page_refresh: u32 = 5 " s", "The stats page reloads itself, so that it shows a failover as it happens.", HAPROXY_STATS;
        api_timeout: u32 = 10 " s", "Patroni may have to ask etcd before it reports the cluster's state.", HAPROXY;
        api_inter: u32 = 2 " s", "No client waits for this check. It only selects a machine whose Patroni is alive.", HAPROXY_CHECK;
        api_fall: u32 = 2 " checks", "One failed check may be chance. Two are not.", HAPROXY_CHECK;
        etcd_timeout: u32 = 3 " s", "A member of etcd reports what it knows without asking the others, within milliseconds. One that takes longer hangs.", HAPROXY;
        at_least: &'static str = "2.4" "", "The oldest maintained version that has http-check send and monitor-uri as haproxy.cfg uses them.", "https://www.haproxy.org/";
    }
    /// Patroni's settings, besides its timers.
    patroni: FixedPatroni {
        maximum_lag_on_failover: u32 = 1048576 " bytes", "A standby that lacks more WAL than this cannot become primary.", PATRONI;
        failsafe_mode: &'static str = "true" "", "While etcd has no majority, the primary continues as long as it reaches every other Patroni and none objects. Without this, a healthy primary steps down. It needs all of them: where whole machines are gone and not only their etcd, it steps down all the same. A standby that it has reached does not take over.", "measured in the lab (tests/bench/failsafe.py 2, 16 trials): with etcd stopped on both standbys for a minute, writes stopped for 47 and 49 s without it, and for 0.5 and 0.4 s with it; with the primary cut off from etcd alone, for 14 s and a failover without it, and for 0.5 s with it; with the primary cut off from everything, for 22 s either way; two machines never acknowledged writes at once. https://patroni.readthedocs.io/en/latest/dcs_failsafe_mode.html";
        member_slots_ttl: u32 = 24 " h", "The slot of an absent standby keeps WAL for this long, so that a machine that is repaired within a day need not be copied again. max_slot_wal_keep_size limits it as well.", PATRONI;
        safety_margin: u32 = 5 " s", "The watchdog fires this long before another machine could take the lock. A machine whose Patroni hangs is rebooted before a second primary can exist.", "https://patroni.readthedocs.io/en/latest/watchdog.html";
        at_least: &'static str = "4.0.6" "", "Older versions overwrote a new leader's key when they came back after being cut off, and acknowledged rows were lost. 4.0.6 also ignores stale members of etcd.", "measured: half of the trials with 3.0.2 lost rows; https://patroni.readthedocs.io/en/latest/releases.html";
    }
    /// etcd's settings, besides its timing.
    etcd: FixedEtcd {
        founders: u32 = 2 " members", "Two members start etcd's cluster, and the others join it. Neither can start it alone, and no other machine is needed for it. If all members had to start it together, etcd could not agree on its version, for which Patroni waits, until the last one had booted.", "https://etcd.io/docs/v3.5/op-guide/clustering/";
        history: u32 = 1 " h", "Patroni rewrites a handful of keys all the time. An hour of their history is more than anybody needs.", ETCD;
        quota: u32 = 1073741824 " bytes", "History that compaction missed must never fill the disk. A gibibyte is a thousand times what Patroni's keys take.", ETCD;
        corrupt_check: u32 = 300 " s", "etcd's leader compares the keys of all members this often, and each member does when it starts. A member that differs does not start. If a running one differs, etcd raises the alarm CORRUPT and refuses every call, because members that disagree could name two primaries; Patroni's failsafe mode keeps the primary. `pgherd status` compares them too.", "measured with etcd 3.4.23 and 3.5.16: all members restart within 0.7 s with the check and without it, and no alarm in 25 compactions at deleted keys; https://etcd.io/docs/v3.5/op-guide/data_corruption/";
        at_least: &'static str = "3.4" "", "The first version with pre-vote, and with the JSON API that machines use to join.", "https://github.com/etcd-io/etcd/blob/main/CHANGELOG/CHANGELOG-3.4.md";
        call_timeout: u32 = 3 " s", FEW, DESIGN;
        change_timeout: u32 = 10 " s", "All members have to agree on a change of members.", DESIGN;
        restart: u32 = 2 " s", AT_ONCE, SERVICE;
        nice: i32 = -5 "", "etcd runs before the database does. A heartbeat that waits for a query costs the leader its place.", EXEC;
        cpu_weight: u32 = 1000 "", "etcd gets ten times another service's share of a busy processor. Where services have shares, niceness only counts among the processes of one service. Nothing similar exists for the disk: ionice and IOWeight need an I/O scheduler, and EC2's NVMe volumes have none. There it helps that few writes wait ahead of etcd's (kernel.dirty_bytes).", "https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files; https://docs.kernel.org/block/ioprio.html";
        yield_every: u32 = 30 " s", "Losing the primary and etcd's leader at once costs several more seconds. Checking twice a minute whether they share a machine is frequent enough, and costs nothing.", "measured: 4 to 12 s more; systemd.timer(5)";
        timer_accuracy: u32 = 1 " s", "The timer fires on time: systemd must not delay it to run it together with others.", TIMER;
    }
    /// The machines' boot.
    boot: FixedBoot {
        identity_pause: u32 = 2 " s", "EC2 may assign the address seconds after the boot, and every other service waits for it.", DESIGN;
        identity_log: u32 = 15 " tries", QUIET, DESIGN;
        wait_pause: u32 = 1 " s", "A slave checks this often whether the master has initialised the cluster.", DESIGN;
        log_every: u32 = 30 " s", QUIET, DESIGN;
        secrets_pause: u32 = 5 " s", "Terraform may still be creating the secrets, and the network or the endpoint may not be ready yet.", DESIGN;
        secrets_connect: u32 = 5 " s", "The endpoint is in this machine's own subnet.", BOTO;
        secrets_read: u32 = 10 " s", "The response has only a few bytes.", BOTO;
        secrets_attempts: u32 = 2 "", "Whatever fails is retried from the start, without end.", BOTO;
        certificate_days: u32 = 3650 " days", "The certificate is self-signed. It encrypts the connection, and passwords and addresses decide who is who. It is valid for ten years because nothing renews it.", "https://www.postgresql.org/docs/current/ssl-tcp.html";
        clock: &'static str = "169.254.169.123" "", "Amazon's time server, which every machine reaches without internet access. Logs can be compared only with synchronized clocks, and certificates and signed requests are only valid at the right time.", "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configure-ec2-ntp.html";
        scram_iterations: u32 = 4096 "", "PostgreSQL's own default. The passwords are long and random, and every connection pays for more iterations.", "https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-SCRAM-ITERATIONS";
        scram_salt: u32 = 16 " bytes", "PostgreSQL's own length.", "https://www.rfc-editor.org/rfc/rfc5803";
    }
    /// The kernel's settings on every machine with a kernel of its own.
    kernel: FixedKernel {
        overcommit_memory: u32 = 2 "", "The kernel grants no more memory than kernel.overcommit_ratio allows.", "https://docs.kernel.org/mm/overcommit-accounting.html";
        swappiness: u32 = 1 "", "EC2 machines have no swap. If you add some, the kernel uses it only to avoid killing processes.", "https://www.postgresql.org/docs/current/kernel-resources.html#LINUX-MEMORY-OVERCOMMIT";
        panic: u32 = 10 " s", "By default a kernel that has panicked hangs for ever. After a reboot the machine follows the new primary.", "https://docs.kernel.org/admin-guide/sysctl/kernel.html#panic";
        tcp_retries2: u32 = 5 " times", "TCP resends what is not acknowledged this often, each time after twice as long, and then gives the connection up: after 13 s, instead of a quarter of an hour. etcd keeps the connections to its peers through a partition, because its own time-outs never apply to them. By default a member finds its leader only when TCP resends, which it does ever more rarely; with this, new connections work at once.", "https://docs.kernel.org/networking/ip-sysctl.html; client/pkg/transport/timeout_transport.go of etcd 3.5: Dial beside DialContext; measured with etcd 3.5.16, three members, a follower and the leader cut off in turn, time until the member has a leader: after 40 s 14.8 s by default (n = 2) and with 8 (n = 4), 0.1 to 0.6 s with 5 (n = 4); with 5 also after 15 s 0.1 to 0.6 s (n = 4), and after 90 s 0.1 to 0.7 s (n = 4)";
        tcp_pingpong_thresh: u32 = 255 " replies", "By default TCP delays acknowledgements by 40 ms as soon as one program has replied to another, and Patroni sends each request to etcd in two pieces, the second only once the first is acknowledged. With this the first one is acknowledged at once. Each request takes 3 ms instead of 45, and a failover makes nine of them, one after the other. Kernels before 6.7 do not know the setting; the dash lets them go on without it.", "https://docs.kernel.org/networking/ip-sysctl.html#tcp-pingpong-thresh-integer; Etcd3.set_socket_options, in Patroni's dcs/etcd3.py, leaves out urllib3's TCP_NODELAY; measured in the lab, a switchover: the lock is taken 1.28 to 1.42 s after PostgreSQL's shutdown began by default (n = 18), 1.06 to 1.15 s with this (n = 14)";
        transparent_huge_pages: &'static str = "madvise" "", "Only programs that ask for transparent huge pages get them. PostgreSQL does not ask: its shared memory has reserved pages. Creating them for other programs would stall every process that touches memory.", "https://docs.kernel.org/admin-guide/mm/transhuge.html";
        journal: &'static str = "1G" "", "This holds weeks of logs. They share the volume with the data and must never crowd it out, as journald's default of a tenth of the disk could.", "https://www.freedesktop.org/software/systemd/man/latest/journald.conf.html";
    }
    /// When a machine counts as silent.
    silence: FixedSilence {
        patience: u32 = 1500 " ms", "A machine that leaves a connection unanswered for this long counts as gone. One lost packet is not enough: TCP sends it again after 1 s.", "tcp_timeout_init, in Linux's tcp.h; measured in the lab, the primary's machine loses power: writes stop for 19.4 to 20.5 s (n = 20), without this rule for 21.7 to 23.3 s (n = 9)";
        memory: u32 = 10 " s", "An unanswered attempt to connect counts for this long. TCP repeats it at intervals that grow to 8 s, so a lost primary still counts as gone when its lock expires after 20 s. With a longer ttl it may not, and then the failover takes two seconds longer.", "https://docs.kernel.org/networking/ip-sysctl.html: tcp_syn_linear_timeouts, tcp_syn_retries; seen in the lab";
    }
    /// The volume of PostgreSQL's data.
    disk: FixedDisk {
        reserve: u32 = 256 " MiB", "A file that keeps this much space on the volume of PostgreSQL's data. Deleting it makes room at once for 16 WAL files, with which PostgreSQL starts again and writes go on until the cause is found.", "https://www.postgresql.org/docs/current/disk-full.html; https://www.postgresql.org/docs/current/wal-internals.html";
        report_timeout: u32 = 4 " s", "A report on a disk takes a fraction of a second. If PostgreSQL hangs, the report leaves the slots out, once the time limits for its connection and its query are over.", "https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-CONNECT-TIMEOUT";
        report_connect: u32 = 2 " s", "The shortest timeout that libpq accepts for a connection.", "https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-CONNECT-TIMEOUT";
        report_query: u32 = 1000 " ms", "The query reads a handful of slots from shared memory.", "https://www.postgresql.org/docs/current/view-pg-replication-slots.html";
        reports: u32 = 8 "", "This many reports run at once. Two HAProxies with several people who look need fewer, and what is beyond is refused, so that requests cannot keep the machine busy.", "https://www.freedesktop.org/software/systemd/man/latest/systemd.socket.html#MaxConnections=";
    }
    /// systemd's units.
    unit: FixedUnits {
        restart: u32 = 1 " s", AT_ONCE, SERVICE;
        files: u32 = 65536 "", FILES, EXEC;
        oom_score: i32 = -900 "", OOM, EXEC;
        stop: u32 = 120 " s", "A fast shutdown writes a checkpoint first.", SERVICE;
        task: u32 = 30 " s", "A check that takes longer has hung.", SERVICE;
    }
    /// Images, and how they are built.
    image: FixedImage {
        disk_size: u32 = 8 " GiB", "The images of every base have this size. No machine's disk is smaller.", GP3;
        disk_iops: u32 = 3000 " a second", "Every gp3 volume includes this at no extra cost.", GP3;
        disk_throughput: u32 = 125 " MiB/s", "Every gp3 volume includes this at no extra cost.", GP3;
        retries: u32 = 10 "", "AWS throttles requests, and fails for a moment now and then. By default Packer gives up after three tries.", "https://developer.hashicorp.com/packer/integrations/hashicorp/amazon/latest/components/builder/ebs";
        packer: &'static str = "1.8.1" "", "The oldest build by HashiCorp whose RSA signatures the SSH servers of all bases accept. Older ones sign with SHA-1.", "https://github.com/hashicorp/packer/blob/main/CHANGELOG.md#181-may-27-2022";
        packer_rebuilt: &'static str = "1.6.6" "", "Debian 12 builds this version with an SSH library that signs with SHA-2. HashiCorp's own build of it does not, nor do older releases of Debian and Ubuntu.", "https://tracker.debian.org/pkg/packer; https://github.com/golang/crypto/commit/5d542ad";
        packer_plugin: &'static str = "1.1.0" "", "The oldest amazon plugin that signs with SHA-2. The plugin opens the SSH connection.", "https://github.com/hashicorp/packer-plugin-amazon/releases/tag/v1.1.0";
        lock_timeout: u32 = 300 " s", "The first boot of the base may hold apt's lock for minutes.", "https://manpages.debian.org/trixie/apt/apt-get.8.en.html";
        lock_pause: u32 = 5 " s", "Whatever holds apt's lock holds it for at least some seconds.", DESIGN;
        download_retries: u32 = 5 "", "A mirror fails for a moment now and then, and a build that breaks on it costs minutes.", "https://manpages.debian.org/trixie/apt/apt.conf.5.en.html";
        install_tries: u32 = 3 "", "A mirror changes a few times a day. Another try with new lists is enough, and a package that does not exist is still reported soon.", DESIGN;
    }
    /// The trial of the settings that every image's build ends with.
    trial: Trial {
        patience: u32 = 30 " s", "A server starts, copies its data or is promoted within seconds, even on a slow builder.", DESIGN;
        connect_timeout: u32 = 10 " s", "Both servers run on the builder itself, so a connection that takes longer has failed.", DESIGN;
        pause: u32 = 100 " ms", "The standby follows within milliseconds, and a trial that fails is repeated many times.", DESIGN;
        rows: u32 = 1000 "", "The rows fill several pages, so that a temporary table is written and analyzed.", DESIGN;
        log_lines: u32 = 12 "", "The end of a server's log says why it failed, and Packer's output stays readable.", DESIGN;
        suspects: u32 = 3 " settings", "An error names the setting that it is about, and rarely more. Each suspect costs a trial.", DESIGN;
        patroni_connect_timeout: u32 = 3 " s", "Patroni gives up its own connections after this time.", PATRONI_QUERIES;
        patroni_statement_timeout: u32 = 2000 " ms", "Patroni gives up its own queries after this time.", PATRONI_QUERIES;
    }
    /// The network load balancer in front of HAProxy.
    nlb: FixedNlb {
        interval: u32 = 5 " s", "AWS checks no target more often.", NLB;
        timeout: u32 = 2 " s", "HAProxy answers within milliseconds, and AWS accepts no shorter time.", NLB;
        unhealthy: u32 = 2 " checks", "AWS does not give up a target after fewer.", NLB;
        healthy: u32 = 2 " checks", "AWS does not use a target after fewer.", NLB;
        deregistration: u32 = 30 " s", "A HAProxy that is removed keeps its sessions for this long, so that transactions can end. Then they are closed.", "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/edit-target-group-attributes.html#deregistration-delay";
    }
    /// What a client's connection string sets, where there are two HAProxies.
    client: FixedClient {
        user_timeout: u32 = 1000 " ms", "A HAProxy that acknowledges nothing for this long is gone, and so is one that does not accept a connection. In one region a packet takes about a millisecond, and TCP sends a lost one again after 0.2 s and after 0.6 s. Clients elsewhere need more.", "tcp(7), TCP_USER_TIMEOUT; measured with Linux 6.18 and libpq 15: an attempt at an address that does not respond ends after 1.0 s, without it after 2 s";
        connect_timeout: u32 = 2 " s", "A shorter time is raised to this by libpq, and drivers without tcp_user_timeout have nothing else.", "https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-CONNECT-TIMEOUT";
        keepalive_idle: u32 = 1 " s", "A client that waits for a result has sent nothing that could be unacknowledged. The kernel allows no shorter time.", "tcp(7), TCP_KEEPIDLE";
        keepalive_interval: u32 = 1 " s", "The first probe without an answer decides, because tcp_user_timeout has passed by then. The kernel allows no shorter time.", "tcp(7), TCP_KEEPINTVL";
    }
    /// Terraform, and the script that runs it without pgherd.
    terraform: FixedTerraform {
        at_least: &'static str = "1.11" "", "The first version with write-only arguments, which keep passwords out of the state, and with S3's own lock file.", "https://developer.hashicorp.com/terraform/language/manage-sensitive-data/write-only";
        provider: &'static str = "5.100.0" "", "Everything is tested with this version of the AWS provider. Version 5 gets no more features, and mirrors that have nothing newer stay usable.", "https://developer.hashicorp.com/terraform/language/expressions/version-constraints";
        provider_below: &'static str = "7.0.0" "", "Version 6 removes and renames nothing that is used here. Version 7 may.", "https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/version-6-upgrade";
        password_length: u32 = 32 " characters", "32 letters and digits are about 190 bits, which nobody can guess.", "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html";
        wait: u32 = 600 " s", "A cluster is complete within two minutes, because it installs nothing and copies only an empty database. The rest is patience with AWS. `pgherd run` waits as long, unless --wait is set.", DESIGN;
        poll: u32 = 3 " s", "A person who watches needs no shorter interval.", DESIGN;
        request: u32 = 5 " s", FEW, DESIGN;
    }
}
