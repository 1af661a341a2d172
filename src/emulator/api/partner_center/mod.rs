//! The submission API of Partner Center, `/v1.0/ingestion/…`: its paths and their checks.
//!
//! Owns what a call answers in which order: what the portal demanded of every request for weeks in 2026, product,
//! submission, and then what the state machine says.

mod documents;
mod filter;
mod page;
mod wire;

use axum::body::Body;
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodFilter;
use serde_json::Value;

use self::filter::Filter;
use self::page::SkipToken;
use self::wire::{IngestionCreation, IngestionPage};
use super::{Api, CallSubject, ErrorAnswer, json_answer};
use crate::emulator::exchange::{ApiRoute, Carried, EmulatedRequest};
use crate::emulator::scenario::{EmulatedCall, EmulatedPortal, ErrorForm, FilterDemand, PromoteAnswer};
use crate::emulator::world::{EmulatedProduct, EmulatedProducts, StartAnswer, World};

/// That API.
pub(super) struct PartnerCenterApi;

const PRODUCTS: &str = "v1.0/ingestion/products";

impl Api for PartnerCenterApi {
    fn portal(&self) -> EmulatedPortal {
        EmulatedPortal::PartnerCenter
    }

    fn prefix(&self) -> &'static str {
        "/v1.0/ingestion/"
    }

    fn routes(&self) -> Vec<ApiRoute> {
        use EmulatedCall as Call;
        let (get, post) = (MethodFilter::GET, MethodFilter::POST);
        let below = |method, rest: &str, call| (method, format!("/{PRODUCTS}{rest}"), call);
        vec![
            below(get, "", Call::Products),
            below(get, "/{product}", Call::Product),
            below(get, "/{product}/branches/{module}", Call::Branches),
            below(get, "/{product}/variants", Call::Variants),
            below(get, "/{product}/submissions", Call::Submissions),
            below(post, "/{product}/submissions", Call::Publish),
            below(get, "/{product}/submissions/{submission}", Call::Submission),
            below(MethodFilter::DELETE, "/{product}/submissions/{submission}", Call::Cancel),
            below(get, "/{product}/submissions/{submission}/workflowdetails", Call::WorkflowDetails),
            below(post, "/{product}/submissions/{submission}/promote", Call::GoLive),
        ]
    }

    fn error_form(&self, world: &World) -> ErrorForm {
        world.products.spec.error_form
    }

    fn refusal(&self, world: &World, request: &EmulatedRequest) -> Option<ErrorAnswer> {
        let spec = &world.products.spec;
        if let Some(wanted) = &spec.demand_publisher_id
            && request.header("x-ms-publisherid").as_ref() != Some(wanted)
        {
            let text = "The header x-ms-publisherId is missing, or is none of your publishers.";
            return Some(ErrorAnswer::new(400, "ICH50402", text));
        }
        None
    }

    fn subject(&self, world: &World, request: &EmulatedRequest) -> CallSubject {
        let of = |product: &EmulatedProduct| CallSubject {
            publisher: product.spec.publisher.to_string(),
            offer: product.spec.id.to_string(),
        };
        if request.call == EmulatedCall::Products {
            // A look-up of one offer is about that offer.
            let filter = request.query("$filter").and_then(Filter::read).filter(|filter| filter.names("externalIDs"));
            let found = filter.map(|filter| matching(&world.products, Some(&filter))).unwrap_or_default();
            if let [only] = found.as_slice() { of(only) } else { CallSubject::default() }
        } else {
            world.products.product(request.parameter("product")).map(of).unwrap_or_default()
        }
    }

    fn carry_out(&self, carried: &mut Carried<'_>, request: &EmulatedRequest) -> Result<Response, ErrorAnswer> {
        match request.call {
            EmulatedCall::Products => products(carried, request),
            EmulatedCall::Submissions => submissions(carried, request),
            EmulatedCall::Publish => publish(carried, request),
            EmulatedCall::Cancel => cancel(carried, request),
            EmulatedCall::GoLive => promote(carried, request),
            _ => read(product(carried, request)?, request),
        }
    }

    fn finish(&self, mut response: Response, served: u64) -> Response {
        let id = format!("00000000-0000-4000-8000-{served:012x}");
        let mut names = vec!["request-id", "x-azure-ref"];
        if response.status().as_u16() >= 400 {
            names.push("ms-correlation-x");
        }
        for name in names {
            if let Ok(value) = id.parse() {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        // A body of unknown length is sent in chunks, as the API does.
        let has_body = axum::body::HttpBody::size_hint(response.body()).exact() != Some(0);
        if has_body { response.map(|body| Body::from_stream(body.into_data_stream())) } else { response }
    }
}

/// The products that a filter is for, in the order of the state file.
fn matching<'a>(products: &'a EmulatedProducts, filter: Option<&Filter>) -> Vec<&'a EmulatedProduct> {
    let fits = |product: &&EmulatedProduct| {
        filter.is_none_or(|filter| {
            let document = serde_json::to_value(documents::product(product)).unwrap_or_default();
            filter.matches(&document)
        })
    };
    products.all().filter(fits).collect()
}

