//! The submission API of Partner Center, spoken to as its clients do.

use std::time::Duration;

use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::Client;
use crate::support::partner_center_description::Description;
use crate::support::repository;

const APP: &str = "/v1.0/ingestion/products/0d5c0a4e-1111-4222-8333-944455566677";
const RUNNING: &str = "1152921505700000004";

/// Products `app-1` to `app-N` of one type, and one of another.
fn many(count: usize, settings: &str) -> String {
    let product = |number: usize| {
        format!(
            "  - {{portal: partner-center, publisher: contoso, id: app-{number}, product: 0d5c0a4e-1111-4222-8333-{number:012}}}\n"
        )
    };
    let other = "  - {portal: partner-center, publisher: contoso, id: vm, type: AzureThirdPartyVirtualMachine, product: 0d5c0a4e-1111-4222-8333-ffffffffffff}\n";
    format!("{settings}offers:\n{}{other}", (1..=count).map(product).collect::<String>())
}

/// One product with these submissions.
fn with_app(offer: &str, settings: &str) -> String {
    format!(
        "{settings}offers:\n  - {{portal: partner-center, publisher: contoso, id: app, product: 0d5c0a4e-1111-4222-8333-944455566677, {offer}}}\n"
    )
}

struct PartnerCenter {
    client: Client,
    /// Microsoft's description of the API, where it is at hand.
    description: Option<Description>,
}

struct Reply {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

impl PartnerCenter {
    async fn new(state: &str) -> Self {
        Self { client: Client::with(state).await, description: Description::installed() }
    }

