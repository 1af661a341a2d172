//! The portal's API over real HTTP, for trying things out and for tests.
//!
//! Owns a portal of its own: a readable state file, a state machine that moves with a clock,
//! and faults on demand. Shares nothing with the client but the documents of the wire, so
//! that it can't be right by being wrong in the same way.

mod api;
mod clock;
mod control;
mod exchange;
mod faults;
mod scenario;
mod server;
mod world;

pub use scenario::{Scenario, ScenarioError};
pub use server::{Emulator, LoggedRequest};
