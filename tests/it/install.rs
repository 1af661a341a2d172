//! `action/install.sh`: the program that the action runs is the one that was released.
//!
//! Owns the facts about runners that this rests on, each where it is played.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;

use crate::support::action::{archive_name, copy_action, release, serve_release, stand_in, windows_release};
use crate::support::{Run, Workspace};

const TARGET: &str = "x86_64-unknown-linux-musl";

/// A runner with a copy of the action at `it`.
struct Runner {
    workspace: Workspace,
    command: Command,
}

impl Runner {
    fn new(archive: &str, sha256: Option<&str>) -> Self {
        let workspace = Workspace::new();
        copy_action(&workspace.path("it"), sha256.map(|sha256| (archive, sha256)));
        // It is never to be built instead of what was released.
        stand_in(
            &workspace,
            "bin/cargo",
            "echo \"$@\" >> \"$HOME/cargo\"; echo \"in $PWD with ${RUSTUP_TOOLCHAIN-none} ${RUSTFLAGS-none} ${CARGO_BUILD_TARGET-none}\" >> \"$HOME/cargo\"; exit 1",
        );
        workspace.write("outputs", "");
        let mut command = Command::new("bash");
        command
            .arg(workspace.path("it/action/install.sh"))
            .current_dir(workspace.directory.path())
            .env_clear()
            .env("HOME", workspace.directory.path())
            .env("PATH", format!("{}:/usr/bin:/bin", workspace.path("bin").display()))
            .env("RUNNER_OS", "Linux")
            .env("RUNNER_ARCH", "X64")
            .env("RUNNER_TEMP", workspace.directory.path())
            .env("GITHUB_OUTPUT", workspace.path("outputs"))
            // As GitHub's runner has them in a `run` step of a composite action (actions/runner, ActionRunner.cs:
            // anything but an action of a repository; issues 2473 and 2525). `env` of the step is evaluated before.
            .env("GITHUB_ACTION_REPOSITORY", "")
            .env("GITHUB_ACTION_REF", "")
            .env("CP_ACTION_REPOSITORY", "cancel-pending/cancel-pending")
            .env("CP_ACTION_REF", "v0")
            .env("GITHUB_SERVER_URL", "https://github.com");
        Self { workspace, command }
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Lets curl answer with this archive, whatever the address, which it writes down.
    fn with_curl(self, archive: &[u8]) -> Self {
        self.workspace.write("archive", archive);
        let script = "url=\"${@: -1}\"; echo \"$url\" > \"$HOME/url\"; while [[ $1 != --output ]]; do shift; done; cp \"$HOME/archive\" \"$2\"";
        stand_in(&self.workspace, "bin/curl", script);
        self
    }

    /// Leaves nothing on the PATH but these programs.
    fn with_only(self, programs: &[&str]) -> Self {
        for program in programs {
            let found = ["/usr/bin", "/bin"].map(|directory| Path::new(directory).join(program));
            let found = found.iter().find(|path| path.exists()).unwrap_or_else(|| panic!("{program} is not here"));
            self.workspace.write("only/.keep", "");
            let _ = std::os::unix::fs::symlink(found, self.workspace.path("only").join(program));
        }
        let path = self.workspace.path("only").display().to_string();
        self.set("PATH", &path)
    }

    fn run(mut self) -> (Workspace, Run) {
        // By its place: what is on the PATH is what the script finds.
        let mut command = Command::new("/bin/bash");
        command.args(self.command.get_args()).current_dir(self.workspace.directory.path()).env_clear();
        command.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        self.command = command;
        let run = Run::of(self.command.output().expect("bash runs"));
        (self.workspace, run)
    }
}

#[test]
fn a_release_is_installed_when_it_is_the_one_that_was_released() {
    let (archive, sha256) = release();
    let name = archive_name(TARGET);
    let server = serve_release(name.clone(), archive);
    let (workspace, run) = Runner::new(&name, Some(sha256)).set("GITHUB_SERVER_URL", &server.url).run();
    let run = run.expect(0);
    assert!(run.stdout.contains("\ncancel-pending "), "{}", run.stdout);
    let outputs = workspace.read("outputs");
    assert!(outputs.contains("program=/") && outputs.contains("directory=/"), "{outputs}");
    let url = server.url.as_str();
    for (archive, sha256, change, why) in [
        (&archive[..], "0".repeat(64), &[][..], "is not the one that was released"),
        (&archive[..1_000], sha256.clone(), &[], "is not the one that was released"),
        (&archive[..], "nonsense".to_owned(), &[], "is not a SHA-256"),
        (&archive[..], sha256.clone(), &[("CP_ACTION_REPOSITORY", "other/other")], "can't be downloaded"),
        (&archive[..], sha256.clone(), &[("GITHUB_SERVER_URL", "http://example.com")], "can't be downloaded"),
        (&archive[..], sha256.clone(), &[("CP_RELEASE_URL", "file:///tmp")], "can't be downloaded"),
        (&archive[..], sha256.clone(), &[("CP_RELEASE_URL", "a\nb")], "the input `release-url` takes one line"),
        (&archive[..], sha256.clone(), &[("RUNNER_OS", "Plan9")], "there is none for Plan9 on X64"),
        (&archive[..], sha256.clone(), &[("RUNNER_ARCH", "RISCV")], "there is none for Linux on RISCV"),
        (&archive[..], sha256.clone(), &[("CP_VERSION", "9.9.9")], "no checksum of cancel-pending-9.9.9"),
        (&archive[..], sha256.clone(), &[("CP_VERSION", "$(id)")], "the version is not like 1.2.3"),
        (&archive[..], sha256.clone(), &[("CP_BINARY", "nothing")], "the input `binary` names no file"),
    ] {
        let server = serve_release(name.clone(), archive);
        let mut runner = Runner::new(&name, Some(&sha256)).set("GITHUB_SERVER_URL", &server.url);
        for (variable, value) in change {
            runner = runner.set(variable, value);
        }
        let (workspace, run) = runner.run();
        let run = run.expect(1);
        assert!(run.stdout.contains(why), "{why}: {}", run.stdout);
        if change.iter().any(|(_, value)| value.starts_with("http://example")) {
            assert!(run.stderr.contains("disabled"), "plain http is not even tried: {}", run.stderr);
        }
        assert_eq!(workspace.read("outputs"), "", "{why}: nothing is left for the next step");
        assert!(!workspace.path("cargo").exists(), "{why}: what was released is never built instead");
    }
    for version in [env!("CARGO_PKG_VERSION"), concat!("v", env!("CARGO_PKG_VERSION"))] {
        let runner = Runner::new(&name, Some(sha256)).set("GITHUB_SERVER_URL", url).set("CP_VERSION", version);
        runner.run().1.expect(0);
    }
}

/// The default address, and what is looked up at GitHub besides.
#[test]
fn the_provenance_is_looked_up_where_it_can_be() {
    let (archive, sha256) = release();
    let name = archive_name(TARGET);
    let install = |gh: Option<&str>, token: &str| {
        let runner = Runner::new(&name, Some(sha256)).with_curl(archive).set("GH_TOKEN", token);
        if let Some(gh) = gh {
            stand_in(&runner.workspace, "bin/gh", gh);
        }
        runner.run()
    };
    let record = "echo \"$@\" >> \"$HOME/gh\"";
    let (workspace, run) = install(Some(record), "a-token");
    run.expect(0);
    assert_eq!(
        workspace.read("url").trim(),
        format!(
            "https://github.com/cancel-pending/cancel-pending/releases/download/v{}/{name}",
            env!("CARGO_PKG_VERSION")
        )
    );
    let asked = workspace.read("gh");
    assert!(asked.contains(&format!("attestation verify {name} --repo cancel-pending/cancel-pending")), "{asked}");
    let refusing = "[[ $* == *--help ]] || { echo 'no attestations found' >&2; exit 1; }";
    let (workspace, run) = install(Some(refusing), "a-token");
    let run = run.expect(1);
    assert!(run.stdout.contains("can't verify the provenance") && run.stderr.contains("no attestations"), "{run:?}");
    assert_eq!(workspace.read("outputs"), "");
    // As gh answers before 2.49, which brought the command (github.com/cli/cli, release 2.49.0).
    let old = "echo \"unknown command \\\"$1\\\" for \\\"gh\\\"\" >&2; exit 1";
    let (_, run) = install(Some(old), "a-token");
    assert!(run.expect(0).stdout.contains("this gh has no `attestation`"));
    let (_, run) = install(Some(record), "");
    assert!(run.expect(0).stdout.contains("that takes gh and a token"));
}

/// Another server than github.com: what is there is not attested there.
#[test]
fn a_release_can_be_elsewhere() {
    let (archive, sha256) = release();
    let name = archive_name(TARGET);
    let server = serve_release(name.clone(), archive);
    for (repository, slash) in [("cancel-pending/cancel-pending", ""), ("", "/")] {
        let runner = Runner::new(&name, Some(sha256))
            .set("GITHUB_SERVER_URL", "https://ghes.contoso.com")
            .set("CP_ACTION_REPOSITORY", repository)
            .set("GH_TOKEN", "a-token")
            .set("CP_RELEASE_URL", &format!(" {}/mirror{slash} ", server.url));
        stand_in(&runner.workspace, "bin/gh", "echo \"$@\" >> \"$HOME/gh\"; exit 1");
        let (workspace, run) = runner.run();
        assert!(run.expect(0).stdout.contains("the archive is not from github.com"));
        assert!(!workspace.path("gh").exists());
    }
}

#[test]
fn a_program_that_is_there_already_is_taken() {
    let name = archive_name(TARGET);
    let runner = Runner::new(&name, None).set("CP_BINARY", "tools/cancel-pending");
    runner.workspace.write("tools/.keep", "");
    std::fs::copy(env!("CARGO_BIN_EXE_cancel-pending"), runner.workspace.path("tools/cancel-pending")).expect("a copy");
    let (workspace, run) = runner.run();
    run.expect(0);
    let program = workspace.path("tools/cancel-pending");
    assert!(workspace.read("outputs").contains(&format!("program={}\n", program.display())));
    let runner = Runner::new(&name, None).set("CP_BINARY", "it/action/install.sh").set("CP_VERSION", "0.1.0");
    assert!(runner.run().1.expect(1).stdout.contains("`binary` excludes `version`"));
}

/// On Windows `RUNNER_TEMP` is like `D:\a\_temp`. Here that is the relative name of a directory, from which GNU's
/// sha256sum makes an escaped name (its documentation: a line that starts with a backslash) and GNU's tar the name of
/// a host (its documentation of `--force-local`), both as in Git Bash.
#[test]
fn names_of_windows_are_no_obstacle() {
    let (archive, sha256) = windows_release();
    let name = archive_name("x86_64-pc-windows-msvc");
    let server = serve_release(name.clone(), archive);
    let runner = Runner::new(&name, Some(sha256))
        .set("GITHUB_SERVER_URL", &server.url)
        .set("RUNNER_OS", "Windows")
        .set("RUNNER_TEMP", "D:\\a\\_temp");
    runner.workspace.write("D:\\a\\_temp/.keep", "");
    let (workspace, run) = runner.run();
    run.expect(0);
    let outputs = workspace.read("outputs");
    assert!(outputs.starts_with("program=D:\\a\\_temp/cancel-pending."), "{outputs}");
    assert!(outputs.contains("/cancel-pending.exe\n"), "{outputs}");
}

#[test]
fn a_tool_that_is_missing_is_named() {
    let (archive, sha256) = release();
    let name = archive_name(TARGET);
    let server = serve_release(name.clone(), archive);
    let all = ["dirname", "mktemp", "curl", "tar", "gzip", "sha256sum", "chmod"];
    for (missing, said) in [
        ("mktemp", "needs mktemp"),
        ("curl", "needs curl"),
        ("tar", "needs tar"),
        ("gzip", "needs gzip"),
        ("sha256sum", "needs sha256sum or shasum"),
    ] {
        let others: Vec<&str> = all.into_iter().filter(|program| *program != missing).collect();
        let runner = Runner::new(&name, Some(sha256)).set("GITHUB_SERVER_URL", &server.url).with_only(&others);
        let run = runner.run().1.expect(1);
        assert!(run.stdout.contains(said), "{missing}: {}", run.stdout);
    }
    let runner = Runner::new(&name, Some(sha256)).set("GITHUB_SERVER_URL", &server.url);
    runner.with_only(&all).run().1.expect(0);
    let shasum = Runner::new(&name, Some(sha256)).set("GITHUB_SERVER_URL", &server.url);
    // As on macOS.
    stand_in(&shasum.workspace, "only/shasum", "[[ $* == '-a 256' ]] && exec /usr/bin/sha256sum");
    shasum.with_only(&["dirname", "mktemp", "curl", "tar", "gzip", "chmod"]).run().1.expect(0);
}

/// rustup takes the toolchain from `RUSTUP_TOOLCHAIN`, and then from the file of the directory that cargo is started in
/// (rustup's book, "Overrides"): the workflow's own repository may have one.
#[test]
fn without_a_release_it_is_built_from_source_or_not_at_all() {
    let name = archive_name(TARGET);
    let runner = Runner::new(&name, None)
        .set("RUSTUP_TOOLCHAIN", "1.50.0")
        .set("RUSTFLAGS", "-D warnings")
        .set("CARGO_BUILD_TARGET", "wasm32-unknown-unknown");
    runner.workspace.write("rust-toolchain.toml", "[toolchain]\nchannel = \"1.50.0\"\n");
    let (workspace, run) = runner.run();
    let run = run.expect(1);
    assert!(run.stdout.contains("The action in cancel-pending/cancel-pending@v0 names no release"), "{}", run.stdout);
    assert!(run.stdout.contains("it can't be built from source"));
    let asked = workspace.read("cargo");
    assert!(asked.starts_with("install --locked --no-track --path . --root /"), "{asked}");
    assert!(asked.contains(&format!("in {} with none none none", workspace.path("it").display())), "{asked}");

    let built = Runner::new(&name, None);
    let script = format!(
        "while [[ $1 != --root ]]; do shift; done; mkdir \"$2/bin\"; cp {} \"$2/bin/\"",
        env!("CARGO_BIN_EXE_cancel-pending")
    );
    stand_in(&built.workspace, "bin/cargo", &script);
    let (workspace, run) = built.run();
    run.expect(0);
    assert!(workspace.read("outputs").contains("/bin/cancel-pending\n"));

    let run = Runner::new(&name, None).with_only(&["dirname", "mktemp"]).run().1.expect(1);
    assert!(run.stdout.contains("no cargo to build it"), "{}", run.stdout);
    // A directory of the workflow's own repository: the runner names none, and there is a checksum all the same.
    let runner = Runner::new(&name, Some(&"0".repeat(64))).set("CP_ACTION_REPOSITORY", "");
    assert!(runner.run().1.expect(1).stdout.contains("The action in a local directory names no release"));
    let runner = Runner::new(&name, Some(&"0".repeat(64))).set("CP_ACTION_REPOSITORY", "");
    let run = runner.set("CP_VERSION", env!("CARGO_PKG_VERSION")).run().1.expect(1);
    assert!(run.stdout.contains("the input `release-url` says it"), "{}", run.stdout);
}