fn read_filter(text: Option<&str>) -> Result<Option<Filter>, ErrorAnswer> {
    let read = |text| Filter::read(text).ok_or_else(|| ErrorAnswer::new(400, "ICH50403", "The filter is not valid."));
    text.map(read).transpose()
}

fn products(carried: &Carried<'_>, request: &EmulatedRequest) -> Result<Response, ErrorAnswer> {
    let products = &carried.world.products;
    let token = SkipToken::read(request.query("$skiptoken"), request.query("$filter"))?;
    let filter = read_filter(token.filter.as_deref())?;
    let (demanded, met) = match products.spec.demand_filter {
        FilterDemand::None => ("", true),
        FilterDemand::Any => ("a filter", filter.is_some()),
        FilterDemand::ResourceType => {
            ("a filter of resourceType", filter.as_ref().is_some_and(|filter| filter.names("resourceType")))
        }
    };
    if !met {
        let text = format!("A list of products needs {demanded}.");
        return Err(ErrorAnswer::new(400, "ICH50400", &text));
    }
    let list = matching(products, filter.as_ref()).into_iter().map(documents::product).collect();
    let page = token.page(&products.spec, products.spec.page_size, carried.origin, PRODUCTS, list);
    Ok(json_answer(StatusCode::OK, &page))
}

fn product<'a>(
    carried: &'a mut Carried<'_>,
    request: &EmulatedRequest,
) -> Result<&'a mut EmulatedProduct, ErrorAnswer> {
    let found = carried.world.products.product_mut(request.parameter("product"));
    found.ok_or_else(|| ErrorAnswer::new(404, "ICH40400", "There is no such product."))
}

fn submissions(carried: &mut Carried<'_>, request: &EmulatedRequest) -> Result<Response, ErrorAnswer> {
    product(carried, request)?.poll_list();
    let token = SkipToken::read(request.query("$skiptoken"), request.query("$filter"))?;
    let filter = read_filter(token.filter.as_deref())?;
    let (spec, origin) = (carried.world.products.spec.clone(), carried.origin);
    let product = product(carried, request)?;
    let list: Vec<Value> = product
        .submissions()
        .into_iter()
        .map(|one| serde_json::to_value(documents::submission(product, one, expands(request))).unwrap_or_default())
        .filter(|one| filter.as_ref().is_none_or(|filter| filter.matches(one)))
        .collect();
    let size = spec.submission_page_size.unwrap_or(list.len().max(1));
    let path = format!("{PRODUCTS}/{}/submissions", product.id);
    Ok(json_answer(StatusCode::OK, &token.page(&spec, Some(size), origin, &path, list)))
}

fn expands(request: &EmulatedRequest) -> bool {
    request.query("$expand").is_some_and(|text| text.eq_ignore_ascii_case("publishoption"))
}

