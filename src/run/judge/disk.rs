//! Judges how full the disks of the database machines are.
//!
//! Patroni does not notice a full disk as long as PostgreSQL runs, and neither do HAProxy's checks. So it must be seen coming.

use crate::pipeline::Expected;
use crate::run::observe::disk::{DiskAnswer, DiskReport, ReplicationSlot};
use crate::run::observe::passage::NoReport;

/// The percentage of the file system below which free space is worth a warning, as Kubernetes' threshold of `nodefs.available`
/// (<https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#hard-eviction-thresholds>).
const LOW: u64 = 10;
/// The percentage below which the cluster is not healthy, as the first alert of Prometheus' node exporter
/// (<https://github.com/prometheus/node_exporter/blob/v1.9.1/docs/node-mixin/config.libsonnet>).
const NEARLY_FULL: u64 = 5;

/// A disk that runs out of space, and what may be the cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortDisk {
    /// The machine.
    pub machine: String,
    /// The bytes that are free.
    pub free: u64,
    /// The bytes of the file system.
    pub size: u64,
    /// The bytes of the WAL's files.
    pub wal: u64,
    /// The slot that keeps the most WAL, if one keeps any.
    pub slot: Option<ReplicationSlot>,
    /// Whether a reserve is there that can be deleted.
    pub has_reserve: bool,
}

/// Something about a disk that leaves the cluster healthy, but must be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiskWarning {
    /// A disk has little space left.
    Low(ShortDisk),
    /// A disk has space, but no more than slots may still fill with WAL.
    Promised {
        /// The disk.
        disk: ShortDisk,
        /// The bytes that a slot may keep at most.
        limit: u64,
    },
    /// The reserve is not there, although there is room for it.
    NoReserve {
        /// The machine.
        machine: String,
    },
    /// A machine does not report its disk.
    NoReport {
        /// The machine.
        machine: String,
        /// Why.
        why: NoReport,
    },
}

impl DiskWarning {
    /// Returns the machine that the warning concerns.
    pub fn machine(&self) -> &str {
        match self {
            DiskWarning::Low(disk) | DiskWarning::Promised { disk, .. } => &disk.machine,
            DiskWarning::NoReserve { machine } | DiskWarning::NoReport { machine, .. } => machine,
        }
    }
}

/// What was found of the disks.
#[derive(Debug, Default)]
pub struct DiskFindings {
    /// Disks that are nearly full, or short of space with the reserve used up.
    pub full: Vec<ShortDisk>,
    /// Everything else that must be looked at.
    pub warnings: Vec<DiskWarning>,
}

/// Judges the reports of a cluster's disks.
pub fn judge(expected: &Expected, answers: &[DiskAnswer]) -> DiskFindings {
    let mut findings = DiskFindings::default();
    for machine in expected.databases() {
        let Some(answer) = answers.iter().find(|answer| answer.machine == machine.name) else { continue };
        let machine = || answer.machine.clone();
        let report = match &answer.report {
            Ok(report) => report,
            Err(why) => {
                findings.warnings.push(DiskWarning::NoReport { machine: machine(), why: why.clone() });
                continue;
            }
        };
        let disk = || short(machine(), report);
        let (has_reserve, promised) = (report.reserve > 0, promised(report));
        if is_below(report, NEARLY_FULL) || !has_reserve && is_below(report, LOW) {
            findings.full.push(disk());
        } else if is_below(report, LOW) {
            findings.warnings.push(DiskWarning::Low(disk()));
        } else if let Some(limit) = report.slot_limit.filter(|_| report.free < promised) {
            findings.warnings.push(DiskWarning::Promised { disk: disk(), limit });
        } else if !has_reserve {
            findings.warnings.push(DiskWarning::NoReserve { machine: machine() });
        }
    }
    findings
}

fn is_below(report: &DiskReport, percent: u64) -> bool {
    u128::from(report.free) * 100 < u128::from(report.size) * u128::from(percent)
}

/// Returns the bytes that slots may still fill with WAL: their limit, less the WAL that is there already.
fn promised(report: &DiskReport) -> u64 {
    report.slot_limit.map_or(0, |limit| limit.saturating_sub(report.wal))
}

fn short(machine: String, report: &DiskReport) -> ShortDisk {
    ShortDisk {
        machine,
        free: report.free,
        size: report.size,
        wal: report.wal,
        slot: report.greatest_slot().filter(|slot| slot.retained > 0).cloned(),
        has_reserve: report.reserve > 0,
    }
}

#[cfg(test)]
mod tests;
