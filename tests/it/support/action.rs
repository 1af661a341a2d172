//! The action's own files, and stand-ins for the programs that its scripts start.
//!
//! Owns how a release looks: the archive, its name, its checksum, its server.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use super::raw::{RawPortal, answer};
use super::{Workspace, repository};

/// The name of a release's archive.
pub fn archive_name(target: &str) -> String {
    format!("cancel-pending-{}-{target}.tar.gz", env!("CARGO_PKG_VERSION"))
}

/// The archive of a release with the program of these tests in it under this name, and its SHA-256.
fn pack(name: &str) -> (Vec<u8>, String) {
    let workspace = Workspace::new();
    fs::copy(env!("CARGO_BIN_EXE_cancel-pending"), workspace.path(name)).expect("a copy");
    // Without what only a debugger reads it is small. Where there is no strip, it stays large.
    let _ = Command::new("strip").arg(workspace.path(name)).output();
    let mut tar = Command::new("tar");
    tar.args(["-czf", "release.tar.gz", name]).current_dir(workspace.directory.path());
    assert!(tar.output().expect("tar runs").status.success());
    let bytes = fs::read(workspace.path("release.tar.gz")).expect("the archive");
    let sha256 = cancel_pending::domain::sha256_hex(&bytes);
    (bytes, sha256)
}

/// The archive for Linux and macOS.
pub fn release() -> &'static (Vec<u8>, String) {
    static RELEASE: OnceLock<(Vec<u8>, String)> = OnceLock::new();
    RELEASE.get_or_init(|| pack("cancel-pending"))
}

/// The archive for Windows.
#[cfg(target_os = "linux")]
pub fn windows_release() -> &'static (Vec<u8>, String) {
    static RELEASE: OnceLock<(Vec<u8>, String)> = OnceLock::new();
    RELEASE.get_or_init(|| pack("cancel-pending.exe"))
}

/// A copy of the action that knows this checksum of this archive, or none.
pub fn copy_action(to: &Path, checksum: Option<(&str, &str)>) {
    for name in ["action.yml", "Cargo.toml", "action"] {
        copy_all(&repository(name), &to.join(name));
    }
    let line = checksum.map(|(archive, sha256)| format!("{sha256}  {archive}\n")).unwrap_or_default();
    fs::write(to.join("action/checksums.txt"), line).expect("a file");
}

/// A server that has one archive, at the address where the action looks for it.
pub fn serve_release(archive: String, bytes: &'static [u8]) -> RawPortal {
    RawPortal::start(move |path, stream| {
        let wanted =
            format!("/cancel-pending/cancel-pending/releases/download/v{}/{archive}", env!("CARGO_PKG_VERSION"));
        let found = path == wanted || path == format!("/mirror/{archive}");
        answer(stream, if found { "200 OK" } else { "404 Not Found" }, &[], if found { bytes } else { b"" });
    })
}

/// Copies a file or a directory with all that is in it.
pub fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().expect("a parent")).expect("a directory");
    if from.is_file() {
        fs::copy(from, to).expect("a copy");
        return;
    }
    for entry in fs::read_dir(from).expect("a directory").map(|entry| entry.expect("an entry")) {
        copy_all(&entry.path(), &to.join(entry.file_name()));
    }
}

/// Writes a script that stands in for a program.
pub fn stand_in(workspace: &Workspace, path: &str, script: &str) {
    workspace.write(path, format!("#!/bin/bash\n{script}\n"));
    make_executable(&workspace.path(path));
}

#[cfg(unix)]
pub fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a program");
}

#[cfg(not(unix))]
pub fn make_executable(_: &Path) {}
