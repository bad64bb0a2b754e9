//! The arguments of `drill`.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::common::{EXIT_CODES, Format, Where, number};
use crate::cluster::fault::Fault;

/// What `pgherd drill --help` says after the options.
const HELP: &str = "\
A drill needs a cluster that is running and healthy:

  pgherd run blueprint.hcl --target lab
  pgherd drill blueprint.hcl --target lab postgres switchover --trials 3 \\
      --page drill.html

In each trial, four clients write one numbered row per transaction through the
write port, and two read through the read port. Then one fault happens. A fault
that lasts is undone 5 s after the outage predicted by `pgherd check` should be
over, after 10 s where that is unbounded, or after --hold. The clients go on
until the cluster is healthy again. At the end, every acknowledged row is looked
for on every database machine, and every row that a reader saw must be there.

The clients log in as the owner of a database of the blueprint. They use a
schema of their own, pgherd_drill, which is dropped afterwards. If a drill is
interrupted while there is no primary, the schema stays until the next drill.
Other schemas are not touched, but their clients feel the fault as well.

Whatever a drill breaks, it repairs: also after Ctrl-C, and when it fails. If
the drill itself is killed, the next `pgherd drill` repairs it; --undo does
that and nothing else. In the lab any `pgherd lab` command does so, too, and on
AWS `pgherd run`; `pgherd status` says what is left.