/// The calls that read something of one product.
fn read(product: &mut EmulatedProduct, request: &EmulatedRequest) -> Result<Response, ErrorAnswer> {
    let page = |value: Value| {
        let value = value.as_array().cloned().unwrap_or_default();
        json_answer(StatusCode::OK, &IngestionPage { value, next_link: None, odata_next_link: None })
    };
    let json = |value: serde_json::Result<Value>| value.unwrap_or_default();
    match request.call {
        EmulatedCall::Branches => {
            let module = request.parameter("module").to_lowercase();
            let known = ["Listing", "Property", "Package", "Availability", "SupplementalContent", "Cosell"];
            let asked = module.strip_prefix("getbymodule(module=").and_then(|rest| rest.strip_suffix(')'));
            let module = known.iter().find(|known| asked == Some(&known.to_lowercase()));
            let module = module.ok_or_else(|| ErrorAnswer::new(404, "ICH40402", "There is no such module."))?;
            Ok(page(json(serde_json::to_value(documents::branches(product, module)))))
        }
        EmulatedCall::Variants => Ok(page(json(serde_json::to_value(documents::variants(product))))),
        EmulatedCall::Submission | EmulatedCall::WorkflowDetails => {
            let id = request.parameter("submission");
            if request.call == EmulatedCall::Submission {
                product.poll(id);
            }
            let submission = product.submission(id).ok_or_else(no_submission)?;
            if request.call == EmulatedCall::WorkflowDetails {
                return Ok(page(json(serde_json::to_value(documents::workflows(submission)))));
            }
            Ok(json_answer(StatusCode::OK, &documents::submission(product, submission, expands(request))))
        }
        _ => Ok(json_answer(StatusCode::OK, &documents::product(product))),
    }
}

fn publish(carried: &mut Carried<'_>, request: &EmulatedRequest) -> Result<Response, ErrorAnswer> {
    let creation: IngestionCreation = if request.body.is_empty() {
        IngestionCreation::default()
    } else {
        serde_json::from_slice(&request.body)
            .map_err(|_| ErrorAnswer::new(400, "ICH50404", "The body is no request for a submission."))?
    };
    let targets = creation.targets.into_iter().map(|target| target.value).collect::<Vec<_>>();
    let targets = (!targets.is_empty()).then_some(targets);
    let (id, now) = (request.parameter("product"), carried.now);
    let products = &mut carried.world.products;
    match products.publish(id, targets, now) {
        Some(StartAnswer::Accepted(submission)) => {
            let status = StatusCode::from_u16(products.spec.create_status).unwrap_or(StatusCode::CREATED);
            let product = product(carried, request)?;
            let submission = product.submission(&submission).ok_or_else(no_submission)?;
            Ok(json_answer(status, &documents::submission(product, submission, false)))
        }
        Some(StartAnswer::Done) => Ok(StatusCode::OK.into_response()),
        Some(StartAnswer::Refused(status, code, message)) => Err(ErrorAnswer { status, code, message, form: None }),
        None => Err(ErrorAnswer::new(404, "ICH40400", "There is no such product.")),
    }
}

fn cancel(carried: &mut Carried<'_>, request: &EmulatedRequest) -> Result<Response, ErrorAnswer> {
    // Clients send no body, or an empty object.
    if !request.has_json_or_no_body() {
        return Err(ErrorAnswer::new(400, "ICH50404", "The body is not JSON."));
    }
    let product = product(carried, request)?;
    let form = product.spec.cancel.form;
    done(product.cancel(request.parameter("submission")), StatusCode::NO_CONTENT, form)
}

fn promote(carried: &mut Carried<'_>, request: &EmulatedRequest) -> Result<Response, ErrorAnswer> {
    let (id, now, answer) = (request.parameter("submission"), carried.now, carried.world.products.spec.promote_answer);
    let product = product(carried, request)?;
    let empty = done(product.promote(id, now), StatusCode::OK, None)?;
    let workflows = product.submission(id).map(documents::workflows).unwrap_or_default();
    let live = workflows.last().filter(|_| answer == PromoteAnswer::Workflow);
    Ok(live.map_or(empty, |live| json_answer(StatusCode::OK, live)))
}

/// What a change of a submission answers: nothing but a status.
fn done(answer: Option<StartAnswer>, status: StatusCode, form: Option<ErrorForm>) -> Result<Response, ErrorAnswer> {
    match answer.ok_or_else(no_submission)? {
        StartAnswer::Refused(status, code, message) => Err(ErrorAnswer { status, code, message, form }),
        StartAnswer::Done | StartAnswer::Accepted(_) => Ok(status.into_response()),
    }
}

fn no_submission() -> ErrorAnswer {
    ErrorAnswer::new(404, "ICH40401", "There is no such submission.")
}
