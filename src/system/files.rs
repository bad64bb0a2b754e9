//! Files, with an eye on what a crash leaves behind and on links that lead elsewhere.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{CWD, FlockOperation, OFlags, RenameFlags, fcntl_setfl, flock, open, renameat_with, syncfs};

/// What stands at a path; links are not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File {
        /// Whether its owner may execute it.
        executable: bool,
    },
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A socket, a device, a pipe.
    Other,
}

/// What stands at a path; `None` if nothing does.
pub fn kind(path: &Path) -> io::Result<Option<FileKind>> {
    let Some(meta) = found(fs::symlink_metadata(path))? else { return Ok(None) };
    Ok(Some(kind_of(&meta)))
}

/// What stands at a path, or where a link there leads; `None` if nothing does.
pub fn kind_followed(path: &Path) -> io::Result<Option<FileKind>> {
    Ok(found(fs::metadata(path))?.as_ref().map(kind_of))
}

fn kind_of(meta: &fs::Metadata) -> FileKind {
    let kind = meta.file_type();
    if kind.is_file() {
        FileKind::File { executable: meta.permissions().mode() & 0o100 != 0 }
    } else if kind.is_dir() {
        FileKind::Directory
    } else if kind.is_symlink() {
        FileKind::Link
    } else {
        FileKind::Other
    }
}

/// Tells a file from any other, and from itself before it was written anew; links are followed.
pub fn identity(path: &Path) -> io::Result<String> {
    let meta = fs::metadata(path)?;
    let times = [meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()];
    Ok(format!("{} {} {} {times:?}", meta.dev(), meta.ino(), meta.len()))
}

/// Whether something stands at a path, links followed.
pub fn exists(path: &Path) -> bool {
    fs::metadata(path).is_ok()
}

/// Whether a folder is there, by its own name or through a link.
pub fn is_dir(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_dir())
}

/// A file's bytes; `None` if there is no such file.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    found(fs::read(path))
}

/// What stands at a path, and its bytes where it is a regular file; links are not followed. One walk along the path for both.
pub fn look(path: &Path) -> io::Result<Option<(FileKind, Vec<u8>)>> {
    // Nothing but a regular file is read; nothing else is waited for.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match open(path, flags, rustix::fs::Mode::empty()) {
        Ok(file) => File::from(file),
        Err(error) => {
            // A link, a socket, or a file that must not be read.
            return match kind(path)? {
                Some(FileKind::File { .. }) => Err(error.into()),
                other => Ok(other.map(|kind| (kind, vec![]))),
            };
        }
    };
    let meta = file.metadata()?;
    let kind = kind_of(&meta);
    let FileKind::File { .. } = kind else { return Ok(Some((kind, vec![]))) };
    // So much and no more: whether there is more costs three questions a file.
    let mut bytes = Vec::with_capacity(meta.len() as usize);
    file.take(meta.len()).read_to_end(&mut bytes)?;
    Ok(Some((kind, bytes)))
}

/// A file's text; `None` if there is no such file.
pub fn read_text(path: &Path) -> io::Result<Option<String>> {
    found(fs::read_to_string(path))
}

/// Under these names a process finds what it was started with: standard input, and what a shell's `<(…)` stands for.
const OWN: [&str; 3] = ["/dev/stdin", "/dev/fd/", "/proc/self/fd/"];

/// The first bytes of a file or of what this process was started with, so many at most; `None` if there is no such file. Of all else
/// nobody knows whether anything ever comes out of it.
pub fn read_start(path: &Path, most: usize) -> io::Result<Option<Vec<u8>>> {
    // A named pipe opens at once, whether anybody writes to it or not.
    let opened = open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, rustix::fs::Mode::empty());
    let Some(file) = found(opened.map(File::from).map_err(io::Error::from))? else { return Ok(None) };
    if !file.metadata()?.is_file() {
        if !OWN.iter().any(|own| path.to_string_lossy().starts_with(own)) {
            return Err(io::Error::other("this is neither a file nor standard input"));
        }
        // From here on it is waited for.
        fcntl_setfl(&file, OFlags::empty())?;
    }
    let mut bytes = vec![];
    file.take(most as u64).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// The names in a directory, sorted; none if there is no such directory.
pub fn list(dir: &Path) -> io::Result<Vec<String>> {
    let Some(entries) = found(fs::read_dir(dir))? else { return Ok(vec![]) };
    let mut names = vec![];
    for entry in entries {
        if let Ok(name) = entry?.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Makes a directory and those above it.
pub fn make_dirs(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)
}

/// Writes a file that is not there yet, with the mode that the umask leaves. It is on the disk after [`sync_all`], not before.
pub fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?.write_all(bytes)
}

