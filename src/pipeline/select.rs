//! A part of a pipeline: the stages that a user names.

use std::collections::BTreeSet;

use super::{Pipeline, Stage};

/// The stages that the user selects; all of them if nothing is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only these.
    pub only: Vec<String>,
    /// These, and all that need them.
    pub from: Vec<String>,
    /// All but these.
    pub skip: Vec<String>,
}

impl Pipeline {
    /// Returns the pipeline of the selected stages. A stage that is left out counts as done; the order of its neighbours stays.
    ///
    /// # Errors
    /// If a stage does not exist, or none is left.
    pub fn select(&self, selection: &Selection) -> Result<Pipeline, String> {
        let Selection { only, from, skip } = selection;
        for name in only.iter().chain(from).chain(skip) {
            self.require(name)?;
        }
        let chosen = |stage: &Stage| {
            let wanted = match (only.is_empty(), from.is_empty()) {
                (false, _) => only.contains(&stage.id),
                (true, false) => from.contains(&stage.id) || self.before(stage).iter().any(|id| from.contains(id)),
                (true, true) => true,
            };
            wanted && !skip.contains(&stage.id)
        };
        let kept: BTreeSet<&str> = self.stages.iter().filter(|stage| chosen(stage)).map(|s| s.id.as_str()).collect();
        if kept.is_empty() {
            return Err("no stage is left to run: --only, --from and --skip exclude all of them".into());
        }
        let stages = self.stages.iter().filter(|stage| kept.contains(stage.id.as_str()));
        let stages = stages.map(|stage| Stage { needs: self.needs_among(stage, &kept), ..stage.clone() }).collect();
        Ok(Pipeline { stages, ..self.clone() })
    }

    /// Returns the stages that a stage needs. One that is left out is replaced by what it needs in turn.
    fn needs_among(&self, stage: &Stage, kept: &BTreeSet<&str>) -> Vec<String> {
        let mut needs: Vec<String> = vec![];
        for need in &stage.needs {
            let found = match self.stages.iter().find(|other| other.id == *need) {
                Some(left_out) if !kept.contains(need.as_str()) => self.needs_among(left_out, kept),
                _ => vec![need.clone()],
            };
            for need in found {
                if !needs.contains(&need) {
                    needs.push(need);
                }
            }
        }
        needs
    }

    /// Returns all stages that come before a stage.
    fn before(&self, stage: &Stage) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for need in self.stages.iter().filter(|other| stage.needs.contains(&other.id)) {
            found.insert(need.id.clone());
            found.extend(self.before(need));
        }
        found
    }

    fn require(&self, name: &str) -> Result<(), String> {
        let known = || self.stages.iter().map(|stage| stage.id.as_str());
        if known().any(|id| id == name) {
            return Ok(());
        }
        // About as far off as a typo.
        let near =
            known().map(|id| (strsim::osa_distance(name, id), id)).filter(|(far, id)| *far <= (id.len() / 3).max(1));
        Err(match near.min() {
            Some((_, id)) => format!("there is no stage `{name}`; did you mean `{id}`?"),
            None => format!("there is no stage `{name}`; the stages are {}", known().collect::<Vec<_>>().join(", ")),
        })
    }
}
