//! The documents of the Product Ingestion API, made from the state.
//!
//! Owns how products, submissions and jobs are told (source: Microsoft's pages on that API).

use serde_json::{Value, json};

use crate::emulator::world::{ConfigureJob, ConfiguredProduct, ConfiguredProducts};

/// What the API says in the place of a time that has not come.
const OPEN: &str = "0001-01-01T00:00:00Z";

fn schema(name: &str) -> String {
    format!("https://schema.mp.microsoft.com/schema/{name}/2022-03-01-preview2")
}

pub(super) fn product_type(product: &ConfiguredProduct) -> &str {
    product.spec.kind.as_deref().unwrap_or("azureVirtualMachine")
}

pub(super) fn product(product: &ConfiguredProduct) -> Value {
    json!({
        "$schema": schema("product"),
        "id": format!("product/{}", product.id),
        "identity": { "externalId": product.spec.id },
        "type": product_type(product),
        "alias": product.spec.product_name.as_deref().unwrap_or(product.spec.id.as_str()),
    })
}

/// The draft, and what was published of it.
pub(super) fn submissions(product: &ConfiguredProduct) -> Vec<Value> {
    let own = format!("product/{}", product.id);
    let draft = json!({
        "$schema": schema("submission"),
        "id": format!("submission/{}/0", product.id),
        "product": own,
        "target": { "targetType": "draft" },
        "lifecycleState": "generallyAvailable",
    });
    let published = product.submissions.iter().map(|one| {
        json!({
            "$schema": schema("submission"),
            "id": format!("submission/{}/{}", product.id, one.id),
            "product": own,
            "target": { "targetType": one.target },
            "lifecycleState": one.lifecycle.as_deref().unwrap_or("generallyAvailable"),
            "status": one.status,
            "result": one.result,
            "created": one.created,
        })
    });
    std::iter::once(draft).chain(published).collect()
}

/// The status of a job. One client takes no field that it does not know, so there is no `$schema`.
pub(super) fn job_status(job: &ConfigureJob) -> Value {
    json!({
        "jobId": job.id,
        "jobStatus": job.status,
        "jobResult": job.result,
        "jobStart": job.start,
        "jobEnd": job.end.map_or_else(|| OPEN.to_owned(), |end| end.to_string()),
        "errors": [],
    })
}

/// What a completed job has done.
pub(super) fn job_detail(configured: &ConfiguredProducts, job: &ConfigureJob) -> Value {
    let product = configured.product(&job.product).map(product);
    json!({ "$schema": schema("configure"), "resources": product.into_iter().collect::<Vec<_>>() })
}

/// A product with its submission for a target.
pub(super) fn resource_tree(of: &ConfiguredProduct, target: &str) -> Value {
    let submission = submissions(of).into_iter().find(|one| one["target"]["targetType"] == target);
    let resources: Vec<Value> = std::iter::once(product(of)).chain(submission).collect();
    json!({
        "$schema": schema("resource-tree"),
        "root": format!("product/{}", of.id),
        "target": { "targetType": target },
        "resources": resources,
    })
}
