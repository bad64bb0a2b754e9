//! Images: what CreateImage means when a disk is an overlay's layers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use super::machine::{self, Machine};
use super::{base, ec2, paths, store};
use crate::cluster::{Arch, Partition};
use crate::fileset::sha256_hex;
use crate::system::files;
use crate::system::host::tree;

/// An image with this tag outlives the lab: it says what is in the image.
const CONTENT_TAG: &str = "pgherd:content";

/// An image that machines can boot from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Image {
    /// AMI id.
    pub id: String,
    /// AMI name.
    pub name: String,
    /// AMI description.
    pub description: String,
    /// AMI tags.
    pub tags: BTreeMap<String, String>,
    /// The account that owns it; `None` for the lab's own.
    pub owner: Option<String>,
    /// `x86_64` or `arm64`: what EC2 would say. In the lab all is of the host's own architecture.
    pub architecture: String,
    /// Root filesystem, layer by layer, the topmost first.
    pub layers: Vec<PathBuf>,
    /// Its folder in the cache, if it is kept there.
    pub cached: Option<PathBuf>,
}

/// Puts down every image that is there before the first build: the bases and the cache.
pub fn register() -> Result<Vec<Image>> {
    prune()?;
    let mut images = vec![];
    for distribution in base::BASES {
        for arch in [Arch::X86, Arch::Arm] {
            let name = base::ami_name(distribution, arch);
            images.push(Image {
                id: format!("ami-{}", &sha256_hex(name.as_bytes())[..17]),
                description: format!("{name}, made by debootstrap"),
                name,
                tags: BTreeMap::new(),
                owner: distribution.owner(Partition::Commercial).map(String::from),
                architecture: arch.name().to_string(),
                layers: vec![base::root(distribution)],
                cached: None,
            });
        }
    }
    for dir in cached_dirs()? {
        if let Some(image) = store::load::<Image>(&dir.join("image.json"))?
            && image.layers.iter().all(|layer| files::exists(layer))
        {
            images.push(image);
        }
    }
    for image in &images {
        store::save(&record(&image.id), image)?;
    }
    Ok(images)
}

/// All images that can be booted now.
pub fn all() -> Result<Vec<Image>> {
    let names = files::list(&paths::images())?;
    let records =
        names.iter().filter(|name| name.ends_with(".json")).map(|name| store::load(&paths::images().join(name)));
    Ok(records.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// An image by its AMI id.
pub fn find(id: &str) -> Result<Option<Image>> {
    store::load(&record(id))
}

/// Makes an image of a machine that is off: its layer of changes becomes the image's, and the machine gets an empty one on top.
pub fn capture(ami: &ec2::Image, machine: &mut Machine) -> Result<()> {
    machine::clean(&machine.upper())?;
    let root = paths::images().join(&ami.id).join("root");
    files::make_dirs(root.parent().context("an image has a folder")?)?;
    tree::rename(&machine.upper(), &root)?;
    machine.layers.insert(0, root);
    machine.save()?;
    files::make_dirs(&machine.upper())?;
    let architecture = find(&machine.image)?.map(|image| image.architecture).unwrap_or_default();
    store::save(&record(&ami.id), &image(ami, architecture, machine.layers.clone()))
}

/// CopyImage: the same layers under a new id. The API does not say whose copy it is, so there must be but one that it can be of.
pub fn copy(ami: &ec2::Image) -> Result<()> {
    let mut originals = all()?;
    originals.retain(|image| image.owner.is_none() && image.cached.is_none() && image.tags.is_empty());
    ensure!(originals.len() == 1, "{} is a copy, and any of {} images could be its original", ami.id, originals.len());
    let original = originals.remove(0);
    store::save(&record(&ami.id), &image(ami, original.architecture, original.layers))
}

/// Takes over tags that were set since, and keeps the image if they say what is in it.
pub fn update(image: &mut Image, ami: &ec2::Image) -> Result<()> {
    if image.tags != ami.tags {
        image.tags = ami.tags.clone();
        if image.tags.contains_key(CONTENT_TAG) && image.owner.is_none() && image.cached.is_none() {
            keep(image)?;
        }
        store::save(&record(&image.id), image)?;
    }
    Ok(())
}

/// Forgets an image that was deregistered. Machines may still run on its layers: they go when the lab comes up anew.
pub fn forget(image: &Image) -> Result<()> {
    if let Some(dir) = &image.cached {
        files::remove(&dir.join("image.json"))?;
    }
    Ok(files::remove(&record(&image.id))?)
}

/// Moves an image's own layer into the cache.
fn keep(image: &mut Image) -> Result<()> {
    let cache = paths::cached_images();
    let below: Vec<PathBuf> = image.layers[1..].to_vec();
    if below.iter().any(|layer| layer.starts_with(paths::state())) {
        return Ok(());
    }
    let (new, dir) = (cache.join(format!(".new-{}", image.id)), cache.join(&image.id));
    files::make_dirs(&new)?;
    let own = image.layers[0].clone();
    ensure!(tree::same_filesystem(&own, &new)?, "{} and {} must be on one filesystem", own.display(), cache.display());
    tree::rename(&own, &new.join("root"))?;
    // Machines on this layer go on finding it.
    tree::link(&dir.join("root"), &own)?;
    image.layers = [vec![dir.join("root")], below].concat();
    image.cached = Some(dir.clone());
    store::save(&new.join("image.json"), image)?;
    // The machine that it was has not waited for the disk.
    tree::sync_filesystem(&new)?;
    Ok(tree::rename(&new, &dir)?)
}

/// Clears the cache of what was deregistered, of what a crash left half made, and of all but the newest image of a name.
fn prune() -> Result<()> {
    let mut newest: BTreeMap<String, (std::time::SystemTime, PathBuf)> = BTreeMap::new();
    for dir in cached_dirs()? {
        let path = dir.join("image.json");
        let Some(image) = store::load::<Image>(&path).ok().flatten().filter(|_| !is_new(&dir)) else {
            files::remove_tree(&dir)?;
            continue;
        };
        let made = tree::modified(&path)?;
        let stale = match newest.insert(image.name.clone(), (made, dir.clone())) {
            Some((before, older)) if before > made => {
                newest.insert(image.name, (before, older));
                Some(dir)
            }
            Some((_, older)) => Some(older),
            None => None,
        };
        if let Some(dir) = stale {
            files::remove_tree(&dir)?;
        }
    }
    Ok(())
}

fn is_new(dir: &Path) -> bool {
    dir.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

fn cached_dirs() -> Result<Vec<PathBuf>> {
    let cache = paths::cached_images();
    Ok(files::list(&cache)?.iter().map(|name| cache.join(name)).collect())
}

fn image(ami: &ec2::Image, architecture: String, layers: Vec<PathBuf>) -> Image {
    Image {
        id: ami.id.clone(),
        name: ami.name.clone(),
        description: ami.description.clone(),
        // Not the API's: the first update must see that they are new.
        tags: BTreeMap::new(),
        owner: None,
        architecture,
        layers,
        cached: None,
    }
}

fn record(id: &str) -> PathBuf {
    paths::images().join(format!("{id}.json"))
}
