//! Where the bytes of a journal are kept.
//!
//! Owns durability: what was appended without an error survives a kill and a power loss. Knows nothing
//! of lines. The file is locked for the length of a run, so that two runs with one journal follow one another.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// The most bytes of a journal that are read. It is set aside long before, unless something stays open.
const MAX_READ: u64 = 64 * 1024 * 1024;

/// A place for the bytes of a journal. In a simulation it can fail or be cut off at any write.
pub trait JournalStore: fmt::Debug + Send {
    /// Adds bytes at the end, and returns when they are on the disk. After an error the first part of
    /// them may be there, none, or all.
    ///
    /// # Errors
    /// When they are not known to be on the disk.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Cuts everything off that lies behind the first `length` bytes.
    ///
    /// # Errors
    /// When it is not known to be gone.
    fn truncate(&mut self, length: u64) -> io::Result<()>;
}

/// A journal in a file.
#[derive(Debug)]
pub(super) struct FileStore {
    file: File,
    path: PathBuf,
}

/// What became of opening a file.
#[derive(Debug)]
pub(super) enum OpenedFile {
    /// It is this run's alone.
    Own(FileStore),
    /// Another run holds it.
    InUse,
}

impl FileStore {
    /// Opens and locks a file, and makes it and its directory where there are none.
    pub fn open(path: &Path) -> io::Result<OpenedFile> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        prepare(parent)?;
        // What a link leads to may be the file of somebody else.
        let is_new = match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_symlink() => return Err(io::Error::other("it is a symbolic link")),
            Ok(metadata) if metadata.is_dir() => return Err(io::Error::other("it is a directory")),
            // A device or a pipe keeps nothing, and opening it may never end.
            Ok(metadata) if !metadata.is_file() => return Err(io::Error::other("it is not a regular file")),
            Ok(_) => false,
            Err(_) => true,
        };
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(OpenedFile::InUse),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        if is_new {
            // A file whose name is lost is lost. Not every file system can do that, or has to.
            let _ = File::open(parent).and_then(|directory| directory.sync_all());
        }
        Ok(OpenedFile::Own(Self { file, path: path.to_owned() }))
    }

    /// All that is in it.
    pub fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        (&mut self.file).take(MAX_READ + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_READ {
            return Err(io::Error::other("it is larger than 64 MiB"));
        }
        Ok(bytes)
    }

    /// Moves all that is in it to `….old`, in place of what was there, and begins anew.
    pub fn set_aside(&mut self, bytes: &[u8]) -> io::Result<()> {
        let old = self.path.with_extension("jsonl.old");
        let mut copy = NamedTempFile::new_in(old.parent().unwrap_or(Path::new(".")))?;
        copy.write_all(bytes)?;
        copy.as_file().sync_all()?;
        // A rename, which replaces a link and does not follow it.
        copy.persist(&old).map_err(|error| error.error)?;
        self.truncate(0)
    }
}

impl JournalStore for FileStore {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        // One write, so that lines of entries side by side can't mix, and then to the disk.
        self.file.seek(SeekFrom::End(0))?;
        self.file.write_all(bytes)?;
        self.file.sync_data()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.file.sync_data()
    }
}

/// Makes the directory of a journal, and keeps it out of version control.
fn prepare(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(directory)?;
    fs::write(directory.join(".gitignore"), "*\n")
}
