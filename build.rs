//! Tells the program what it was built from: the commit and the target, for `--version`.
//!
//! Asks git where the source is a git work tree of its own, and reads what cargo recorded where it is a
//! published crate. Needs neither: an unpacked archive says so. The same commit gives the same text, so that a
//! build can be reproduced.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let source = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let target = env::var("TARGET").expect("cargo sets it");
    // With a commit in it, everything would be compiled again after each commit.
    let is_development = env::var("PROFILE").is_ok_and(|profile| profile == "debug");
    let origin = if is_development { "development build".to_owned() } else { origin(&source) };
    println!("cargo:rustc-env=CANCEL_PENDING_BUILD={origin}, {target}");
}

/// What the source is, in the words of `--version`.
fn origin(source: &Path) -> String {
    // A work tree further up is somebody else's: the source may have been unpacked in it.
    if source.join(".git").exists()
        && let Some(commit) = git(source, &["rev-parse", "HEAD"])
    {
        watch(source);
        return format!("commit {}", short(&commit));
    }
    match packaged_commit(source) {
        Some(commit) => format!("crate of commit {}", short(&commit)),
        None => "built from an archive, commit unknown".to_owned(),
    }
}

/// The commit that `cargo package` recorded in the crate.
fn packaged_commit(source: &Path) -> Option<String> {
    let text = fs::read_to_string(source.join(".cargo_vcs_info.json")).ok()?;
    let (_, rest) = text.split_once("\"sha1\"")?;
    let commit = rest.split('"').nth(1)?;
    is_commit(commit).then(|| commit.to_owned())
}

/// Runs again when another commit is checked out.
fn watch(source: &Path) {
    let head = git(source, &["symbolic-ref", "--quiet", "HEAD"]);
    for name in ["HEAD", "logs/HEAD", "packed-refs"].into_iter().chain(head.as_deref()) {
        let path = git(source, &["rev-parse", "--git-path", name]).map(|path| source.join(path));
        // Cargo takes a file that is not there for one that has changed.
        if let Some(path) = path.filter(|path| path.exists()) {
            println!("cargo:rerun-if-changed={}", path.display());
        }
    }
}

/// What git answers in the source directory, whatever repository the caller was in.
fn git(source: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR"] {
        command.env_remove(name);
    }
    let output = command.arg("-C").arg(source).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

fn is_commit(text: &str) -> bool {
    text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
