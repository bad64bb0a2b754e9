//! Adds stages to a pipeline: those that are found out only when a review has looked at what is there.

use super::{Pipeline, Stage};

/// A stage that a review adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedStage {
    /// The stage, with what it needs.
    pub stage: Stage,
    /// Ids of the stages that wait for it.
    pub before: Vec<String>,
}

impl Pipeline {
    /// Returns the stages with the added ones, each after all that it needs.
    ///
    /// # Errors
    /// If an added stage has the id of another one, names a stage that does not exist, or makes stages wait for each other in a circle.
    pub fn stages_with(&self, added: &[AddedStage]) -> Result<Vec<Stage>, String> {
        let mut open: Vec<Stage> = self.stages.clone();
        for AddedStage { stage, .. } in added {
            if open.iter().any(|other| other.id == stage.id) {
                return Err(format!("there are two stages `{}`", stage.id));
            }
            open.push(stage.clone());
        }
        for AddedStage { stage, before } in added {
            for id in before {
                let waits = open.iter_mut().find(|other| other.id == *id);
                waits.ok_or_else(|| format!("there is no stage `{id}`"))?.needs.push(stage.id.clone());
            }
            if let Some(need) = stage.needs.iter().find(|need| !open.iter().any(|other| other.id == **need)) {
                return Err(format!("there is no stage `{need}`"));
            }
        }
        let mut sorted: Vec<Stage> = vec![];
        while !open.is_empty() {
            let is_ready = |stage: &Stage| !stage.needs.iter().any(|need| open.iter().any(|other| other.id == *need));
            let Some(at) = open.iter().position(is_ready) else {
                let ids: Vec<&str> = open.iter().map(|stage| stage.id.as_str()).collect();
                return Err(format!("these stages wait for each other: {}", ids.join(", ")));
            };
            sorted.push(open.remove(at));
        }
        Ok(sorted)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{ClusterAccess, Expected, Work};
    use super::*;
    use crate::tools::Invocation;

    fn stage(id: &str, needs: &[&str]) -> Stage {
        Stage { id: id.into(), needs: needs.iter().map(|need| need.to_string()).collect(), work: Work::Verify }
    }

    fn added(id: &str, needs: &[&str], before: &[&str]) -> AddedStage {
        AddedStage { stage: stage(id, needs), before: before.iter().map(|id| id.to_string()).collect() }
    }

    fn pipeline() -> Pipeline {
        let call =
            Invocation { prefix: vec![], program: "aws".into(), args: vec![], dir: "/".into(), env: BTreeMap::new() };
        Pipeline {
            cluster: "herd".into(),
            region: "eu-west-1".into(),
            tag: "herd/eu-west-1".into(),
            stages: vec![stage("network", &[]), stage("master", &["network"]), stage("verify", &["master"])],
            expected: Expected::of_test(1),
            access: ClusterAccess::of_test(),
            find: call.clone(),
            aws: call,
        }
    }

    #[test]
    fn an_added_stage_runs_after_what_it_needs_and_before_what_waits_for_it() {
        let stages = pipeline().stages_with(&[added("switchover", &["network"], &["master"])]).unwrap();
        let ids: Vec<&str> = stages.iter().map(|stage| stage.id.as_str()).collect();
        assert_eq!(ids, ["network", "switchover", "master", "verify"]);
        assert_eq!(stages[2].needs, ["network", "switchover"]);
        assert_eq!(pipeline().stages_with(&[]).unwrap(), pipeline().stages, "without any, nothing changes");
    }

    #[test]
    fn what_cannot_be_ordered_is_refused() {
        let refused = |added: AddedStage| pipeline().stages_with(&[added]).unwrap_err();
        assert_eq!(refused(added("master", &[], &[])), "there are two stages `master`");
        assert_eq!(refused(added("x", &["nothing"], &[])), "there is no stage `nothing`");
        assert_eq!(refused(added("x", &[], &["nothing"])), "there is no stage `nothing`");
        assert_eq!(
            refused(added("x", &["verify"], &["master"])),
            "these stages wait for each other: master, verify, x"
        );
    }
}
