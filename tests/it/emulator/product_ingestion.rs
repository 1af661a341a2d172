//! The Product Ingestion API, spoken to as its clients do.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::Client;
use crate::support::repository;

const BASE: &str = "/rp/product-ingestion";
const VM: &str = "0d5c0a4e-1111-4222-8333-944455566677";
const JOB: &str = "7a1b2c3d-0000-4000-8000-00000000c0de";

async fn example() -> Client {
    let path = repository("examples/partner-center/product-ingestion.yaml");
    Client::with(&std::fs::read_to_string(path).expect("the example")).await
}

async fn ask(client: &Client, method: Method, path: &str, body: &str) -> (u16, Value) {
    let answer = client.send(client.plain(method, &format!("{BASE}/{path}")), body).await.expect("an answer");
    (answer.status.as_u16(), serde_json::from_slice(&answer.body).expect("JSON"))
}

async fn get(client: &Client, path: &str) -> Value {
    let (status, document) = ask(client, Method::GET, path, "").await;
    assert_eq!(status, 200, "{path}: {document}");
    document
}

/// The submissions of a product that are no draft: `target status/result`.
async fn submissions(client: &Client, product: &str) -> Vec<String> {
    let list = get(client, &format!("submission/{product}?$version=2022-07-01")).await;
    let list = list["value"].as_array().expect("a list");
    assert_eq!(list[0]["target"]["targetType"], "draft");
    let word = |one: &Value| one.as_str().expect("a word").to_owned();
    let of = |one: &Value| {
        format!("{} {}/{}", word(&one["target"]["targetType"]), word(&one["status"]), word(&one["result"]))
    };
    list[1..].iter().map(of).collect()
}

#[tokio::test]
async fn products_are_found_and_listed_in_pages() {
    let state = std::fs::read_to_string(repository("examples/partner-center/product-ingestion.yaml"));
    let state = state.expect("the example").replace("pageSize: 3", "pageSize: 2");
    let client = Client::with(&state).await;
    for query in ["externalId=contoso-vm", "externalid=contoso-vm&$version=2022-07-01"] {
        let found = get(&client, &format!("product?{query}")).await;
        assert_eq!(found["value"][0]["id"], format!("product/{VM}"));
        assert_eq!(found["value"][0]["identity"]["externalId"], "contoso-vm");
        assert_eq!(found["value"].as_array().map(Vec::len), Some(1));
    }
    let first = get(&client, "product").await;
    let link = first["@nextLink"].as_str().expect("a link");
    let rest = link.strip_prefix(&format!("{}{BASE}/", client.emulator.url())).expect("an absolute link");
    assert_eq!(rest.matches('=').count(), 1, "one client splits it there");
    let second = get(&client, rest).await;
    assert_eq!(second["value"][0]["identity"]["externalId"], "contoso-draft");
    assert_eq!(second["@nextLink"], Value::Null);
    let tree = get(&client, &format!("resource-tree/product/{VM}?targetType=preview")).await;
    assert_eq!(tree["resources"][1]["target"]["targetType"], "preview");
}

#[tokio::test]
async fn a_cancellation_names_a_job_and_ends_its_submission() {
    let client = example().await;
    assert_eq!(submissions(&client, VM).await, ["live completed/succeeded", "preview running/pending"]);
    let one = get(&client, &format!("submission/{VM}/1152921505700000004")).await;
    assert_eq!((&one["status"], &one["product"]), (&json!("running"), &json!(format!("product/{VM}"))));
    let status = get(&client, &format!("configure/{JOB}/status")).await;
    assert_eq!((&status["jobStatus"], &status["jobEnd"]), (&json!("running"), &json!("0001-01-01T00:00:00Z")));
    assert_eq!(ask(&client, Method::GET, &format!("configure/{JOB}"), "").await.0, 400, "no detail before its end");

    let cancel = format!("configure/{JOB}/cancel?$version=2022-07-01");
    assert_eq!(ask(&client, Method::POST, &cancel, "").await.0, 200);
    assert_eq!(submissions(&client, VM).await.len(), 2, "after so many reads");
    assert_eq!(submissions(&client, VM).await, ["live completed/succeeded"]);
    let status = get(&client, &format!("configure/{JOB}/status")).await;
    assert_eq!((&status["jobStatus"], &status["jobResult"]), (&json!("completed"), &json!("cancelled")));
    assert_eq!(ask(&client, Method::GET, &format!("configure/{JOB}"), "").await.0, 200);
    let (refused, document) = ask(&client, Method::POST, &cancel, "{}").await;
    assert_eq!(refused, 400);
    assert_eq!(document["error"]["message"], "Cannot cancel job, job has already completed.");
    assert_eq!(ask(&client, Method::POST, "configure/none/cancel", "").await.0, 404);
}

