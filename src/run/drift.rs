//! What of a changed blueprint has not reached the databases that run: their images stay, and Patroni reads its settings only once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use serde_json::Value;

use super::health::{TIMEOUT, read_view};
use super::image::NAMED;
use super::prospect::foresee;
use super::runner::Runner;
use super::under::{Stop, Under};
use crate::fileset::contents;
use crate::parameters::value::same;
use crate::pipeline::{Seats, Work};
use crate::system::network;
use crate::tools::aws;

/// What brings settings to a cluster that runs.
pub const CHANGE_SETTINGS: &str = "`sudo herdctl edit-config` on a database machine changes them everywhere; those that need a restart take \
                                   effect by `sudo herdctl restart CLUSTER --pending`";
const TOO_MANY: &str = "HAProxy's limits are made for the generated max_connections: where fewer run, PostgreSQL refuses what HAProxy \
                        lets through; raise those that run first";

impl Runner<'_> {
    /// Says what of the blueprint the running databases do not have, before anything is changed; answers which settings differ.
    pub fn compare_databases(&self) -> Vec<String> {
        let Ok(mut under) = self.begin("databases") else { return vec![] };
        under.stage = "";
        // The tags are asked for in any case where nothing is known.
        if self.is_bare() && under.tagged().is_ok_and(|tagged| tagged.is_some_and(|tagged| !tagged.has_things())) {
            under.say_prospect(None);
            return vec![];
        }
        // Where that cannot be asked, the stages fail by themselves and say why.
        match under.say_behind() {
            Ok(true) => self.haproxy_address().map_or(vec![], |address| {
                under.say_prospect(Some(address));
                under.say_settings(address)
            }),
            Ok(false) => {
                under.say_prospect(None);
                vec![]
            }
            Err(_) => vec![],
        }
    }
}

impl Under<'_> {
    /// Names the databases that run from another image than the blueprint's; answers whether there are databases at all.
    pub(super) fn say_behind(&mut self) -> Result<bool, Stop> {
        let runner = self.runner;
        let pipeline = runner.setup.pipeline;
        let asked = self.capture(&pipeline.aws(aws::machines_of(&pipeline.region, &pipeline.tag)))?;
        let machines: BTreeMap<String, String> = aws::read_users(&asked.stdout)
            .unwrap_or_default()
            .into_iter()
            .map(|(ami, machine)| (machine, ami))
            .collect();
        let databases = pipeline.seats.machines.iter().filter(|seat| seat.is_database());
        let there: Vec<_> = databases.filter_map(|seat| Some((seat, machines.get(&seat.name)?))).collect();
        if there.is_empty() {
            return Ok(false);
        }
        let images = self.images()?;
        let (mut behind, mut files) = (vec![], BTreeSet::new());
        for (seat, ami) in there {
            let Some(meant) = pipeline.seats.images.iter().find(|image| image.role == seat.role) else { continue };
            let runs = images.iter().find(|image| image.id == *ami);
            if runs.is_some_and(|runs| runs.name == meant.name) {
                continue;
            }
            behind.push(seat.name.as_str());
            if let Some(others) = runs.and_then(|runs| contents::of_tags(&runs.tags)) {
                files.extend(contents::difference(&meant.contents, &others));
            }
        }
        if !behind.is_empty() {
            self.name_behind(&behind, &files.into_iter().collect::<Vec<_>>());
        }
        Ok(true)
    }

    /// Says before anything is made that the cluster will not be seen from here: by addresses, and where HAProxy is there already, by
    /// whether its port takes a connection.
    fn say_prospect(&mut self, haproxy: Option<IpAddr>) {
        let seats = &self.runner.setup.pipeline.seats;
        if !self.runner.setup.pipeline.stages.iter().any(|stage| stage.work == Work::Verify) {
            return;
        }
        let prospect = foresee(seats, network::way_to).map(|prospect| prospect.why);
        let probed = haproxy.map(|haproxy| network::connects(SocketAddr::new(haproxy, seats.admin_port), TIMEOUT));
        let why = match (prospect, probed) {
            (_, Some(Ok(()))) => return,
            (_, Some(Err(e))) if e.kind() == std::io::ErrorKind::ConnectionRefused => return,
            (Some(why), _) => why,
            (None, Some(Err(e))) => format!("HAProxy's admin port does not answer here ({e})"),
            (None, None) => return,
        };
        let advice = seats.advice.unreachable.clone();
        self.notice(&format!("this run will not see whether the cluster is healthy, and end with exit code 5: {why}"));
        self.notice(&format!("  what to do: {advice}"));
    }

    fn name_behind(&mut self, machines: &[&str], files: &[String]) {
        let (run, more) = (if machines.len() == 1 { "runs" } else { "run" }, files.len().saturating_sub(NAMED));
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let named = files.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        let differs = if named.is_empty() { String::new() } else { format!(" (it differs in {named}{more})") };
        let machines = machines.join(", ");
        self.notice(&format!(
            "{machines} {run} from another image than the blueprint's{differs}: no run replaces a database"
        ));
        self.notice(
            "  settings, users and databases of a changed blueprint do not reach a running cluster by themselves: change settings with \
             `sudo herdctl edit-config` and `sudo herdctl restart CLUSTER --pending`, make users and databases by hand",
        );
        self.notice("  all else comes with a new machine: replace one at a time, as the generated RUNBOOK.md says");
    }

    /// Names the settings that run otherwise than they are generated.
    pub(super) fn say_settings(&mut self, haproxy: IpAddr) -> Vec<String> {
        let differ = settings(&self.runner.setup.pipeline.seats, haproxy);
        for line in advised(&differ) {
            self.notice(&line);
        }
        differ
    }
}

