//! Describes problems, differences and plans as text. Only this module does, and no code parses the text.

mod disk;
mod etcd;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use super::drift::{ImageDifference, SettingDifference};
use super::judge::disk::DiskWarning;
use super::judge::{HaproxyVerdict, PrimarySeen, Problem, Reach, Verdict};
use super::observe::passage::NoReport;
use super::observe::{FailedCheck, Silent};
use super::prospect::Prospect;
use crate::pipeline::{Advice, Service};
use crate::system::clock;
use crate::tools::plan::{PlanAction, PlanSummary};

/// The number of differing files that a line names. The event has all of them.
pub const NAMED: usize = 4;

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

impl fmt::Display for Prospect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Prospect::ClosedToThePublic { ports } => {
                write!(f, "HAProxy is reached at its Elastic IP, but {} only to private addresses", are_open(ports))
            }
            Prospect::NoRoute { address } => {
                write!(f, "this machine has no route to HAProxy's private address {address}")
            }
            Prospect::DefaultRoute { address } => {
                write!(f, "HAProxy's address {address} is private, and only this machine's default route leads there")
            }
            Prospect::ClosedToThisMachine { own, ports } => write!(
                f,
                "this machine's address towards HAProxy is {own}, but {} only to other addresses",
                are_open(ports)
            ),
        }
    }
}

/// Returns `ports 5000, 5001 are open`.
fn are_open(ports: &[u16]) -> String {
    let listed: Vec<String> = ports.iter().map(u16::to_string).collect();
    match &listed[..] {
        [one] => format!("port {one} is open"),
        all => format!("ports {} are open", all.join(", ")),
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::NoAnswer { haproxy, at, why } => write!(f, "{haproxy} does not respond at {at}: {why}"),
            Problem::OtherCluster { haproxy, at, name, expected } if name.is_empty() => {
                write!(f, "{haproxy}'s address {at} belongs to a cluster without a name, not to {expected}")
            }
            Problem::OtherCluster { haproxy, at, name, expected } => {
                write!(f, "{haproxy}'s address {at} belongs to the cluster {name}, not to {expected}")
            }
            Problem::OtherServer { haproxy, at, status } => {
                write!(f, "the server at {at} is not the cluster's {haproxy}: its /cluster returned {status}")
            }
            Problem::UnreadableView { haproxy, why } => {
                write!(f, "unexpected response from Patroni's /cluster behind {haproxy}: {why}")
            }
            Problem::NoDatabase { haproxy, status } => {
                write!(f, "{haproxy} finds no live database machine (/cluster returned {status})")
            }
            Problem::NoPrimaryBehindHaproxy { haproxy, status } => {
                write!(f, "{haproxy} finds no primary (/health returned {status})")
            }
            Problem::NoHealth { haproxy, why } => write!(f, "{haproxy}'s /health does not respond: {why}"),
            Problem::Unreached { haproxy, silent } => {
                write!(f, "{haproxy} does not reach {}, but another HAProxy does", silent.machine)?;
                f.write_str(match silent.check {
                    FailedCheck::NoReply => ": nothing replies to it",
                    FailedCheck::Refused => ": its connections are refused",
                    FailedCheck::Hangs => ": its connections are accepted, and nothing is sent",
                    FailedCheck::Unwell | FailedCheck::Unknown => "",
                })
            }
            Problem::PrimariesDiffer(seen) => {
                let each = seen.iter().map(|PrimarySeen { haproxy, primary }| {
                    format!(
                        "through {haproxy}, Patroni reports {} as the primary",
                        primary.as_deref().unwrap_or("none")
                    )
                });
                write!(f, "the HAProxies lead to different views: {}", each.collect::<Vec<_>>().join("; "))
            }
            Problem::PrimaryIs { host, state } => write!(f, "the primary at {host} is {state}"),
            Problem::NoPrimary => f.write_str("there is no primary"),
            Problem::SeveralPrimaries(n) => write!(f, "there are {n} primaries"),
            Problem::NotMember { machine } => write!(f, "{machine} is not a member of Patroni's cluster"),
            Problem::NotStreaming { machine, state } => write!(f, "{machine} does not stream: it is {state}"),
            Problem::OtherTimeline { machine, timeline, primary } => {
                let timeline = timeline.map_or("an unknown timeline".into(), |timeline| format!("timeline {timeline}"));
                write!(f, "{machine} is on {timeline}, the primary is on timeline {primary}")
            }
            Problem::NoSyncStandby => f.write_str("no standby is synchronous yet"),
            Problem::NoPostgres { haproxy, service, at, why } => {
                let name = if *service == Service::Write { "write" } else { "read" };
                write!(f, "PostgreSQL does not respond at {haproxy}'s {name} port {}: {why}", at.port())
            }
            Problem::Silent(silent) => write!(f, "{silent}"),
            Problem::Disk(disk) => write!(f, "{disk}"),
            Problem::Etcd(problem) => write!(f, "{problem}"),
        }
    }
}