#[tokio::test]
async fn a_cancelled_submission_can_stay_in_the_list_and_a_refusal_leaves_it() {
    let example = std::fs::read_to_string(repository("examples/partner-center/product-ingestion.yaml"));
    let example = example.expect("the example").replace("forgotten #", "shown #");
    let client = Client::with(&example.replace("answer: accepted, polls: 2", "answer: at-once")).await;
    assert_eq!(ask(&client, Method::POST, &format!("configure/{JOB}/cancel"), "").await.0, 200);
    assert_eq!(submissions(&client, VM).await[1], "preview completed/cancelled");
    for (answer, status) in [("refused, status: 409", 409), ("ignored", 200), ("stuck", 200)] {
        let client = Client::with(&example.replace("accepted, polls: 2", answer)).await;
        assert_eq!(ask(&client, Method::POST, &format!("configure/{JOB}/cancel"), "").await.0, status, "{answer}");
        for _ in 0..3 {
            assert_eq!(submissions(&client, VM).await[1], "preview running/pending", "{answer}");
        }
    }
}

#[tokio::test]
async fn a_publish_goes_to_preview_and_live_with_the_clock() {
    let client = example().await;
    let draft = "2f7e2c60-3333-4444-8555-b66677788899";
    let configure = |id: &str, target: &str| {
        let mut resource = json!({
            "$schema": "https://schema.mp.microsoft.com/schema/submission/2022-07-01",
            "product": format!("product/{draft}"),
            "target": {"targetType": target},
        });
        if !id.is_empty() {
            resource["id"] = id.into();
        }
        json!({ "$schema": "https://schema.mp.microsoft.com/schema/configure/2022-07-01", "resources": [resource] })
            .to_string()
    };
    let (status, started) =
        ask(&client, Method::POST, "configure", &configure(&format!("submission/{draft}/0"), "preview")).await;
    assert_eq!((status, &started["jobStatus"]), (202, &json!("running")));
    assert_eq!(submissions(&client, draft).await, ["preview running/pending"]);
    assert_eq!(ask(&client, Method::POST, "configure", &configure("", "preview")).await.0, 400, "one at a time");
    client.emulator.advance(Duration::from_mins(11));
    let job = started["jobId"].as_str().expect("an id");
    assert_eq!(get(&client, &format!("configure/{job}/status")).await["jobResult"], "succeeded");
    let list = get(&client, &format!("submission/{draft}?targetType=preview")).await;
    let preview = list["value"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(ask(&client, Method::POST, "configure", &configure(&preview, "live")).await.0, 202);
    assert_eq!(submissions(&client, draft).await, ["preview completed/succeeded", "live running/pending"]);
    client.emulator.advance(Duration::from_mins(11));
    let list = get(&client, &format!("submission/{draft}?targetType=live")).await;
    assert_eq!(list["value"][0]["id"], preview.as_str(), "it keeps its id");
    // Changes of resources make a job without a submission.
    let body = json!({"resources": [{"id": "x", "product": format!("product/{draft}")}]}).to_string();
    assert_eq!(ask(&client, Method::POST, "configure", &body).await.0, 202);
}

#[tokio::test]
async fn faults_name_the_offer_of_a_job() {
    let example = std::fs::read_to_string(repository("examples/partner-center/product-ingestion.yaml"));
    let faults = "faults: [{on: job-status, offer: contoso-vm, times: 1, status: 503}, {on: cancel, offer: contoso-vm, times: 1, when: after, connection: drop}]\n";
    let client = Client::with(&(example.expect("the example") + faults)).await;
    assert_eq!(ask(&client, Method::GET, &format!("configure/{JOB}/status"), "").await.0, 503);
    assert_eq!(ask(&client, Method::GET, &format!("configure/{JOB}/status"), "").await.0, 200);
    let cancel = client.plain(Method::POST, &format!("{BASE}/configure/{JOB}/cancel"));
    assert!(client.send(cancel, "").await.is_none(), "the answer is lost");
    assert_eq!(submissions(&client, VM).await.len(), 2);
    assert_eq!(submissions(&client, VM).await.len(), 1, "it was carried out");
}