/// Whether a file can be written in a folder: writes one of one byte and removes it. Permissions alone do not tell: the file system
/// may be full, read-only, or one that takes no files.
pub fn takes_files(dir: &Path) -> io::Result<()> {
    let path = dir.join(format!(".pgherd-{}", std::process::id()));
    let written = write_new(&path, b"\n", 0o600);
    match written {
        // One of this number was there before: left over from a process that was killed between the two steps.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => remove(&path),
        Err(e) => {
            // Made and then not filled, where the disk is full.
            let _ = remove(&path);
            Err(e)
        }
        Ok(()) => remove(&path),
    }
}

/// Moves a file over whatever file is there, as one step.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// Moves a directory to where nothing is, as one step; whatever is there is an error.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // A file system that cannot promise it: a directory never replaces more than an empty one.
        Err(rustix::io::Errno::INVAL) => fs::rename(from, to),
        done => Ok(done?),
    }
}

/// Waits until all that was written to the file system of a directory is on the disk. For many files it costs hardly more
/// than `fsync` of one of them: each of those is a commit of the file system's journal of its own.
pub fn sync_all(dir: &Path) -> io::Result<()> {
    Ok(syncfs(File::open(dir)?)?)
}

/// Replaces a file's content as one step: whoever looks, whenever the power fails, there is the old content or the new one.
///
/// `temporary` is a path in the same directory. The directory itself reaches the disk with [`sync`].
pub fn replace(path: &Path, temporary: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    remove(temporary)?;
    let written = (write_new(temporary, bytes, mode))
        .and_then(|()| File::open(temporary)?.sync_all())
        .and_then(|()| fs::rename(temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(temporary);
    }
    written
}

/// Sets a file's permission bits.
pub fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// Waits until a directory's entries are on the disk.
pub fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Removes a file or a link; it may be gone already.
pub fn remove(path: &Path) -> io::Result<()> {
    found(fs::remove_file(path)).map(|_| ())
}

/// Removes a directory if it is empty; says whether it did.
pub fn remove_empty_dir(dir: &Path) -> bool {
    fs::remove_dir(dir).is_ok()
}

/// Removes a directory and everything in it; links are removed, not followed. It may be gone already.
pub fn remove_tree(dir: &Path) -> io::Result<()> {
    found(fs::remove_dir_all(dir)).map(|_| ())
}

/// Removes everything in a directory.
pub fn clear(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Writes a file that nobody depends on after a crash, in place.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::write(path, bytes)
}

/// Writes a new file; says whether it did, or something stands there already, which stays as it is.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        opened => opened?,
    };
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(true)
}

/// A file that only its owner may read, opened to add to its end; made if it is not there.
pub fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

/// Adds a line to a file's end, and waits until it is on the disk. A line that a crash cut off does not spoil this one.
pub fn append_line(path: &Path, line: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).read(true).create(true).mode(0o600).open(path)?;
    let cut_off = file.seek(SeekFrom::End(0))? > 0 && {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        last != *b"\n"
    };
    let text = if cut_off { format!("\n{line}\n") } else { format!("{line}\n") };
    // In one piece: another process may add to the same file.
    file.write_all(text.as_bytes())?;
    file.sync_data()
}

/// Holds a directory or a file until it is dropped (or the process dies: nothing stays behind).
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// The open file that the lock belongs to: whoever inherits it holds the lock.
    pub(super) fn into_file(self) -> File {
        self.file
    }
}

/// Takes a share of the lock of a file, which is made if it is not there; `None` if someone has it alone.
pub fn lock_shared(path: &Path) -> io::Result<Option<Lock>> {
    take_lock(
        OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?,
        FlockOperation::NonBlockingLockShared,
    )
}

/// Takes the lock of a file alone; `None` if anyone has a share of it.
pub fn lock_alone(path: &Path) -> io::Result<Option<Lock>> {
    let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    take_lock(file, FlockOperation::NonBlockingLockExclusive)
}

/// Takes the lock of a directory; `None` if another process has it.
pub fn lock(dir: &Path) -> io::Result<Option<Lock>> {
    take_lock(File::open(dir)?, FlockOperation::NonBlockingLockExclusive)
}

fn take_lock(file: File, how: FlockOperation) -> io::Result<Option<Lock>> {
    match flock(&file, how) {
        Ok(()) => Ok(Some(Lock { file })),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// How many bytes may still be written where a path is.
pub fn room(path: &Path) -> io::Result<u64> {
    let seen = rustix::fs::statvfs(path)?;
    Ok(seen.f_bavail.saturating_mul(seen.f_frsize))
}

/// Turns "there is no such thing" into `None`.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(e) => Err(e),
    }
}
