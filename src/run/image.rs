//! An image: built unless one of the same content exists.

use std::sync::PoisonError;

use super::events::{Event, ImageSeen};
use super::outcome::Outcome;
use super::runner::{Stop, Under};
use crate::pipeline::Image;
use crate::tools::{aws, packer};

impl Under<'_> {
    pub fn image(&mut self, image: &Image) -> Result<Outcome, Stop> {
        let known = match self.runner.images.get(self.stage) {
            Some(known) => known.clone(),
            None => self.find_image(image)?,
        };
        if known.is_none() || self.runner.unfinished.iter().any(|entry| entry.stage == self.stage) {
            self.sweep(image)?;
        }
        if let Some(id) = known {
            return Ok(Outcome::Unchanged(format!("{} is {id}", image.name)));
        }
        self.get_plugin(image)?;
        let mut ami = None;
        let exit = self.run_noted(&image.build, Some(packer::BUILD), |line| ami = ami_in(line).or(ami.take()))?;
        if !exit.ok() {
            return Err(self.failure(
                format!("packer build of {} failed ({exit})", image.name),
                "the builder machine was taken down; mend what the error names and run again: images that are done stay",
            ));
        }
        let id = ami.map(|id| format!(" as {id}")).unwrap_or_default();
        Ok(Outcome::Done(format!("built {}{id}", image.name)))
    }

    /// The id of an image of this content, if the account has one.
    pub fn find_image(&mut self, image: &Image) -> Result<Option<String>, Stop> {
        let captured = self.capture(&image.find)?;
        let advice = "see that the credentials may call ec2:DescribeImages; `pgherd doctor` shows whose they are";
        if !captured.exit.ok() {
            return Err(
                self.failure(format!("cannot ask AWS for the image {} ({})", image.name, captured.exit), advice)
            );
        }
        let found = aws::read_images(&captured.stdout).map_err(|why| self.failure(why, advice))?;
        let ami = found.into_iter().next().map(|ami| ami.id);
        let rebuilt = ami.is_none().then(|| "none of this content exists".to_string());
        let (stage, name) = (self.stage.into(), image.name.clone());
        self.tell(Event::Image(ImageSeen { stage, name, ami: ami.clone(), rebuilt, ..ImageSeen::default() }));
        Ok(ami)
    }

    /// One of the image stages gets the plugin for all, where Packer has such a thing and it is not there.
    fn get_plugin(&mut self, image: &Image) -> Result<(), Stop> {
        if self.runner.packer < packer::PLUGINS_SINCE {
            return Ok(());
        }
        let mut there = self.runner.plugin.lock().unwrap_or_else(PoisonError::into_inner);
        if *there {
            return Ok(());
        }
        let listed = self.capture(&image.plugins)?;
        if !(listed.exit.ok() && packer::has_amazon(&listed.stdout)) {
            let exit = self.run(&image.get_plugin, |_| {})?;
            if !exit.ok() {
                return Err(self.failure(
                    format!("packer could not get its amazon plugin ({exit})"),
                    format!("get it by hand, then run again: {}", image.get_plugin.paste()),
                ));
            }
        }
        *there = true;
        Ok(())
    }
}

/// The AMI in a line of Packer's summary: `eu-west-1: ami-0123…`.
fn ami_in(line: &str) -> Option<String> {
    let (_, id) = line.rsplit_once(": ")?;
    let id = id.trim();
    (id.starts_with("ami-") && id.chars().skip(4).all(|c| c.is_ascii_alphanumeric())).then(|| id.to_string())
}
