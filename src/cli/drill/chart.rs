//! The drawing of a trial: bars, lines and lanes over one axis of time. Pure; the template only places what this returns.

use serde::Serialize;

use super::moved;
use crate::drill::timeline::{ClientPort, Movement, STEP_MS, Timeline, Witness};
use crate::drill::{TrialReport, seconds};

/// The width of a drawing, in its own units. The height of a row is 100 units.
const WIDTH: f64 = 1000.0;
/// The longest time between two reads of a machine that are joined by a line. Each of two readers reads about 15 times a second.
const JOINED_MS: i64 = 500;
/// The number of colours for machines in the template.
pub const COLOURS: usize = 6;
/// The share of the width below which a text has no room.
const LEGIBLE: f64 = 3.5;

/// The drawing of one trial.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Chart {
    /// The axis: seconds since the beginning of the fault.
    pub ticks: Vec<Mark>,
    /// What happened to the cluster.
    pub marks: Vec<Mark>,
    /// Where the fault lasted: position and width.
    pub fault: (f64, f64),
    /// The path of the bars: rows that were acknowledged in each tenth of a second.
    pub bars: String,
    /// The number of rows of the highest bar.
    pub most: u32,
    /// The age of the reads of each machine.
    pub ages: Vec<AgeLine>,
    /// The age at the top.
    pub oldest: String,
    /// The height of the bound of the age, from the top.
    pub bound: Option<f64>,
    /// What each source told.
    pub lanes: Vec<Lane>,
}

/// A place on the axis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mark {
    /// The position.
    pub x: f64,
    /// What is there.
    pub label: String,
}

/// The age of the reads of a machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AgeLine {
    /// The machine.
    pub machine: String,
    /// Its colour.
    pub class: String,
    /// The path.
    pub path: String,
}

/// What one source told of one thing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lane {
    /// The thing.
    pub title: String,
    /// Who told it.
    pub source: String,
    /// What was told, in order.
    pub spans: Vec<LaneSpan>,
}

/// A time during which a source told the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LaneSpan {
    /// Where it begins.
    pub x: f64,
    /// How wide it is.
    pub width: f64,
    /// The colours: one for each machine, or one for the kind of what was told.
    pub classes: Vec<String>,
    /// What was told.
    pub text: String,
    /// Whether there is room for the text.
    pub is_legible: bool,
}

/// The axis of a drawing.
#[derive(Debug, Clone, Copy)]
struct Axis {
    from: i64,
    until: i64,
}

impl Axis {
    /// Returns where a time is, in units of the drawing.
    fn x(self, ms: i64) -> f64 {
        let share = (ms.clamp(self.from, self.until) - self.from) as f64 / (self.until - self.from).max(1) as f64;
        round(share * WIDTH)
    }

    fn ticks(self) -> Vec<Mark> {
        let steps = [1, 2, 5, 10, 20, 30, 60, 120];
        let length = (self.until - self.from) / 1000;
        let step = 1000 * steps.into_iter().find(|step| length / step <= 10).unwrap_or(300);
        let first = self.from.div_euclid(step) + 1;
        let times = (first..).map(|i| i * step).take_while(|ms| *ms < self.until);
        times.map(|ms| Mark { x: self.x(ms), label: format!("{} s", ms / 1000) }).collect()
    }
}

/// Two digits are a hundredth of a pixel, and keep a page of many trials small.
fn round(units: f64) -> f64 {
    (units * 100.0).round() / 100.0
}

impl Chart {
    /// Draws a trial. `machines` are the database machines, in the order of their colours.
    pub fn of(trial: &TrialReport, timeline: &Timeline, machines: &[String]) -> Self {
        let axis = Axis { from: timeline.from_ms, until: timeline.until_ms() };
        let most = timeline.acknowledged.iter().copied().max().unwrap_or_default();
        let oldest = timeline.reads.values().flatten().map(|(_, age)| *age).max().unwrap_or_default();
        // The bound is to be seen, too. A tenth more, so that nothing touches the edge.
        let top = oldest.max(trial.staleness_bound_ms.unwrap_or_default()).max(1000) * 11 / 10;
        let lasted = i64::try_from(trial.lasted_ms).unwrap_or(i64::MAX);
        Chart {
            ticks: axis.ticks(),
            marks: marks(timeline, axis),
            fault: (axis.x(0), round(axis.x(lasted) - axis.x(0))),
            bars: bars(timeline, axis, most),
            most,
            ages: ages(timeline, axis, top, machines),
            oldest: seconds(top),
            bound: trial.staleness_bound_ms.map(|bound| height(bound, top)),
            lanes: lanes(timeline, axis, machines),
        }
    }
}

