//! What a verb needs of its surroundings.

/// How much has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Fresh files, tools that fit: they will be run.
    Tools,
    /// As `Tools`, whatever the files are: what they made before is to go.
    Teardown,
    /// What they would be run with.
    Commands,
    /// Where the machines are.
    Seats,
}

impl Need {
    /// Whether tools will be run.
    pub fn tools(self) -> bool {
        matches!(self, Need::Tools | Need::Teardown)
    }
}
