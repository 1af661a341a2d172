//! Desired-state files: found, opened, bounded, and never led astray.
//!
//! Owns which files a path stands for. A path may come from a stranger's pull request: a
//! symbolic link in it must not make the program show a file of the machine it runs on.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use crate::desired::{self, Code, Diagnostic, MAX_FILE_BYTES, SourceFile};
use crate::domain::DesiredSet;
use crate::report::{counted, diagnostics};

use super::Console;

/// The most mistakes that are shown in full; a file that was never a desired state can hold a mistake a line.
const MAX_SHOWN: usize = 1_000;

/// Reads the desired state, or shows all that is wrong with it.
pub(super) fn desired_state(paths: &[PathBuf], console: Console) -> Option<DesiredSet> {
    let mut found = Vec::new();
    let files = collect(paths, &mut found);
    match desired::read(&files) {
        Ok(set) if found.is_empty() => return Some(set),
        Ok(_) => {}
        Err(more) => found.extend(more),
    }
    let mut paths: Vec<&str> = found.iter().map(|diagnostic| diagnostic.path.as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    let shown = &found[..found.len().min(MAX_SHOWN)];
    console.note(&diagnostics(shown, console.err));
    if shown.len() < found.len() {
        console.note(&format!("\n… and {} more\n", found.len() - shown.len()));
    }
    console.note(&format!(
        "\nerror: {} in {}; nothing was sent to the portal\n",
        counted(found.len(), "mistake"),
        counted(paths.len(), "file")
    ));
    None
}

fn collect(paths: &[PathBuf], found: &mut Vec<Diagnostic>) -> Vec<SourceFile> {
    let mut files = Vec::new();
    let mut seen = Vec::new();
    for path in paths {
        for file in expand(path, found) {
            let Ok(real) = file.canonicalize() else {
                files.extend(read(&file, found));
                continue;
            };
            // One file named twice (`.` and `./offers.yaml`) is one file.
            if !seen.contains(&real) {
                seen.push(real);
                files.extend(read(&file, found));
            }
        }
    }
    files
}

fn expand(path: &Path, found: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    if let Some(diagnostic) = leads_away(path) {
        found.push(diagnostic);
        return Vec::new();
    }
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => {
            found.push(whole(path, Code::Unreadable, format!("the directory can't be read: {error}"), None));
            return Vec::new();
        }
    };
    let is_yaml = |path: &PathBuf| path.extension().is_some_and(|end| end == "yaml" || end == "yml");
    let mut files: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(is_yaml)
        .filter(|path| !path.is_dir())
        .collect();
    files.sort();
    if files.is_empty() {
        let help = "put `*.yaml` or `*.yml` files in it, or name files; directories in it are not searched";
        found.push(whole(path, Code::NoFiles, "the directory holds no YAML file".to_owned(), Some(help)));
    }
    files
}

pub(super) fn read(path: &Path, found: &mut Vec<Diagnostic>) -> Option<SourceFile> {
    if let Some(diagnostic) = leads_away(path) {
        found.push(diagnostic);
        return None;
    }
    let mut bytes = Vec::new();
    let opened = fs::metadata(path).and_then(|metadata| {
        if !metadata.is_file() {
            return Err(std::io::Error::other("it is not a regular file"));
        }
        // One byte more than is allowed tells a file that is too large, whatever its size is said to be.
        File::open(path)?.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes)
    });
    if let Err(error) = opened {
        let help = (error.kind() == std::io::ErrorKind::NotFound)
            .then_some("name the file or the directory: cancel-pending plan PATH");
        found.push(whole(path, Code::Unreadable, format!("the file can't be read: {error}"), help));
        return None;
    }
    Some(SourceFile { path: name(path), bytes })
}

/// A relative path without `..` must really lie below the working directory, and a file found
/// in a directory really in it; otherwise a link has led elsewhere.
fn leads_away(path: &Path) -> Option<Diagnostic> {
    let stays = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let root = if stays { Path::new(".") } else { path.parent()? };
    let (root, real) = (root.canonicalize().ok()?, path.canonicalize().ok()?);
    (!real.starts_with(&root)).then(|| {
        let help = "put the file itself there, or name the place that the link leads to";
        whole(path, Code::Unreadable, "a symbolic link leads out of the directory".to_owned(), Some(help))
    })
}

fn whole(path: &Path, code: Code, message: String, help: Option<&str>) -> Diagnostic {
    Diagnostic { code, path: name(path), place: None, message, help: help.map(str::to_owned) }
}

/// The names of files and directories in documents, sorted and each once.
pub(super) fn names(paths: &[PathBuf]) -> Vec<String> {
    let mut names: Vec<String> = paths.iter().map(|path| name(path)).collect();
    names.sort();
    names.dedup();
    names
}

/// The name of a file in documents: as it was given, with `/` between its parts.
fn name(path: &Path) -> String {
    let text = path.to_string_lossy();
    let text = if std::path::MAIN_SEPARATOR == '\\' { text.replace('\\', "/") } else { text.into_owned() };
    text.strip_prefix("./").map_or(text.clone(), str::to_owned)
}
