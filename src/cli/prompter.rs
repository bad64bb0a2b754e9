//! Asks for confirmation before something is done that cannot be undone.

use super::error::{CommandError, ErrorKind};
use super::report::{Feed, Style, summary};
use super::session::Session;
use crate::run::Watcher;
use crate::run::consent::{Confirmations, Consent};
use crate::run::events::Event;
use crate::run::review::Review;
use crate::tools::plan::PlanSummary;

/// Asks the user, and knows what was confirmed on the command line.
pub struct Prompter<'a> {
    pub session: &'a Session<'a>,
    pub feed: &'a Feed,
    /// Machines whose data may be destroyed. They may be stopped as well.
    pub confirmed: &'a [String],
    /// Machines that may be stopped and started.
    pub stoppable: &'a [String],
}

impl Prompter<'_> {
    /// Asks whether to do what a review found. The review has been printed.
    pub fn agree(&self, review: Review) -> Result<Review, CommandError> {
        if review.is_empty() {
            return Ok(review);
        }
        let no = || CommandError::Text(ErrorKind::Failed, "aborted; nothing was changed".into());
        let plans: Vec<&PlanSummary> = review.plans.values().flatten().collect();
        let mut all = Confirmations::default();
        for confirmations in plans.iter().map(|plan| self.confirmations(plan)) {
            all.data_of.extend(confirmations.data_of);
            all.stops.extend(confirmations.stops);
        }
        self.needed("", &all);
        for plan in plans {
            if !self.is_worth(plan)? {
                return Err(no());
            }
        }
        match self.session.ask("Apply these changes? Type `yes` to continue:")?.as_str() {
            "yes" => Ok(review),
            _ => Err(no()),
        }
    }

    /// Checks that a review can be applied without asking: it destroys only data and stops only machines that were confirmed by name.
    pub fn unattended(&self, review: Review) -> Result<Review, CommandError> {
        for (stage, plan) in &review.plans {
            if let Some(Consent::Unconfirmed(confirmations)) = plan.as_ref().map(|plan| self.unasked(stage, plan)) {
                return Err(CommandError::Text(
                    ErrorKind::Failed,
                    format!("{}; nothing was changed\n  {}", confirmations.complaint(), confirmations.confirm()),
                ));
            }
        }
        Ok(review)
    }

    /// Asks about a plan that destroys or stops something and that could not be shown in the review.
    pub fn consent(&self, stage: &str, plan: &PlanSummary) -> Consent {
        let report = &self.session.report;
        plan.changes.iter().for_each(|change| report.say(&format!("  {}", summary::line(report, change))));
        self.needed(stage, &self.confirmations(plan));
        let question = format!("{stage}: {plan}. Apply this? Type `yes` to continue:");
        let agreed =
            self.is_worth(plan).unwrap_or(false) && self.session.ask(&question).is_ok_and(|answer| answer == "yes");
        if agreed { Consent::Yes } else { Consent::No }
    }

    /// Decides without asking: only what was confirmed by name is done. In the lab, everything is.
    pub fn unasked(&self, stage: &str, plan: &PlanSummary) -> Consent {
        let confirmations = if self.session.is_aws() { self.confirmations(plan) } else { Confirmations::default() };
        if confirmations.is_nothing() {
            return Consent::Yes;
        }
        self.needed(stage, &confirmations);
        Consent::Unconfirmed(confirmations)
    }

    /// Asks for confirmation by name of each machine whose data a plan destroys, and of each that it stops.
    fn is_worth(&self, plan: &PlanSummary) -> Result<bool, CommandError> {
        let confirmations = self.confirmations(plan);
        let data = confirmations.data_of.iter().map(|name| (name, format!("This destroys the data of {name}.")));
        let stops = confirmations.stops.iter().map(|name| (name, format!("This stops and starts {name}.")));
        for (name, what) in data.chain(stops) {
            let what = self.session.report.on_err(Style::Bad, &what);
            if self.session.ask(&format!("{what} Type its name ({name}) to confirm:"))? != *name {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns what a plan costs, apart from what was confirmed on the command line.
    fn confirmations(&self, plan: &PlanSummary) -> Confirmations {
        let left = |names: Vec<&str>, given: &[&[String]]| {
            let is_given = |name: &str| given.iter().any(|names| names.iter().any(|given| given == name));
            names.into_iter().filter(|name| !is_given(name)).map(String::from).collect()
        };
        Confirmations {
            data_of: left(plan.data_of(), &[self.confirmed]),
            stops: left(plan.stops(), &[self.confirmed, self.stoppable]),
        }
    }

    fn needed(&self, stage: &str, confirmations: &Confirmations) {
        let Confirmations { data_of, stops } = confirmations.clone();
        self.feed.event(Event::ConfirmationNeeded { stage: stage.into(), data_of, stops });
    }
}
