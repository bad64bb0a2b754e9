//! What is asked before something is done that cannot be undone.

use super::failure::{Failure, Kind};
use super::report::{Feed, Style, summary};
use super::session::Session;
use crate::run::Watcher;
use crate::run::consent::{Consent, confirm, goes};
use crate::run::events::Event;
use crate::run::review::Review;
use crate::tools::terraform::PlanSummary;

/// Who is asked, and what was agreed to beforehand.
pub struct Asking<'a> {
    pub session: &'a Session<'a>,
    pub feed: &'a Feed,
    /// Machines whose data may go.
    pub confirmed: &'a [String],
}

impl Asking<'_> {
    /// Asks whether what a review found, and everybody has seen, is to be done.
    pub fn agree(&self, review: Review) -> Result<Review, Failure> {
        if review.is_empty() {
            return Ok(review);
        }
        let no = || Failure::Text(Kind::Failed, "nothing was changed, as you said".into());
        let plans: Vec<&PlanSummary> = review.plans.values().flatten().collect();
        self.needed("", plans.iter().flat_map(|plan| self.unconfirmed(plan)).collect());
        for plan in plans {
            if !self.data_may_go(plan)? {
                return Err(no());
            }
        }
        match self.session.ask("Do this? Only `yes` does:")?.as_str() {
            "yes" => Ok(review),
            _ => Err(no()),
        }
    }

    /// Whether what a review found can be done without a question: only data that was given up by name may go.
    pub fn unattended(&self, review: Review) -> Result<Review, Failure> {
        for (stage, plan) in &review.plans {
            if let Some(Consent::Unconfirmed(names)) = plan.as_ref().map(|plan| self.unasked(stage, plan)) {
                return Err(Failure::Text(
                    Kind::Failed,
                    format!("{}; nothing was changed\n  {}", goes(&names), confirm(&names)),
                ));
            }
        }
        Ok(review)
    }

    /// Asks about a plan that could not be shown before and destroys something.
    pub fn consent(&self, stage: &str, plan: &PlanSummary) -> Consent {
        let report = &self.session.report;
        plan.changes().iter().for_each(|change| report.say(&format!("  {}", summary::line(report, change))));
        self.needed(stage, self.unconfirmed(plan));
        let question = format!("{stage}: {plan}. Do this? Only `yes` does:");
        let agreed =
            self.data_may_go(plan).unwrap_or(false) && self.session.ask(&question).is_ok_and(|answer| answer == "yes");
        if agreed { Consent::Yes } else { Consent::No }
    }

    /// Nobody is asked: only data that was given up by name may go. The lab's is nobody's.
    pub fn unasked(&self, stage: &str, plan: &PlanSummary) -> Consent {
        let names = if self.session.is_aws() { self.unconfirmed(plan) } else { vec![] };
        if names.is_empty() {
            return Consent::Yes;
        }
        self.needed(stage, names.clone());
        Consent::Unconfirmed(names)
    }

    /// Asks for each machine whose data a plan destroys, by its name.
    fn data_may_go(&self, plan: &PlanSummary) -> Result<bool, Failure> {
        for name in self.unconfirmed(plan) {
            let data = self.session.report.on_err(Style::Bad, &format!("The data of {name} is destroyed by this."));
            if self.session.ask(&format!("{data} Write its name ({name}) if that is meant:"))? != name {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn unconfirmed(&self, plan: &PlanSummary) -> Vec<String> {
        let given = |name: &&str| self.confirmed.iter().any(|given| given == name);
        plan.data_of().into_iter().filter(|name| !given(name)).map(String::from).collect()
    }

    fn needed(&self, stage: &str, data_of: Vec<String>) {
        self.feed.event(Event::ConfirmationNeeded { stage: stage.into(), data_of });
    }
}