fn marks(timeline: &Timeline, axis: Axis) -> Vec<Mark> {
    let label = |movement: &Movement| match movement {
        Movement::FaultBegan => Some("fault"),
        Movement::FaultUndone => Some("undone"),
        Movement::Healthy => Some("healthy"),
        _ => None,
    };
    let found = timeline.moments.iter().filter_map(|one| Some((one.at_ms, label(&one.movement)?)));
    found.map(|(ms, label)| Mark { x: axis.x(ms), label: label.into() }).collect()
}

/// Returns how far from the top of a row of 100 units something is.
fn height(value: u64, top: u64) -> f64 {
    round(100.0 - 100.0 * value as f64 / top.max(1) as f64)
}

fn bars(timeline: &Timeline, axis: Axis, most: u32) -> String {
    let width = round(WIDTH / timeline.acknowledged.len().max(1) as f64);
    let starts = (timeline.from_ms..).step_by(STEP_MS as usize);
    let bars = starts.zip(&timeline.acknowledged).filter(|(_, rows)| **rows > 0).map(|(ms, rows)| {
        let top = height(u64::from(*rows), u64::from(most));
        format!("M{} 100V{top}h{width}V100z", axis.x(ms))
    });
    bars.collect()
}

fn ages(timeline: &Timeline, axis: Axis, top: u64, machines: &[String]) -> Vec<AgeLine> {
    let line = |(machine, reads): (&String, &Vec<(i64, u64)>)| {
        let mut path = String::new();
        let mut last = None;
        for (ms, age) in reads {
            let (x, y) = (axis.x(*ms), height(*age, top));
            let is_joined = last.is_some_and(|last: i64| ms - last <= JOINED_MS);
            // A short stroke, so that a single read is a dot.
            path += &if is_joined { format!("L{x} {y}") } else { format!("M{x} {y}h.1") };
            last = Some(*ms);
        }
        AgeLine { machine: machine.clone(), class: colour(machine, machines), path }
    };
    timeline.reads.iter().map(line).collect()
}

/// Returns the class of a machine's colour.
fn colour(machine: &str, machines: &[String]) -> String {
    let index = machines.iter().position(|one| one == machine);
    index.map_or("other".into(), |index| format!("m{}", index % COLOURS))
}

/// A thing that a source tells of, in the order of the lanes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum LaneSubject {
    Primary,
    Port(String, ClientPort),
    EtcdLeader,
    Database(usize, String),
}

impl LaneSubject {
    fn of(movement: &Movement, machines: &[String]) -> Option<Self> {
        match movement {
            Movement::Primary { .. } => Some(LaneSubject::Primary),
            Movement::Database { machine, .. } => {
                let place = machines.iter().position(|one| one == machine).unwrap_or(machines.len());
                Some(LaneSubject::Database(place, machine.clone()))
            }
            Movement::Serves { haproxy, port, .. } => Some(LaneSubject::Port(haproxy.clone(), *port)),
            Movement::EtcdLeader { .. } => Some(LaneSubject::EtcdLeader),
            Movement::FaultBegan | Movement::FaultUndone | Movement::Healthy | Movement::Silent { .. } => None,
        }
    }

    fn source(&self) -> Witness {
        match self {
            LaneSubject::Primary | LaneSubject::Database(..) => Witness::Patroni,
            LaneSubject::Port(haproxy, _) => Witness::Haproxy(haproxy.clone()),
            LaneSubject::EtcdLeader => Witness::Etcd,
        }
    }
}

fn lanes(timeline: &Timeline, axis: Axis, machines: &[String]) -> Vec<Lane> {
    let found = timeline.moments.iter().filter_map(|moment| LaneSubject::of(&moment.movement, machines));
    let mut subjects: Vec<LaneSubject> = found.collect();
    subjects.sort_unstable();
    subjects.dedup();
    subjects.into_iter().map(|subject| lane(&subject, timeline, axis, machines)).collect()
}

fn lane(subject: &LaneSubject, timeline: &Timeline, axis: Axis, machines: &[String]) -> Lane {
    let source = subject.source();
    let mut title = String::new();
    let is_its = |movement: &Movement| match movement {
        Movement::Silent { source: silent } => *silent == source,
        other => LaneSubject::of(other, machines).as_ref() == Some(subject),
    };
    let told: Vec<_> = timeline.moments.iter().filter(|moment| is_its(&moment.movement)).collect();
    let ends = told.iter().skip(1).map(|next| next.at_ms).chain([axis.until]);
    let spans = told.iter().zip(ends).map(|(moment, end)| {
        let (what, text) = moved::words(&moment.movement);
        if !matches!(moment.movement, Movement::Silent { .. }) {
            title = what;
        }
        let (x, width) = (axis.x(moment.at_ms), round(axis.x(end) - axis.x(moment.at_ms)));
        let is_legible = width / WIDTH * 100.0 >= LEGIBLE.max(text.len() as f64 * 0.9);
        LaneSpan { x, width, classes: classes(&moment.movement, machines), text, is_legible }
    });
    let spans = spans.collect();
    Lane { title, source: moved::witness(&source), spans }
}

