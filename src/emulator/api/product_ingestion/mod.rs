//! The Product Ingestion API, `/rp/product-ingestion/…`: its paths and their checks.
//!
//! Owns what a call answers. A cancellation names a job, and nothing in the API leads from a submission to its job.

mod documents;

use axum::http::{HeaderName, StatusCode, header};
use axum::response::Response;
use axum::routing::MethodFilter;
use serde_json::{Value, json};

use super::{Api, CallSubject, ErrorAnswer, json_answer};
use crate::emulator::exchange::{ApiRoute, Carried, EmulatedRequest};
use crate::emulator::scenario::{EmulatedCall, EmulatedPortal, ErrorForm};
use crate::emulator::world::{ConfigureRequest, ConfiguredProduct, StartAnswer, World};

/// That API.
pub(super) struct ProductIngestionApi;

const BASE: &str = "/rp/product-ingestion";

impl Api for ProductIngestionApi {
    fn portal(&self) -> EmulatedPortal {
        EmulatedPortal::ProductIngestion
    }

    fn prefix(&self) -> &'static str {
        "/rp/product-ingestion/"
    }

    fn routes(&self) -> Vec<ApiRoute> {
        use EmulatedCall as Call;
        let (get, post) = (MethodFilter::GET, MethodFilter::POST);
        let below = |method, rest: &str, call| (method, format!("{BASE}{rest}"), call);
        vec![
            below(get, "/product", Call::Products),
            below(get, "/product/{product}", Call::Product),
            below(get, "/submission/{product}", Call::Submissions),
            below(get, "/submission/{product}/{submission}", Call::Submission),
            below(get, "/resource-tree/product/{product}", Call::ResourceTree),
            below(post, "/configure", Call::Publish),
            below(get, "/configure/{job}", Call::JobDetail),
            below(get, "/configure/{job}/status", Call::JobStatus),
            below(post, "/configure/{job}/cancel", Call::Cancel),
        ]
    }

    fn error_form(&self, _: &World) -> ErrorForm {
        ErrorForm::Nested
    }

    fn refusal(&self, _: &World, _: &EmulatedRequest) -> Option<ErrorAnswer> {
        None
    }

    fn subject(&self, world: &World, request: &EmulatedRequest) -> CallSubject {
        let of = |product: &ConfiguredProduct| CallSubject {
            publisher: product.spec.publisher.to_string(),
            offer: product.spec.id.to_string(),
        };
        let configured = &world.configured;
        let product = match request.call {
            EmulatedCall::Products => request
                .query("externalId")
                .and_then(|id| configured.products.iter().find(|product| product.spec.id.as_str() == id)),
            EmulatedCall::Publish => asked(request).ok().and_then(|asked| configured.product(&asked.product)),
            EmulatedCall::JobStatus | EmulatedCall::JobDetail | EmulatedCall::Cancel => {
                configured.job(request.parameter("job")).and_then(|job| configured.product(&job.product))
            }
            _ => configured.product(request.parameter("product")),
        };
        product.map(of).unwrap_or_default()
    }

    fn carry_out(&self, carried: &mut Carried<'_>, request: &EmulatedRequest) -> Result<Response, ErrorAnswer> {
        let (now, configured) = (carried.now, &mut carried.world.configured);
        match request.call {
            EmulatedCall::Products => products(carried, request),
            EmulatedCall::Publish => {
                let id = accepted(configured.configure(asked(request)?, now), "", None)?;
                status(carried, &id, StatusCode::ACCEPTED)
            }
            EmulatedCall::JobStatus => {
                configured.poll(request.parameter("job"), now);
                status(carried, request.parameter("job"), StatusCode::OK)
            }
            EmulatedCall::JobDetail => {
                let job = configured.job(request.parameter("job")).ok_or_else(|| not_found("job"))?;
                if job.status != "completed" {
                    return Err(ErrorAnswer::new(400, "badRequest", "The job is not completed."));
                }
                Ok(json_answer(StatusCode::OK, &documents::job_detail(configured, job)))
            }
            EmulatedCall::Cancel => {
                if !request.has_json_or_no_body() {
                    return Err(not_json());
                }
                let id = request.parameter("job");
                let product = configured.job(id).and_then(|job| configured.product(&job.product));
                let form = product.and_then(|product| product.spec.cancel.form);
                let id = accepted(configured.cancel(id, now), id, form)?;
                status(carried, &id, StatusCode::OK)
            }
            _ => of_product(carried, request),
        }
    }

    fn finish(&self, mut response: Response, served: u64) -> Response {
        if let Ok(id) = format!("00000000-0000-4000-8000-{served:012x}").parse() {
            response.headers_mut().insert(HeaderName::from_static("request-id"), id);
        }
        response
    }
}