    async fn example() -> Self {
        let path = repository("examples/partner-center/portal.yaml");
        Self::new(&std::fs::read_to_string(path).expect("the example")).await
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Option<Reply> {
        let mut request = self.client.plain(method.clone(), path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.client.send(request, body).await?;
        let text = String::from_utf8(answer.body.to_vec()).expect("text");
        if let Some(description) = &self.description {
            description.check(method.as_str(), path, body, answer.status.as_u16(), &text);
        }
        Some(Reply { status: answer.status.as_u16(), headers: answer.headers, text })
    }

    async fn get(&self, path: &str) -> Value {
        let reply = self.ask(Method::GET, path, &[], "").await.expect("an answer");
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        reply.json()
    }

    async fn status(&self, method: Method, path: &str, body: &str) -> u16 {
        self.ask(method, path, &[], body).await.expect("an answer").status
    }

    /// The ids and states of the submissions of a product.
    async fn submissions(&self, product: &str) -> Vec<String> {
        let page = self.get(&format!("{product}/submissions")).await;
        let word = |one: &Value, key: &str| one[key].as_str().expect("a word").to_owned();
        let of = |one| format!("{} {}/{}", word(one, "id"), word(one, "state"), word(one, "substate"));
        page["value"].as_array().expect("a list").iter().map(of).collect()
    }

    /// All offers of a list, page by page, and how long the pages were.
    async fn offers(&self, first: &str, link: &str) -> (Vec<String>, Vec<usize>) {
        let (mut offers, mut sizes) = (Vec::new(), Vec::new());
        let mut next = Some(first.to_owned());
        while let Some(path) = next {
            let page = self.get(&path).await;
            let list = page["value"].as_array().expect("a list");
            sizes.push(list.len());
            offers.extend(list.iter().map(|one| one["externalIDs"][0]["value"].as_str().expect("an id").to_owned()));
            next = page[link].as_str().map(|link| {
                let relative = link.strip_prefix(&self.client.emulator.url()).map_or(link, |rest| &rest[1..]);
                assert!(relative.starts_with("v1.0/ingestion/"), "{link}");
                format!("/{relative}")
            });
        }
        (offers, sizes)
    }
}

const PRODUCTS: &str = "/v1.0/ingestion/products";

#[tokio::test]
async fn products_come_in_pages_of_one_to_five() {
    let expected: Vec<String> = (1..=12).map(|number| format!("app-{number}")).chain(["vm".to_owned()]).collect();
    let portal = PartnerCenter::new(&many(12, "")).await;
    let (offers, sizes) = portal.offers(PRODUCTS, "nextLink").await;
    assert_eq!((offers, sizes), (expected.clone(), vec![3, 1, 5, 2, 2]));
    let (offers, _) = portal.offers("/v1.0/ingestion/products?$skipToken=", "nextLink").await;
    assert_eq!(offers, expected, "an empty token is the first page");
    assert_eq!(portal.status(Method::GET, "/v1.0/ingestion/products?$skipToken=bad!", "").await, 400);

    for (settings, name) in [
        ("partnerCenter: {pageSize: 5, nextLink: absolute}\n", "nextLink"),
        ("partnerCenter: {pageSize: 5, nextLinkName: '@odata.nextLink'}\n", "@odata.nextLink"),
        ("partnerCenter: {pageSize: 5, nextLinkName: both}\n", "nextLink"),
        ("partnerCenter: {pageSize: 5, nextLinkName: both}\n", "@odata.nextLink"),
    ] {
        let portal = PartnerCenter::new(&many(12, settings)).await;
        assert_eq!(portal.offers(PRODUCTS, name).await, (expected.clone(), vec![5, 5, 3]), "{settings}");
    }
    let portal = PartnerCenter::new(&many(12, "partnerCenter: {nextLinkName: '@odata.nextLink'}\n")).await;
    assert_eq!(portal.offers(PRODUCTS, "nextLink").await.0.len(), 3, "the other name is not used");
}

#[tokio::test]
async fn filters_ignore_letter_case_and_are_kept_from_page_to_page() {
    let portal = PartnerCenter::new(&many(9, "partnerCenter: {pageSize: 2}\n")).await;
    for query in [
        "$filter=externalIDs/Any(i:i/type%20eq%20'AzureOfferId'%20and%20i/value%20eq%20'app-7')",
        "%24filter=ExternalIDs%2FAny%28i%3Ai%2FType+eq+%27AzureOfferId%27+and+i%2FValue+eq+%27app-7%27%29",
    ] {
        let (offers, _) = portal.offers(&format!("{PRODUCTS}?{query}"), "nextLink").await;
        assert_eq!(offers, ["app-7"], "{query}");
    }
    let find = format!("{PRODUCTS}?$filter=externalIDs/Any(i:i/type+eq+'AzureOfferId'+and+i/value+eq+'x')");
    assert_eq!(portal.get(&find).await["value"], json!([]));
    let (offers, sizes) =
        portal.offers(&format!("{PRODUCTS}?$filter=ResourceType+eq+'AzureApplication'"), "nextLink").await;
    assert_eq!((offers.len(), sizes), (9, vec![2, 2, 2, 2, 1]));
    assert_eq!(portal.status(Method::GET, &format!("{PRODUCTS}?$filter=nonsense"), "").await, 400);
}

#[tokio::test]
async fn a_product_is_found_by_its_guid_in_any_letter_case() {
    let portal = PartnerCenter::example().await;
    let product = portal.get(&APP.to_uppercase().replace("/V1.0/INGESTION/PRODUCTS", PRODUCTS)).await;
    assert_eq!(product["externalIDs"], json!([{"type": "AzureOfferId", "value": "contoso-app"}]));
    assert_eq!((&product["name"], &product["resourceType"]), (&json!("Contoso App"), &json!("AzureApplication")));
    assert_eq!(portal.status(Method::GET, "/v1.0/ingestion/products/none", "").await, 404);
    assert_eq!(portal.status(Method::GET, &format!("{APP}/submissions/1"), "").await, 404);
}

#[tokio::test]
async fn what_the_portal_demanded_for_weeks_can_be_demanded() {
    let portal = PartnerCenter::new(&many(3, "partnerCenter: {demandPublisherId: 1234567}\n")).await;
    let status = async |headers| portal.ask(Method::GET, PRODUCTS, headers, "").await.expect("an answer").status;
    assert_eq!(status(&[]).await, 400);
    assert_eq!(status(&[("x-ms-publisherId", "7")]).await, 400);
    assert_eq!(status(&[("x-ms-publisherId", "1234567")]).await, 200);

    let of_offer = "?$filter=externalIDs/Any(i:i/type+eq+'AzureOfferId'+and+i/value+eq+'app-2')";
    let of_type = "?$filter=resourceType+eq+'AzureApplication'";
    for (demand, expected) in [("any", [400, 200, 200]), ("resource-type", [400, 400, 200])] {
        let portal = PartnerCenter::new(&many(3, &format!("partnerCenter: {{demandFilter: {demand}}}\n"))).await;
        let mut found = Vec::new();
        for query in ["", of_offer, of_type] {
            found.push(portal.status(Method::GET, &format!("{PRODUCTS}{query}"), "").await);
        }
        assert_eq!(found, expected, "{demand}");
        assert_eq!(
            portal.status(Method::GET, &format!("{PRODUCTS}/0d5c0a4e-1111-4222-8333-000000000001"), "").await,
            200
        );
    }
}

#[tokio::test]
async fn submissions_are_as_the_state_file_says() {
    let portal = PartnerCenter::example().await;
    let page = portal.get(&format!("{APP}/submissions")).await;
    assert_eq!(page["value"][0]["id"], RUNNING, "the newest one first");
    assert_eq!(page["value"][0]["publishedTimeInUtc"], "1601-01-01T00:00:00Z");
    assert_eq!(page["value"][0]["pendingUpdateInfo"]["status"], "Completed");
    assert_eq!(page["value"][0]["targets"], json!([{"type": "Scope", "value": "preview"}]));
    assert_eq!(page["value"][1]["substate"], "InStore");
    assert_eq!(page["value"][1]["pendingUpdateInfo"], Value::Null);
    let one = portal.get(&format!("{APP}/submissions/{RUNNING}?$expand=PublishOption")).await;
    assert_eq!((&one["releaseNumber"], &one["publishOption"]["isAutoPromote"]), (&json!(4), &json!(false)));
    let workflows = portal.get(&format!("{APP}/submissions/{RUNNING}/workflowdetails")).await;
    let environments = workflows["value"].as_array().expect("a list");
    assert_eq!(environments.iter().map(|one| &one["targetEnvironment"]).collect::<Vec<_>>(), ["Preview", "Live"]);
    let steps = environments[0]["workflowSteps"].as_array().expect("steps");
    assert_eq!(steps.iter().map(|step| &step["state"]).collect::<Vec<_>>(), ["Success", "InProgress", "NotStarted"]);

    // Words that the API has not used yet, and the other order.
    let state = "submissions: [{id: a, state: Archived, substate: Odd, targets: [Preview]}, {id: b, update: {status: none}}, {id: c}]";
    let portal =
        PartnerCenter::new(&with_app(state, "partnerCenter: {order: oldest-first, submissionPageSize: 2}\n")).await;
    let portal = PartnerCenter { description: None, ..portal };
    assert_eq!(portal.submissions(APP).await, ["a Archived/Odd", "b InProgress/Submitted"]);
    let first = portal.get(&format!("{APP}/submissions")).await;
    assert_eq!(first["value"][1]["pendingUpdateInfo"], Value::Null);
    let next = portal.get(&format!("/{}", first["nextLink"].as_str().expect("a link"))).await;
    assert_eq!(next["value"][0]["id"], "c");
}

#[tokio::test]
async fn cancelling_takes_effect_in_every_way() {
    let path = format!("{APP}/submissions/4");
    let running = "submissions: [{id: '3', state: Published, substate: InStore}, {id: '4'}]";
    let goes_on = ["4 InProgress/Submitted", "3 Published/InStore"];
    let gone = ["3 Published/InStore"];
    for (cancel, settings, status, lists) in [
        ("answer: at-once", "", 204, vec![&gone[..]]),
        ("answer: accepted, polls: 2", "", 204, vec![&goes_on[..], &gone[..]]),
        ("answer: refused, status: 405", "", 405, vec![&goes_on[..]]),
        ("answer: ignored", "", 204, vec![&goes_on[..], &goes_on[..]]),
        ("answer: stuck", "", 204, vec![&goes_on[..], &goes_on[..]]),
        (
            "answer: accepted, polls: 1",
            "partnerCenter: {cancelled: shown}\n",
            204,
            vec![&["4 Cancelled/Cancelled", "3 Published/InStore"]],
        ),
    ] {
        let portal = PartnerCenter::new(&with_app(&format!("{running}, cancel: {{{cancel}}}"), settings)).await;
        let portal = PartnerCenter { description: None, ..portal };
        assert_eq!(portal.status(Method::DELETE, &path, "").await, status, "{cancel}");
        for list in lists {
            assert_eq!(portal.submissions(APP).await, list, "{cancel}");
        }
    }

    // What is not in progress can't be cancelled, and what is gone is unknown.
    let portal = PartnerCenter::new(&with_app(&format!("{running}, cancel: {{answer: stuck}}"), "")).await;
    assert_eq!(portal.status(Method::DELETE, &format!("{APP}/submissions/3"), "").await, 409);
    assert_eq!(portal.status(Method::DELETE, &format!("{APP}/submissions/5"), "").await, 404);
    assert_eq!(portal.status(Method::DELETE, &path, "").await, 204);
    assert_eq!(portal.status(Method::DELETE, &path, "").await, 409, "it is being cancelled");

    // A client that watches the submission alone sees it end too.
    let portal = PartnerCenter::new(&with_app(&format!("{running}, cancel: {{answer: accepted, polls: 2}}"), "")).await;
    assert_eq!(portal.status(Method::DELETE, &path, "").await, 204);
    assert_eq!(portal.status(Method::GET, &path, "").await, 200);
    assert_eq!(portal.status(Method::GET, &path, "").await, 404);
}

#[tokio::test]
async fn a_cancellation_is_accepted_in_the_form_of_each_client() {
    for (headers, body) in [
        (vec![], ""),
        (vec![("content-type", "application/json")], "{}"),
        (vec![("if-match", "*"), ("content-type", "application/json")], ""),
        (vec![("content-type", "application/json; charset=utf-8")], ""),
    ] {
        let portal = PartnerCenter::example().await;
        let path = format!("{APP}/submissions/{RUNNING}");
        let reply = portal.ask(Method::DELETE, &path, &headers, body).await.expect("an answer");
        assert_eq!((reply.status, reply.text.as_str()), (204, ""), "{headers:?}");
        assert!(reply.headers.contains_key("request-id") && reply.headers.contains_key("x-azure-ref"));
    }
}

#[tokio::test]
async fn refusals_come_in_every_form() {
    for (form, expected) in [
        ("string", "\"ICH50400 - Too late.\""),
        ("flat", r#"{"code":"ICH50400","details":[],"message":"Too late."}"#),
        ("status-code", r#"{"message":"Too late.","statusCode":400}"#),
        ("nested", r#"{"error":{"code":"ICH50400","message":"Too late."}}"#),
        ("text", r#"The request was not successful (400 Bad Request): {"code":"ICH50400","message":"Too late."}"#),
    ] {
        let cancel = format!("answer: refused, status: 400, code: ICH50400, message: Too late., form: {form}");
        let portal =
            PartnerCenter::new(&with_app(&format!("submissions: [{{id: '4'}}], cancel: {{{cancel}}}"), "")).await;
        let reply = portal.ask(Method::DELETE, &format!("{APP}/submissions/4"), &[], "").await.expect("an answer");
        let told = |text: &str| text.parse::<Value>().unwrap_or_else(|_| json!([text]));
        assert_eq!((reply.status, told(&reply.text)), (400, told(expected)), "{form}");
        assert!(reply.headers.contains_key("ms-correlation-x"));
    }
}

#[tokio::test]
async fn faults_hit_this_api_too() {
    let faults = "\
faults:
  - {on: cancel, offer: app, times: 1, when: after, connection: drop}
  - {on: submissions, portal: partner-center, times: 1, status: 429, retryAfter: '7', form: flat}
  - {on: submissions, portal: cloud-partner, status: 500}
  - {on: products, offer: app, times: 1, status: 200, body: '{\"value\": 1}'}
";
    let portal = PartnerCenter::new(&(with_app("submissions: [{id: '4'}]", "") + faults)).await;
    let portal = PartnerCenter { description: None, ..portal };
    assert!(portal.ask(Method::DELETE, &format!("{APP}/submissions/4"), &[], "").await.is_none(), "the answer is lost");
    let reply = portal.ask(Method::GET, &format!("{APP}/submissions"), &[], "").await.expect("an answer");
    assert_eq!((reply.status, reply.headers["retry-after"].to_str().ok()), (429, Some("7")));
    assert_eq!(portal.submissions(APP).await, Vec::<String>::new(), "it was carried out");
    let find = format!("{PRODUCTS}?$filter=externalIDs/any(i:i/type+eq+'AzureOfferId'+and+i/value+eq+'app')");
    assert_eq!(portal.get(PRODUCTS).await["value"].as_array().map(Vec::len), Some(1), "this one names no offer");
    assert_eq!(portal.get(&find).await["value"], 1);
    assert_eq!(portal.get(&find).await["value"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_publish_moves_with_the_clock_and_is_promoted() {
    let portal = PartnerCenter::new(&with_app("stepTime: 1h, submissions: [{id: '7', substate: Failed}]", "")).await;
    let body = json!({
        "resourceType": "SubmissionCreationRequest",
        "targets": [{"type": "Scope", "value": "preview"}],
        "resources": [], "variantResources": [],
    });
    let made =
        portal.ask(Method::POST, &format!("{APP}/submissions"), &[], &body.to_string()).await.expect("an answer");
    assert_eq!(made.status, 201);
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    assert!(id.parse::<u64>().expect("digits") > 1 << 60);
    assert_eq!(portal.submissions(APP).await, [format!("{id} InProgress/Submitted")], "the failed one is replaced");
    assert_eq!(portal.status(Method::POST, &format!("{APP}/submissions"), "{}").await, 409);
    let promote = format!("{APP}/submissions/{id}/promote");
    assert_eq!(portal.status(Method::POST, &promote, "{}").await, 400, "there is no preview yet");
    portal.client.emulator.advance(Duration::from_mins(61));
    assert_eq!(portal.submissions(APP).await, [format!("{id} Published/ReadyToPublish")]);
    let reply = portal.ask(Method::POST, &promote, &[], "{}").await.expect("an answer");
    assert_eq!((reply.status, &reply.json()["targetEnvironment"]), (200, &json!("Live")));
    assert_eq!(portal.submissions(APP).await, [format!("{id} Published/Publishing")]);
    portal.client.emulator.advance(Duration::from_mins(61));
    assert_eq!(portal.submissions(APP).await, [format!("{id} Published/InStore")]);

    // What other clients accept.
    let settings = "partnerCenter: {createStatus: 202, promoteAnswer: empty}\n";
    let state = "submissions: [{id: '7', state: Published, substate: ReadyToPublish}]";
    let portal = PartnerCenter::new(&with_app(state, settings)).await;
    let portal = PartnerCenter { description: None, ..portal };
    let promote = format!("{APP}/submissions/7/promote");
    let reply = portal.ask(Method::POST, &promote, &[], "").await.expect("an answer");
    assert_eq!((reply.status, reply.text.as_str()), (200, ""));
    assert_eq!(portal.status(Method::POST, &format!("{APP}/submissions"), "").await, 202);
}

#[tokio::test]
async fn branches_and_variants_are_what_a_publish_needs() {
    let portal = PartnerCenter::new(&with_app("plans: [basic, premium]", "")).await;
    let variants = portal.get(&format!("{APP}/variants")).await;
    assert_eq!(variants["value"][1]["externalID"], "premium");
    for module in ["Availability", "Property", "Package", "Listing"] {
        let branches = portal.get(&format!("{APP}/branches/getByModule(module={module})")).await;
        let branches = branches["value"].as_array().expect("a list");
        assert!(branches[0]["currentDraftInstanceID"].is_string() && branches[0]["variantID"].is_null());
        assert_eq!(branches[2]["variantID"], variants["value"][1]["id"]);
    }
    assert_eq!(portal.status(Method::GET, &format!("{APP}/branches/getByModule(module=Odd)"), "").await, 404);
}

#[tokio::test]
async fn both_apis_are_on_one_server() {
    let portal = PartnerCenter::example().await;
    let list = "/api/publishers/contoso/offers/contoso-vm/submissions/?api-version=2017-10-31";
    let reply = Client::send(&portal.client, portal.client.plain(Method::GET, list), "").await.expect("an answer");
    assert_eq!(reply.status, 200);
    let of_other = "/api/publishers/contoso/offers/contoso-app/submissions/?api-version=2017-10-31";
    let reply = Client::send(&portal.client, portal.client.plain(Method::GET, of_other), "").await.expect("an answer");
    assert_eq!(reply.status, 404);
    let reply = portal.client.send(portal.client.plain(Method::GET, "/v1.0/ingestion/odd"), "").await;
    let reply = reply.expect("an answer");
    assert!(reply.status == 404 && reply.body.starts_with(b"\"ResourceNotFound"), "in the form of its API");
}

#[test]
fn the_answers_are_held_to_the_description_of_microsoft() {
    if Description::installed().is_none() {
        // Past the capture of the test harness: a check that did not run is seen.
        let line =
            b"skipped: PARTNER_CENTER_SWAGGER names no file, so answers were not held to Microsoft's description\n";
        std::io::Write::write_all(&mut std::io::stderr(), line).expect("standard error");
    }
}

#[test]
fn a_state_that_means_nothing_is_refused() {
    for (text, expected) in [
        (
            "offers: [{publisher: contoso, id: a, product: 0d5c0a4e-1111-4222-8333-944455566677}]\n",
            "portal: partner-center",
        ),
        ("offers: [{portal: partner-center, publisher: contoso, id: a}]\n", "`product` is missing"),
        ("offers: [{portal: partner-center, publisher: contoso, id: a, product: a}]\n", "no GUID"),
        (
            "offers: [{portal: partner-center, publisher: contoso, id: a, product: 0d5c0a4e-1111-4222-8333-944455566677, operations: [{id: a}]}]\n",
            "portal: cloud-partner",
        ),
        (&with_app("submissions: [{id: '4'}, {id: '4'}]", ""), "two submissions"),
        (&with_app("submissions: []", "partnerCenter: {pageSize: 0}\n"), "at least 1"),
        (&with_app("submissions: []", "partnerCenter: {createStatus: 404}\n"), "createStatus"),
        (&(many(1, "") + many(1, "").trim_start_matches("offers:\n")), "two offers have the product"),
    ] {
        let error = cancel_pending::emulator::Scenario::read(text).err().map(|error| error.to_string());
        assert!(error.as_ref().is_some_and(|error| error.contains(expected)), "{text}: {error:?}");
    }
}
