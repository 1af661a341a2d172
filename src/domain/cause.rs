//! The first cause of an error, which is what a person needs of a chain of them.
//!
//! Owns the walk down the chain.

use std::error::Error;

/// What the innermost error of a chain says: the outer ones only say that there was one.
#[must_use]
pub fn first_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