/// Returns how long a machine has been silent, and what that means.
impl fmt::Display for Silent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(seconds) = self.seconds
            && let Some(at) = clock::now().checked_sub(Duration::from_secs(seconds)).map(clock::rfc3339)
            && let Some(time) = at.get(11..19)
        {
            write!(f, "{} has not responded since {time} UTC ({})", self.machine, spell(seconds))?;
        } else {
            write!(f, "{} does not respond", self.machine)?;
        }
        f.write_str(match self.check {
            FailedCheck::NoReply => {
                ": nothing replies at its address. It is switched off, has hung, or is disconnected"
            }
            FailedCheck::Refused => ": its address refuses connections. It is booting, or its Patroni is not running",
            FailedCheck::Hangs => ": it accepts connections and sends nothing. Its Patroni hangs, or the whole machine",
            FailedCheck::Unwell => ": its Patroni reports that it is unhealthy",
            FailedCheck::Unknown => "",
        })
    }
}

/// Returns a duration such as `42 s`, `7 min` or `3 h`.
fn spell(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

/// Completes a sentence that begins with what does not report.
impl fmt::Display for NoReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoReport::NoPath => f.write_str("is not known to HAProxy"),
            NoReport::NoConnection => {
                f.write_str("does not accept connections: it is not running, or HAProxy cannot reach it")
            }
            NoReport::Hangs => f.write_str("accepts connections and does not respond"),
            NoReport::Other(why) => write!(f, "does not report its status: {why}"),
        }
    }
}

/// Returns a line for each warning.
pub fn warnings(warnings: &[DiskWarning]) -> Vec<String> {
    warnings.iter().map(|warning| format!("warning: {warning}")).collect()
}

/// Returns all problems in one line.
pub fn problems(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("; ")
}

/// Returns what to do about an unhealthy cluster.
pub fn advice(advice: &Advice, verdict: &Verdict) -> String {
    match verdict.reach {
        Reach::OtherCluster => advice.stranger.clone(),
        Reach::Nothing | Reach::Address => advice.unreachable.clone(),
        Reach::Haproxy => {
            let silent = verdict.silent.iter().map(|silent| revive(advice, &silent.machine, "-u patroni -u etcd"));
            let mut lines: Vec<String> = silent.collect();
            for haproxy in &verdict.haproxies {
                match haproxy.reach {
                    Reach::Haproxy => {}
                    Reach::OtherCluster => lines.push(advice.stranger.clone()),
                    Reach::Nothing | Reach::Address => {
                        lines.extend(go_on(verdict));
                        lines.push(revive(advice, &haproxy.machine, "-u haproxy"));
                    }
                }
            }
            for problem in &verdict.problems {
                let line = match problem {
                    Problem::Etcd(problem) => etcd::mend(problem),
                    Problem::Disk(_) => Some(section("A disk is full")),
                    _ => None,
                };
                lines.extend(line.filter(|line| !lines.contains(line)));
            }
            if lines.is_empty() {
                lines.push(advice.look.clone());
            }
            lines.join("\n  ")
        }
    }
}

/// Returns how to bring a machine back, and how to read the log of its units.
fn revive(advice: &Advice, machine: &str, units: &str) -> String {
    advice.revive.replace("{machine}", machine).replace("{units}", units)
}

/// Returns through which HAProxies clients go on, if there is one that serves them.
fn go_on(verdict: &Verdict) -> Option<String> {
    let of = |one: &HaproxyVerdict| format!("{} ({})", one.machine, one.address);
    let serving: Vec<String> = verdict.haproxies.iter().filter(|one| one.serves).map(of).collect();
    (!serving.is_empty()).then(|| {
        format!(
            "clients go on through {}, if they connect by a network load balancer or by a connection string with every HAProxy",
            serving.join(" and ")
        )
    })
}

/// Returns where the operator reads what to do.
fn section(name: &str) -> String {
    format!("RUNBOOK.md, section \"{name}\", says what to do")
}

/// Returns a number of bytes, in MiB from one on, and in GiB from ten on.
pub fn bytes(bytes: u64) -> String {
    match bytes {
        _ if bytes < MIB => format!("{bytes} B"),
        _ if bytes < 10 * GIB => format!("{} MiB", bytes / MIB),
        _ => format!("{} GiB", bytes / GIB),
    }
}

/// Returns the name of a source of [`super::status::SourceStatus`], for people.
pub fn source(name: &str) -> &str {
    match name {
        "patroni" => "Patroni",
        "haproxy-checks" => "HAProxy's checks",
        "etcd" => "etcd",
        "disk" => "disks",
        "write-port" => "PostgreSQL, write port",
        "read-port" => "PostgreSQL, read port",
        other => other,
    }
}

impl fmt::Display for SettingDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SettingDifference { name, live, generated } = self;
        match live {
            Some(live) => write!(f, "{name}: the live value is {live}, the generated value is {generated}"),
            None => write!(f, "{name}: not set, so the default is live; the generated value is {generated}"),
        }
    }
}

