//! README and program say the same.

use crate::support::{Workspace, repository};

fn readme() -> String {
    std::fs::read_to_string(repository("README.md")).expect("the README")
}

/// Where the text between `<!-- name -->` and `<!-- /name -->` stands.
fn place(text: &str, name: &str) -> std::ops::Range<usize> {
    let (open, close) = (format!("<!-- {name} -->\n"), format!("\n<!-- /{name} -->"));
    let start = text.find(&open).unwrap_or_else(|| panic!("{open} in the README")) + open.len();
    start..start + text[start..].find(&close).unwrap_or_else(|| panic!("{close} in the README"))
}

/// Holds a section to what it must be, or writes it.
fn expect_section(name: &str, expected: &str) {
    static WRITING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _writing = WRITING.lock();
    let mut text = readme();
    let range = place(&text, name);
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        text.replace_range(range.clone(), expected);
        std::fs::write(repository("README.md"), &text).expect("the README is written");
    }
    let section = &text[place(&text, name)];
    assert_eq!(section, expected, "the README is not up to date: run the tests once with UPDATE_GENERATED=1");
}

/// A table of the flags of a subcommand, from the definition of the command line.
fn flags(subcommand: &str) -> String {
    let mut command = cancel_pending::cli::command();
    command.build();
    let command = command.find_subcommand(subcommand).expect("a subcommand");
    let mut rows = vec!["| Argument | Meaning |".to_owned(), "|:--|:--|".to_owned()];
    for argument in command.get_arguments().filter(|argument| !argument.is_global_set() && argument.get_id() != "help")
    {
        let names: Vec<String> =
            argument.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect();
        let value = if argument.get_action().takes_values() { format!(" {}", names.join(" ")) } else { String::new() };
        let name = match (argument.get_long(), argument.get_short()) {
            (Some(long), Some(short)) => format!("-{short}, --{long}{value}"),
            (Some(long), None) => format!("--{long}{value}"),
            (None, _) => value.trim().to_owned(),
        };
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let defaults: Vec<String> =
            argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
        let default = if defaults.is_empty() || !argument.get_action().takes_values() {
            String::new()
        } else {
            format!(" (default `{}`)", defaults.join(" "))
        };
        rows.push(format!("| `{name}` | {}{default} |", help.replace('|', "\\|").replace('*', "\\*")));
    }
    rows.join("\n")
}

#[test]
fn the_tables_of_flags() {
    for subcommand in ["plan", "apply", "report", "whoami", "validate", "schema", "emulate", "man", "completions"] {
        expect_section(&format!("flags {subcommand}"), &flags(subcommand));
    }
}

#[test]
fn the_exit_statuses() {
    let help = Workspace::new().run(["--help"]).expect(0).stdout;
    let statuses = help.split("Exit status:\n").nth(1).expect("exit statuses").split("\n\n").next().expect("lines");
    let rows: Vec<String> = statuses
        .lines()
        .map(|line| {
            line.trim().split_once("  ").map(|(status, text)| format!("| {status} | {} |", text.trim())).expect("a row")
        })
        .collect();
    expect_section("exit statuses", &format!("| Status | Meaning |\n|:--|:--|\n{}", rows.join("\n")));
}

#[test]
fn every_decision_is_explained_and_every_link_leads_somewhere() {
    let text = readme();
    let (_, after) = text.split_once("## What a plan decides").expect("the section");
    let rows: Vec<&str> = after.lines().skip_while(|line| !line.starts_with('|')).skip(2).collect();
    let table: Vec<&str> = rows.into_iter().take_while(|line| line.starts_with('|')).collect();
    for decision in cancel_pending::plan::Decision::ALL {
        let cell = format!("`{}`", decision.as_str());
        let explained = table.iter().any(|row| row.split('|').nth(3).is_some_and(|third| third.contains(&cell)));
        assert!(explained, "{cell} has no row in {table:#?}");
    }
    for link in text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|link| !link.contains("://") && !link.starts_with('#'))
    {
        assert!(repository(link).exists(), "the README links to {link}");
    }
}

/// The keys of the emulator's state file, read from the types that read them.
#[test]
fn every_key_of_the_state_file_is_explained() {
    let text = readme();
    let (_, table) = text.split_once("The state file is read strictly").expect("the table");
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
        assert!(table.contains(&format!("`{key}`")), "`{key}` is not in the table");
    }
}

/// The picture is the real output, drawn.
#[test]
fn the_picture_of_the_plan() {
    let workspace = Workspace::new();
    let output = workspace
        .command()
        .current_dir(repository(""))
        .args(["plan", "examples/offers.yaml", "--emulate", "examples/portal.yaml", "--color", "always"])
        .output()
        .expect("the program runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    // The time of the run is the one thing in it that no two runs share.
    let (before, rest) = text.split_once("emulator.localhost at 20").expect("a time");
    let (_, after) = rest.split_once('Z').expect("its end");
    let command = "$ cancel-pending plan examples/offers.yaml --emulate examples/portal.yaml";
    let text = format!("{command}\n{before}emulator.localhost{after}");
    let svg = anstyle_svg::Term::new().render_svg(&text);
    let path = repository("docs/plan.svg");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::create_dir_all(repository("docs")).expect("a directory");
        std::fs::write(&path, &svg).expect("the picture is written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == svg, "docs/plan.svg is not up to date: run the tests once with UPDATE_GENERATED=1");
}
