//! Compares the running databases with the blueprint before anything is changed, and reports the differences.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::drift::{self, ImageDifference, SettingDifference};
use super::observe::{self, Fact, Observation, Observer, Source};
use super::prospect::foresee;
use super::runner::Runner;
use super::say;
use super::under::{Stop, Under};
use crate::pipeline::Work;
use crate::system::network;

impl Runner<'_> {
    /// Reports how the running databases differ from the blueprint. Returns the settings that differ.
    pub fn compare_databases(&self) -> Vec<SettingDifference> {
        let Ok(mut under) = self.begin("databases") else { return vec![] };
        under.stage = "";
        // If this folder has no state, the run asks for the tags anyway.
        if self.is_bare() && under.tagged().is_ok_and(|tagged| tagged.is_some_and(|tagged| !tagged.has_things())) {
            under.say_prospect(None);
            return vec![];
        }
        // If AWS cannot be asked, the stages fail and say why.
        match under.compare_images() {
            Ok(true) => self.haproxy_address().map_or(vec![], |address| {
                under.say_prospect(Some(address));
                under.compare_settings(address)
            }),
            Ok(false) => {
                under.say_prospect(None);
                vec![]
            }
            Err(_) => vec![],
        }
    }

    /// Makes an observer of the cluster behind HAProxy's address.
    pub fn observer(&self, haproxy: IpAddr) -> Observer<'_> {
        let pipeline = self.setup.pipeline;
        Observer::new(&pipeline.access, &pipeline.expected, haproxy)
    }

    /// Returns how observed live settings differ from the generated ones.
    pub fn setting_differences(&self, seen: &Observation) -> Vec<SettingDifference> {
        let live = seen.settings.as_ref();
        live.map_or(vec![], |live| drift::settings(&self.setup.pipeline.expected, &live.value))
    }
}

impl Under<'_> {
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

    /// Warns, before anything is created, that the cluster will be unreachable from here. Judges by addresses and, if HAProxy already
    /// exists, by whether its port accepts a connection.
    fn say_prospect(&mut self, haproxy: Option<IpAddr>) {
        let pipeline = self.runner.setup.pipeline;
        if !pipeline.stages.iter().any(|stage| stage.work == Work::Verify) {
            return;
        }
        let prospect = foresee(&pipeline.access, network::way_to);
        let probed = haproxy.map(|haproxy| self.runner.observer(haproxy).connects());
        if probed.as_ref().is_some_and(observe::is_open) {
            return;
        }
        let why = match (prospect, probed) {
            (Some(prospect), _) => prospect.to_string(),
            (None, Some(Err(e))) => format!("HAProxy's stats port does not respond to this machine ({e})"),
            (None, _) => return,
        };
        self.notice(&format!("this run cannot check whether the cluster is healthy, and will exit with code 5: {why}"));
        self.notice(&format!("  what to do: {}", pipeline.access.advice.unreachable));
    }

    /// Observes the live settings, and reports and returns those that differ from the generated ones.
    fn compare_settings(&mut self, haproxy: IpAddr) -> Vec<SettingDifference> {
        let observer = self.runner.observer(haproxy);
        let seen = observer.with_settings(observer.view());
        self.say_settings(&seen)
    }

    /// Reports and returns the observed live settings that differ from the generated ones.
    pub(super) fn say_settings(&mut self, seen: &Observation) -> Vec<SettingDifference> {
        let differences = self.runner.setting_differences(seen);
        say::settings(&differences).iter().for_each(|line| self.notice(line));
        differences
    }
}
