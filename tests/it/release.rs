//! The release, as its workflow makes it: the steps of `release.yml`, in a scratch repository.
//!
//! Owns the stand-ins for cargo and gh, and what of the runner the workflow uses: checkout, artifacts, expressions.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::action::{copy_all, stand_in};
use crate::support::{Run, Workspace, repository};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What is built is a script; each call is written down with the commit and what it could see.
const CARGO: &str = r#"
echo "cargo $* at $(git rev-parse HEAD), $(git status --porcelain --untracked-files=no | wc -l) changed, token: ${GH_TOKEN-none}" >>"$LOG"
while [[ $# -gt 1 && $1 != --target ]]; do words+="$1 "; shift; done
case "$words$1" in
  build*)
    name=cancel-pending
    [[ $2 != *windows* ]] || name+=.exe
    mkdir -p "target/$2/dist"
    printf '#!/bin/bash\n[[ $1 != man ]] || { mkdir "$2" && exec >"$2/cancel-pending.1"; }\necho "cancel-pending for %s: $*"\n' "$2" >"target/$2/dist/$name"
    chmod +x "target/$2/dist/$name"
    ;;
  tree*) printf 'cancel-pending v1.2.3 (/here)\nlinked v1.0.0\n' ;;
  metadata*)
    mkdir -p "$HOME/linked" && echo 'Permission is hereby granted' >"$HOME/linked/LICENSE-MIT"
    echo "{\"packages\": [{\"name\": \"linked\", \"version\": \"1.0.0\", \"license\": \"MIT\", \"source\": \"registry\", \"manifest_path\": \"$HOME/linked/Cargo.toml\"}]}"
    ;;
  cyclonedx*) echo '{}' >cancel-pending.cdx.json ;;
  publish*)
    [[ ! -f $HOME/published ]] || { echo 'error: crate cancel-pending already exists on crates.io index' >&2; exit 101; }
    touch "$HOME/published"
    ;;
esac
"#;

const GH: &str = r#"
echo "gh $*, token: ${GH_TOKEN-none}" >>"$LOG"
case "$1 $2" in
  "release view") [[ -f $HOME/state ]] || { echo 'release not found' >&2; exit 1; }; cat "$HOME/state" ;;
  "release delete") rm "$HOME/state" ;;
  "release create")
    if [[ -f $HOME/broken ]]; then rm "$HOME/broken"; echo true >"$HOME/state"; exit 1; fi
    echo false >"$HOME/state"
    mkdir "$HOME/assets"
    for file in "$@"; do [[ ! -f $file ]] || cp "$file" "$HOME/assets/"; done
    ;;
esac
"#;

/// A repository at a server, and a runner for its workflow.
struct Scene {
    workspace: Workspace,
    workflow: Value,
    jobs: std::cell::Cell<u32>,
}

impl Scene {
    fn new() -> Self {
        let workspace = Workspace::new();
        for (name, script) in [("cargo", CARGO), ("gh", GH), ("rustup", ""), ("sudo", "")] {
            stand_in(&workspace, &format!("bin/{name}"), script);
        }
        if !Path::new("/usr/bin/jq").exists() {
            stand_in(&workspace, "bin/jq", "printf 'linked v1.0.0\\tMIT\\t%s\\n' \"$HOME/linked/Cargo.toml\"");
        }
        workspace.write("log", "");
        fs::create_dir(workspace.path("left")).expect("a directory");
        let seed = workspace.path("seed");
        for name in [".github", "action", "Cargo.toml", "Cargo.lock", "README.md", "LICENSE-MIT", "LICENSE-APACHE"] {
            copy_all(&repository(name), &seed.join(name));
        }
        fs::write(seed.join(".gitignore"), "/target\n/dist\n").expect("a file");
        let workflow = fs::read_to_string(repository(".github/workflows/release.yml")).expect("the workflow");
        let scene =
            Self { workspace, workflow: serde_yaml::from_str(&workflow).expect("YAML"), jobs: std::cell::Cell::new(0) };
        scene.git("seed", "init --quiet --initial-branch=main");
        scene.commit("A beginning");
        scene.git(".", "clone --quiet --bare seed origin");
        scene.git("seed", "remote add origin ../origin");
        scene
    }

