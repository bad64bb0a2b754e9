//! How much a verb needs before it can begin.

/// How much must be ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Up-to-date files and suitable tools: the tools will be run on them.
    Tools,
    /// As `Tools`, but the files may be out of date: what they made before is to be destroyed.
    Teardown,
    /// Up-to-date files, to print the commands that would be run.
    Commands,
    /// Only the addresses of the machines.
    Location,
}

impl Need {
    /// Returns whether tools will be run.
    pub fn tools(self) -> bool {
        matches!(self, Need::Tools | Need::Teardown)
    }
}
