//! Recognises by its seal a folder that is unchanged since the last `gen`.

use std::collections::BTreeMap;

use anyhow::Result;

use super::look::FolderReader;
use super::{JOURNAL, SEAL, Workspace};
use crate::fileset::manifest::{self, Manifest};
use crate::fileset::seal::{Listing, Seal};
use crate::fileset::{File, RelPath, sha256_hex};
use crate::system::files;

impl Workspace {
    /// Returns the number of files, if they are exactly what a `gen` from this origin wrote and nothing needs cleaning up. Returns `None`
    /// if that is unknown.
    pub fn sealed(&self, origin: &str) -> Result<Option<usize>> {
        let mut look = FolderReader::at(&self.dir)?;
        let Some(seal) = look.private(SEAL)?.and_then(|bytes| Seal::parse(&String::from_utf8_lossy(&bytes))) else {
            return Ok(None);
        };
        if seal.origin != origin || look.private(JOURNAL)?.is_some() {
            return Ok(None);
        }
        let Ok((_, manifest)) = look.open(&RelPath::new(manifest::PATH))? else { return Ok(None) };
        let Ok(Manifest { mut files, .. }) = Manifest::parse(&String::from_utf8_lossy(&manifest)) else {
            return Ok(None);
        };
        files.insert(RelPath::new(manifest::PATH), sha256_hex(&manifest));
        let mut listing = Listing::default();
        for (path, known) in &files {
            let Ok((mode, bytes)) = look.open(path)? else { return Ok(None) };
            let sha256 = sha256_hex(&bytes);
            if sha256 != *known {
                return Ok(None);
            }
            listing.add(path, mode, known);
        }
        Ok((listing.hash() == seal.listing).then_some(files.len()))
    }

    /// Seals the files that were written. If that fails, the next `gen` only takes longer.
    pub fn seal<'a>(&self, origin: &str, files: impl Iterator<Item = (RelPath, &'a File)>) {
        let mut listing = Listing::default();
        for (path, file) in files.collect::<BTreeMap<_, _>>() {
            listing.add(&path, file.mode, &file.sha256);
        }
        let seal = Seal { origin: origin.into(), listing: listing.hash() };
        if self.make_private_dir().is_ok() {
            let _ = files::write(&self.dir.join(SEAL), seal.to_text().as_bytes());
        }
    }
}
