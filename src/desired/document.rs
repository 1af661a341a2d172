//! The shape of a desired-state file, as the JSON Schema tells it to editors.
//!
//! Owns names, descriptions and examples of the keys. What reads a file is `check`; a test
//! holds the two to the same keys.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{
    EmailAddress, JobId, OfferId, OfferPattern, OperationId, PortalKind, ProductId, ProductType, PublisherId,
    SchemaVersion, SellerId,
};

/// Desired state of offers of Azure Marketplace publishers: which pending operations are to be cancelled.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "cancel-pending desired state", example = example())]
#[schemars(extend("anyOf" = [{ "required": ["offers"] }, { "required": ["freezes"] }]))]
pub struct DesiredDocument {
    /// The portal of every offer below that names none. Absent: `cloud-partner`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "PortalKind")]
    pub portal: Option<PortalKind>,
    /// The publisher of every offer below that names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "PublisherId")]
    pub publisher: Option<PublisherId>,
    /// How Partner Center is asked, where it demands more than a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "PartnerCenterDocument")]
    pub partner_center: Option<PartnerCenterDocument>,
    /// How Product Ingestion is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "ProductIngestionDocument")]
    pub product_ingestion: Option<ProductIngestionDocument>,
    /// Who is told of a cancellation's progress, for every offer below that names nobody. Not
    /// part of the plan's output in full: reports show how many addresses at which host.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "Vec<EmailAddress>")]
    pub notification_emails: Option<Vec<EmailAddress>>,
    /// What a plan of this document may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "LimitsDocument")]
    pub limits: Option<LimitsDocument>,
    /// The offers. Those without `cancelPending: true` are left alone and cost no call.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "Vec<OfferDocument>", length(min = 1))]
    pub offers: Option<Vec<OfferDocument>>,
    /// Stops everything that matches, for a while. A document with a freeze sets `limits.maxCancels`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "Vec<FreezeDocument>", length(min = 1))]
    pub freezes: Option<Vec<FreezeDocument>>,
}

/// For a while, every running or queued operation of the offers that match is to be cancelled, whatever they are pinned
/// to. Only `except` and an explicit `cancelPending: false` keep an offer out. Not possible on `product-ingestion`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FreezeDocument {
    /// Which offers of the publisher: ids in which `*` stands for any characters and `?` for one. A pattern matches the
    /// whole id, whatever its letter case. One that matches no offer is an error.
    #[schemars(length(min = 1), example = ["contoso-*"])]
    pub offers: Vec<OfferPattern>,
    /// Which of them are left alone, in patterns like those of `offers`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "Vec<OfferPattern>", example = ["contoso-saas"])]
    pub except: Option<Vec<OfferPattern>>,
    /// From this moment on (RFC 3339, with its offset) the freeze does nothing.
    #[schemars(extend("format" = "date-time"), example = "2026-12-01T00:00:00Z")]
    pub expires: String,
    /// Why, for the reviewer: one line of text.
    #[schemars(length(max = 500), example = "Incident 4711")]
    pub reason: String,
    /// The publisher, where it is another than the document's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "PublisherId")]
    pub publisher: Option<PublisherId>,
    /// The portal, where it is another than the document's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "PortalKind")]
    pub portal: Option<PortalKind>,
}

/// How Partner Center is asked. Its API demanded each of these for some weeks in 2026.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PartnerCenterDocument {
    /// The number of the publisher's account, sent as `x-ms-publisherId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "SellerId", example = 1_234_567)]
    pub publisher_id: Option<SellerId>,
    /// The types of product among which offers are looked for, each in a list of its own. Absent: an offer is
    /// looked for by its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "Vec<ProductType>")]
    pub product_types: Option<Vec<ProductType>>,
}

/// How Product Ingestion is asked.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProductIngestionDocument {
    /// The newest version of its documents that is understood, sent as `$version`. Absent: `2022-03-01-preview2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "SchemaVersion", example = "2022-07-01")]
    pub version: Option<SchemaVersion>,
}

/// What a plan of this document may do.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LimitsDocument {
    /// The most cancellations that a plan may hold. A plan with more is refused as a whole:
    /// it is shown and can't be applied. Raising it is a reviewed change. Absent: 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "u32", range(min = 0), example = 5)]
    pub max_cancels: Option<u32>,
}

/// One offer.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OfferDocument {
    /// The offer's id, as in the addresses of the portal.
    pub id: OfferId,
    /// The offer's portal, where it is another than the document's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "PortalKind")]
    pub portal: Option<PortalKind>,
    /// The offer's publisher, where it is another than the document's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "PublisherId")]
    pub publisher: Option<PublisherId>,
    /// Pins the offer to one product, on a portal that has products: another product of this id is left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "ProductId")]
    pub product_id: Option<ProductId>,
    /// `true`: the operation that is pending on this offer is to be cancelled. Absent or
    /// `false`: whatever runs is left alone. The mark is a level, not an event: without
    /// `operationId` it cancels every later operation too, for as long as it stands here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "bool", example = true)]
    pub cancel_pending: Option<bool>,
    /// Pins the mark to one operation: this one is cancelled and no later one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "OperationId")]
    pub operation_id: Option<OperationId>,
    /// The configure job that is to be cancelled, on `product-ingestion`, whose cancel call names no other thing. It is
    /// what `configure` answered to whoever published, and in the log of the publishing tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "JobId")]
    pub job_id: Option<JobId>,
    /// From this moment on (RFC 3339, with its offset) the mark does nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "String", extend("format" = "date-time"), example = "2026-12-01T00:00:00Z")]
    pub expires: Option<String>,
    /// Who is told of this cancellation's progress, instead of the document's addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "Vec<EmailAddress>")]
    pub notification_emails: Option<Vec<EmailAddress>>,
    /// Why, for the reviewer: one line of text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(
        default,
        with = "String",
        length(max = 500),
        example = "Certification is blocked, the plan has no image"
    )]
    pub reason: Option<String>,
}

fn example() -> serde_json::Value {
    serde_json::json!({
        "publisher": "contoso",
        "notificationEmails": ["release@contoso.com"],
        "limits": { "maxCancels": 5 },
        "offers": [
            {
                "id": "contoso-virtualmachineoffer",
                "cancelPending": true,
                "operationId": "5a63deb5-925b-4ee0-938b-7c86fbf287c5",
                "expires": "2026-12-01T00:00:00Z",
                "reason": "Certification is blocked, the plan has no image",
            },
            { "id": "contoso-saas" },
        ],
    })
}