    fn command(&self, program: &str, directory: &Path) -> Command {
        let home = self.workspace.directory.path();
        let mut command = Command::new(program);
        command
            .current_dir(directory)
            .env_clear()
            .env("HOME", home)
            .env("LOG", self.workspace.path("log"))
            .env("TMPDIR", self.workspace.path("left"))
            .env("PATH", format!("{}/bin:{}", home.display(), std::env::var("PATH").unwrap_or_default()))
            .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")]);
        command
    }

    #[track_caller]
    fn git(&self, directory: &str, arguments: &str) -> String {
        let mut command = self.command("git", &self.workspace.path(directory));
        command.args(["-c", "user.name=jane", "-c", "user.email=jane@contoso.com"]);
        Run::of(command.args(arguments.split(' ')).output().expect("git runs")).expect(0).stdout.trim().to_owned()
    }

    fn commit(&self, message: &str) {
        self.git("seed", "add --all");
        self.git("seed", &format!("commit --quiet --allow-empty --message={}", message.replace(' ', "-")));
    }

    fn push(&self) {
        self.git("seed", "push --quiet origin main");
    }

    /// Runs a job of the workflow at this commit, on each system of its matrix.
    fn job(&self, name: &str, commit: &str) -> Result<(), Run> {
        let job = &self.workflow["jobs"][name];
        let systems = job["strategy"]["matrix"]["include"].as_array().cloned().unwrap_or_else(|| vec![Value::Null]);
        systems.iter().try_for_each(|system| self.job_on(job, system, commit))
    }

    fn job_on(&self, job: &Value, system: &Value, commit: &str) -> Result<(), Run> {
        let number = self.jobs.replace(self.jobs.get() + 1);
        let (clone, temporary) = (format!("job-{number}"), self.workspace.path(&format!("temporary-{number}")));
        fs::create_dir(&temporary).expect("a directory");
        let evaluate = |text: &str| {
            let target = system["target"].as_str().unwrap_or_default();
            let known = [
                ("inputs.version", VERSION),
                ("matrix.target", target),
                ("runner.temp", temporary.to_str().expect("a path")),
                ("github.token", "gh-token"),
                ("secrets.CARGO_REGISTRY_TOKEN", "crates-token"),
            ];
            let text = known
                .iter()
                .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${{{{ {name} }}}}"), value));
            assert!(!text.contains("${{"), "{text} is nothing that this knows");
            text
        };
        let artifacts = self.workspace.path("artifacts");
        for step in job["steps"].as_array().expect("steps") {
            if let Some(action) = step["uses"].as_str() {
                match action.split('@').next().expect("a name") {
                    "actions/checkout" => {
                        assert_eq!(step["with"]["persist-credentials"], false, "no token is left on the disk");
                        self.git(".", &format!("clone --quiet origin {clone}"));
                        self.git(&clone, &format!("checkout --quiet -B main {commit}"));
                    }
                    "actions/upload-artifact" => {
                        assert_eq!(step["with"]["path"], "dist/*.tar.gz");
                        copy_all(&self.workspace.path(&clone).join("dist"), &artifacts);
                    }
                    "actions/download-artifact" => {
                        copy_all(&artifacts, &PathBuf::from(evaluate(step["with"]["path"].as_str().expect("a path"))));
                    }
                    "actions/attest-build-provenance" => {}
                    other => panic!("{other} is nothing that this knows"),
                }
                continue;
            }
            let mut command = self.command("bash", &self.workspace.path(&clone));
            command.args(["-eo", "pipefail", "-c", step["run"].as_str().expect("a script")]);
            command.env("RUNNER_TEMP", &temporary);
            for (variable, value) in step["env"].as_object().into_iter().flatten() {
                command.env(variable, evaluate(value.as_str().expect("text")));
            }
            let run = Run::of(command.output().expect("bash runs"));
            if run.status != Some(0) {
                return Err(run);
            }
        }
        Ok(())
    }

