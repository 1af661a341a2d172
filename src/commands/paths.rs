//! What a file is called: relative to its git work tree, in one form, however it was given.
//!
//! Owns the names of files in documents. Annotations, review comments and the comparison with a
//! branch find a file by them, so they can't depend on where the program was started.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// A path as it was given: where it is, and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Located {
    /// The absolute path, normalised.
    pub path: PathBuf,
    /// The directory that links must not lead out of.
    pub tree: PathBuf,
    /// The name in documents, with `/` between its parts.
    pub name: String,
}

impl Located {
    /// Finds out about a path that was given on the command line.
    pub fn of(given: &Path) -> Self {
        let directory = std::env::current_dir().unwrap_or_default();
        let path = normalised(&directory.join(given));
        // A directory may be the root itself.
        let inner = if path.is_dir() { path.join("x") } else { path.clone() };
        let name = name(&path, &work_tree(&inner).unwrap_or_else(|| directory.clone()), given.is_relative());
        // Not the file's own work tree: a link could lead into one.
        let here = work_tree(&directory.join("x")).unwrap_or(directory);
        let tree = if path.starts_with(&here) { here } else { path.parent().unwrap_or(&path).to_owned() };
        Self { path, tree, name }
    }

    /// The file that a document calls by this name, when the program runs in the same work tree.
    pub fn named(name: &str) -> Self {
        let directory = std::env::current_dir().unwrap_or_default();
        let tree = work_tree(&directory.join("x")).unwrap_or(directory);
        Self { path: normalised(&tree.join(name)), tree, name: name.to_owned() }
    }

    /// Something in this directory.
    pub fn entry(&self, entry: &OsStr) -> Self {
        let entry_name = entry.to_string_lossy();
        let name = if self.name == "." { entry_name.into_owned() } else { format!("{}/{entry_name}", self.name) };
        Self { path: self.path.join(entry), tree: self.tree.clone(), name }
    }
}

/// Whether the program runs in a git work tree.
pub(super) fn is_in_work_tree() -> bool {
    std::env::current_dir().is_ok_and(|directory| work_tree(&directory.join("x")).is_some())
}

/// The nearest directory above a file that holds a `.git`: a directory, or a file in a linked work tree.
fn work_tree(path: &Path) -> Option<PathBuf> {
    path.ancestors().skip(1).find(|directory| directory.join(".git").exists()).map(Path::to_owned)
}

/// An absolute path without `.` and `..`, by its text alone.
fn normalised(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut path, part| {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(path.pop()),
            part => path.push(part),
        }
        path
    })
}

/// What a normalised path is called, seen from a root. What lies outside keeps the form it was given in.
fn name(path: &Path, root: &Path, is_relative: bool) -> String {
    if let Ok(below) = path.strip_prefix(root) {
        let text = joined(below);
        return if text.is_empty() { ".".to_owned() } else { text };
    }
    if !is_relative {
        return path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
    }
    let shared = path.components().zip(root.components()).take_while(|(one, other)| one == other).count();
    let up = "../".repeat(root.components().count() - shared);
    let down = joined(&path.components().skip(shared).collect::<PathBuf>());
    if down.is_empty() { up.trim_end_matches('/').to_owned() } else { format!("{up}{down}") }
}

fn joined(path: &Path) -> String {
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_file_has_one_name_however_it_is_given() {
        let called = |given: &str, directory: &str| {
            let given = Path::new(given);
            name(&normalised(&Path::new(directory).join(given)), Path::new("/repo"), given.is_relative())
        };
        for (given, directory, expected) in [
            ("offers.yaml", "/repo", "offers.yaml"),
            ("./offers.yaml", "/repo", "offers.yaml"),
            (".//offers.yaml", "/repo", "offers.yaml"),
            ("sub/../offers.yaml", "/repo", "offers.yaml"),
            ("sub//./offers.yaml", "/repo", "sub/offers.yaml"),
            ("../offers.yaml", "/repo/sub", "offers.yaml"),
            ("offers.yaml", "/repo/sub", "sub/offers.yaml"),
            ("/repo/sub/offers.yaml", "/elsewhere", "sub/offers.yaml"),
            ("/repo/", "/elsewhere", "."),
            (".", "/repo", "."),
            (".", "/repo/sub", "sub"),
            ("..", "/repo/sub", "."),
            ("/other/./offers.yaml", "/repo", "/other/offers.yaml"),
            ("../other/offers.yaml", "/repo", "../other/offers.yaml"),
            ("../../repo2/offers.yaml", "/repo/sub", "../repo2/offers.yaml"),
            ("../..", "/repo/sub", ".."),
            ("../../../../x.yaml", "/repo", "../x.yaml"),
        ] {
            assert_eq!(called(given, directory), expected, "{given} in {directory}");
        }
    }
}
