//! Drills: a fault, brought about on purpose, measured by clients of the cluster, and compared with what `check` predicts.
//!
//! [`Trial`] breaks one thing once. Meanwhile the [`probe`] writes one numbered row a transaction through the write port and reads
//! through the read port, and a [`lookout`] sees what moves where. What the clients noted becomes figures in [`measure`], and the figures
//! become a verdict in [`report`]; both are pure. The cluster's surroundings, which is what breaks its machines, are behind the trait
//! [`Ground`]: the lab, or [`ec2`].

pub mod ec2;
pub mod events;
mod ground;
mod lookout;
pub mod measure;
mod probe;
mod report;
mod samples;
mod series;
pub mod timeline;
mod traces;
mod trial;
mod versions;
mod victim;

pub use ground::{Ground, SCHEMA};
pub use probe::{READERS, WRITERS};
pub use report::{DrillReport, FaultReport, HostReport, Spread, TrialReport, UNNOTICED_MS, seconds};
pub use samples::{Acknowledged, Mishap, Read, Row, Samples};
pub use series::Series;
pub use traces::Traces;
pub use trial::{FaultTarget, Hold, Stopped, Trial, require_healthy};
pub use versions::versions;