    fn head(&self) -> String {
        self.git("origin", "rev-parse refs/heads/main")
    }

    fn log(&self, word: &str) -> Vec<String> {
        self.workspace.read("log").lines().filter(|line| line.starts_with(word)).map(str::to_owned).collect()
    }
}

fn targets(workflow: &Value) -> Vec<String> {
    let systems = workflow["jobs"]["build"]["strategy"]["matrix"]["include"].as_array().expect("a matrix");
    systems.iter().map(|system| system["target"].as_str().expect("a target").to_owned()).collect()
}

#[test]
fn the_tag_names_the_commit_with_the_checksums() {
    let scene = Scene::new();
    let built = scene.head();
    for job in ["check", "build", "publish"] {
        scene.job(job, &built).unwrap_or_else(|run| panic!("{job}: {run:?}"));
    }
    assert_eq!(fs::read_dir(scene.workspace.path("left")).expect("a directory").count(), 0, "scripts clear up");
    let tag = scene.git("origin", &format!("rev-parse v{VERSION}^{{commit}}"));
    assert_eq!(scene.head(), tag);
    assert_eq!(scene.git("origin", &format!("rev-parse {tag}^")), built);
    assert_eq!(scene.git("origin", &format!("diff --name-only {built} {tag}")), "action/checksums.txt");
    let major = VERSION.split('.').next().expect("a number");
    assert_eq!(scene.git("origin", &format!("rev-parse v{major}")), tag);

    // Each archive of the release is in it, by its own checksum.
    let checksums = scene.git("origin", &format!("show {tag}:action/checksums.txt"));
    let targets = targets(&scene.workflow);
    for target in &targets {
        let name = format!("cancel-pending-{VERSION}-{target}.tar.gz");
        let bytes = fs::read(scene.workspace.path("assets").join(&name)).expect("an asset");
        let line = format!("{}  {name}", cancel_pending::domain::sha256_hex(&bytes));
        assert!(checksums.lines().any(|own| own == line), "{line}:\n{checksums}");
    }
    let assets = fs::read_dir(scene.workspace.path("assets")).expect("the assets").count();
    assert_eq!(assets, targets.len() + 1, "the archives, and the list of what is in them");

    // The crate and the list are made from that commit, and what runs code of others has no token.
    for (word, token) in [("cargo cyclonedx", "none"), ("cargo package", "none"), ("cargo publish", "gh-token")] {
        let calls = scene.log(word);
        assert_eq!(calls.len(), 1, "{word}");
        assert!(calls[0].ends_with(&format!("at {tag}, 0 changed, token: {token}")), "{}", calls[0]);
    }
    assert_eq!(scene.log("cargo build").len(), 5);
    assert!(scene.log("gh release create")[0].contains("--verify-tag"));

    // What is in an archive.
    let mut tar = scene.command("tar", &scene.workspace.path("assets"));
    tar.args(["-tzf", &format!("cancel-pending-{VERSION}-x86_64-pc-windows-msvc.tar.gz")]);
    let content = Run::of(tar.output().expect("tar runs")).expect(0).stdout;
    for name in [
        "cancel-pending.exe",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "THIRD-PARTY-NOTICES.txt",
        "completions/cancel-pending.bash",
        "man/cancel-pending.1",
    ] {
        assert!(content.lines().any(|line| line == name), "{name}:\n{content}");
    }
    let mut tar = scene.command("tar", &scene.workspace.path("assets"));
    tar.args(["-xzOf", &format!("cancel-pending-{VERSION}-aarch64-apple-darwin.tar.gz")]);
    let text =
        Run::of(tar.args(["THIRD-PARTY-NOTICES.txt", "completions/cancel-pending.zsh"]).output().expect("tar runs"));
    let text = text.expect(0).stdout;
    assert!(text.contains("==== linked v1.0.0 (MIT)\n\nPermission is hereby granted"), "{text}");
    assert!(text.contains("cancel-pending for aarch64-apple-darwin: completions zsh"), "{text}");

    // `cargo binstall` looks for the same archives, and for the program in them where it is.
    let manifest = fs::read_to_string(repository("Cargo.toml")).expect("the manifest");
    let value = |key: &str| {
        let line = manifest.lines().find_map(|line| line.strip_prefix(&format!("{key} = \"")));
        let text = line.unwrap_or_else(|| panic!("{key} in Cargo.toml")).trim_end_matches('"');
        let known = [
            ("repo", "https://github.com/cancel-pending/cancel-pending"),
            ("name", "cancel-pending"),
            ("bin", "cancel-pending"),
            ("version", VERSION),
            ("target", "x86_64-pc-windows-msvc"),
            ("binary-ext", ".exe"),
        ];
        known.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{ {name} }}"), value))
    };
    assert_eq!(value("repository"), "https://github.com/cancel-pending/cancel-pending");
    let (release, name) =
        ("https://github.com/cancel-pending/cancel-pending/releases/download", "x86_64-pc-windows-msvc");
    assert_eq!(value("pkg-url"), format!("{release}/v{VERSION}/cancel-pending-{VERSION}-{name}.tar.gz"));
    assert_eq!((value("bin-dir").as_str(), value("pkg-fmt").as_str()), ("cancel-pending.exe", "tgz"));

    // Who pins the tag, or its commit, gets the binary and builds nothing.
    scene.git(".", &format!("clone --quiet origin pinned --branch v{VERSION}"));
    stand_in(&scene.workspace, "bin/curl", "while [[ $1 != --output ]]; do shift; done; cp \"$HOME/assets/$2\" \"$2\"");
    let mut install = scene.command("bash", &scene.workspace.path("pinned"));
    install.arg("action/install.sh").env("RUNNER_TEMP", scene.workspace.directory.path());
    install
        .env("GITHUB_OUTPUT", scene.workspace.path("outputs"))
        .env("CP_ACTION_REPOSITORY", "cancel-pending/cancel-pending");
    let run =
        Run::of(install.env("RUNNER_OS", "Linux").env("RUNNER_ARCH", "X64").output().expect("bash runs")).expect(0);
    assert!(run.stdout.contains("cancel-pending for x86_64-unknown-linux-musl: --version"), "{}", run.stdout);
}

