//! What a command needs from its surroundings.

/// What has to be available before a command starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Up-to-date generated files and suitable tools, because the tools will be run.
    Tools,
    /// The same as `Tools`, but the files may be out of date, because what they created will be destroyed.
    Teardown,
    /// The environment and the command lines of the tools, which are not run.
    Commands,
    /// Where the machines run.
    Location,
}

impl Need {
    /// Returns whether tools will be run.
    pub fn tools(self) -> bool {
        matches!(self, Need::Tools | Need::Teardown)
    }
}
