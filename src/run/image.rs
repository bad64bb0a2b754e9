//! Builds an image unless one with the same content exists.

use std::sync::PoisonError;
use std::time::SystemTime;

use super::events::{Event, ImageSeen};
use super::outcome::Outcome;
use super::say;
use super::under::{RunningStage, Stop};
use crate::fileset::contents;
use crate::pipeline::ImageWork;
use crate::system::clock;
use crate::system::files;
use crate::system::process::Exit;
use crate::tools::Invocation;
use crate::tools::aws::{self, Ami};
use crate::tools::packer;

/// The advice if AWS does not return the images.
pub(super) const ASK_IMAGES: &str =
    "check that the credentials may call ec2:DescribeImages; `pgherd doctor` shows whose they are";

impl RunningStage<'_> {
    pub fn image(&mut self, image: &ImageWork) -> Result<Outcome, Stop> {
        let known = match self.runner.reviewed.images.get(self.stage) {
            Some(known) => known.clone(),
            None => self.find_image(image)?,
        };
        let runner = self.runner;
        if known.is_none() || runner.is_first() || runner.unfinished().iter().any(|entry| entry.stage == self.stage) {
            self.sweep(image)?;
        }
        if let Some(id) = known {
            return Ok(Outcome::Unchanged(format!("{} is {id}", image.name)));
        }
        self.get_plugin(image)?;
        let (mut ami, mut versions) = (None, None);
        let forced = self.runner.options.rebuild.contains(&image.role);
        let build = self.strict(if forced { &image.rebuild } else { &image.build })?;
        let made = packer::made(&runner.setup.pipeline.region);
        let exit = self.run_noted(&build, Some(packer::BUILD), Some(&made), |line| {
            if line.trim_start().starts_with(&made) {
                ami = line.trim().rsplit(' ').next().map(String::from);
            }
            if let Some((_, told)) = line.split_once(packer::VERSIONS) {
                versions = Some(told.trim().to_string());
            }
        })?;
        if !exit.ok() {
            let advice = match exit {
                Exit::Signal(_) => {
                    "what the build created still exists in AWS and costs money. The next run removes it, and so does `pgherd destroy`"
                }
                _ => "fix the error and run again. Packer removes its builder machine, and finished images are kept",
            };
            return Err(self.failure(format!("packer build of {} failed ({exit})", image.name), advice));
        }
        if let Some((id, versions)) = ami.as_deref().zip(versions) {
            self.tag_versions(id, &versions)?;
        }
        let id = ami.map(|id| format!(" as {id}")).unwrap_or_default();
        Ok(Outcome::Done(format!("built {}{id}", image.name)))
    }

    /// Tags a new image with the versions that its provisioner printed. Packer needs its own tags before the versions are known.
    fn tag_versions(&mut self, ami: &str, versions: &str) -> Result<(), Stop> {
        let pipeline = self.runner.setup.pipeline;
        let args = aws::create_tag(&pipeline.region, ami, aws::VERSIONS, versions);
        let captured = self.capture(&Invocation { args, ..pipeline.aws.clone() })?;
        if !captured.exit.ok() {
            let text = format!(
                "{ami} could not be tagged with its versions ({}): {versions}. They are also in its /etc/pgherd/image",
                captured.exit
            );
            self.tell(Event::Notice { stage: self.stage.into(), text });
        }
        Ok(())
    }

    /// Returns the AMI with this image's content, if the account has one that is not to be rebuilt. Reports what was found and why it
    /// is built.
    pub fn find_image(&mut self, image: &ImageWork) -> Result<Option<String>, Stop> {
        let found = self.images()?;
        let own = found.iter().find(|ami| ami.name == image.name && ami.is_whole()).cloned();
        let mut seen = ImageSeen { stage: self.stage.into(), name: image.name.clone(), ..ImageSeen::default() };
        match &own {
            None => compare(image, &found, &mut seen),
            Some(_) if self.runner.options.rebuild.contains(&image.role) => {
                seen.rebuilt = Some(format!("requested with --rebuild {}", image.role));
            }
            Some(own) => {
                let moved =
                    base_moved(own, aws::newest(found.iter().filter(|ami| ami.is_available() && image.base.fits(ami))));
                let advice = || format!("; `pgherd run --rebuild {}` uses it", image.role);
                seen.base_moved = moved.map(|moved| moved + &advice());
                let old = aged(own, clock::now(), image.max_age_days);
                seen.aged = old.map(|old| format!("{old}; `pgherd run --rebuild {}` rebuilds it", image.role));
            }
        }
        seen.ami = own.map(|ami| ami.id);
        self.tell(Event::Image(seen.clone()));
        Ok(seen.ami.filter(|_| seen.rebuilt.is_none()))
    }

    /// Returns all images of the cluster's roles and all possible base images. The first caller asks AWS for all of them.
    pub(super) fn images(&mut self) -> Result<Vec<Ami>, Stop> {
        let runner = self.runner;
        let mut asked = runner.setup.answers.images.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(images) = &*asked {
            return Ok(images.clone());
        }
        let captured = self.capture(&runner.setup.pipeline.find)?;
        if !captured.exit.ok() {
            return Err(self.failure(format!("AWS did not return the list of images ({})", captured.exit), ASK_IMAGES));
        }
        let images = aws::read_images(&captured.stdout).map_err(|why| self.failure(why, ASK_IMAGES))?;
        Ok(asked.insert(images).clone())
    }

    /// Returns a build that is as strict as this edition of Packer allows. The generated template has only keys that every edition knows.
    fn strict(&self, build: &Invocation) -> Result<Invocation, Stop> {
        const DIR: &str = ".pgherd/packer";
        let template = build.args.last().map(String::as_str).unwrap_or_default();
        if self.packer()? == packer::Edition::Rebuilt {
            return Ok(build.clone());
        }
        let name = template.rsplit('/').next().unwrap_or(template);
        let written = (files::read_text(&build.dir.join(template)).map_err(|error| error.to_string()))
            .and_then(|text| packer::require_tokens(&text.ok_or("the file does not exist")?))
            .and_then(|text| {
                let dir = build.dir.join(DIR);
                let write = files::make_dirs(&dir).and_then(|()| files::write(&dir.join(name), text.as_bytes()));
                write.map_err(|error| error.to_string())
            });
        written.map_err(|why| {
            self.failure(format!("cannot prepare {template}: {why}"), "generate it again with `pgherd gen`")
        })?;
        Ok(packer::with_template(build, &format!("{DIR}/{name}")))
    }

    /// Returns Packer's edition. Fails if this session did not look for the tools.
    fn packer(&self) -> Result<packer::Edition, Stop> {
        self.runner.setup.packer.ok_or_else(|| self.failure("Packer was not looked for", "run `pgherd doctor`"))
    }

    /// Installs Packer's plugin if this edition needs one and it is missing. One image stage does it for all.
    fn get_plugin(&mut self, image: &ImageWork) -> Result<(), Stop> {
        if self.packer()? == packer::Edition::Rebuilt {
            return Ok(());
        }
        let mut there = self.runner.locks.plugin.lock().unwrap_or_else(PoisonError::into_inner);
        if *there {
            return Ok(());
        }
        let listed = self.capture(&image.plugins)?;
        if !(listed.exit.ok() && packer::has_amazon(&listed.stdout)) {
            let exit = self.run(&image.get_plugin, |_| {})?;
            if !exit.ok() {
                return Err(self.failure(
                    format!("packer could not install its amazon plugin ({exit})"),
                    format!("install it by hand, then run again: {}", image.get_plugin.paste()),
                ));
            }
        }
        *there = true;
        Ok(())
    }
}

