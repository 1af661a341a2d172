//! README and docs: every link leads somewhere, every command that they show works, everything that is
//! generated or drawn is current.
//!
//! `UPDATE_GENERATED=1 cargo test --test it docs` writes anew what is generated: tables of flags, exit
//! statuses and diagnostics, output of commands, pictures. The pictures of a comment need Chromium.

#[cfg(target_os = "linux")]
mod commands;
mod generated;
mod links;
mod pictures;

use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::support::repository;

/// The most lines of the README: what someone reads during an incident.
const README_LINES: usize = 220;

/// A Markdown file of the repository, by its path from the root.
#[derive(Debug, Clone)]
struct Page {
    path: String,
    text: String,
}

/// A fenced block: what stands behind the fence, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Block {
    info: String,
    text: String,
    line: usize,
}

impl Page {
    fn read(path: &str) -> Self {
        let text = std::fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        // A checkout on Windows may end lines in its own way.
        Self { path: path.to_owned(), text: text.replace("\r\n", "\n") }
    }

    fn events(&self) -> impl Iterator<Item = (Event<'_>, Range<usize>)> {
        Parser::new_ext(&self.text, Options::ENABLE_TABLES | Options::ENABLE_GFM).into_offset_iter()
    }

    fn blocks(&self) -> Vec<Block> {
        let (mut blocks, mut open) = (Vec::new(), None::<Block>);
        for (event, range) in self.events() {
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                    let line = self.text[..range.start].matches('\n').count() + 1;
                    open = Some(Block { info: info.to_string(), text: String::new(), line });
                }
                Event::Text(text) => open.iter_mut().for_each(|block| block.text.push_str(&text)),
                Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
                _ => {}
            }
        }
        blocks
    }
}

