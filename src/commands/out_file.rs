//! Files that a command writes its documents to.
//!
//! Owns what such a file may be, and that it is whole or not there. It is checked before anything is
//! sent, because a cancellation whose outcome can't be written is worse than none; what an earlier run
//! left in its place is removed then, so that nobody takes it for the outcome of this one; and the new
//! document appears by a rename, so that no reader ever sees half of it.

use std::ffi::OsString;
use std::fs::{self, Metadata, Permissions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Serialize;
use tempfile::NamedTempFile;

use super::console::shown;
use crate::report::json;
use crate::secrets::redact;

/// A file that a command reads or writes besides, and what it is called in a message: `--plan`,
/// `--journal`, `the desired state`. A directory of desired files stands for the files in it.
pub(super) type OtherFile<'a> = (&'a str, &'a Path);

/// A file that can be written, and that nothing else is kept in.
#[derive(Debug)]
pub(super) struct OutFile {
    flag: &'static str,
    path: PathBuf,
    /// The same, with no link on the way to it.
    real: PathBuf,
}

impl OutFile {
    /// Checks that a file can be written, and removes what an earlier run left there.
    ///
    /// # Errors
    /// When it is anything but a regular file or nothing, when it is one of the others, and when its
    /// directory can't be written.
    pub fn prepare(flag: &'static str, path: &Path, others: &[OtherFile<'_>]) -> anyhow::Result<Self> {
        let real = check_place(flag, path, others)?;
        let out = Self { flag, path: path.to_owned(), real };
        // Made and dropped: that there is room and leave for one is known before anything is sent.
        out.temporary().and_then(|mut file| file.write_all(b"\n")).with_context(|| out.failed())?;
        match fs::remove_file(&out.real) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error).with_context(|| out.failed())?,
            _ => {}
        }
        Ok(out)
    }

    /// The same for a file that need not be named.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub fn prepare_if_given(
        flag: &'static str,
        path: Option<&Path>,
        others: &[OtherFile<'_>],
    ) -> anyhow::Result<Option<Self>> {
        path.map(|path| Self::prepare(flag, path, others)).transpose()
    }

    /// Checks that a new file can be written.
    ///
    /// # Errors
    /// When there is anything in its place, and when its directory can't be written.
    pub fn prepare_new(flag: &'static str, path: &Path) -> anyhow::Result<Self> {
        let name = shown(path);
        let real = place(path).with_context(|| format!("{name} can't be written ({flag})"))?;
        let out = Self { flag, path: path.to_owned(), real };
        if no_follow(&out.real).with_context(|| out.failed())?.is_some() {
            bail!(out.exists());
        }
        out.temporary().and_then(|mut file| file.write_all(b"\n")).with_context(|| out.failed())?;
        Ok(out)
    }

    /// Writes a text, without secrets, where there is nothing.
    ///
    /// # Errors
    /// When there is something by now, which stays as it is, and when it can't be written.
    pub fn write_new(&self, text: &str) -> anyhow::Result<()> {
        let written = self.temporary().and_then(|mut file| {
            file.write_all(redact(text).as_bytes())?;
            file.as_file().sync_all()?;
            file.persist_noclobber(&self.real).map_err(|error| error.error)
        });
        match written {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => bail!(self.exists()),
            written => written.map(drop).with_context(|| self.failed()),
        }
    }

    fn exists(&self) -> String {
        format!("{} exists and is not overwritten ({}); name another file, or remove it", shown(&self.path), self.flag)
    }

    /// Writes the document, without secrets.
    ///
    /// # Errors
    /// When it can't be written; then there is no file.
    pub fn write<T: Serialize>(&self, document: &T) -> anyhow::Result<()> {
        self.write_text(&json(document))
    }

    /// Writes a text, without secrets.
    ///
    /// # Errors
    /// When it can't be written; then there is no file.
    pub fn write_text(&self, text: &str) -> anyhow::Result<()> {
        let written = self.temporary().and_then(|mut file| {
            file.write_all(redact(text).as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&self.real).map_err(|error| error.error)
        });
        written.map(drop).with_context(|| self.failed())
    }

    /// A file next to it that removes itself unless it takes its place.
    fn temporary(&self) -> io::Result<NamedTempFile> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".cancel-pending-").suffix(".tmp");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            // As any new file, less what the umask takes away.
            builder.permissions(Permissions::from_mode(0o666));
        }
        builder.tempfile_in(self.real.parent().unwrap_or(Path::new(".")))
    }

    /// The path as it can be printed.
    pub fn shown(&self) -> String {
        shown(&self.path)
    }

    fn failed(&self) -> String {
        format!("{} can't be written ({})", shown(&self.path), self.flag)
    }
}