#[test]
fn a_release_is_not_begun_that_could_not_be_finished() {
    let scene = Scene::new();
    let refused = |commit: &str| scene.job("check", commit).expect_err("it is refused").stdout;
    let first = scene.head();
    scene.commit("Another");
    scene.push();
    assert!(refused(&first).contains("this is not the head of main"));
    scene.job("check", &scene.head()).expect("it can begin");
    scene.git("origin", &format!("tag v{VERSION} {first}"));
    assert!(refused(&scene.head()).contains("is there already"));
    scene.git("origin", &format!("tag -d v{VERSION}"));
    let write = |name: &str, old: &str, new: &str| {
        let text = scene.workspace.read(&format!("seed/{name}"));
        assert!(text.contains(old), "{name}");
        scene.workspace.write(&format!("seed/{name}"), text.replacen(old, new, 1));
        scene.commit("A change");
        scene.push();
    };
    write(
        "action/checksums.txt",
        "# SHA-256",
        &format!("{}  cancel-pending-{VERSION}-a.tar.gz\n# SHA-256", "0".repeat(64)),
    );
    assert!(refused(&scene.head()).contains("checksums.txt has"));
    write(
        "Cargo.lock",
        &format!("name = \"cancel-pending\"\nversion = \"{VERSION}\""),
        "name = \"cancel-pending\"\nversion = \"9.9.9\"",
    );
    assert!(refused(&scene.head()).contains("Cargo.lock has another version"));
    write("Cargo.toml", &format!("version = \"{VERSION}\""), "version = \"9.9.9\"");
    assert!(refused(&scene.head()).contains("Cargo.toml has another version"));
}

