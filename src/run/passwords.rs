//! Refuses plans that would overwrite an existing password, because PostgreSQL would still require the old one.

use super::under::{RunningStage, Stop};
use crate::tools::{aws, passwords};

impl RunningStage<'_> {
    /// Refuses a plan, as `terraform show -json` prints it, if it would set a secret to a password that PostgreSQL does not know.
    pub(super) fn keep_passwords(&mut self, shown: &str) -> Result<(), Stop> {
        let does = passwords::read(shown).map_err(|why| self.failure(why, "run again"))?;
        if let Some(first) = does.overwritten.first() {
            let what = format!(
                "this plan would overwrite existing passwords ({}, such as {first}). Nothing was changed",
                does.overwritten.len()
            );
            let rotate = "to change one on purpose, see \"Rotate a password\" in the cluster's RUNBOOK.md";
            return Err(self.failure(what, rotate));
        }
        let kept = &self.runner.setup.pipeline.expected.password_secrets;
        let lost: Vec<&String> = does.made.iter().filter(|name| kept.contains(name)).collect();
        let Some(name) = lost.first() else { return Ok(()) };
        // The network is created before all machines. Any existing machine was created with the passwords that are missing now.
        if !self.tagged()?.is_none_or(|tagged| tagged.has("instance")) {
            return Ok(());
        }
        let pipeline = self.runner.setup.pipeline;
        let asked = self.capture(&pipeline.aws(aws::machines_of(&pipeline.region, &pipeline.tag)))?;
        let machines = aws::read_users(&asked.stdout).ok().filter(|_| asked.exit.ok());
        let Some(machines) = machines else {
            let what = format!("cannot ask AWS whether any machine was created with {name}. Nothing was changed");
            let advice = "check that the credentials may call ec2:DescribeInstances (`pgherd policy` prints all permissions), and run again";
            return Err(self.failure(what, advice));
        };
        let mut databases = pipeline.expected.databases();
        let running = databases.find(|database| machines.iter().any(|(_, machine)| *machine == database.name));
        let Some(running) = running else { return Ok(()) };
        let what = format!(
            "the secret {name} is gone, but {} was created with its password. Nothing was changed",
            running.name
        );
        let advice = format!(
            "if the secret is only scheduled for deletion, restore it: `aws secretsmanager restore-secret --region {} --secret-id {name}`. \
            Otherwise create it with the value that {} has in /run/pgherd",
            pipeline.region, running.name
        );
        Err(self.failure(what, advice))
    }
}
