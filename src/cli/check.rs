//! `pgherd check`: predicts how a cluster will behave, before it exists.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;
use serde_json::{Value, json};

use super::args::{self, Format};
use super::blueprints::{self, Loaded};
use super::error::{CommandError, ErrorKind};
use super::report::{Report, Style};
use crate::blueprint::{Diagnostic, Places};
use crate::cluster::check::access::Door;
use crate::cluster::check::quorum::Survival;
use crate::cluster::check::sum::Sum;
use crate::cluster::check::{BudgetCheck, Check, Day, check, check_on};
use crate::cluster::decision::Decision;
use crate::cluster::fault::{Prediction, Term, seconds};
use crate::system::{Context, clock};

/// Runs the verb.
pub fn run(context: &Context, report: &Report, options: &args::CheckArgs) -> Result<(), CommandError> {
    let loaded = blueprints::load(context, report, &options.blueprints, &options.variables)?;
    let today = Day::of(&clock::rfc3339(context.now));
    let judge = |one| today.map_or_else(|| check(one), |today| check_on(one, today));
    let checked: Vec<(&Loaded, Check)> = loaded.iter().map(|one| (one, judge(&one.cluster))).collect();
    match options.format {
        Format::Json => {
            let all: Vec<Value> = checked.iter().map(|(one, found)| as_json(one, found)).collect();
            report.line(&format!("{:#}", json!({ "clusters": all })));
        }
        Format::Text => {
            for (i, (one, found)) in checked.iter().enumerate() {
                if i > 0 {
                    report.line("");
                }
                show(report, one, found, options.decisions);
            }
        }
    }
    match checked.iter().map(|(_, found)| found.errors()).sum() {
        0 => Ok(()),
        1 => Err(CommandError::Text(ErrorKind::Usage, "1 rule is violated".into())),
        errors => Err(CommandError::Text(ErrorKind::Usage, format!("{errors} rules are violated"))),
    }
}

/// Returns the findings as diagnostics, each at its place in the blueprint.
pub fn diagnostics(one: &Loaded, found: &Check) -> Vec<Diagnostic> {
    if found.findings.is_empty() {
        return vec![];
    }
    let file = one.file.display().to_string();
    let places = Places::of(&file, &one.text);
    (found.findings.iter())
        .map(|finding| places.diagnostic(&finding.attribute, finding.rule, &finding.problem, &finding.help))
        .collect()
}

fn as_json(one: &Loaded, found: &Check) -> Value {
    let mut value = json!({ "cluster": one.cluster.name, "blueprint": one.file.display().to_string() });
    let Value::Object(shown) = json!(found) else { return value };
    for (name, part) in shown {
        value[name] = part;
    }
    for (fault, prediction) in value["faults"].as_array_mut().into_iter().flatten().zip(&found.faults) {
        fault["outage_ms"] = json!(prediction.bound());
        fault["reads"]["outage_ms"] = json!(prediction.reads.bound());
        fault["loss_ms"] = json!(prediction.lost());
    }
    let places = diagnostics(one, found);
    for (finding, place) in value["findings"].as_array_mut().into_iter().flatten().zip(places) {
        finding["line"] = json!(place.line);
        finding["column"] = json!(place.column);
    }
    let places = Places::of("", &one.text);
    value["decisions"] = (one.cluster.decisions.iter())
        .map(|decision| {
            let mut shown = json!(decision);
            shown["from"] = origins(one, &places, decision).map(|origin| json!(origin)).collect();
            shown
        })
        .collect();
    value
}

/// An input of a decision.
#[derive(Serialize)]
#[serde(untagged)]
enum Basis<'a> {
    /// Another decision.
    Decision { decision: &'a str },
    /// An attribute of the blueprint, and the line where it is set; `None` if it has its default.
    Attribute { attribute: &'a str, file: String, line: Option<usize> },
}

impl Display for Basis<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self {
            Basis::Decision { decision } => write!(f, "{decision}"),
            Basis::Attribute { attribute, file, line: Some(line) } => write!(f, "{attribute} ({file}:{line})"),
            Basis::Attribute { attribute, line: None, .. } => write!(f, "{attribute} (default)"),
        }
    }
}

fn origins<'a>(one: &'a Loaded, places: &Places, decision: &'a Decision) -> impl Iterator<Item = Basis<'a>> {
    decision.from.iter().map(|name| {
        match one.cluster.decisions.iter().any(|other| other.name == *name && other.name != decision.name) {
            true => Basis::Decision { decision: name },
            false => Basis::Attribute {
                attribute: name,
                file: one.file.display().to_string(),
                line: places.line(name).map(|(line, _)| line),
            },
        }
    })
}