#[test]
fn where_main_has_moved_on_nothing_is_published() {
    let scene = Scene::new();
    let built = scene.head();
    scene.job("build", &built).expect("it is built");
    scene.commit("Another");
    scene.push();
    let run = scene.job("publish", &built).expect_err("it can't be pushed");
    assert!(run.stdout.contains("nothing was published"), "{run:?}");
    assert_eq!(scene.git("origin", "tag"), "", "no tag without its commit on main");
    assert!(scene.log("gh release create").is_empty() && scene.log("cargo publish").is_empty());
}

#[test]
fn an_archive_that_is_missing_or_unknown_ends_it() {
    let scene = Scene::new();
    let built = scene.head();
    scene.job("build", &built).expect("it is built");
    scene.workspace.write("artifacts/other.tar.gz", "");
    assert!(scene.job("publish", &built).expect_err("one too many").stdout.contains("there are 6 archives"));
    fs::remove_file(scene.workspace.path(&format!("artifacts/cancel-pending-{VERSION}-aarch64-apple-darwin.tar.gz")))
        .expect("it was there");
    assert!(
        scene
            .job("publish", &built)
            .expect_err("one too few")
            .stdout
            .contains("aarch64-apple-darwin.tar.gz was not built")
    );
    assert_eq!(scene.git("origin", "tag"), "");
}

#[test]
fn a_job_that_failed_can_be_run_again() {
    let scene = Scene::new();
    let built = scene.head();
    scene.job("build", &built).expect("it is built");
    scene.workspace.write("broken", "");
    scene.job("publish", &built).expect_err("the upload breaks");
    let tag = scene.git("origin", &format!("rev-parse v{VERSION}"));
    assert_eq!(scene.head(), tag, "the commit and the tag are there together");
    // Of the same archives: it goes on where it was. Twice more, as the second time there is nothing left to do.
    for _ in 0..2 {
        scene.job("publish", &built).unwrap_or_else(|run| panic!("{run:?}"));
        assert_eq!(scene.git("origin", &format!("rev-parse v{VERSION}")), tag);
        assert_eq!(scene.head(), tag);
    }
    assert_eq!(scene.log("gh release create").len(), 2);
    assert_eq!(scene.log("gh release delete").len(), 1, "the draft of the upload that broke");
    // Of others: that would be another release under the same name.
    scene.workspace.write(&format!("artifacts/cancel-pending-{VERSION}-aarch64-apple-darwin.tar.gz"), "another");
    let run = scene.job("publish", &built).expect_err("other archives");
    assert!(run.stdout.contains("has other checksums than these archives"), "{run:?}");
}

#[test]
fn the_systems_are_the_same_everywhere() {
    let scene = Scene::new();
    let targets = targets(&scene.workflow);
    let record = fs::read_to_string(repository(".github/release/record.sh")).expect("a script");
    assert!(record.contains(&format!("for target in {}; do", targets.join(" "))));
    let install = fs::read_to_string(repository("action/install.sh")).expect("a script");
    let installed: Vec<&str> = install.split("target=").skip(1).filter_map(|rest| rest.split(" ;;").next()).collect();
    assert_eq!(installed, targets);
    // Retired in December 2025 (actions/runner-images, issue 13046). Intel is left with macos-15-intel, until August 2027.
    let workflow = fs::read_to_string(repository(".github/workflows/release.yml")).expect("the workflow");
    assert!(!workflow.contains("macos-13") && workflow.contains("macos-15-intel"));
    assert_eq!(
        scene.workflow["on"].as_object().map(|on| on.keys().cloned().collect::<Vec<_>>()),
        Some(vec!["workflow_dispatch".to_owned()])
    );
}

