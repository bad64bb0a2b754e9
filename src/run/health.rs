//! Whether a cluster is whole, as seen through HAProxy's admin port and its two PostgreSQL ports.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::Deserialize;

use super::reach::{self, Silent};
use crate::pipeline::{Seat, Seats};
use crate::system::network;

/// How long one answer may take.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// A member of Patroni's cluster (<https://patroni.readthedocs.io/en/latest/rest_api.html#cluster-status-endpoints>).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Member {
    /// Its address.
    #[serde(default)]
    pub host: String,
    /// `leader`, `sync_standby`, `replica` …
    pub role: String,
    /// `running`, `streaming`, `starting` …
    #[serde(default)]
    pub state: String,
    /// PostgreSQL's timeline.
    pub timeline: Option<u64>,
    /// Bytes behind; text where Patroni does not know.
    #[serde(default)]
    pub lag: Option<serde_json::Value>,
}

impl Member {
    /// Who it is to PostgreSQL.
    pub fn seat(&self) -> &'static str {
        match self.role.as_str() {
            "leader" | "master" | "primary" => "primary",
            "sync_standby" | "quorum_standby" => "sync standby",
            "standby_leader" => "standby leader",
            _ => "standby",
        }
    }

    /// Bytes behind, for people.
    pub fn lag(&self) -> String {
        match &self.lag {
            _ if self.seat() == "primary" => "-".into(),
            Some(lag) => lag.as_u64().map_or("unknown".into(), bytes),
            None => "unknown".into(),
        }
    }
}

fn bytes(bytes: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    if bytes < MIB { format!("{bytes} B") } else { format!("{} MiB", bytes / MIB) }
}

/// What was seen at one look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observation {
    /// The members that Patroni knows.
    pub members: Vec<Member>,
    /// What is not as it should be; none means healthy.
    pub problems: Vec<String>,
    /// Whether HAProxy's admin port answered at all.
    pub reachable: bool,
    /// Whether its address takes connections or refuses them: the way there is open, whatever HAProxy does.
    pub is_there: bool,
    /// Whether HAProxy sees a primary by its own checks, which are seconds old where Patroni's view may be as old as its ttl.
    pub has_primary: bool,
    /// Whether it is another cluster that answered: nothing is known of this one.
    pub stranger: bool,
    /// Machines that do not answer, if that was asked.
    pub silent: Vec<Silent>,
}

impl Observation {
    /// Whether nothing was seen of the cluster, as nothing comes back from HAProxy's address: it may be well.
    pub fn is_blind(&self) -> bool {
        !self.reachable && !self.is_there
    }

    /// What to do when it is not whole.
    pub fn advice(&self, seats: &Seats) -> String {
        let advice = &seats.advice;
        match self {
            Observation { stranger: true, .. } => advice.stranger.clone(),
            Observation { reachable: false, .. } => advice.unreachable.clone(),
            Observation { silent, .. } if silent.is_empty() => advice.look.clone(),
            Observation { silent, .. } => {
                let each = silent.iter().map(|one| advice.revive.replace("{machine}", &one.machine));
                each.collect::<Vec<_>>().join("\n  ")
            }
        }
    }

    /// Whether a machine answers, as far as that was asked.
    pub fn silence(&self, seat: &Seat) -> Option<&Silent> {
        self.silent.iter().find(|one| one.machine == seat.name)
    }

    /// The member on a machine.
    pub fn member(&self, seat: &Seat) -> Option<&Member> {
        let address = seat.address.to_string();
        self.members.iter().find(|member| member.host == address)
    }
}

/// Looks as [`observe`] does, and at each machine: what Patroni remembers of one that does not answer is no news.
pub fn observe_each(seats: &Seats, haproxy: IpAddr) -> Observation {
    let mut seen = observe(seats, haproxy);
    if seen.reachable && !seen.stranger {
        seen.silent = reach::silent(seats, SocketAddr::new(haproxy, seats.admin_port));
        let of_silent =
            |problem: &String| seen.silent.iter().any(|one| problem.starts_with(&format!("{} ", one.machine)));
        let others = seen.problems.iter().filter(|problem| !of_silent(problem)).cloned();
        seen.problems = seen.silent.iter().map(Silent::story).chain(others).collect();
    }
    seen
}

