//! Desired-state files: found, opened, bounded, and never led astray.
//!
//! Owns which files a path stands for. A path may come from a stranger's pull request: a
//! symbolic link in it must not make the program show a file of the machine it runs on.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::desired::{self, Code, Diagnostic, MAX_FILE_BYTES, SourceFile};
use crate::domain::DesiredSet;
use crate::report::{counted, diagnostics};

use super::Console;
use super::paths::Located;

/// The most mistakes that are shown in full; a file that was never a desired state can hold a mistake a line.
const MAX_SHOWN: usize = 1_000;

/// Reads the desired state, or shows all that is wrong with it.
pub(super) fn desired_state(paths: &[PathBuf], console: Console) -> Option<DesiredSet> {
    check(paths).map_err(|found| say(&found, console)).ok()
}

/// Shows mistakes, and that they end the command.
pub(super) fn say(found: &[Diagnostic], console: Console) {
    show(found, console);
    console.error(&format!("error: {}; the portal was not contacted\n", mistakes(found)));
}

/// Reads the desired state, or returns all that is wrong with it.
pub(super) fn check(paths: &[PathBuf]) -> Result<DesiredSet, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let files = collect(paths, &mut found);
    match desired::read(&files) {
        Ok(set) if found.is_empty() => return Ok(set),
        Ok(_) => {}
        Err(more) => found.extend(more),
    }
    Err(found)
}

/// Shows mistakes, and how many there are besides.
pub(super) fn show(found: &[Diagnostic], console: Console) {
    let shown = &found[..found.len().min(MAX_SHOWN)];
    if shown.is_empty() {
        return;
    }
    console.error(&diagnostics(shown, console.err));
    if shown.len() < found.len() {
        console.error(&format!("\n… and {} more\n", found.len() - shown.len()));
    }
    console.error("\n");
}

/// `2 mistakes in 1 file`.
pub(super) fn mistakes(found: &[Diagnostic]) -> String {
    let mut paths: Vec<&str> = found.iter().map(|diagnostic| diagnostic.path.as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    format!("{} in {}", counted(found.len(), "mistake"), counted(paths.len(), "file"))
}

fn collect(paths: &[PathBuf], found: &mut Vec<Diagnostic>) -> Vec<SourceFile> {
    let mut files = Vec::new();
    let mut seen = Vec::new();
    for path in paths {
        for file in expand(Located::of(path), found) {
            let Ok(real) = file.path.canonicalize() else {
                files.extend(open(file, found));
                continue;
            };
            // One file named twice (`.` and `./offers.yaml`) is one file.
            if !seen.contains(&real) {
                seen.push(real);
                files.extend(open(file, found));
            }
        }
    }
    files
}

fn expand(given: Located, found: &mut Vec<Diagnostic>) -> Vec<Located> {
    if !given.path.is_dir() {
        return vec![given];
    }
    if let Err(diagnostic) = followed(&given, true) {
        found.push(*diagnostic);
        return Vec::new();
    }
    let entries = match fs::read_dir(&given.path) {
        Ok(entries) => entries,
        Err(error) => {
            let message = format!("the directory can't be read: {error}");
            found.push(whole(&given.name, Code::Unreadable, message, None));
            return Vec::new();
        }
    };
    let mut names: Vec<_> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.file_name())
        .filter(|name| is_yaml(Path::new(name)) && !name.as_encoded_bytes().starts_with(b"."))
        .filter(|name| !given.path.join(name).is_dir())
        .collect();
    names.sort();
    if names.is_empty() {
        let help =
            "put `*.yaml` or `*.yml` files in it, or name files; hidden files and directories in it are left out";
        found.push(whole(&given.name, Code::NoFiles, "the directory holds no YAML file".to_owned(), Some(help)));
    }
    names.iter().map(|name| given.entry(name)).collect()
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("yaml") || end.eq_ignore_ascii_case("yml"))
}

/// The file that a document calls by this name, in the work tree that the program runs in.
pub(super) fn read(name: &str) -> Option<SourceFile> {
    open(Located::named(name), &mut Vec::new())
}

/// A desired-state file that is to be changed in its place.
pub(super) struct EditableFile {
    pub source: SourceFile,
    /// Where it is, with no link on the way to it.
    pub real: PathBuf,
}

/// Opens the file that a path names, or says why it can't be.
pub(super) fn editable(path: &Path) -> Result<EditableFile, Vec<Diagnostic>> {
    let (located, mut found) = (Located::of(path), Vec::new());
    let real = located.path.canonicalize().unwrap_or_else(|_| located.path.clone());
    let source = open(located, &mut found);
    source.map(|source| EditableFile { source, real }).ok_or(found)
}

fn open(file: Located, found: &mut Vec<Diagnostic>) -> Option<SourceFile> {
    let path = match followed(&file, false) {
        Ok(path) => path,
        Err(diagnostic) => {
            found.push(*diagnostic);
            return None;
        }
    };
    let mut bytes = Vec::new();
    let opened = fs::metadata(&path).and_then(|metadata| {
        if !metadata.is_file() {
            return Err(std::io::Error::other("it is not a regular file"));
        }
        // One byte more than is allowed tells a file that is too large, whatever its size is said to be.
        File::open(&path)?.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes)
    });
    if let Err(error) = opened {
        let help = (error.kind() == std::io::ErrorKind::NotFound).then_some("check the path");
        found.push(whole(&file.name, Code::Unreadable, format!("the file can't be read: {error}"), help));
        return None;
    }
    Some(SourceFile { path: file.name, bytes })
}

/// Where a path really leads. A diagnostic quotes the lines of a file, and a link may be a stranger's: it is
/// followed within the tree alone, and to nothing that isn't called YAML (`.env`, `.npmrc`).
fn followed(file: &Located, is_directory: bool) -> Result<PathBuf, Box<Diagnostic>> {
    // What isn't there, and a link that leads nowhere, is said when it is opened.
    let (Ok(tree), Ok(real)) = (file.tree.canonicalize(), file.path.canonicalize()) else {
        return Ok(file.path.clone());
    };
    let without_links = file.path.strip_prefix(&file.tree).map(|below| tree.join(below));
    if without_links.is_ok_and(|path| path == real) {
        return Ok(real);
    }
    let refused =
        |message: &str, help| Err(Box::new(whole(&file.name, Code::Unreadable, message.to_owned(), Some(help))));
    if !real.starts_with(&tree) {
        let help = "put the file itself there, or name the place that the link leads to";
        return refused("a symbolic link leads out of the directory", help);
    }
    if !is_directory && !is_yaml(&real) {
        return refused(
            "a symbolic link leads to a file that is not called `*.yaml` or `*.yml`",
            "put the file itself there",
        );
    }
    Ok(real)
}

fn whole(name: &str, code: Code, message: String, help: Option<&str>) -> Diagnostic {
    Diagnostic { code, path: name.to_owned(), place: None, message, help: help.map(str::to_owned) }
}

/// What a path is called in messages.
pub(super) fn name(path: &Path) -> String {
    Located::of(path).name
}

/// The names of files and directories in documents, sorted and each once.
pub(super) fn names(paths: &[PathBuf]) -> Vec<String> {
    let mut names: Vec<String> = paths.iter().map(|path| Located::of(path).name).collect();
    names.sort();
    names.dedup();
    names
}
