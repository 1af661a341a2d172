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
    ("status", &["domain", "plan"]),
    ("report", &["domain", "desired", "plan", "outcome", "status"]),
    ("http_client", &["domain"]),
    // A leaf for whoever reads what others say, or writes it down.
    ("secrets", &[]),
    ("portal", &["domain", "http_client", "secrets"]),
    ("apply", &["domain", "plan", "outcome", "portal", "secrets"]),
    // It is handed text and facts.
    ("github", &["domain", "http_client", "report"]),
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
            "status",
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
const PURE: &[&str] = &["domain", "desired", "plan", "outcome", "status", "report"];
const IMPURE: &[&str] = &[
    "tokio",
    "http",
    "hyper",
    "reqwest",
    "bytes",
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

/// All paths that a file names, `use` trees written out, and `self` and `super` written as paths of the crate.
#[derive(Default)]
struct Paths {
    /// The module that is being visited.
    module: Vec<String>,
    found: BTreeSet<String>,
}

impl Paths {
    fn add(&mut self, path: &str) {
        let mut module = self.module.clone();
        let mut rest = path.split("::").peekable();
        let relative = matches!(rest.peek(), Some(&("self" | "super")));
        while let Some(step) = rest.next_if(|step| matches!(*step, "self" | "super")) {
            if step == "super" {
                module.pop();
            }
        }
        let whole = std::iter::once("crate").chain(module.iter().map(String::as_str)).chain(rest);
        self.found.insert(if relative { whole.collect::<Vec<_>>().join("::") } else { path.to_owned() });
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.add(&path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>().join("::"));
        syn::visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        syn::visit::visit_item_mod(self, item);
        self.module.pop();
    }

    /// What is inside of a macro is no syntax tree: its paths are found by their colons.
    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        let tokens = item.tokens.to_string().replace(" :: ", "::");
        let words = tokens.split(|sign: char| !(sign.is_alphanumeric() || sign == '_' || sign == ':'));
        for word in words.filter(|word| word.contains("::")) {
            self.add(word.trim_matches(':'));
        }
        syn::visit::visit_macro(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        fn walk(tree: &syn::UseTree, prefix: &str, into: &mut Paths) {
            let joined =
                |name: &syn::Ident| if prefix.is_empty() { name.to_string() } else { format!("{prefix}::{name}") };
            match tree {
                syn::UseTree::Path(path) => walk(&path.tree, &joined(&path.ident), into),
                syn::UseTree::Name(name) => into.add(&joined(&name.ident)),
                // A whole crate under another name is all that is in it.
                syn::UseTree::Rename(rename) if prefix.is_empty() => into.add(&format!("{}::*", rename.ident)),
                syn::UseTree::Rename(rename) => into.add(&joined(&rename.ident)),
                syn::UseTree::Glob(_) => {
                    into.add(prefix);
                    into.add(&format!("{prefix}::*"));
                }
                syn::UseTree::Group(group) => group.items.iter().for_each(|tree| walk(tree, prefix, into)),
            }
        }
        walk(&item.tree, "", self);
    }
}

/// The path of a file's module inside the crate.
fn module_of(file: &Path) -> Vec<String> {
    let inside = file.strip_prefix(repository("src")).expect("a file of the crate").with_extension("");
    let mut parts: Vec<String> = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts
}

fn paths(file: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(file).expect("a source file");
    let mut paths = Paths { module: module_of(file), found: BTreeSet::new() };
    paths.visit_file(&syn::parse_file(&text).expect("valid Rust"));
    paths.found
}

#[test]
fn a_path_is_seen_however_it_is_written() {
    let text = r#"
        use super::{client::Failure, super::apply::Journal};
        use self::words as own;
        use tokio as runtime;
        fn one() -> super::Location { format!("{}", crate::plan::plan()); super::super::github::ask() }
        mod tests { use super::*; fn other() { assert!(super::super::report::text()); } }
    "#;
    let mut paths = Paths { module: vec!["portal".to_owned(), "cloud_partner".to_owned()], found: BTreeSet::new() };
    paths.visit_file(&syn::parse_file(text).expect("valid Rust"));
    for path in [
        "crate::portal::client::Failure",
        "crate::apply::Journal",
        "crate::portal::cloud_partner::words",
        "tokio::*",
        "crate::portal::Location",
        "crate::plan::plan",
        "crate::github::ask",
        "crate::portal::cloud_partner::*",
        "crate::portal::report::text",
    ] {
        assert!(paths.found.contains(path), "{path} is not in {:#?}", paths.found);
    }
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
                // A crate's bare name may as well be that of a variable; whoever uses it names something in it.
                let impure = IMPURE
                    .iter()
                    .any(|name| (name.contains("::") && path == *name) || path.starts_with(&format!("{name}::")));
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
    for file in ["src/commands/plan.rs", "src/commands/live.rs", "src/commands/survey.rs", "src/commands/status.rs"] {
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

/// The lines of a file that are neither comments nor its tests, which stand at its end.
fn code_of(file: &Path) -> String {
    let text = std::fs::read_to_string(file).expect("a source file");
    let (code, tests) = text.split_once("#[cfg(test)]").unwrap_or((&text, "\nmod tests {\n}\n"));
    // Whatever stood after them would not be looked at.
    let head = tests.lines().nth(1).is_some_and(|line| line.ends_with("mod tests {"));
    let is_last = head && tests.matches("\n}\n").count() == 1 && tests.ends_with("\n}\n");
    assert!(is_last, "the tests of {} are not one module at its end", file.display());
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Each file of the crate, by its path inside `src`, and its code.
fn sources() -> Vec<(String, String)> {
    let files = ALLOWED.iter().flat_map(|(module, _)| files(module));
    files
        .map(|file| {
            let inside = file.strip_prefix(repository("src")).expect("a file of the crate");
            (inside.to_string_lossy().into_owned(), code_of(&file))
        })
        .collect()
}

/// Who says a word of one API outside of its room, and why it has to.
const SAYS: &[(&str, &str, &str)] = &[
    ("report/outputs.rs", "operation-location", "an output of the action has had this name since 0.1"),
    ("apply/journal/lines.rs", "if_match", "a field of the journal's version 1, which is still settled"),
];

/// The rooms of the APIs, and the words of each, in lower case: they are looked for in any.
const ROOMS: &[(&str, &[&str])] = &[
    (
        "portal/cloud_partner/",
        &[
            "cancancel",
            "cannotcancel",
            "cancelrequested",
            "if-match",
            "if_match",
            "2017-10-31",
            "notification-emails",
            "/api/publishers",
            "/submissions/?",
            "submissionstate",
            "operation-location",
        ],
    ),
    (
        "portal/partner_center/",
        &[
            "v1.0/ingestion",
            "workflowdetails",
            "externalids",
            "azureofferid",
            "x-ms-publisherid",
            "indraft",
            "readytopublish",
            "pendingupdateinfo",
        ],
    ),
    ("portal/product_ingestion/", &["rp/product-ingestion", "jobstatus", "targettype", "externalid="]),
];

#[test]
fn what_one_api_says_stays_in_its_room() {
    let mut said = BTreeSet::new();
    for (file, code) in sources() {
        let code = code.to_lowercase();
        for (_, words) in ROOMS.iter().filter(|(room, _)| !file.starts_with(room) && !file.starts_with("emulator/")) {
            let words = words.iter().filter(|word| code.contains(**word));
            said.extend(words.map(|word| (file.clone(), (*word).to_owned())));
        }
    }
    let known = SAYS.iter().map(|(file, word, _)| ((*file).to_owned(), (*word).to_owned())).collect();
    assert_eq!(said, known, "on the left what is said, on the right what may be");
}

/// Where code outside of tests holds a value against one kind of portal.
#[derive(Default)]
struct Comparisons(Vec<String>);

impl Comparisons {
    /// `PortalKind::ALL` and functions are in another letter case than variants.
    fn add(&mut self, path: &str) {
        let mut steps = path.rsplit("::").map(str::trim);
        let name = steps.next().unwrap_or_default();
        let is_variant = name.chars().any(char::is_lowercase) && name.starts_with(char::is_uppercase);
        if steps.next() == Some("PortalKind") && (is_variant || name == "*") {
            self.0.push(path.to_owned());
        }
    }

    fn add_path(&mut self, path: &syn::Path) {
        self.add(&path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>().join("::"));
    }
}

impl<'ast> Visit<'ast> for Comparisons {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !module.attrs.iter().any(|attribute| attribute.path().is_ident("cfg")) {
            syn::visit::visit_item_mod(self, module);
        }
    }

    fn visit_pat(&mut self, pattern: &'ast syn::Pat) {
        if let syn::Pat::Path(path) = pattern {
            self.add_path(&path.path);
        }
        syn::visit::visit_pat(self, pattern);
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        for side in [&binary.left, &binary.right] {
            if let syn::Expr::Path(path) = &**side {
                self.add_path(&path.path);
            }
        }
        syn::visit::visit_expr_binary(self, binary);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        let tokens = item.tokens.to_string().replace(" :: ", "::");
        tokens.split(|sign: char| !(sign.is_alphanumeric() || sign == ':')).for_each(|word| self.add(word));
    }

    /// With its variants at hand by their bare names, nothing would be seen of the rest.
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let mut paths = Paths::default();
        paths.visit_item_use(item);
        paths.found.iter().for_each(|path| self.add(path));
    }
}

fn comparisons(text: &str) -> Vec<String> {
    let mut found = Comparisons::default();
    found.visit_file(&syn::parse_file(text).expect("valid Rust"));
    found.0
}

#[test]
fn two_places_tell_the_portals_apart() {
    for file in ALLOWED.iter().flat_map(|(module, _)| files(module)) {
        if !["portal/backend.rs", "domain/portal_kind.rs"].iter().any(|known| file.ends_with(known)) {
            let found = comparisons(&std::fs::read_to_string(&file).expect("a source file"));
            assert!(found.is_empty(), "{} tells the portals apart: {found:?}", file.display());
        }
    }
    for (code, is_seen) in [
        ("match kind { PortalKind::CloudPartner => 1 }", true),
        ("match kind {\n Some(\n domain::PortalKind::CloudPartner\n | _) => 1 }", true),
        ("if let PortalKind::CloudPartner = kind {}", true),
        ("if kind == PortalKind::CloudPartner {}", true),
        ("matches!(kind, PortalKind::CloudPartner);", true),
        ("use PortalKind::CloudPartner;", true),
        ("use crate::domain::PortalKind::*;", true),
        ("let kind = PortalKind::CloudPartner;", false),
        ("for kind in PortalKind::ALL { PortalKind::named(name) == kind; }", false),
    ] {
        assert_eq!(!comparisons(&format!("fn f() {{ {code} }}")).is_empty(), is_seen, "{code}");
    }
}

/// Who folds letter case, and why that is not about the ids that `domain/ids.rs` compares.
const FOLDS: &[(&str, &str)] = &[
    ("domain/ids.rs", "the one place for ids"),
    ("domain/offer_pattern.rs", "a mistyped pattern, to find what was meant"),
    ("domain/portal_kind.rs", "names of portals and addresses of audiences"),
    ("identity/client.rs", "the name of a header"),
    ("report/words.rs", "hosts of mail addresses"),
    ("emulator/", "a server with rules of its own"),
    ("secrets.rs", "secrets in any spelling"),
    ("github/answer.rs", "sentences of GitHub"),
    ("desired/node.rs", "prefixes of numbers"),
    ("commands/files.rs", "the ending of a file's name"),
    ("commands/out_file.rs", "the ends of file names"),
    ("commands/apply.rs", "what a person typed"),
    ("commands/man.rs", "headings of a manual page"),
    ("portal/cloud_partner/interpret.rs", "the level of a message"),
    ("portal/cloud_partner/words.rs", "status words"),
    ("portal/partner_center/words.rs", "status words"),
    ("portal/partner_center/interpret.rs", "kinds of ids and states of steps"),
    ("desired/check.rs", "a mistyped key, to find what was meant"),
    ("portal/client/path.rs", "escapes in a path"),
    ("portal/client/error_body.rs", "keys of error documents"),
    ("portal/client/json.rs", "keys of documents"),
    ("portal/product_ingestion/", "keys, kinds of resources, status words"),
];

#[test]
fn letter_case_of_ids_is_folded_in_one_place() {
    let ways = ["eq_ignore_ascii_case", "_ascii_lowercase", "_ascii_uppercase", "to_lowercase", "to_uppercase"];
    let folding: Vec<String> = sources()
        .into_iter()
        .filter(|(_, code)| ways.iter().any(|way| code.contains(way)))
        .map(|(file, _)| file)
        .collect();
    for file in &folding {
        assert!(FOLDS.iter().any(|(known, _)| file.starts_with(known)), "{file} folds letter case");
    }
    for (known, _) in FOLDS {
        assert!(folding.iter().any(|file| file.starts_with(known)), "{known} does not fold letter case any more");
    }
}

/// All types that a module declares, also those of its inner modules, without those of its tests.
#[derive(Default)]
struct Types(Vec<String>);

impl Types {
    /// What is declared once for each operating system is one type.
    fn add(&mut self, name: &syn::Ident, attributes: &[syn::Attribute]) {
        let name = name.to_string();
        let is_alternative = attributes.iter().any(|attribute| attribute.path().is_ident("cfg"));
        if !(is_alternative && self.0.contains(&name)) {
            self.0.push(name);
        }
    }
}

impl<'ast> Visit<'ast> for Types {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !module.attrs.iter().any(|attribute| attribute.path().is_ident("cfg")) {
            syn::visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.add(&item.ident, &item.attrs);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.add(&item.ident, &item.attrs);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.add(&item.ident, &item.attrs);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.add(&item.ident, &item.attrs);
    }
}

/// Two types with one name have to be told apart by where they stand.
#[test]
fn each_type_has_a_name_of_its_own() {
    // With one place for each declaration: two in one file, in different modules, are two.
    let mut places: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let files = ALLOWED.iter().flat_map(|(module, _)| files(module));
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source file");
        let mut types = Types::default();
        types.visit_file(&syn::parse_file(&text).expect("valid Rust"));
        for name in types.0 {
            places.entry(name).or_default().push(file.clone());
        }
    }
    assert!(places.len() > 200, "only {} types were seen", places.len());
    let doubled: Vec<_> = places.into_iter().filter(|(_, files)| files.len() > 1).collect();
    assert!(doubled.is_empty(), "{doubled:#?}");
}
