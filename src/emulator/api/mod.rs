//! The APIs that the emulator speaks, one file each.
//!
//! Owns nothing but the list.

pub(super) mod cloud_partner;