/// The id of the job that was started or changed.
fn accepted(answer: Option<StartAnswer>, id: &str, form: Option<ErrorForm>) -> Result<String, ErrorAnswer> {
    match answer {
        Some(StartAnswer::Accepted(id)) => Ok(id),
        Some(StartAnswer::Done) => Ok(id.to_owned()),
        Some(StartAnswer::Refused(status, code, message)) => Err(ErrorAnswer { status, code, message, form }),
        None => Err(not_found("product or job")),
    }
}

fn status(carried: &Carried<'_>, id: &str, status: StatusCode) -> Result<Response, ErrorAnswer> {
    let job = carried.world.configured.job(id).ok_or_else(|| not_found("job"))?;
    let mut answer = json_answer(status, &documents::job_status(job));
    if let Some(value) = carried.world.configured.spec.retry_after.as_ref().and_then(|text| text.parse().ok()) {
        answer.headers_mut().insert(header::RETRY_AFTER, value);
    }
    Ok(answer)
}

fn products(carried: &Carried<'_>, request: &EmulatedRequest) -> Result<Response, ErrorAnswer> {
    let configured = &carried.world.configured;
    let wanted = |product: &&ConfiguredProduct| {
        request.query("externalId").is_none_or(|id| product.spec.id.as_str() == id)
            && request.query("type").is_none_or(|kind| documents::product_type(product) == kind)
    };
    let list: Vec<Value> = configured.products.iter().filter(wanted).map(documents::product).collect();
    // To clients the token is opaque. One of them splits the link at each `=`, so it holds none.
    let token = request.query("continuationToken").filter(|token| !token.is_empty());
    let skip = match token {
        None => 0,
        Some(token) => token
            .strip_prefix("after-")
            .and_then(|count| count.parse::<usize>().ok())
            .ok_or_else(|| ErrorAnswer::new(400, "badRequest", "The continuation token is not valid."))?,
    };
    let size = request.query("$maxpagesize").and_then(|size| size.parse().ok()).unwrap_or(configured.spec.page_size);
    let end = skip.saturating_add(size.max(1));
    let mut page = json!({ "value": list.iter().skip(skip).take(size.max(1)).collect::<Vec<_>>() });
    if end < list.len() {
        page["@nextLink"] = format!("{}{BASE}/product?continuationToken=after-{end}", carried.origin).into();
    }
    Ok(json_answer(StatusCode::OK, &page))
}

/// The calls that read something of one product.
fn of_product(carried: &mut Carried<'_>, request: &EmulatedRequest) -> Result<Response, ErrorAnswer> {
    let id = request.parameter("product");
    if request.call == EmulatedCall::Submissions {
        carried.world.configured.poll_list(id, carried.now);
    }
    let product = carried.world.configured.product(id).ok_or_else(|| not_found("product"))?;
    let target = request.query("targetType");
    let document = match request.call {
        EmulatedCall::Submissions => {
            let all = documents::submissions(product);
            let of_target = |one: &Value| target.is_none_or(|target| one["target"]["targetType"] == target);
            json!({ "value": all.into_iter().filter(of_target).collect::<Vec<_>>() })
        }
        EmulatedCall::Submission => {
            let wanted = format!("submission/{}/{}", product.id, request.parameter("submission"));
            let found = documents::submissions(product).into_iter().find(|one| one["id"] == wanted.as_str());
            found.ok_or_else(|| not_found("submission"))?
        }
        EmulatedCall::ResourceTree => documents::resource_tree(product, target.unwrap_or("draft")),
        _ => documents::product(product),
    };
    Ok(json_answer(StatusCode::OK, &document))
}

/// What a configure request asks for: a submission, or changes of resources.
fn asked(request: &EmulatedRequest) -> Result<ConfigureRequest, ErrorAnswer> {
    let body: Value = serde_json::from_slice(&request.body).map_err(|_| not_json())?;
    let resources = body["resources"].as_array().map_or(&[][..], Vec::as_slice);
    let word = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    let guid = |id: String| id.split('/').nth(1).unwrap_or_default().to_owned();
    let is_submission =
        |one: &&Value| word(one, "$schema").contains("/submission/") || word(one, "id").starts_with("submission/");
    let product = resources.iter().map(|one| word(one, "product")).find(|product| !product.is_empty());
    let product = product.or_else(|| resources.first().map(|one| word(one, "id"))).map(guid).unwrap_or_default();
    let submission = resources.iter().find(is_submission).map(|one| {
        let id = word(one, "id").rsplit('/').next().filter(|id| !id.is_empty()).map(str::to_owned);
        (one["target"]["targetType"].as_str().unwrap_or("preview").to_owned(), id)
    });
    Ok(ConfigureRequest { product, submission })
}

fn not_found(what: &str) -> ErrorAnswer {
    ErrorAnswer::new(404, "notFound", &format!("There is no such {what}."))
}

fn not_json() -> ErrorAnswer {
    ErrorAnswer::new(400, "badRequest", "The body is not JSON.")
}