fn show(report: &Report, one: &Loaded, found: &Check, decisions: bool) {
    let head = |text: &str| report.line(&report.on_out(Style::Bold, text));
    let (cluster, file) = (&one.cluster, one.file.display());
    head(&format!("{} ({file})", cluster.name));
    report.line("");
    head("Single faults: how long writes and reads stop at worst, and which acknowledged writes are lost");
    report.table(&faults(found));
    report.line("");
    report.line(&stale(found));
    report.line(found.single_copy.text());
    found.replay_wait.text().into_iter().for_each(|text| report.line(&text));
    if let Some(kept) = &found.budget {
        report.line(&budget(kept));
    }
    report.line("");
    head("How these times add up: each term with its source");
    report.table(&terms(found));
    report.line("");
    head("Ways in: how long clients wait when a HAProxy's machine is lost, and what AWS bills");
    report.table(&ways(found));
    report.line("");
    head("What happens to writes when a machine or a zone fails");
    report.table(&spared(found));
    report.line("");
    head("Capacity");
    report.table(&found.capacity.iter().map(sum).collect::<Vec<_>>());
    report.line("");
    head("Who may connect");
    report.table(&found.access.iter().map(door).collect::<Vec<_>>());
    if decisions {
        report.line("");
        head("Decisions");
        let places = Places::of("", &one.text);
        for decision in cluster.decisions.iter() {
            report.line(&format!("{} = {}", decision.name, decision.value));
            if !decision.from.is_empty() {
                let from: Vec<String> = origins(one, &places, decision).map(|origin| origin.to_string()).collect();
                report.line(&format!("    from    {}", from.join(", ")));
            }
            report.line(&format!("    why     {}\n    source  {}", decision.why, decision.source));
        }
    }
    report.line("");
    head("Rules");
    for accepted in &found.accepted {
        report.line(&format!(
            "{} accepted, because \"{}\": {}",
            accepted.finding.rule.code, accepted.reason, accepted.finding.problem
        ));
    }
    for diagnostic in diagnostics(one, found) {
        report.line(&format!("{diagnostic}\n"));
    }
    if found.findings.is_empty() {
        report.line(&report.on_out(Style::Good, "No rule is violated."));
    } else {
        report.line("`pgherd explain CODE` explains a rule in full.");
    }
}

fn faults(found: &Check) -> Vec<Vec<String>> {
    let mut rows = vec![["fault", "writes stop", "reads stop", "lost", "because"].map(String::from).to_vec()];
    rows.extend(found.faults.iter().map(|prediction| {
        let (writes, reads) = (stop(prediction.bound()), stop(prediction.reads.bound()));
        vec![prediction.title.to_string(), writes, reads, lost(prediction), explained(prediction)]
    }));
    rows
}

fn stale(found: &Check) -> String {
    match &found.staleness {
        None => "A standby that is cut off from its primary serves old reads until somebody notices: wal_receiver_timeout is 0.".into(),
        Some(terms) if terms.is_empty() => "There is no standby, so no read is old.".into(),
        Some(terms) => {
            let ms = terms.iter().map(|term| term.ms).sum();
            format!("A standby that is cut off from its primary serves reads for {} at most: {}", seconds(ms), sum_of(terms))
        }
    }
}

fn budget(kept: &BudgetCheck) -> String {
    let stated = |name: &str, value: Option<u32>| value.map(|value| format!("{name} {value} s"));
    let stated: Vec<String> = stated("rto", kept.rto).into_iter().chain(stated("rpo", kept.rpo)).collect();
    let worst = kept.worst_ms.map_or("unbounded".to_string(), seconds);
    format!("budget: {}; the worst fault that it covers: {}, {worst}", stated.join(", "), kept.worst)
}

fn stop(bound: Option<u32>) -> String {
    match bound {
        None => "unbounded".into(),
        Some(0) => "not at all".into(),
        Some(ms) => seconds(ms),
    }
}

fn lost(prediction: &Prediction) -> String {
    match prediction.lost() {
        None => "data".into(),
        Some(0) => "nothing".into(),
        Some(ms) => format!("{} of writes", seconds(ms)),
    }
}

