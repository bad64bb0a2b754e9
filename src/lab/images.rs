//! The images of the lab. A disk is a stack of overlay layers, and CreateImage keeps a machine's layers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use super::machine::{self, LabMachine};
use super::{base, ec2, paths, store};
use crate::cluster::{Arch, Partition};
use crate::fileset::sha256_hex;
use crate::system::files;
use crate::system::host::tree;

/// An image with this tag is kept in the cache. The tag says what is in it.
const CONTENT_TAG: &str = "pgherd:content";

/// An image that machines can boot from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BootImage {
    /// AMI id.
    pub id: String,
    /// AMI name.
    pub name: String,
    /// AMI description.
    pub description: String,
    /// AMI tags.
    pub tags: BTreeMap<String, String>,
    /// Account of the owner; `None` for the lab's own account.
    pub owner: Option<String>,
    /// `x86_64` or `arm64`, as EC2 would report it. The lab's machines all have the host's architecture.
    pub architecture: String,
    /// Layers of the root filesystem, the topmost first.
    pub layers: Vec<PathBuf>,
    /// Folder in the cache, if it is kept there.
    pub cached: Option<PathBuf>,
}

/// Records every image that exists before the first build: the bases and those of the cache. Returns them.
pub fn register() -> Result<Vec<BootImage>> {
    prune()?;
    let mut images = vec![];
    for distribution in base::BASES {
        for arch in [Arch::X86, Arch::Arm] {
            let name = base::ami_name(distribution, arch);
            images.push(BootImage {
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
        if let Some(image) = store::load::<BootImage>(&dir.join("image.json"))?
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

/// Returns all images that can be booted.
pub fn all() -> Result<Vec<BootImage>> {
    let names = files::list(&paths::images())?;
    let records =
        names.iter().filter(|name| name.ends_with(".json")).map(|name| store::load(&paths::images().join(name)));
    Ok(records.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// Returns the image with an AMI id.
pub fn find(id: &str) -> Result<Option<BootImage>> {
    store::load(&record(id))
}

/// Makes an image of a machine that is off. Its layer of changes becomes the image's, and the machine gets an empty one on top.
pub fn capture(ami: &ec2::ApiImage, machine: &mut LabMachine) -> Result<()> {
    // Its layer is on a filesystem that ends with it.
    ensure!(machine.disk.is_none(), "the lab makes images of builders only, and {} has a disk of its own", machine.id);
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

/// Copies an image: the same layers under a new id. The API does not say what the original is, so only one image can be it.
pub fn copy(ami: &ec2::ApiImage) -> Result<()> {
    let mut originals = all()?;
    originals.retain(|image| image.owner.is_none() && image.cached.is_none() && image.tags.is_empty());
    ensure!(
        originals.len() == 1,
        "the image {} is a copy, and any of {} images could be the original",
        ami.id,
        originals.len()
    );
    let original = originals.remove(0);
    store::save(&record(&ami.id), &image(ami, original.architecture, original.layers))
}

/// Takes over new tags, and caches the image if they say what is in it.
pub fn update(image: &mut BootImage, ami: &ec2::ApiImage) -> Result<()> {
    if image.tags != ami.tags {
        image.tags = ami.tags.clone();
        if image.tags.contains_key(CONTENT_TAG) && image.owner.is_none() && image.cached.is_none() {
            keep(image)?;
        }
        store::save(&record(&image.id), image)?;
    }
    Ok(())
}

/// Returns whether an image was built for machines of a cluster. Builders boot from others.
pub fn is_built(image: &BootImage) -> bool {
    image.tags.contains_key(CONTENT_TAG)
}

/// Forgets a deregistered image. Machines may still run on its layers, which are removed when the lab starts again.
pub fn forget(image: &BootImage) -> Result<()> {
    if let Some(dir) = &image.cached {
        files::remove(&dir.join("image.json"))?;
    }
    Ok(files::remove(&record(&image.id))?)
}

/// Moves an image's own layer into the cache.
fn keep(image: &mut BootImage) -> Result<()> {
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
    // Machines on this layer still find it.
    tree::link(&dir.join("root"), &own)?;
    image.layers = [vec![dir.join("root")], below].concat();
    image.cached = Some(dir.clone());
    store::save(&new.join("image.json"), image)?;
    // The machine that it came from did not sync its disk.
    tree::sync_filesystem(&new)?;
    Ok(tree::rename(&new, &dir)?)
}

/// Removes from the cache what was deregistered, what a crash left incomplete, and all but the newest image of each name.
fn prune() -> Result<()> {
    let mut newest: BTreeMap<String, (std::time::SystemTime, PathBuf)> = BTreeMap::new();
    for dir in cached_dirs()? {
        let path = dir.join("image.json");
        let Some(image) = store::load::<BootImage>(&path).ok().flatten().filter(|_| !is_new(&dir)) else {
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

fn image(ami: &ec2::ApiImage, architecture: String, layers: Vec<PathBuf>) -> BootImage {
    BootImage {
        id: ami.id.clone(),
        name: ami.name.clone(),
        description: ami.description.clone(),
        // Empty, so that the first update sees the API's tags as new.
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
