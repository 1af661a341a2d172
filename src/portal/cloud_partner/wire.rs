//! The documents of the Cloud Partner Portal publishing API, version 2017-10-31, as they
//! travel.
//!
//! Owns field names. Reading is tolerant: of a field that is not needed to decide anything,
//! a value of another type is as good as none. The emulator writes what is declared here.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

/// The version of the API, the `api-version` of every call.
pub const API_VERSION: &str = "2017-10-31";

/// A running or finished operation, as `GET …/submissions/` lists it. The API's pages give
/// two spellings; both are here.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Submission {
    /// The operation's id.
    pub id: String,
    /// The offer's GUID, not the id in its address.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub offer_id: Option<String>,
    /// Which version of the offer.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub offer_version: Option<u64>,
    /// The kind of offer.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub offer_type_id: Option<String>,
    /// Whose offer it is.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub publisher_id: Option<String>,
    /// `publish`, `golive`.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub submission_type: Option<String>,
    /// The state, by the page's example.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub submission_state: Option<String>,
    /// The state, by the page's table.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// How often the offer was published.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub publishing_version: Option<u64>,
    /// `draft`, `staging`, `preview`, `production`.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub slot: Option<String>,
    /// A counter past 2^53.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The last change, by the page's example.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub changed_time: Option<String>,
    /// The start, by the page's table.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub created_date_time: Option<String>,
    /// The last change, by the page's table.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub last_action_date_time: Option<String>,
}

/// What an operation, or a step of one, has to say.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// HTML written by the service: untrusted.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub message_html: Option<String>,
    /// `error`, `warning`, `information`.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// When.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
}

/// A step of an operation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepDocument {
    /// How long it takes, in words.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub estimated_time_frame: Option<String>,
    /// `displaycertify` and the like.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub step_name: Option<String>,
    /// What it does.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its status word.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// How far it has come.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub progress_percentage: Option<f64>,
    /// What it has to say.
    #[serde(default, deserialize_with = "lenient_list")]
    pub messages: Vec<Message>,
}

/// An operation, as `GET …/operations/{id}` describes it: an object, or an array of one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OperationDocument {
    /// Its status word.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// What it has to say.
    #[serde(default, deserialize_with = "lenient_list")]
    pub messages: Vec<Message>,
    /// How often the offer was published.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub publishing_version: Option<u64>,
    /// Which version of the offer.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub offer_version: Option<u64>,
    /// Whether it can be cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancellation_request_state: Option<serde_json::Value>,
    /// Its steps, in order.
    #[serde(default, deserialize_with = "lenient_list")]
    pub steps: Vec<StepDocument>,
}

/// An offer, as `GET …/offers` lists it.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ListedOfferDocument {
    /// Its GUID by the API's page, its readable id in the page's example.
    #[serde(default, deserialize_with = "lenient")]
    pub id: Option<String>,
    /// Whose offer it is.
    #[serde(default, rename = "publisherId", deserialize_with = "lenient")]
    pub publisher_id: Option<String>,
    /// Its status word.
    #[serde(default, deserialize_with = "lenient")]
    pub status: Option<String>,
    /// What kind of offer it is.
    #[serde(default, rename = "offerTypeId", deserialize_with = "lenient")]
    pub offer_type_id: Option<String>,
    /// What it consists of.
    #[serde(default, deserialize_with = "lenient")]
    pub definition: Option<OfferDefinition>,
}

/// What an offer consists of, as far as a list of offers shows it.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct OfferDefinition {
    /// Its name for people.
    #[serde(default, rename = "displayText", deserialize_with = "lenient")]
    pub display_text: Option<String>,
}

/// A value of the wanted type, or none.
fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

/// The items of the wanted type of a list, or no items.
fn lenient_list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    Ok(lenient::<D, Vec<serde_json::Value>>(deserializer)?
        .unwrap_or_default()
        .into_iter()
        .filter_map(|item| serde_json::from_value(item).ok())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_another_type_is_as_good_as_none() {
        let text = r#"{"id": "a", "version": 1e300, "changedTime": 5, "submissionType": null, "offerVersion": "1"}"#;
        let submission: Submission = serde_json::from_str(text).expect("tolerant");
        assert_eq!(submission.id, "a");
        assert_eq!(submission.changed_time, None);
        let text = r#"{"status": 1, "messages": "none", "steps": [{"progressPercentage": "5"}, 3]}"#;
        let operation: OperationDocument = serde_json::from_str(text).expect("tolerant");
        assert_eq!(operation.steps.len(), 1);
    }
}