/// The lines that say which settings differ and what to do; none where none does.
pub fn advised(differ: &[String]) -> Vec<String> {
    if differ.is_empty() {
        return vec![];
    }
    let mut lines = vec!["the cluster runs with other settings than the blueprint generates:".to_string()];
    lines.extend(differ.iter().map(|line| format!("  {line}")));
    if differ.iter().any(|line| line.starts_with("max_connections:")) {
        lines.push(format!("  {TOO_MANY}"));
    }
    lines.push(format!("  what to do: {CHANGE_SETTINGS}"));
    lines
}

/// Asks Patroni through HAProxy what runs; a HAProxy of an older image does not tell, and another cluster's settings are none of ours.
pub fn settings(seats: &Seats, haproxy: IpAddr) -> Vec<String> {
    let get = |path: &str| {
        let at = SocketAddr::new(haproxy, seats.admin_port);
        let answer = network::http_get(&format!("http://{at}{path}"), TIMEOUT).ok();
        answer.filter(|answer| answer.status == 200).map(|answer| answer.body)
    };
    let ours = get("/cluster").and_then(|body| read_view(&body).ok()).is_some_and(|view| view.scope == seats.cluster);
    let live = ours.then(|| get("/config")).flatten().and_then(|body| serde_json::from_str(&body).ok());
    live.map_or(vec![], |live| differences(&seats.settings, &live))
}

/// Each setting that runs otherwise: Patroni's own by their names, PostgreSQL's by theirs.
fn differences(generated: &BTreeMap<String, String>, live: &Value) -> Vec<String> {
    let parameters = &live["postgresql"]["parameters"];
    let runs = |name: &str| match live.get(name).or(parameters.get(name)) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
    };
    let differ = generated.iter().filter_map(|(name, wanted)| match runs(name) {
        Some(runs) if same(name, &runs, wanted) => None,
        Some(runs) => Some(format!("{name}: {runs} runs, {wanted} is generated")),
        None => Some(format!("{name}: its own default runs, {wanted} is generated")),
    });
    differ.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_is_named_and_ways_of_writing_are_none() {
        let of = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let live = serde_json::json!({"ttl": 30, "synchronous_mode": true, "postgresql": {"parameters":
            {"max_connections": 200, "shared_buffers": 262144, "log_checkpoints": true, "checkpoint_timeout": "900s",
             "log_lock_waits": "1", "huge_pages": "TRY", "autovacuum": "1", "max_wal_size": "010GB", "random_page_cost": 1.1,
             "wal_sender_timeout": 10000, "log_line_prefix": "1",
             "wal_compression": "on", "unix_socket_permissions": 448, "archive_timeout": "60s", "log_min_messages": "debug",
             "search_path": "a,b", "my.own": "1"}}});
        let generated: BTreeMap<String, String> = of(&[
            ("ttl", "20"),
            ("synchronous_mode", "true"),
            ("max_connections", "300"),
            ("shared_buffers", "2048MB"),
            ("log_checkpoints", "on"),
            ("checkpoint_timeout", "15min"),
            ("log_lock_waits", "on"),
            ("huge_pages", "try"),
            ("autovacuum", "off"),
            ("max_wal_size", "8192MB"),
            ("random_page_cost", "1.10"),
            ("wal_sender_timeout", "10s"),
            ("log_line_prefix", "on"),
            ("work_mem", "10MB"),
            ("wal_compression", "pglz"),
            ("unix_socket_permissions", "0700"),
            ("archive_timeout", "1min"),
            ("log_min_messages", "debug2"),
            ("search_path", "a, b"),
            ("my.own", "on"),
        ]);
        assert_eq!(
            differences(&generated, &live),
            [
                "autovacuum: 1 runs, off is generated",
                "log_line_prefix: 1 runs, on is generated",
                "max_connections: 200 runs, 300 is generated",
                "my.own: 1 runs, on is generated",
                "ttl: 30 runs, 20 is generated",
                "work_mem: its own default runs, 10MB is generated"
            ]
        );
    }
}