On AWS (the default target):
  - A drill powers machines off through EC2's API, without a shutdown of the
    operating system, and starts them again.
  - Possible are the faults in which machines lose power: machine, zone,
    haproxy-machine, sync-standby, async-standby, machine-etcd-leader,
    everything.
  - Left out is what needs a login on a machine (a process that dies or hangs,
    a switchover, etcd's leadership moved on purpose) and every cut of the
    network: EC2 lets through what belongs to an open connection after its
    security group's rule is gone, and a network ACL cuts off a whole subnet.
  - machine needs a primary that does not lead etcd, and machine-etcd-leader
    one that does. Nothing is moved for that.
  - The drill says what it will stop, for how long, and what `check` predicts.
    Then it asks for the cluster's name, unless --yes is given.
  - It touches only instances with the cluster's tag, and only if they are
    exactly the blueprint's: each machine once, with its address, in its zone.
  - It must run where HAProxy's ports can be reached, because its clients do.
    On each database machine it looks for rows through HAProxy: one that no
    port leads to counts as unchecked.
  - `pgherd policy BLUEPRINT --for drill` prints the rights that it needs. The
    clients' password is read from Secrets Manager.
  - A machine whose type EC2 has no capacity for stays down until there is
    some. The drill tries for 15 minutes.

With --page, the report is also one HTML file that explains itself and loads
nothing: a summary, and for each trial a timeline (acknowledged rows per 0.1 s,
the age of reads, who was primary, where HAProxy led, who led etcd) with the same
facts as tables. It has the trials so far at any time, also after Ctrl-C. A file
that is not such a page is never overwritten.

With `random`, every fault that the cluster can have comes once, in an order
that follows from the seed, then again in another order, until the time is over.
The report has the seed.

Not among the faults:
  clock           A clock that is wrong. Linux has one clock for all machines of
                  the lab, and what shifts it for one process alone (libfaketime)
                  does not reach etcd, which is written in Go. Leases and
                  elections use the monotonic clock, which no setting of the time
                  changes.
  replace         A machine that is replaced by an empty one. A drill repairs
                  what it breaks, and nothing brings back the disk of a machine
                  that is gone. It also needs Terraform, which a drill does not
                  run. The cluster's RUNBOOK has the steps.
  two-founders    Both machines that founded the cluster come up with empty
                  disks. Neither initializes a cluster, and an operator has to
                  follow the RUNBOOK: no timer ends it, and a drill cannot undo
                  it.

The report, for each fault:
  writes stopped  longest time without an acknowledged row: min / median / max
  bound           the most that `pgherd check` predicts; a pause of up to 0.3 s
                  does not count as an outage
  reads stopped   longest time without a successful read: min / median / max,
                  and the most that `pgherd check` predicts
  stale           the greatest age of an acknowledged row that a read lacked
  lost            acknowledged rows that a database machine lacks at the end
  phantom         rows that a reader saw and that no longer exist
  healthy after   time from the end of the fault until `pgherd status` is
                  healthy, at most
A bound that does not hold (of writes, of reads, or of the age of reads), a row
that is lost or a phantom, a former primary that still acknowledges, or a cluster
that does not become healthy within five minutes makes the drill fail with exit
code 1. So does what a drill leaves behind: a namespace, a mount, a rule, a
replication slot. A cluster that is not healthy before a trial is refused with
exit code 1 as well: `pgherd status` says what is wrong with it, and what to do.

With --format json, each line is an event (see `pgherd schema --drill`); the
last one has the whole report.
";

/// `drill`
#[derive(Debug, ClapArgs)]
#[command(after_help = format!("{HELP}\n{EXIT_CODES}"))]
pub struct DrillArgs {
    #[command(flatten)]
    pub place: Where,
    /// The faults, in this order [default: all that the cluster can have]
    #[arg(value_parser = wanted(), value_name = "FAULT")]
    pub faults: Vec<Wanted>,
    /// Number of trials of each fault
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = number::<u16>(1, 1000, ""), allow_negative_numbers = true)]
    pub trials: u16,
    /// Seed of `random`: the same seed brings about the same faults in the same order [default: a new one]
    #[arg(long, value_name = "N", value_parser = number::<u32>(0, u32::MAX.into(), ""), allow_negative_numbers = true)]
    pub seed: Option<u32>,
    /// How long `random` goes on: no fault begins later [default: 30]
    #[arg(long, value_name = "M", value_parser = number::<u64>(1, 1440, " of minutes"), allow_negative_numbers = true)]
    pub minutes: Option<u64>,
    /// Undo a fault that lasts after this time, instead of after its predicted outage
    #[arg(long, value_name = "SECONDS", value_parser = number::<u64>(1, 3600, " of seconds"), allow_negative_numbers = true)]
    pub hold: Option<u64>,
    /// Database for the clients' rows [default: the blueprint's first]
    #[arg(long, value_name = "NAME")]
    pub database: Option<String>,
    /// Write a page about the drill: one HTML file with a timeline of each trial, replaced after each trial
    #[arg(long, value_name = "FILE")]
    pub page: Option<PathBuf>,
    /// Only undo what a drill that was killed has left
    #[arg(long, conflicts_with_all = ["faults", "trials", "hold", "database", "page"])]
    pub undo: bool,
    /// Do not ask for confirmation (the lab never asks)
    #[arg(long)]
    pub yes: bool,
    /// Print text for people, or one JSON object per event
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Print only the report and errors
    #[arg(long, short)]
    pub quiet: bool,
}

/// What a drill can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// This fault.
    Fault(Fault),
    /// Faults in an order that follows from a seed.
    Random,
}

/// The name of [`Wanted::Random`].
const RANDOM: &str = "random";

impl Wanted {
    /// Returns the fault, if it is a certain one.
    pub fn fault(self) -> Option<Fault> {
        match self {
            Wanted::Fault(fault) => Some(fault),
            Wanted::Random => None,
        }
    }
}

impl DrillArgs {
    /// Returns whether no certain fault was asked for, but all or any that the cluster can have.
    pub fn names_none(&self) -> bool {
        self.faults.iter().all(|wanted| *wanted == Wanted::Random)
    }
}

fn wanted() -> impl TypedValueParser<Value = Wanted> {
    let faults = Fault::ALL.iter().map(|fault| PossibleValue::new(fault.name()).help(fault.title()));
    let random = PossibleValue::new(RANDOM).help("all faults in random order, one after the other, for --minutes");
    PossibleValuesParser::new(faults.chain([random]))
        .map(|name| Fault::named(&name).map_or(Wanted::Random, Wanted::Fault))
}
