//! Files: safe against crashes, and against links that lead elsewhere.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{CWD, FlockOperation, OFlags, RenameFlags, fcntl_setfl, flock, open, renameat_with, syncfs};

/// The kind of a directory entry.
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

/// Returns what is at a path, without following links; `None` if nothing is.
pub fn kind(path: &Path) -> io::Result<Option<FileKind>> {
    let Some(meta) = found(fs::symlink_metadata(path))? else { return Ok(None) };
    Ok(Some(kind_of(&meta)))
}

/// Returns what is at a path, following links; `None` if nothing is.
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

/// Returns text that differs between any two files, and between versions of one file. Links are followed.
pub fn identity(path: &Path) -> io::Result<String> {
    let meta = fs::metadata(path)?;
    let times = [meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()];
    Ok(format!("{} {} {} {times:?}", meta.dev(), meta.ino(), meta.len()))
}

/// Returns whether anything exists at a path, following links.
pub fn exists(path: &Path) -> bool {
    fs::metadata(path).is_ok()
}

/// Returns whether a path is a directory, following links.
pub fn is_dir(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_dir())
}

/// Reads a file's bytes; returns `None` if there is no such file.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    found(fs::read(path))
}

/// Returns what is at a path, with its bytes if it is a regular file. Links are not followed, and the path is walked only once.
pub fn look(path: &Path) -> io::Result<Option<(FileKind, Vec<u8>)>> {
    // Only regular files are read; nothing may block.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match open(path, flags, rustix::fs::Mode::empty()) {
        Ok(file) => File::from(file),
        Err(error) => {
            // A link, a socket, or an unreadable file.
            return match kind(path)? {
                Some(FileKind::File { .. }) => Err(error.into()),
                other => Ok(other.map(|kind| (kind, vec![]))),
            };
        }
    };
    let meta = file.metadata()?;
    let kind = kind_of(&meta);
    let FileKind::File { .. } = kind else { return Ok(Some((kind, vec![]))) };
    // Not until the end of the file: checking for more costs three system calls per file.
    let mut bytes = Vec::with_capacity(meta.len() as usize);
    file.take(meta.len()).read_to_end(&mut bytes)?;
    Ok(Some((kind, bytes)))
}

/// Reads a file's text; returns `None` if there is no such file.
pub fn read_text(path: &Path) -> io::Result<Option<String>> {
    found(fs::read_to_string(path))
}

/// The names under which a process finds its own open files: standard input, and a shell's `<(…)`.
const OWN: [&str; 3] = ["/dev/stdin", "/dev/fd/", "/proc/self/fd/"];

/// Reads at most the first `most` bytes of a file, of standard input, or of a shell's `<(…)`; returns `None` if there is no such file.
///
/// # Errors
/// If the path is anything else, such as a named pipe, since reading it could block for ever.
pub fn read_start(path: &Path, most: usize) -> io::Result<Option<Vec<u8>>> {
    // With NONBLOCK, a named pipe opens at once even if nobody writes to it.
    let opened = open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, rustix::fs::Mode::empty());
    let Some(file) = found(opened.map(File::from).map_err(io::Error::from))? else { return Ok(None) };
    if !file.metadata()?.is_file() {
        if !OWN.iter().any(|own| path.to_string_lossy().starts_with(own)) {
            return Err(io::Error::other("this is neither a file nor standard input"));
        }
        // Reading it may block from here on.
        fcntl_setfl(&file, OFlags::empty())?;
    }
    let mut bytes = vec![];
    file.take(most as u64).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Returns the names in a directory, sorted; none if there is no such directory.
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

/// Creates a directory and its parents.
pub fn make_dirs(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)
}

/// Writes a file that does not exist yet, with the mode that the umask leaves. It is on the disk only after [`sync_all`].
pub fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?.write_all(bytes)
}

/// Checks that files can be written in a directory, by writing and removing one of one byte. Permissions alone do not tell: the file
/// system may be full, read-only, or unable to hold files.
pub fn takes_files(dir: &Path) -> io::Result<()> {
    let path = dir.join(format!(".pgherd-{}", std::process::id()));
    let written = write_new(&path, b"\n", 0o600);
    match written {
        // Left over from a process with the same id that was killed between the two steps.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => remove(&path),
        Err(e) => {
            // On a full disk, the file may be created but empty.
            let _ = remove(&path);
            Err(e)
        }
        Ok(()) => remove(&path),
    }
}

/// Renames a file and atomically replaces the file at its new path.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// Renames a directory atomically. Anything at the new path is an error.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // The file system does not support NOREPLACE. A directory can only ever replace an empty one.
        Err(rustix::io::Errno::INVAL) => fs::rename(from, to),
        done => Ok(done?),
    }
}

/// Waits until everything that was written to the file system of a directory is on the disk. For many files this costs hardly more
/// than one `fsync`, since each `fsync` commits the journal of the file system.
pub fn sync_all(dir: &Path) -> io::Result<()> {
    Ok(syncfs(File::open(dir)?)?)
}

/// Replaces a file's content atomically: readers see the old or the new content, even after a power failure.
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

/// Removes a file or a link, if it exists.
pub fn remove(path: &Path) -> io::Result<()> {
    found(fs::remove_file(path)).map(|_| ())
}

/// Removes a directory if it is empty; returns whether it did.
pub fn remove_empty_dir(dir: &Path) -> bool {
    fs::remove_dir(dir).is_ok()
}

/// Removes a directory and everything in it, if it exists. Links are removed, not followed.
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

/// Writes a file in place, without care for crashes.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::write(path, bytes)
}

/// Writes a new file; returns false, and changes nothing, if something exists at the path.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        opened => opened?,
    };
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(true)
}

/// Opens a file to append to it. If it does not exist, creates it so that only its owner may read it.
pub fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

/// Appends a line to a file and waits until it is on the disk. If a crash cut the last line off, the new one starts on a line of its own.
pub fn append_line(path: &Path, line: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).read(true).create(true).mode(0o600).open(path)?;
    let cut_off = file.seek(SeekFrom::End(0))? > 0 && {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        last != *b"\n"
    };
    let text = if cut_off { format!("\n{line}\n") } else { format!("{line}\n") };
    // In one write: another process may append to the same file.
    file.write_all(text.as_bytes())?;
    file.sync_data()
}

/// A lock on a directory or a file. It ends when this is dropped or the process ends.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Returns the open file that holds the lock. A process that inherits it holds the lock, too.
    pub(super) fn into_file(self) -> File {
        self.file
    }
}

/// Takes a shared lock on a file, which is created if needed; returns `None` if another process holds it exclusively.
pub fn lock_shared(path: &Path) -> io::Result<Option<Lock>> {
    take_lock(
        OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?,
        FlockOperation::NonBlockingLockShared,
    )
}

/// Takes an exclusive lock on a file, which is created if needed; returns `None` if another process holds a lock.
pub fn lock_alone(path: &Path) -> io::Result<Option<Lock>> {
    let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    take_lock(file, FlockOperation::NonBlockingLockExclusive)
}

/// Takes an exclusive lock on a directory; returns `None` if another process holds one.
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

/// Returns the free space, in bytes, on the file system of a path.
pub fn room(path: &Path) -> io::Result<u64> {
    let seen = rustix::fs::statvfs(path)?;
    Ok(seen.f_bavail.saturating_mul(seen.f_frsize))
}

/// Turns "not found" into `None`.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(e) => Err(e),
    }
}
