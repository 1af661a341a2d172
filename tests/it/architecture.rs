//! The direction of dependencies, read from the source.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::visit::Visit;

use crate::support::repository;

/// Each module, and which others it may name.
const ALLOWED: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("desired", &["domain"]),
    ("plan", &["domain"]),
    ("outcome", &["domain", "plan"]),
    ("report", &["domain", "desired", "plan", "outcome"]),
    ("http_client", &["domain"]),
    // A leaf for whoever reads what others say, or writes it down.
    ("secrets", &[]),
    ("portal", &["domain", "http_client", "secrets"]),
    ("apply", &["domain", "plan", "outcome", "portal", "secrets"]),
    // It is handed text and facts.
    ("github", &["domain", "http_client", "report", "secrets"]),
    // The documents of the wire, the ids in its state file, and the token that it accepts.
    ("emulator", &["domain", "portal"]),
    // It is a credential of the portal.
    ("identity", &["domain", "http_client", "portal"]),
    (
        "commands",
        &[
            "http_client",
            "domain",
            "desired",
            "plan",
            "outcome",
            "report",
            "portal",
            "apply",
            "github",
            "identity",
            "emulator",
            "secrets",
        ],
    ),
    ("cli", &["domain", "commands", "identity", "report", "portal", "secrets"]),
];

/// Modules that are pure, and the crates and modules of the standard library that they may not name.
const PURE: &[&str] = &["domain", "desired", "plan", "outcome", "report"];
const IMPURE: &[&str] = &[
    "tokio",
    "http",
    "hyper",
    "axum",
    "clap",
    "anyhow",
    "tracing",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::time",
    "std::thread",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "indicatif",
];

fn files(module: &str) -> Vec<PathBuf> {
    fn walk(path: &Path, into: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(path).expect("a directory").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                walk(&entry, into);
            } else if entry.extension().is_some_and(|end| end == "rs") {
                into.push(entry);
            }
        }
    }
    let path = repository("src").join(module);
    let mut found = Vec::new();
    if path.is_dir() {
        walk(&path, &mut found);
    } else {
        found.push(path.with_extension("rs"));
    }
    found
}

/// Whether a file is the root of the library or of the program.
fn is_root(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == "lib" || stem == "main")
}

/// All paths that a file names, `use` trees written out.
#[derive(Default)]
struct Paths(BTreeSet<String>);

impl<'ast> Visit<'ast> for Paths {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.0.insert(path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>().join("::"));
        syn::visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        fn walk(tree: &syn::UseTree, prefix: &str, into: &mut BTreeSet<String>) {
            let joined =
                |name: &syn::Ident| if prefix.is_empty() { name.to_string() } else { format!("{prefix}::{name}") };
            match tree {
                syn::UseTree::Path(path) => walk(&path.tree, &joined(&path.ident), into),
                syn::UseTree::Name(name) => drop(into.insert(joined(&name.ident))),
                syn::UseTree::Rename(rename) => drop(into.insert(joined(&rename.ident))),
                syn::UseTree::Glob(_) => drop(into.insert(prefix.to_owned())),
                syn::UseTree::Group(group) => group.items.iter().for_each(|tree| walk(tree, prefix, into)),
            }
        }
        walk(&item.tree, "", &mut self.0);
    }
}

fn paths(file: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(file).expect("a source file");
    let mut paths = Paths::default();
    paths.visit_file(&syn::parse_file(&text).expect("valid Rust"));
    paths.0
}

#[test]
fn modules_depend_in_one_direction() {
    let known: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let mut wrong = Vec::new();
    for (module, allowed) in ALLOWED {
        for file in files(module) {
            for path in paths(&file) {
                let Some(other) = path.strip_prefix("crate::").and_then(|rest| rest.split("::").next()) else {
                    continue;
                };
                if known.contains_key(other) && other != *module && !allowed.contains(&other) {
                    wrong.push(format!("{}: {path}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "a module names one that it may not know:\n{}", wrong.join("\n"));
}

#[test]
fn every_module_is_in_the_table() {
    let modules: BTreeSet<String> = std::fs::read_dir(repository("src"))
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir() || !is_root(path))
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    let table: BTreeSet<String> = ALLOWED.iter().map(|(module, _)| (*module).to_owned()).collect();
    assert_eq!(modules, table);
}

#[test]
fn pure_modules_touch_nothing() {
    let mut wrong = Vec::new();
    for module in PURE {
        for file in files(module) {
            for path in paths(&file) {
                let impure = IMPURE.iter().any(|name| path == *name || path.starts_with(&format!("{name}::")));
                if impure || path.ends_with("Timestamp::now") || path.ends_with("SystemTime::now") {
                    wrong.push(format!("{}: {path}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "a pure module names something that acts:\n{}", wrong.join("\n"));
}

#[test]
fn one_module_reads_the_environment_and_two_layers_know_anyhow() {
    let mut wrong = Vec::new();
    for (module, _) in ALLOWED {
        for file in files(module) {
            for path in paths(&file) {
                let reads = path.contains("env::var") || path == "std::env";
                let allowed = file.ends_with("cli/environment.rs");
                let knows_anyhow = path.starts_with("anyhow") && !matches!(*module, "commands" | "cli");
                if (reads && !allowed) || knows_anyhow {
                    wrong.push(format!("{}: {path}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_plans_is_not_handed_a_writer() {
    for file in ["src/commands/plan.rs", "src/commands/live.rs"] {
        for path in paths(&repository(file)) {
            assert!(!path.contains("Cancel") || path.ends_with("Cancellations"), "{file} names {path}");
        }
    }
}

#[test]
fn every_file_says_what_it_owns() {
    for (module, _) in ALLOWED {
        for file in files(module) {
            let text = std::fs::read_to_string(&file).expect("a source file");
            assert!(text.starts_with("//! "), "{} does not start with `//!`", file.display());
            assert!(text.contains("Owns"), "{} does not say what it owns", file.display());
        }
    }
}