/// Puts other bytes into a file that is there, at once, and only if it still holds what was read of it. It keeps its
/// permissions. `path` has no link on the way to it.
///
/// # Errors
/// When it has changed, or can't be written; then it is as it was.
pub(super) fn replace(path: &Path, old: &[u8], new: &[u8]) -> anyhow::Result<()> {
    let failed = || format!("{} can't be written", shown(path));
    let written = || {
        let mut file = NamedTempFile::with_prefix_in(".cancel-pending-", path.parent().unwrap_or(Path::new(".")))?;
        file.write_all(new)?;
        file.as_file().set_permissions(fs::metadata(path)?.permissions())?;
        file.as_file().sync_all()?;
        io::Result::Ok(file)
    };
    let file = written().with_context(failed)?;
    if fs::read(path).with_context(failed)? != old {
        bail!("{} was changed meanwhile; nothing was written, run the command again", shown(path));
    }
    file.persist(path).map_err(|error| error.error).with_context(failed)?;
    Ok(())
}

/// Checks where a file is to be written, and returns its place with no link on the way to it. For the
/// journal, which is no document but must not be one of the others either.
pub(super) fn check_place(flag: &str, path: &Path, others: &[OtherFile<'_>]) -> anyhow::Result<PathBuf> {
    let name = shown(path);
    let real = place(path).with_context(|| format!("{name} can't be written ({flag})"))?;
    if let Some(metadata) = no_follow(&real).with_context(|| format!("{name} can't be written ({flag})"))? {
        let what = match metadata.file_type() {
            kind if kind.is_file() => None,
            kind if kind.is_dir() => Some("a directory"),
            kind if kind.is_symlink() => Some("a symbolic link"),
            _ => Some("not a regular file"),
        };
        if let Some(what) = what {
            bail!("{name} can't be written ({flag}): it is {what}; name a file");
        }
    }
    for (other, other_path) in others {
        if is_same(&real, other_path) {
            bail!("{flag} and {other} name the same file, {name}; give each a file of its own");
        }
        let is_yaml =
            || real.extension().is_some_and(|end| end.eq_ignore_ascii_case("yaml") || end.eq_ignore_ascii_case("yml"));
        if is_yaml()
            && other_path.is_dir()
            && other_path.canonicalize().is_ok_and(|there| real.parent() == Some(&there))
        {
            bail!("{name} of {flag} would become a part of {other} {}; name a file elsewhere", shown(other_path));
        }
    }
    Ok(real)
}

/// A path whose directories are resolved, and whose last part is not.
fn place(path: &Path) -> io::Result<PathBuf> {
    let name: Option<OsString> = path.file_name().map(OsString::from);
    // `out/` has a name too, and means a directory.
    let ends_in_separator = path.as_os_str().to_string_lossy().ends_with(std::path::is_separator);
    let Some(name) = name.filter(|_| !ends_in_separator) else {
        return Err(io::Error::new(ErrorKind::IsADirectory, "it is a directory; name a file"));
    };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match parent.canonicalize() {
        Ok(parent) => Ok(parent.join(name)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(io::Error::new(ErrorKind::NotFound, "its directory does not exist; create it first"))
        }
        Err(error) => Err(error),
    }
}

fn no_follow(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether two paths lead to one file, under whatever names.
fn is_same(real: &Path, other: &Path) -> bool {
    if place(other).is_ok_and(|other| other == real) || other.canonicalize().is_ok_and(|other| other == real) {
        return true;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        // Hard links, and names that differ in letter case where that makes no difference.
        let id = |path: &Path| fs::metadata(path).ok().filter(Metadata::is_file).map(|file| (file.dev(), file.ino()));
        if let (Some(one), Some(two)) = (id(real), id(other)) {
            return one == two;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn directory() -> (TempDir, impl Fn(&str) -> PathBuf) {
        let directory = TempDir::new().expect("a directory");
        let root = directory.path().to_owned();
        (directory, move |name: &str| root.join(name))
    }

    fn refusal(path: &Path, others: &[OtherFile<'_>]) -> String {
        format!("{:#}", OutFile::prepare("--out", path, others).expect_err("refused"))
    }

    fn names(directory: &TempDir) -> Vec<String> {
        let entries = fs::read_dir(directory.path()).expect("a directory");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_was_there_is_gone_before_and_the_document_is_there_after() {
        let (directory, path) = directory();
        fs::write(path("out.json"), "of an earlier run").expect("a file");
        let out = OutFile::prepare("--out", &path("out.json"), &[]).expect("it can be written");
        assert_eq!(names(&directory), Vec::<String>::new());
        out.write(&[1]).expect("it is written");
        assert_eq!(fs::read_to_string(path("out.json")).expect("a file"), "[\n  1\n]\n");
        out.write(&[2]).expect("it is written again");
        assert_eq!(names(&directory), ["out.json"]);
    }

    #[test]
    fn a_document_that_can_not_be_written_leaves_nothing() {
        let (directory, path) = directory();
        fs::create_dir(path("sub")).expect("a directory");
        let out = OutFile::prepare("--out", &path("sub/out.json"), &[]).expect("it can be written");
        fs::remove_dir(path("sub")).expect("it is empty");
        let error = format!("{:#}", out.write(&[1]).expect_err("there is no directory"));
        assert!(error.contains("sub/out.json` can't be written (--out)"), "{error}");
        assert_eq!(names(&directory), Vec::<String>::new());
    }

    #[cfg(unix)]
    #[test]
    fn it_is_a_file_like_any_other() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_directory, path) = directory();
        fs::write(path("other"), "").expect("a file");
        OutFile::prepare("--out", &path("out"), &[]).expect("it can be written").write(&[1]).expect("it is written");
        let mode = |name: &str| fs::metadata(path(name)).expect("a file").permissions().mode();
        assert_eq!(mode("out"), mode("other"));
    }

    #[cfg(unix)]
    #[test]
    fn only_a_regular_file_or_nothing() {
        use std::os::unix::fs::symlink;
        let (directory, path) = directory();
        fs::create_dir(path("directory")).expect("a directory");
        fs::write(path("file"), "x").expect("a file");
        symlink(path("file"), path("link")).expect("a link");
        symlink(path("nothing"), path("dangling")).expect("a link");
        let before = names(&directory);
        for (name, why) in [
            ("directory", "it is a directory"),
            ("directory/", "it is a directory"),
            ("new/", "it is a directory"),
            ("link", "it is a symbolic link"),
            ("dangling", "it is a symbolic link"),
            ("nowhere/out", "its directory does not exist"),
            ("file/out", "Not a directory"),
            ("/dev/null", "it is not a regular file"),
            ("/dev/full", "it is not a regular file"),
            ("..", "it is a directory"),
            ("", "it is a directory"),
        ] {
            // Joining an absolute path leaves it as it is.
            let path = if name.is_empty() { PathBuf::new() } else { path(name) };
            let error = refusal(&path, &[]);
            assert!(error.contains(why), "{name}: {error}");
        }
        assert_eq!((names(&directory), fs::read_to_string(path("file")).expect("a file").as_str()), (before, "x"));
    }

    #[cfg(unix)]
    #[test]
    fn one_file_has_one_use() {
        use std::os::unix::fs::symlink;
        let (_directory, path) = directory();
        fs::create_dir(path("offers")).expect("a directory");
        fs::write(path("offers/a.yaml"), "x").expect("a file");
        symlink(path("offers"), path("here")).expect("a link");
        symlink(path("offers/a.yaml"), path("linked.yaml")).expect("a link");
        fs::hard_link(path("offers/a.yaml"), path("hard.yaml")).expect("a link");
        let state = path("offers/a.yaml");
        for (out, other) in [
            (path("offers/a.yaml"), state.clone()),
            (path("offers/../offers/./a.yaml"), state.clone()),
            (path("here/a.yaml"), state.clone()),
            (path("hard.yaml"), state.clone()),
            (state.clone(), path("linked.yaml")),
            (path("new.json"), path("offers/../new.json")),
        ] {
            let error = refusal(&out, &[("--plan", Path::new("elsewhere")), ("the desired state", &other)]);
            assert!(error.contains("--out and the desired state name the same file"), "{out:?}: {error}");
        }
        let error = refusal(&path("here/new.YML"), &[("the desired state", &path("offers"))]);
        assert!(error.contains("would become a part of the desired state"), "{error}");
        OutFile::prepare("--out", &path("offers/new.json"), &[("the desired state", &path("offers"))])
            .expect("no YAML");
        assert_eq!(fs::read_to_string(state).expect("a file"), "x");
    }
}