/// All Markdown files of the repository.
fn pages() -> Vec<Page> {
    fn walk(directory: &Path, into: &mut Vec<String>) {
        for entry in std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry")) {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let is_elsewhere =
                name == "target" || name == "node_modules" || (name.starts_with('.') && name != ".github");
            if path.is_dir() && !is_elsewhere {
                walk(&path, into);
            } else if path.extension().is_some_and(|end| end == "md") {
                let inside = path.strip_prefix(repository("")).expect("a file of the repository");
                into.push(inside.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    let mut paths = Vec::new();
    walk(&repository(""), &mut paths);
    paths.sort();
    paths.iter().map(|path| Page::read(path)).collect()
}

/// Whether what is generated is to be written, and not only compared.
fn is_writing() -> bool {
    std::env::var_os("UPDATE_GENERATED").is_some()
}

/// One test at a time reads a page, changes it, and writes it.
fn writing() -> MutexGuard<'static, ()> {
    static WRITING: Mutex<()> = Mutex::new(());
    WRITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Holds a whole file to what it must be, or writes it.
fn expect_file(path: &str, expected: &str) {
    if is_writing() {
        std::fs::write(repository(path), expected).expect("the file is written");
    }
    let found = std::fs::read_to_string(repository(path)).unwrap_or_default().replace("\r\n", "\n");
    // Not by `assert_eq`: both texts in full are not what anybody wants to read.
    let differing = found.lines().zip(expected.lines()).position(|(found, expected)| found != expected);
    assert!(
        found == expected,
        "{path} is out of date (line {differing:?}): run the tests once with UPDATE_GENERATED=1"
    );
}

/// Holds what stands between `<!-- name -->` and `<!-- /name -->` to what it must be, or writes it.
fn expect_section(path: &str, name: &str, expected: &str) {
    let _writing = writing();
    let page = Page::read(path);
    let (open, close) = (format!("<!-- {name} -->\n"), format!("\n<!-- /{name} -->"));
    let start = page.text.find(&open).unwrap_or_else(|| panic!("{path} has no section {open}")) + open.len();
    let length = page.text[start..].find(&close).unwrap_or_else(|| panic!("{path} has no end {close}"));
    expect_file(path, &format!("{}{expected}{}", &page.text[..start], &page.text[start + length..]));
}

#[test]
fn the_readme_is_short() {
    let lines = Page::read("README.md").text.lines().count();
    assert!(lines <= README_LINES, "the README has {lines} lines; what is more belongs in docs/");
}

#[test]
fn every_page_of_docs_is_reached_from_the_readme() {
    let readme = Page::read("README.md");
    for page in pages().iter().filter(|page| page.path.starts_with("docs/")) {
        assert!(readme.text.contains(&format!("]({}", page.path)), "the README does not link to {}", page.path);
    }
}

#[test]
fn every_decision_is_explained() {
    let readme = Page::read("README.md");
    let (_, after) = readme.text.split_once("## What a plan decides").expect("the section");
    let rows = after.lines().skip_while(|line| !line.starts_with('|')).skip(2);
    let table: Vec<&str> = rows.take_while(|line| line.starts_with('|')).collect();
    for decision in cancel_pending::plan::Decision::ALL {
        let cell = format!("`{}`", decision.as_str());
        let is_explained = table.iter().any(|row| row.split('|').nth(3).is_some_and(|third| third.contains(&cell)));
        assert!(is_explained, "{cell} has no row in {table:#?}");
    }
}

#[test]
fn every_outcome_is_explained() {
    let page = Page::read("docs/apply.md");
    for outcome in cancel_pending::outcome::Outcome::ALL {
        assert!(page.text.contains(&format!("\n| `{}` |", outcome.as_str())), "{} has no row", outcome.as_str());
    }
}

/// The keys of the emulator's state file, read from the types that read them.
#[test]
fn every_key_of_the_state_file_is_explained() {
    let page = Page::read("docs/emulator.md");
    let items: Vec<syn::Item> = std::fs::read_dir(repository("src/emulator/scenario"))
        .expect("a directory")
        .map(|entry| std::fs::read_to_string(entry.expect("an entry").path()).expect("a source file"))
        .flat_map(|source| syn::parse_file(&source).expect("valid Rust").items)
        .collect();
    let structs = items.iter().filter_map(|item| match item {
        syn::Item::Struct(one) => Some(one),
        _ => None,
    });
    for field in structs.flat_map(|one| &one.fields).filter_map(|field| field.ident.as_ref()) {
        let mut parts = field.to_string().split('_').map(str::to_owned).collect::<Vec<_>>().into_iter();
        let first = parts.next().unwrap_or_default();
        let key = parts.fold(first, |key, part| key + &part[..1].to_uppercase() + &part[1..]);
        // `type` is a word of the language, and called otherwise in it.
        let key = if key == "kind" { "type".to_owned() } else { key };
        assert!(page.text.contains(&format!("`{key}`")), "`{key}` is not in docs/emulator.md");
    }
}

/// All of the source as one text, in which a sentence stands in one line.
fn source() -> String {
    fn walk(directory: &Path, into: &mut String) {
        for entry in std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                walk(&entry, into);
            } else if entry.extension().is_some_and(|end| end == "rs") {
                into.push_str(&std::fs::read_to_string(entry).expect("a source file"));
            }
        }
    }
    let mut text = String::new();
    walk(&repository("src"), &mut text);
    text.replace("\r\n", "\n").replace("\\\n", " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What somebody searches for is what the program says.
#[test]
fn every_message_in_the_troubleshooting_is_said() {
    let (page, source) = (Page::read("docs/troubleshooting.md"), source());
    let rows = page.text.lines().filter_map(|line| line.strip_prefix("| ")).filter_map(|line| line.split(" | ").next());
    let messages: Vec<&str> = rows.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert!(messages.len() > 20, "{messages:?}");
    for part in messages.iter().flat_map(|message| message.split('…')).map(str::trim).filter(|part| !part.is_empty())
    {
        let part = part.trim_start_matches("AADSTS");
        assert!(source.contains(part), "the program does not say `{part}`");
    }
}

/// A form with a mistake in it is left out by GitHub without a word.
#[test]
fn the_forms_for_issues_are_whole() {
    let mut count = 0;
    for entry in std::fs::read_dir(repository(".github/ISSUE_TEMPLATE")).expect("a directory") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a file");
        let form: serde_json::Value = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        if path.ends_with("config.yml") {
            for link in form["contact_links"].as_array().expect("links") {
                assert!(["name", "url", "about"].iter().all(|key| link[key].is_string()), "{link}");
            }
            continue;
        }
        assert!(form["name"].is_string() && form["description"].is_string(), "{path:?}");
        let fields = form["body"].as_array().expect("fields");
        let mut ids = Vec::new();
        for field in fields.iter().filter(|field| field["type"] != "markdown") {
            assert!(["input", "textarea", "dropdown"].contains(&field["type"].as_str().expect("a type")), "{field}");
            assert!(field["attributes"]["label"].is_string(), "{field}");
            assert_eq!(field["type"] == "dropdown", field["attributes"]["options"].is_array(), "{field}");
            ids.push(field["id"].as_str().expect("an id"));
        }
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert!(all > 1 && ids.len() == all, "{path:?}");
        count += 1;
    }
    assert_eq!(count, 2);
}