/// What the README shows, and what its links lead to, is in the crate.
#[test]
fn the_crate_holds_what_the_readme_shows() {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(repository("")).args(["package", "--list", "--allow-dirty", "--locked", "--offline"]);
    let files = Run::of(command.output().expect("cargo runs")).expect(0).stdout;
    let readme = fs::read_to_string(repository("README.md")).expect("the README");
    let after = |opening: &str, closing: char| -> Vec<String> {
        readme.split(opening).skip(1).filter_map(|rest| rest.split(closing).next()).map(str::to_owned).collect()
    };
    let links = [after("](", ')'), after("src=\"", '"'), after("srcset=\"", '"')].concat();
    let own: Vec<&str> = links
        .iter()
        .map(|link| link.split('#').next().unwrap_or_default())
        .filter(|link| !link.is_empty() && !link.contains("://"))
        .collect();
    assert!(own.len() > 5, "{own:?}");
    for link in own {
        let is_there =
            files.lines().any(|file| file == link || file.starts_with(&format!("{}/", link.trim_end_matches('/'))));
        assert!(is_there, "{link} is not in the crate");
    }
    for file in ["Cargo.lock", "build.rs", "LICENSE-MIT", "LICENSE-APACHE", "schemas/desired-state.schema.json"] {
        assert!(files.lines().any(|line| line == file), "{file} is not in the crate");
    }
}

/// `--version` by what the source is: a git work tree, a published crate, an unpacked archive.
#[test]
fn a_build_knows_what_it_was_made_of() {
    let workspace = Workspace::new();
    let script = workspace.path("script");
    let mut compiler = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    compiler.args(["--edition", "2024", "-o"]).arg(&script).arg(repository("build.rs"));
    Run::of(compiler.output().expect("rustc runs")).expect(0);
    let version_of = |source: &str, profile: &str| {
        let mut command = Command::new(&script);
        command
            .current_dir(workspace.path(source))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("CARGO_MANIFEST_DIR", workspace.path(source))
            // As in a hook of another repository.
            .env("GIT_DIR", workspace.path("elsewhere"))
            .envs([("TARGET", "some-target"), ("PROFILE", profile)]);
        let printed = Run::of(command.output().expect("it runs")).expect(0).stdout;
        let line = printed.lines().find_map(|line| line.strip_prefix("cargo:rustc-env=CANCEL_PENDING_BUILD="));
        (line.expect("the build").to_owned(), printed)
    };
    workspace.write("tree/file", "");
    for arguments in ["init --quiet --initial-branch=main", "add .", "commit --quiet --message=first"] {
        let mut git = Command::new("git");
        git.current_dir(workspace.path("tree")).env("GIT_CONFIG_GLOBAL", "/dev/null");
        git.args(["-c", "user.name=jane", "-c", "user.email=jane@contoso.com"]).args(arguments.split(' '));
        Run::of(git.output().expect("git runs")).expect(0);
    }
    let mut git = Command::new("git");
    let head = git.current_dir(workspace.path("tree")).args(["rev-parse", "HEAD"]).output().expect("git runs");
    let head = Run::of(head).expect(0).stdout.trim().to_owned();
    let (built, printed) = version_of("tree", "release");
    assert_eq!(built, format!("commit {}, some-target", &head[..12]));
    for watched in ["HEAD", "logs/HEAD", "refs/heads/main"] {
        let line = format!("cargo:rerun-if-changed={}", workspace.path("tree").join(".git").join(watched).display());
        assert!(printed.contains(&line), "{line}: {printed}");
    }
    assert_eq!(version_of("tree", "release"), (built, printed), "the same commit gives the same program");
    // Below a work tree that is not its own.
    workspace.write("tree/unpacked/file", "");
    assert_eq!(version_of("tree/unpacked", "release").0, "built from an archive, commit unknown, some-target");
    workspace
        .write("tree/unpacked/.cargo_vcs_info.json", format!("{{\n  \"git\": {{\n    \"sha1\": \"{head}\"\n  }}\n}}"));
    assert_eq!(version_of("tree/unpacked", "release").0, format!("crate of commit {}, some-target", &head[..12]));
    workspace.write("tree/unpacked/.cargo_vcs_info.json", "{\"git\": {\"sha1\": \"evil\"}}");
    assert_eq!(version_of("tree/unpacked", "release").0, "built from an archive, commit unknown, some-target");
    assert_eq!(version_of("tree", "debug").0, "development build, some-target");
}