/// Returns the colours of what was told.
fn classes(movement: &Movement, machines: &[String]) -> Vec<String> {
    let machine = |machine: &Option<String>| machine.as_ref().map_or("bad".into(), |one| colour(one, machines));
    match movement {
        Movement::Primary { machine: one } | Movement::EtcdLeader { machine: one, .. } => vec![machine(one)],
        Movement::Serves { machines: to, .. } if to.is_empty() => vec!["bad".into()],
        Movement::Serves { machines: to, .. } => to.iter().map(|one| colour(one, machines)).collect(),
        Movement::Database { machine, state } => match state.rsplit_once(", ") {
            Some(("primary", "running")) => vec![colour(machine, machines)],
            Some((_, "running" | "streaming")) => vec!["calm".into()],
            _ => vec!["bad".into()],
        },
        _ => vec!["silent".into()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::timeline::Moment;

    fn timeline(moments: &[(i64, Movement)]) -> Timeline {
        let moments = moments.iter().map(|(at_ms, movement)| Moment { at_ms: *at_ms, movement: movement.clone() });
        Timeline {
            from_ms: -1000,
            acknowledged: [vec![10; 10], vec![0; 5], vec![20; 5]].concat(),
            reads: [("slave1".to_string(), vec![(-1000, 0), (-900, 500), (900, 0)])].into(),
            moments: moments.collect(),
        }
    }

    fn chart(moments: &[(i64, Movement)]) -> Chart {
        let trial = TrialReport { lasted_ms: 500, staleness_bound_ms: Some(1000), ..TrialReport::default() };
        Chart::of(&trial, &timeline(moments), &["master".into(), "slave1".into()])
    }

    #[test]
    fn bars_and_lines_are_drawn_over_one_axis() {
        let chart = chart(&[(0, Movement::FaultBegan), (500, Movement::FaultUndone)]);
        assert_eq!(chart.most, 20);
        assert!(chart.bars.starts_with("M0 100V50h50V100zM50 100V50h50V100z"), "{}", chart.bars);
        assert_eq!(chart.bars.matches('M').count(), 15, "nothing is drawn where nothing was acknowledged");
        assert_eq!(chart.fault, (500.0, 250.0));
        let marks: Vec<(f64, &str)> = chart.marks.iter().map(|mark| (mark.x, mark.label.as_str())).collect();
        assert_eq!(marks, [(500.0, "fault"), (750.0, "undone")]);
        assert_eq!((chart.oldest.as_str(), chart.bound), ("1.1 s", Some(9.09)));
        assert_eq!(
            (chart.ages[0].class.as_str(), chart.ages[0].path.as_str()),
            ("m1", "M0 100h.1L50 54.55M950 100h.1")
        );
        assert_eq!(chart.ticks, [Mark { x: 500.0, label: "0 s".into() }]);
    }

    #[test]
    fn a_lane_is_what_a_source_told_until_it_told_something_else() {
        let primary = |machine: Option<&str>| Movement::Primary { machine: machine.map(String::from) };
        let serves = |port, machines: &[&str]| Movement::Serves {
            haproxy: "haproxy".into(),
            port,
            machines: machines.iter().map(|machine| machine.to_string()).collect(),
            fallback: String::new(),
        };
        let chart = chart(&[
            (-1000, serves(ClientPort::Read, &["master", "slave1"])),
            (-1000, Movement::Database { machine: "slave1".into(), state: "sync standby, streaming".into() }),
            (-1000, primary(Some("master"))),
            (0, Movement::FaultBegan),
            (0, primary(None)),
            (500, Movement::Silent { source: Witness::Patroni }),
            (600, primary(Some("slave1"))),
        ]);
        let told = |lane: usize| -> Vec<(&str, f64, String)> {
            let spans = chart.lanes[lane].spans.iter();
            spans.map(|span| (span.text.as_str(), span.width, span.classes.join(" "))).collect()
        };
        let titles: Vec<&str> = chart.lanes.iter().map(|lane| lane.title.as_str()).collect();
        assert_eq!(titles, ["primary", "haproxy's read port", "slave1"]);
        let primary =
            [("master", 500.0, "m0"), ("nobody", 250.0, "bad"), ("no answer", 50.0, "silent"), ("slave1", 200.0, "m1")];
        assert_eq!(told(0), primary.map(|(text, width, class)| (text, width, class.to_string())));
        assert_eq!(told(1), [("master, slave1", 1000.0, "m0 m1".into())]);
        assert_eq!(told(2)[1].0, "no answer", "a source that does not respond says nothing about any machine");
    }
}
