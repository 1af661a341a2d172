//! The JSON Schemas in the repository are those of the code, and the documents fit them.

use serde_json::Value;

use crate::support::{Workspace, repository};

const SCHEMAS: &[&str] = &["desired-state", "plan", "outcome", "status"];

fn schema(name: &str) -> Value {
    let text = std::fs::read_to_string(repository(&format!("schemas/{name}.schema.json"))).expect("a schema");
    serde_json::from_str(&text).expect("JSON")
}

#[track_caller]
fn assert_fits(schema: &Value, document: &Value) {
    let validator = jsonschema::options().should_validate_formats(true).build(schema).expect("a valid schema");
    let mistakes: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(mistakes.is_empty(), "{}\n{document:#}", mistakes.join("\n"));
}

#[test]
fn the_files_are_what_the_program_prints() {
    for name in SCHEMAS {
        let printed = Workspace::new().run(["schema", name]).expect(0).stdout;
        let path = repository(&format!("schemas/{name}.schema.json"));
        if std::env::var_os("UPDATE_GENERATED").is_some() {
            std::fs::write(&path, &printed).expect("the schema is written");
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            committed,
            printed,
            "{} is not up to date: run the tests once with UPDATE_GENERATED=1",
            path.display()
        );
    }
}

/// An editor finds the schema by its address, from wherever the file is.
#[test]
fn each_schema_has_the_address_that_it_is_found_by() {
    for name in SCHEMAS {
        let schema = schema(name);
        let major = env!("CARGO_PKG_VERSION_MAJOR");
        let address = format!(
            "https://raw.githubusercontent.com/cancel-pending/cancel-pending/v{major}/schemas/{name}.schema.json"
        );
        assert_eq!(schema["$id"], address.as_str());
        let keys: Vec<&String> = schema.as_object().expect("an object").keys().collect();
        assert_eq!(keys[..2], ["$id", "$schema"], "{name}");
    }
}

/// The first line by which an editor finds the schema is right where the file stands.
#[test]
fn the_line_for_editors_leads_to_the_schema() {
    let id = schema("desired-state")["$id"].as_str().expect("text").to_owned();
    let mut found = 0;
    let mut directories = vec![repository("")];
    while let Some(directory) = directories.pop() {
        for path in std::fs::read_dir(&directory).expect("a directory").map(|entry| entry.expect("an entry").path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && name != ".git" && name != "src" {
                directories.push(path);
                continue;
            }
            if !path.extension().is_some_and(|end| end == "yaml" || end == "md") {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a file of text");
            for address in text.lines().filter_map(|line| line.split_once("yaml-language-server: $schema=")) {
                let address = address.1.trim();
                // In a page the file is the reader's own, wherever that is.
                let is_right = if path.extension().is_some_and(|end| end == "yaml") {
                    directory.join(address).is_file() || address == id
                } else {
                    address == id
                };
                assert!(is_right, "{} points to {address}", path.display());
                found += 1;
            }
        }
    }
    assert!(found >= 2, "{found}");
    let example = std::fs::read_to_string(repository("examples/offers.yaml")).expect("the example");
    assert!(example.starts_with("# yaml-language-server: $schema=../schemas/desired-state.schema.json\n"));
}

#[test]
fn every_property_is_described() {
    fn walk(value: &Value, path: &str, missing: &mut Vec<String>) {
        if let Some(properties) = value.get("properties").and_then(Value::as_object) {
            for (name, property) in properties {
                // A reference carries the description of what it refers to.
                if property.get("description").is_none() && property.get("$ref").is_none() {
                    missing.push(format!("{path}.{name}"));
                }
                walk(property, &format!("{path}.{name}"), missing);
            }
        }
        for (name, definition) in value.get("$defs").and_then(Value::as_object).into_iter().flatten() {
            walk(definition, name, missing);
        }
    }
    for name in SCHEMAS {
        let mut missing = Vec::new();
        walk(&schema(name), name, &mut missing);
        assert_eq!(missing, Vec::<String>::new());
    }
}

#[test]
fn a_plan_fits_its_schema() {
    let (offers, portal) = (repository("examples/offers.yaml"), repository("examples/portal.yaml"));
    let run = Workspace::new().run([
        "plan".as_ref(),
        offers.as_os_str(),
        "--emulate".as_ref(),
        portal.as_os_str(),
        "--format".as_ref(),
        "json".as_ref(),
    ]);
    assert_fits(&schema("plan"), &run.json());
}

#[test]
fn a_status_fits_its_schema() {
    let (offers, portal) = (repository("examples/offers.yaml"), repository("examples/portal.yaml"));
    let (offers, portal) = (offers.to_string_lossy().into_owned(), portal.to_string_lossy().into_owned());
    let run = Workspace::new().run(["status", &offers, "--emulate", &portal, "--format", "json"]);
    assert_fits(&schema("status"), &run.json());
}

#[test]
fn the_example_fits_the_schema_and_so_does_its_own() {
    let text = std::fs::read_to_string(repository("examples/offers.yaml")).expect("the example");
    let document: Value = serde_yaml::from_str(&text).expect("YAML");
    let schema = schema("desired-state");
    assert_fits(&schema, &document);
    for example in schema["examples"].as_array().expect("examples") {
        assert_fits(&schema, example);
        let workspace = Workspace::with("offers.yaml", serde_yaml::to_string(example).expect("YAML"));
        workspace.run(["validate"]).expect(0);
    }
}

/// What the reader refuses the schema refuses too, so that an editor shows it first.
#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let schema = schema("desired-state");
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).expect("a valid schema");
    for offer in [
        serde_json::json!({"id": "vm", "cancelpending": true}),
        serde_json::json!({"id": "vm", "cancelPending": "true"}),
        serde_json::json!({"id": "vm", "cancelPending": null}),
        serde_json::json!({"id": "a/b"}),
        serde_json::json!({"id": "a..b"}),
        serde_json::json!({"id": ""}),
        serde_json::json!({"id": "vm", "operationId": "%2e"}),
        serde_json::json!({"id": "vm", "notificationEmails": ["a@b.c,d@e.f"]}),
        serde_json::json!({"id": "vm", "expires": "tomorrow"}),
        serde_json::json!({"cancelPending": true}),
    ] {
        let document = serde_json::json!({"publisher": "contoso", "offers": [offer]});
        assert!(!validator.is_valid(&document), "{document}");
        let workspace = Workspace::with("offers.yaml", serde_yaml::to_string(&document).expect("YAML"));
        workspace.run(["validate"]).expect(1);
    }
}
