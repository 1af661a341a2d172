//! What a state file must hold to beyond its form.
//!
//! Owns those rules: a setting that would do nothing is a mistake.

use std::collections::BTreeSet;

use super::{EmulatedPortal, ListedBy, LocationStyle, OfferSpec, Scenario, Spelling};

/// The first mistake.
pub(super) fn check(scenario: &Scenario) -> Result<(), String> {
    for fault in &scenario.faults {
        if fault.status.is_some() == fault.connection.is_some() {
            return Err("every fault has either a `status` or a `connection`".to_owned());
        }
        if fault.status.is_some_and(|status| !(200..=599).contains(&status)) {
            return Err("the `status` of a fault is one from 200 to 599".to_owned());
        }
    }
    if !scenario.clock.speed.is_finite() || scenario.clock.speed < 0.0 {
        return Err("`clock.speed` is a number from 0 on".to_owned());
    }
    let settings = &scenario.partner_center;
    if [settings.page_size, settings.submission_page_size].contains(&Some(0)) {
        return Err("a page of `partnerCenter` has at least 1 entry".to_owned());
    }
    if scenario.product_ingestion.page_size == 0 {
        return Err("a page of `productIngestion` has at least 1 entry".to_owned());
    }
    if !(200..=299).contains(&settings.create_status) {
        return Err("`partnerCenter.createStatus` is one from 200 to 299".to_owned());
    }
    let (mut products, mut guids) = (BTreeSet::new(), BTreeSet::new());
    for offer in &scenario.offers {
        offer_is_of_its_portal(offer)?;
        if let Some(guid) = &offer.guid
            && !guids.insert(guid.to_lowercase())
        {
            return Err(format!("two offers have the GUID `{guid}`"));
        }
        if let Some(product) = &offer.product
            && !products.insert(product.to_lowercase())
        {
            return Err(format!("two offers have the product `{product}`"));
        }
    }
    Ok(())
}

fn offer_is_of_its_portal(offer: &OfferSpec) -> Result<(), String> {
    let id = &offer.id;
    match offer.portal {
        EmulatedPortal::CloudPartner => {
            let has_other = offer.product.is_some()
                || offer.product_name.is_some()
                || offer.external_ids.is_some()
                || !offer.submissions.is_empty()
                || !offer.jobs.is_empty();
            if has_other {
                return Err(format!(
                    "`{id}`: `product`, `productName`, `externalIds` and `submissions` need `portal: partner-center` or \
                     `product-ingestion`"
                ));
            }
            if offer.guid.as_deref().is_some_and(|guid| !is_guid(guid)) {
                return Err(format!("`{id}`: `guid` is no GUID"));
            }
            if offer.listed_by != ListedBy::Id && offer.guid.is_none() {
                return Err(format!("`{id}`: `listedBy` needs a `guid`"));
            }
        }
        EmulatedPortal::PartnerCenter | EmulatedPortal::ProductIngestion => {
            let has_other = offer.wrapped
                || !offer.migrated
                || offer.spelling != Spelling::default()
                || offer.location != LocationStyle::default()
                || offer.display_text.is_some()
                || offer.guid.is_some()
                || offer.listed_by != ListedBy::default()
                || !offer.operations.is_empty();
            if has_other {
                return Err(format!(
                    "`{id}`: `migrated`, `wrapped`, `spelling`, `location`, `displayText`, `guid`, `listedBy` and \
                     `operations` need `portal: cloud-partner`"
                ));
            }
            if !offer.product.as_deref().is_some_and(is_guid) {
                return Err(format!("`{id}`: `product` is missing, or is no GUID"));
            }
            words_are_of_their_portal(offer)?;
        }
    }
    Ok(())
}

/// The words of a submission are those of its API. In one of them, the same submission may stand for two targets.
fn words_are_of_their_portal(offer: &OfferSpec) -> Result<(), String> {
    let (id, mut ids) = (&offer.id, BTreeSet::new());
    let is_ingestion = offer.portal == EmulatedPortal::ProductIngestion;
    for one in &offer.submissions {
        let has_status = one.status.is_some() || one.result.is_some() || one.lifecycle_state.is_some();
        if has_status && !is_ingestion {
            return Err(format!("`{id}`: `status`, `result` and `lifecycleState` need `portal: product-ingestion`"));
        }
        if !ids.insert((one.id.as_str(), one.targets.as_ref().filter(|_| is_ingestion))) {
            return Err(format!("`{id}`: two submissions have the id `{}`", one.id));
        }
    }
    if !offer.jobs.is_empty() && !is_ingestion {
        return Err(format!("`{id}`: `jobs` need `portal: product-ingestion`"));
    }
    Ok(())
}

fn is_guid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