/// Records why an image has to be built: how its content differs from the newest image of its role.
fn compare(image: &ImageWork, there: &[Ami], seen: &mut ImageSeen) {
    let cluster = |ami: &&Ami| ami.tags.get("pgherd:cluster") == Some(&image.builder.cluster);
    let newest = aws::newest(there.iter().filter(cluster).filter(|ami| ami.is_available() && ami.role == image.role));
    seen.rebuilt = Some(match newest.map(|ami| (&ami.id, contents::of_tags(&ami.tags))) {
        None => format!("the {} has no image yet", image.role),
        Some((id, None)) => {
            format!(
                "the previous image of the {}, {id}, has different content; its tags do not say which files differ",
                image.role
            )
        }
        Some((id, Some(others))) => {
            seen.differs = contents::difference(&image.contents, &others);
            format!("it differs from {id} in {}", say::named(seen.differs.iter().map(String::as_str)))
        }
    });
}

/// Returns a sentence about an image's age, if it is more than `max_days`. Returns `None` if AWS does not report the age.
pub fn aged(ami: &Ami, now: SystemTime, max_days: u32) -> Option<String> {
    let days = now.duration_since(clock::unstamp(&ami.created)?).ok()?.as_secs() / 86_400;
    (days > max_days.into()).then(|| {
        format!("{} was built {days} days ago and lacks later fixes (image.max_age_days = {max_days})", ami.name)
    })
}

/// Returns a sentence that names an image's base and the newest base, if they differ.
pub fn base_moved(own: &Ami, newest: Option<&Ami>) -> Option<String> {
    let ((id, name), newest) = own.base().zip(newest)?;
    (id != newest.id).then(|| {
        format!("{} is built on {id} ({name}), but the newest base is {} ({})", own.name, newest.id, newest.name)
    })
}