/// How to apply settings to a running cluster.
const CHANGE_SETTINGS: &str = "`sudo herdctl edit-config` on a database machine changes them everywhere. Those that need a restart take \
                               effect with `sudo herdctl restart CLUSTER --pending`";
const FEWER_CONNECTIONS: &str = "HAProxy's limits are based on the generated max_connections. If the live value is lower, PostgreSQL \
refuses connections that HAProxy lets through. Raise the live value first";

/// Returns lines that list the differing live settings and what to do; none if nothing differs.
pub fn settings(differences: &[SettingDifference]) -> Vec<String> {
    if differences.is_empty() {
        return vec![];
    }
    let mut lines = vec!["the live settings differ from the generated ones:".to_string()];
    lines.extend(differences.iter().map(|difference| format!("  {difference}")));
    if differences.iter().any(|difference| difference.name == "max_connections") {
        lines.push(format!("  {FEWER_CONNECTIONS}"));
    }
    lines.push(format!("  what to do: {CHANGE_SETTINGS}"));
    lines
}

/// Returns lines that list the databases that run from another image than the blueprint's; none if nothing differs.
pub fn images(differences: &[ImageDifference]) -> Vec<String> {
    if differences.is_empty() {
        return vec![];
    }
    let machines: Vec<&str> = differences.iter().map(|difference| difference.machine.as_str()).collect();
    let run = if machines.len() == 1 { "runs" } else { "run" };
    let files: BTreeSet<&str> = differences.iter().flat_map(|d| &d.files).map(String::as_str).collect();
    let differs = if files.is_empty() { String::new() } else { format!(" (it differs in {})", named(files)) };
    vec![
        format!(
            "{} {run} from another image than the blueprint's{differs}. `pgherd run` does not replace databases",
            machines.join(", ")
        ),
        "  `pgherd run` does not apply changed settings, users or databases to a running cluster. Change settings with `sudo herdctl \
        edit-config` and `sudo herdctl restart CLUSTER --pending`, and create users and databases by hand"
            .into(),
        "  everything else needs a new machine. Replace one machine at a time, as the generated RUNBOOK.md describes".into(),
    ]
}

/// Names the first files and counts the others.
pub fn named<'a>(files: impl IntoIterator<Item = &'a str>) -> String {
    let files: Vec<&str> = files.into_iter().collect();
    let first = files.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match files.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// Returns what an applied plan did.
pub fn applied(plan: &PlanSummary) -> String {
    if plan.changes.is_empty() {
        return if plan.outputs > 0 { "only outputs changed".into() } else { "only the state was rewritten".into() };
    }
    let imported = if plan.imports() > 0 { format!("{} imported, ", plan.imports()) } else { String::new() };
    let forgotten = match plan.changes.iter().filter(|change| change.doing == PlanAction::Forget).count() {
        0 => String::new(),
        forgotten => format!(", {forgotten} forgotten"),
    };
    format!("{imported}{} added, {} changed, {} destroyed{forgotten}", plan.adds(), plan.updates(), plan.removes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_machine_is_described_with_its_time_and_cause() {
        let silent = Silent { machine: "slave2".into(), seconds: Some(42), check: FailedCheck::NoReply };
        let said = silent.to_string();
        assert!(said.starts_with("slave2 has not responded since "), "{said}");
        assert!(said.contains(" UTC (42 s): nothing replies at its address"), "{said}");
        // A strange metric is no reason to panic.
        let absurd = Silent { seconds: Some(u64::MAX), ..silent };
        assert!(absurd.to_string().starts_with("slave2 does not respond: "), "{absurd}");
        assert_eq!((spell(119), spell(150), spell(7300)), ("119 s".into(), "2 min".into(), "2 h".into()));
    }

    #[test]
    fn a_prospect_names_the_address_and_the_ports() {
        let closed = Prospect::ClosedToThisMachine { own: [192, 168, 0, 7].into(), ports: vec![7000, 5000] };
        assert_eq!(
            closed.to_string(),
            "this machine's address towards HAProxy is 192.168.0.7, but ports 7000, 5000 are open only to other addresses"
        );
        let public = Prospect::ClosedToThePublic { ports: vec![5000] }.to_string();
        assert!(public.ends_with("its Elastic IP, but port 5000 is open only to private addresses"), "{public}");
    }

    #[test]
    fn too_few_connections_are_explained_and_files_are_counted() {
        let differs = |name: &str| SettingDifference { name: name.into(), live: None, generated: "300".into() };
        assert_eq!(settings(&[]), [""; 0]);
        assert_eq!(settings(&[differs("work_mem")]).len(), 3);
        let lines = settings(&[differs("max_connections")]);
        assert_eq!(lines[1], "  max_connections: not set, so the default is live; the generated value is 300");
        assert!(lines[2].contains("Raise the live value first"), "{lines:?}");
        assert_eq!(named(["a", "b", "c", "d", "e", "f"]), "a, b, c, d and 2 more");
    }
}
