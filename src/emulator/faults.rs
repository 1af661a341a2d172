//! Faults on demand: which call they hit, and how often still.
//!
//! Owns the counting. What a fault looks like on the wire is decided in `exchange`, `api` and `server`.

use super::api::CallSubject;
use super::scenario::{EmulatedCall, EmulatedPortal, FaultSpec};

#[derive(Debug)]
pub(super) struct Faults {
    all: Vec<(FaultSpec, u32, Option<u32>)>,
}

impl Faults {
    pub fn new(specs: Vec<FaultSpec>) -> Self {
        Self { all: specs.into_iter().map(|spec| (spec.clone(), spec.skip, spec.times)).collect() }
    }

    /// The fault that hits this call, if one does.
    pub fn hit(&mut self, portal: EmulatedPortal, call: EmulatedCall, subject: &CallSubject) -> Option<FaultSpec> {
        for (spec, skip, times) in &mut self.all {
            let meant = (spec.on == call || spec.on == EmulatedCall::Any)
                && spec.portal.is_none_or(|own| own == portal)
                && spec.publisher.as_ref().is_none_or(|id| id.as_str() == subject.publisher)
                && spec.offer.as_ref().is_none_or(|id| id.as_str() == subject.offer);
            if !meant || *times == Some(0) {
                continue;
            }
            if *skip > 0 {
                *skip -= 1;
                continue;
            }
            if let Some(times) = times {
                *times -= 1;
            }
            return Some(spec.clone());
        }
        None
    }
}