/// Looks once, at HAProxy's address.
pub fn observe(seats: &Seats, haproxy: IpAddr) -> Observation {
    let admin = SocketAddr::new(haproxy, seats.admin_port);
    let mut seen = Observation::default();
    match network::http_get(&format!("http://{admin}/cluster"), TIMEOUT) {
        Err(why) => {
            let connected = network::connects(admin, TIMEOUT);
            seen.is_there = connected.map_or_else(|e| e.kind() == std::io::ErrorKind::ConnectionRefused, |()| true);
            seen.problems.push(format!("HAProxy does not answer at {admin}: {why}"));
            return seen;
        }
        Ok(answer) if answer.status == 200 => match read_view(&answer.body) {
            Ok(view) if view.scope != seats.cluster => {
                seen.reachable = true;
                seen.stranger = true;
                seen.problems.push(another(seats, admin, &view.scope));
                return seen;
            }
            Ok(view) => {
                seen.problems.extend(judge(seats, &view.members));
                seen.members = view.members;
            }
            Err(why) => seen.problems.push(why),
        },
        Ok(answer) => {
            seen.problems.push(format!("no live database machine behind HAProxy (/cluster answers {})", answer.status))
        }
    }
    seen.reachable = true;
    match network::http_get(&format!("http://{admin}/health"), TIMEOUT) {
        Ok(answer) if answer.status == 200 => seen.has_primary = true,
        Ok(answer) => seen.problems.push(format!("HAProxy sees no primary (/health answers {})", answer.status)),
        Err(why) => seen.problems.push(format!("HAProxy's /health does not answer: {why}")),
    }
    for (port, what) in [(seats.write_port, "write"), (seats.read_port, "read")] {
        if let Err(e) = network::postgres_answers(SocketAddr::new(haproxy, port), TIMEOUT) {
            seen.problems.push(format!("no PostgreSQL behind the {what} port {port}: {e}"));
        }
    }
    seen
}

/// Who answers instead. Addresses are private: every network may have the same ones, and this machine is in some network.
fn another(seats: &Seats, at: SocketAddr, scope: &str) -> String {
    let who = if scope.is_empty() { "a cluster that does not say its name" } else { scope };
    format!("{who} answers at {at}, not {}", seats.cluster)
}

/// Patroni's view.
#[derive(Debug, Deserialize)]
pub struct ClusterView {
    /// Everyone it knows.
    pub members: Vec<Member>,
    /// The cluster's name.
    #[serde(default)]
    pub scope: String,
}

/// Reads Patroni's view.
pub fn read_view(json: &str) -> Result<ClusterView, String> {
    serde_json::from_str(json).map_err(|e| format!("Patroni's /cluster answered strangely: {e}"))
}

/// What keeps these members from being a healthy cluster: one primary, every other database streaming from it on its timeline.
pub fn judge(seats: &Seats, members: &[Member]) -> Vec<String> {
    let mut problems = vec![];
    let primaries: Vec<&Member> = members.iter().filter(|m| m.seat() == "primary").collect();
    let timeline = match primaries[..] {
        [primary] => {
            if primary.state != "running" {
                problems.push(format!("the primary at {} is {}", primary.host, primary.state));
            }
            primary.timeline
        }
        [] => {
            problems.push("there is no primary".into());
            None
        }
        _ => {
            problems.push(format!("there are {} primaries", primaries.len()));
            None
        }
    };
    let databases: Vec<&Seat> = seats.machines.iter().filter(|m| m.is_database()).collect();
    for seat in &databases {
        let address = seat.address.to_string();
        match members.iter().find(|m| m.host == address) {
            None => problems.push(format!("{} is not a member", seat.name)),
            Some(member) if member.seat() == "primary" => {}
            Some(member) if member.state != "streaming" => {
                problems.push(format!("{} does not stream: it is {}", seat.name, member.state));
            }
            Some(member) if timeline.is_some() && member.timeline != timeline => {
                let number = |t: Option<u64>| t.map_or("unknown".to_string(), |t| t.to_string());
                let (its, primary) = (number(member.timeline), number(timeline));
                problems.push(format!("{} is on timeline {its}, the primary on {primary}", seat.name));
            }
            Some(_) => {}
        }
    }
    let synchronous = members.iter().any(|m| m.seat() == "sync standby");
    if seats.synchronous && databases.len() > 1 && !synchronous {
        problems.push("no standby is synchronous yet".into());
    }
    problems
}