fn explained(prediction: &Prediction) -> String {
    if let Some(until) = prediction.until {
        return match prediction.unbounded_loss {
            Some(loss) => format!("until {until}; {loss}"),
            None => format!("until {until}"),
        };
    }
    if prediction.outage.is_empty() {
        return prediction.because.into();
    }
    match prediction.loss.is_empty() {
        true => sum_of(&prediction.outage),
        false => format!("{}; lost: {} ({})", sum_of(&prediction.outage), sum_of(&prediction.loss), prediction.because),
    }
}

fn sum_of(terms: &[Term]) -> String {
    let shown: Vec<String> =
        terms.iter().map(|t| format!("{} {}", t.name, seconds(t.ms).trim_end_matches(" s"))).collect();
    shown.join(" + ")
}

/// Returns each term once, in the order of first use.
fn terms(found: &Check) -> Vec<Vec<String>> {
    let mut seen: Vec<&Term> = vec![];
    let of_faults = found.faults.iter().flat_map(|p| p.outage.iter().chain(&p.reads.outage).chain(&p.loss));
    for term in of_faults.chain(found.staleness.iter().flatten()).chain(found.ways.iter().flat_map(|way| &way.outage)) {
        if seen.iter().all(|known| known.name != term.name) {
            seen.push(term);
        }
    }
    seen.iter().map(|t| vec![t.name.to_string(), seconds(t.ms), t.what.to_string(), t.source.to_string()]).collect()
}

fn ways(found: &Check) -> Vec<Vec<String>> {
    let mut rows =
        vec![["clients connect to", "haproxy { … }", "they wait", "because", "AWS bills"].map(String::from).to_vec()];
    rows.extend(found.ways.iter().map(|way| {
        let ms = way.outage.iter().map(|term| term.ms).sum();
        let (wait, because) = match way.until {
            Some(until) => ("unbounded".into(), format!("until {until}")),
            None => (seconds(ms), sum_of(&way.outage)),
        };
        let set = if way.is_there { format!("{} (this cluster)", way.set) } else { way.set.into() };
        vec![way.what.into(), set, wait, because, way.bill.clone()]
    }));
    rows
}

fn spared(found: &Check) -> Vec<Vec<String>> {
    let quorum = &found.quorum;
    let holds = format!("{} of {} must be alive: {}", quorum.needed, quorum.members.len(), quorum.members.join(", "));
    let mut rows = vec![vec!["etcd".to_string(), holds]];
    let all_alike =
        |verdict: Survival| quorum.machines.iter().filter(move |m| m.verdict == verdict).map(|m| m.name.as_str());
    let mut verdicts: Vec<Survival> = quorum.machines.iter().map(|m| m.verdict).collect();
    verdicts.dedup();
    for verdict in verdicts {
        let names: Vec<&str> = all_alike(verdict).collect();
        let which = match names.len() {
            1 => names.join(""),
            2..=5 => format!("any one of {}", names.join(", ")),
            many => format!("any one of {many} databases"),
        };
        rows.push(vec![which, verdict.text().to_string()]);
    }
    for zone in &quorum.zones {
        let after = match zone.outage_ms {
            Some(ms) if ms > 0 => format!(" (within {} if the primary was in it)", seconds(ms)),
            _ => String::new(),
        };
        let which = format!("zone {} ({})", zone.name, zone.machines.join(", "));
        rows.push(vec![which, format!("{}{after}", zone.verdict.text())]);
    }
    rows
}

fn door(door: &Door) -> Vec<String> {
    let from = door.from.join(", ");
    let who = match (door.closed, &door.key_name) {
        (Some(why), _) => format!("nobody: {why}"),
        (None, Some(key)) => format!("{from}, with the key \"{key}\""),
        (None, None) => from,
    };
    let only = door.only.as_ref().filter(|_| door.closed.is_none());
    let who = only.map_or(who.clone(), |only| format!("{who}, {only}"));
    vec![door.what.clone(), format!("port {}", door.port), who]
}

fn sum(sum: &Sum) -> Vec<String> {
    let parts: Vec<String> =
        sum.parts.iter().filter(|(_, part)| *part > 0).map(|(name, part)| format!("{name} {part}")).collect();
    let mark = if sum.fits() { "of" } else { "EXCEEDS" };
    vec![
        sum.what.clone(),
        format!("{} {mark} {} {}", sum.total(), sum.limit, sum.unit),
        format!("{}; limit: {}", parts.join(" + "), sum.limit_is),
    ]
}
