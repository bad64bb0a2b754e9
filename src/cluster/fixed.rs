//! Decisions that are the same in every cluster: timers, limits, ports and versions that no blueprint can change.
//!
//! Each stands here once, with its reason and source: templates and Terraform are filled from the values, comments in the
//! generated files are the reasons.

use serde::Serialize;

use super::decision::{Decision, Ledger};

/// A value that can be taken otherwise, to see what it is at work in.
trait Other {
    fn other(self) -> Self;
}

macro_rules! other {
    ($($kind:ty),*) => { $(impl Other for $kind { fn other(self) -> Self { self + 1 } })* };
}
other!(u16, u32, i32);

impl Other for &'static str {
    fn other(self) -> Self {
        "another"
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

        /// All of them, by area.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        pub struct Fixed { $($(#[$doc])* pub $area: $Area),* }

        impl Fixed {
            /// As every cluster has them.
            pub const DEFAULT: Fixed = Fixed { $($area: $Area { $($name: $value),* }),* };

            /// Notes them.
            pub(super) fn record(&self, ledger: &mut Ledger) {
                $($(
                    let value = format!("{}{}", self.$area.$name, $unit);
                    ledger.add(concat!(stringify!($area), ".", stringify!($name)), value, vec![], $why, $source);
                )*)*
            }

            /// Why they are what they are.
            pub fn decisions(&self) -> Vec<Decision> {
                let mut ledger = Ledger::default();
                self.record(&mut ledger);
                ledger.into_decisions()
            }

            /// The same with the decision of this name taken otherwise; `None` where it is none of these.
            pub(super) fn other(mut self, decision: &str) -> Option<Self> {
                $($(
                    if decision == concat!(stringify!($area), ".", stringify!($name)) {
                        self.$area.$name = self.$area.$name.other();
                        return Some(self);
                    }
                )*)*
                None
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
const OWN: &str = "each program's own default";
const GP3: &str = "https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html";
const QUIET: &str = "a line in the log twice a minute tells that it still waits, and drowns nothing";
const OOM: &str = "the kernel must not pick it when memory runs out: without it there is no primary";
const FILES: &str = "connections are files: more than any limit of connections here can ask for";
const AT_ONCE: &str = "it comes back within a second or two however often it falls: every second counts, and an endless loop shows in the log";
const FEW: &str = "a process of one's own region answers within milliseconds or not at all";

fixed! {
    /// TCP ports, beside those that the blueprint names.
    port: Port {
        postgres: u16 = 5432 "", "PostgreSQL's own port: every tool knows it", OWN;
        patroni: u16 = 8008 "", "Patroni's REST API: who is primary, who lags", OWN;
        etcd_client: u16 = 2379 "", "etcd, for Patroni and for machines that join", OWN;
        etcd_peer: u16 = 2380 "", "etcd, among its members", OWN;
        ssh: u16 = 22 "", "administration, from the blueprint's admins alone", OWN;
        https: u16 = 443 "", "AWS's APIs listen there", OWN;
    }
    /// HAProxy's timers and checks, beside those that a failover is made of.
    haproxy: Haproxy {
        connect_timeout: u32 = 2 " s", "short, because all is in one region: a server that does not answer now is gone, and a retry goes to another", HAPROXY;
        idle_timeout: u32 = 24 " h", "a statement that runs says nothing until its end, and to HAProxy that is an idle session: CREATE INDEX, VACUUM or a dump may take hours. Peers that are dead are found by keepalives, within minutes", HAPROXY;
        keepalive_idle: u32 = 60 " s", "a peer that is silent is asked for a sign of life after this; the kernel's own would be two hours", HAPROXY;
        keepalive_interval: u32 = 10 " s", "and again, until it answers", HAPROXY;
        keepalive_count: u32 = 6 "", "so many unanswered are a dead peer: found within two minutes, as PostgreSQL's own settings do on its side", HAPROXY;
        check_timeout: u32 = 2 " s", "a Patroni that has not answered a check by then counts as failed, like one that refuses", HAPROXY;
        queue_timeout: u32 = 30 " s", "how long a client waits while all connections are taken, rather than being refused at once. While there is no primary nobody waits: HAProxy closes at once, and the client tries again", "https://docs.haproxy.org/3.0/configuration.html#4.2; measured: without a server that is up the connection is closed within milliseconds";
        retries: u32 = 3 "", "a connection that fails goes to another server at the first retry", HAPROXY;
        read_lag_mb: u32 = 16 " MB", "a standby that lacks more WAL than one segment, a second or so of a busy primary, gets no new connections; those that it has go on", "https://patroni.readthedocs.io/en/latest/rest_api.html";
        command_timeout: u32 = 30 " s", "a person at the socket may think between two commands", HAPROXY_STATS;
        request_timeout: u32 = 5 " s", "a client of the admin port that does not finish its request holds none of its connections for long", HAPROXY;
        page_timeout: u32 = 30 " s", "people, Prometheus and probes ask and go", HAPROXY;
        page_refresh: u32 = 5 " s", "the stats page follows a failover while one looks at it", HAPROXY_STATS;
        api_timeout: u32 = 10 " s", "Patroni's view of the cluster may take an answer from etcd", HAPROXY;
        api_inter: u32 = 2 " s", "no client waits for this check: it only picks a machine whose Patroni is alive", HAPROXY_CHECK;
        api_fall: u32 = 2 " checks", "one failed check may be chance, two are not", HAPROXY_CHECK;
        at_least: &'static str = "2.4" "", "the oldest with http-check send and monitor-uri as they are used here that is still maintained", "https://www.haproxy.org/";
    }
    /// Patroni, beside its timers.
    patroni: Patroni {
        maximum_lag_on_failover: u32 = 1048576 " bytes", "what a standby may lack and still become primary", PATRONI;
        failsafe_mode: &'static str = "true" "", "while etcd has no majority, the primary goes on as long as it reaches every other Patroni and none objects; without it a primary that is well steps down. It takes all of them: where machines are gone and not only their etcd, it steps down as ever, and a standby that heard of it does not take over", "measured in the lab (tests/bench/failsafe.py 2, 16 trials): etcd stopped on both standbys for a minute, writes stopped for 47 and 49 s without it, for 0.5 and 0.4 s with it; the primary cut off from etcd alone: 14 s and a failover without it, 0.5 s with it; cut off from everything: 22 s either way; never did two machines acknowledge. https://patroni.readthedocs.io/en/latest/dcs_failsafe_mode.html";
        member_slots_ttl: u32 = 24 " h", "how long the slot of an absent standby keeps WAL for it: a machine that is repaired within a day need not be copied anew; max_slot_wal_keep_size caps it as well", PATRONI;
        safety_margin: u32 = 5 " s", "the watchdog fires this long before the lock could be another's: a Patroni that hangs is rebooted before a second primary can exist", "https://patroni.readthedocs.io/en/latest/watchdog.html";
        at_least: &'static str = "4.0.6" "", "older ones overwrote a new leader's key when they came back from a cut, and acknowledged rows were lost; 4.0.6 ignores stale members of etcd as well", "measured: half of the trials with 3.0.2 lost rows; https://patroni.readthedocs.io/en/latest/releases.html";
    }
    /// etcd, beside its timing.
    etcd: Etcd {
        founders: u32 = 2 " members", "two found it and the others join them: neither can found one alone, and nobody else needs to be there. (Were all of them founders, etcd would not settle on its version before the last has come, and Patroni waits for that.)", "https://etcd.io/docs/v3.5/op-guide/clustering/";
        history: u32 = 1 " h", "Patroni rewrites a handful of keys for ever: an hour of their history is more than anybody asks for", ETCD;
        quota: u32 = 1073741824 " bytes", "history that compaction has missed can never fill the disk, and a gibibyte is a thousand times what Patroni's keys take", ETCD;
        at_least: &'static str = "3.4" "", "the first with pre-vote, and with the JSON API that machines join by", "https://github.com/etcd-io/etcd/blob/main/CHANGELOG/CHANGELOG-3.4.md";
        call_timeout: u32 = 3 " s", FEW, DESIGN;
        change_timeout: u32 = 10 " s", "a change of members is agreed upon by all of them", DESIGN;
        restart: u32 = 2 " s", AT_ONCE, SERVICE;
        nice: i32 = -5 "", "its turn comes before the database's: a heartbeat that waits for a query costs the leader", EXEC;
        cpu_weight: u32 = 1000 "", "ten times another service's share of a busy processor. Where services have shares, niceness counts only among a service's own processes. There is no such thing for the disk: EC2's NVMe volumes have no scheduler, and both ionice and IOWeight work through one; that few writes wait before etcd's (kernel.dirty_bytes) is what helps it there", "https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files; https://docs.kernel.org/block/ioprio.html";
        yield_every: u32 = 30 " s", "losing primary and etcd's leader at once costs seconds more: twice a minute is often enough to find them together, and costs nothing", "measured: 4 to 12 s more; systemd.timer(5)";
        yield_accuracy: u32 = 1 " s", "the timer is not put off for others' sake", TIMER;
    }
    /// What happens at boot.
    boot: Boot {
        identity_pause: u32 = 2 " s", "the address may come late, and nothing else starts before", DESIGN;
        identity_log: u32 = 15 " tries", QUIET, DESIGN;
        wait_pause: u32 = 1 " s", "a slave looks this often whether the master has founded the cluster", DESIGN;
        log_every: u32 = 30 " s", QUIET, DESIGN;
        secrets_pause: u32 = 5 " s", "Terraform may still be making the secrets, the network or the endpoint may be late", DESIGN;
        secrets_connect: u32 = 5 " s", "the endpoint is in this machine's own subnet", BOTO;
        secrets_read: u32 = 10 " s", "an answer of a few bytes", BOTO;
        secrets_attempts: u32 = 2 "", "whatever fails is tried again from the start, for ever", BOTO;
        certificate_days: u32 = 3650 " days", "self-signed, it keeps the wire secret; who is who is decided by passwords and addresses. Ten years, as nothing renews it", "https://www.postgresql.org/docs/current/ssl-tcp.html";
        clock: &'static str = "169.254.169.123" "", "Amazon's clock, which every machine reaches without a way out: logs can be laid side by side, and certificates and signed requests are only good at the right time", "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configure-ec2-ntp.html";
        scram_iterations: u32 = 4096 "", "PostgreSQL's own default: the passwords are long and random, and every connection pays for it", "https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-SCRAM-ITERATIONS";
        scram_salt: u32 = 16 " bytes", "PostgreSQL's own length", "https://www.rfc-editor.org/rfc/rfc5803";
    }
    /// The kernel of every machine that has one of its own.
    kernel: KernelDefaults {
        overcommit_memory: u32 = 2 "", "the kernel promises no more memory than kernel.overcommit_ratio allows", "https://docs.kernel.org/mm/overcommit-accounting.html";
        swappiness: u32 = 1 "", "EC2's machines have no swap; where somebody adds some, only a machine that would else kill processes uses it", "https://www.postgresql.org/docs/current/kernel-resources.html#LINUX-MEMORY-OVERCOMMIT";
        panic: u32 = 10 " s", "a kernel that has panicked hangs for ever by itself; rebooted, the machine follows the new primary", "https://docs.kernel.org/admin-guide/sysctl/kernel.html#panic";
        transparent_huge_pages: &'static str = "madvise" "", "only programs that ask get huge pages made for them on the fly. PostgreSQL does not: its shared memory has pages of its own, and making them for anybody else stalls whoever touches memory", "https://docs.kernel.org/admin-guide/mm/transhuge.html";
        journal: &'static str = "1G" "", "weeks of log; it shares the volume with the data and must never crowd it out, as a tenth of the disk could", "https://www.freedesktop.org/software/systemd/man/latest/journald.conf.html";
    }
    /// systemd's units.
    unit: Unit {
        restart: u32 = 1 " s", AT_ONCE, SERVICE;
        files: u32 = 65536 "", FILES, EXEC;
        oom_score: i32 = -900 "", OOM, EXEC;
        stop: u32 = 120 " s", "a fast shutdown writes a checkpoint", SERVICE;
        task: u32 = 30 " s", "a look that takes longer has hung", SERVICE;
    }
    /// Images, and how they are made.
    image: Image {
        disk_size: u32 = 8 " GiB", "what the images of every base have; no machine's own disk is smaller", GP3;
        disk_iops: u32 = 3000 " a second", "what every gp3 volume has at no extra cost", GP3;
        disk_throughput: u32 = 125 " MiB/s", "what every gp3 volume has at no extra cost", GP3;
        retries: u32 = 10 "", "AWS throttles, and fails for a moment now and then: by itself Packer gives up after three tries", "https://developer.hashicorp.com/packer/integrations/hashicorp/amazon/latest/components/builder/ebs";
        packer: &'static str = "1.8.1" "", "the oldest of HashiCorp's builds whose RSA signatures the bases' SSH servers take: older ones sign with SHA-1", "https://github.com/hashicorp/packer/blob/main/CHANGELOG.md#181-may-27-2022";
        packer_rebuilt: &'static str = "1.6.6" "", "Debian 12 builds this version with an SSH library that signs with SHA-2; HashiCorp's own build of it, and older releases of Debian and Ubuntu, do not", "https://tracker.debian.org/pkg/packer; https://github.com/golang/crypto/commit/5d542ad";
        packer_plugin: &'static str = "1.1.0" "", "the oldest amazon plugin that signs with SHA-2: it is the plugin that connects", "https://github.com/hashicorp/packer-plugin-amazon/releases/tag/v1.1.0";
        lock_timeout: u32 = 300 " s", "the base's own first boot may hold apt's lock for minutes", "https://manpages.debian.org/trixie/apt/apt-get.8.en.html";
        lock_pause: u32 = 5 " s", "whoever holds apt's lock holds it for seconds at least", DESIGN;
        download_retries: u32 = 5 "", "a mirror fails for a moment now and then, and a build that it breaks costs minutes", "https://manpages.debian.org/trixie/apt/apt.conf.5.en.html";
        install_tries: u32 = 3 "", "a mirror changes a few times a day: once more with new lists is enough, and a package that does not exist is still reported soon", DESIGN;
    }
    /// The trial of the settings that every image's build ends with.
    trial: Trial {
        patience: u32 = 30 " s", "a server starts, copies or is promoted within seconds even on a slow builder", DESIGN;
        connect_timeout: u32 = 10 " s", "both servers run on the builder itself, so a connection that takes longer has failed", DESIGN;
        pause: u32 = 100 " ms", "the standby follows within milliseconds, and a trial that fails runs again and again", DESIGN;
        rows: u32 = 1000 "", "several pages, so that a temporary table is written and analyzed", DESIGN;
        log_lines: u32 = 12 "", "the end of a server's log says why it failed, and Packer's output stays readable", DESIGN;
        suspects: u32 = 3 " settings", "an error names the setting that it is about, rarely more; each suspect costs a trial", DESIGN;
        patroni_connect_timeout: u32 = 3 " s", "Patroni gives its own connections up after this", PATRONI_QUERIES;
        patroni_statement_timeout: u32 = 2000 " ms", "Patroni gives its own queries up after this", PATRONI_QUERIES;
    }
    /// Terraform, and the script that runs it without pgherd.
    terraform: Terraform {
        at_least: &'static str = "1.11" "", "the first with write-only arguments (passwords that never reach the state) and S3's own lock file", "https://developer.hashicorp.com/terraform/language/manage-sensitive-data/write-only";
        provider: &'static str = "5.100.0" "", "the AWS provider that everything is tested with; version 5 gets no more features, and mirrors that have nothing newer stay usable", "https://developer.hashicorp.com/terraform/language/expressions/version-constraints";
        provider_below: &'static str = "7.0.0" "", "version 6 removes or renames nothing that is used here; what 7 will, nobody knows", "https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/version-6-upgrade";
        password_length: u32 = 32 " characters", "letters and digits: some 190 bits, beyond any guessing", "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html";
        wait: u32 = 600 " s", "installing nothing and copying nothing but an empty database, a cluster is whole within two minutes; the rest is patience with AWS", DESIGN;
        poll: u32 = 3 " s", "often enough for whoever watches", DESIGN;
        request: u32 = 5 " s", FEW, DESIGN;
    }
}
