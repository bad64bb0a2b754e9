//! Compares the running databases with the blueprint before anything is changed, and reports the differences.

use std::collections::BTreeMap;
use std::time::Duration;

use super::drift::{self, ImageDifference, SettingDifference};
use super::judge::{Verdict, judge};
use super::observe::{self, Fact, HaproxyAddress, Observation, Observer, Source};
use super::prospect::foresee;
use super::runner::Runner;
use super::say;
use super::under::{RunningStage, Stop};
use crate::pipeline::Work;
use crate::system::network;

/// How the running databases compare with the blueprint.
#[derive(Debug, Default)]
pub struct Comparison {
    /// The live settings that differ from the generated ones.
    pub differences: Vec<SettingDifference>,
    /// Why the live settings of databases that run could not be read.
    pub unseen: Option<Unseen>,
}

/// Why databases that run were not seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// The reason.
    pub why: String,
    /// What to do.
    pub advice: String,
}

impl Runner<'_> {
    /// Reports how the running databases differ from the blueprint, and returns it.
    pub fn compare_databases(&self) -> Comparison {
        let Ok(mut under) = self.begin("databases") else { return Comparison::default() };
        under.stage = "";
        // If this folder has no state, the run asks for the tags anyway.
        if self.is_bare() && under.tagged().is_ok_and(|tagged| tagged.is_some_and(|tagged| !tagged.has_things())) {
            under.say_prospect(&[]);
            return Comparison::default();
        }
        // If AWS cannot be asked, the stages fail and say why.
        match under.compare_images() {
            Ok(true) => match self.haproxies() {
                Ok(haproxies) => {
                    under.say_prospect(&haproxies);
                    under.compare_settings(&haproxies)
                }
                Err(_) => {
                    let (why, advice) = ("HAProxy's address is not known".into(), &self.setup.pipeline.access.advice);
                    let unseen = Some(Unseen { why, advice: advice.unreachable.clone() });
                    Comparison { unseen, ..Comparison::default() }
                }
            },
            Ok(false) => {
                under.say_prospect(&[]);
                Comparison::default()
            }
            Err(_) => Comparison::default(),
        }
    }

    /// Makes an observer of the cluster behind these HAProxies.
    pub fn observer<'a>(&'a self, haproxies: &'a [HaproxyAddress]) -> Observer<'a> {
        let pipeline = self.setup.pipeline;
        Observer::new(&pipeline.access, &pipeline.expected, haproxies)
    }

    /// Returns how observed live settings differ from the generated ones.
    pub fn setting_differences(&self, seen: &[Observation]) -> Vec<SettingDifference> {
        let live = observe::settings(seen);
        live.map_or(vec![], |live| drift::settings(&self.setup.pipeline.expected, live))
    }
}

impl RunningStage<'_> {
    /// Reports the databases that run from another image than the blueprint's. Returns whether there are any databases.
    fn compare_images(&mut self) -> Result<bool, Stop> {
        let running = self.running_images()?.value;
        let expected = &self.runner.setup.pipeline.expected;
        if !expected.databases().any(|machine| running.contains_key(&machine.name)) {
            return Ok(false);
        }
        let images = self.images()?;
        let differences: Vec<ImageDifference> = drift::images(expected, &running, &images);
        say::images(&differences).iter().for_each(|line| self.notice(line));
        Ok(true)
    }

    /// Asks AWS for the image of each machine of the cluster. Returns the images by machine name.
    fn running_images(&mut self) -> Result<Fact<BTreeMap<String, String>>, Stop> {
        let images = self.living()?.into_iter().map(|machine| (machine.name, machine.ami)).collect();
        Ok(Fact::now(images, Source::Aws, Duration::ZERO))
    }

    /// Warns, before anything is created, that the cluster will be unreachable from here. Judges by addresses and, if HAProxies already
    /// exist, by whether one of their ports accepts a connection.
    fn say_prospect(&mut self, haproxies: &[HaproxyAddress]) {
        let pipeline = self.runner.setup.pipeline;
        if !pipeline.stages.iter().any(|stage| stage.work == Work::Verify) {
            return;
        }
        let prospect = foresee(&pipeline.access, &pipeline.expected, network::route_to);
        let probed = self.runner.observer(haproxies).connects();
        if probed.iter().any(observe::is_open) {
            return;
        }
        let why = match (prospect, probed.into_iter().next()) {
            (Some(prospect), _) => prospect.to_string(),
            (None, Some(Err(e))) => format!("HAProxy's stats port does not respond to this machine ({e})"),
            (None, _) => return,
        };
        self.notice(&format!("this run cannot check whether the cluster is healthy, and will exit with code 5: {why}"));
        self.notice(&format!("  what to do: {}", pipeline.access.advice.unreachable));
    }

    /// Observes the live settings, and reports and returns those that differ from the generated ones.
    fn compare_settings(&mut self, haproxies: &[HaproxyAddress]) -> Comparison {
        let pipeline = self.runner.setup.pipeline;
        let observer = self.runner.observer(haproxies);
        let seen = observer.with_settings(observer.view());
        let verdict = judge(&pipeline.expected, &pipeline.access, &seen);
        let unseen = (!seen.iter().any(|one| one.is_of(&pipeline.expected.cluster))).then(|| {
            let advice = say::advice(&pipeline.access.advice, &verdict);
            Unseen { why: say::problems(&verdict.problems), advice }
        });
        if let Some(Unseen { why, .. }) = &unseen {
            self.notice(&format!("the live settings cannot be compared with the blueprint: {why}"));
        } else {
            self.say_silent(&verdict);
        }
        Comparison { differences: self.say_settings(&seen), unseen }
    }

    /// Reports each HAProxy that exists and does not answer, although another one does. It adds nothing to what this run changes.
    fn say_silent(&mut self, verdict: &Verdict) {
        let Ok(living) = self.living() else { return };
        for haproxy in &verdict.haproxies {
            if let Some(problem) = &haproxy.identity
                && living.iter().any(|machine| machine.name == haproxy.machine)
            {
                self.notice(&format!("{problem}. The databases were compared through another HAProxy"));
            }
        }
    }

    /// Reports and returns the observed live settings that differ from the generated ones.
    pub(super) fn say_settings(&mut self, seen: &[Observation]) -> Vec<SettingDifference> {
        let differences = self.runner.setting_differences(seen);
        say::settings(&differences).iter().for_each(|line| self.notice(line));
        differences
    }
}
