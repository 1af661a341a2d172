//! Declarative reconciler for pending operations of Azure Marketplace offers.
//!
//! Publishers start operations that take days. When one should not go on, its offer is marked
//! in a YAML file, the change is reviewed, and what was reviewed is carried out:
//!
//! ```text
//! desired (YAML, pure) ─┐
//!                       ├─► plan (pure) ─► report (pure: text, JSON, Markdown) ─► GitHub
//! live (portal, HTTP) ──┘        └─► apply (HTTP) ─► outcome ─► report
//! ```
//!
//! [`domain`], [`desired`], [`plan`], [`outcome`], [`status`] and [`report`] are pure: data in, data out.
//! [`identity`] signs in, [`portal`] talks to the portal, [`apply`] carries a plan out on it, [`github`] puts reports
//! on pull requests, all three by the one [`http_client`], and [`secrets`] keeps what they sign in by out of every text;
//! [`emulator`] is a portal to try things on. [`commands`] puts them together,
//! [`cli`] is the command line in front of them.

pub mod apply;
pub mod cli;
pub mod commands;
pub mod desired;
pub mod domain;
pub mod emulator;
pub mod github;
pub mod http_client;
pub mod identity;
pub mod outcome;
pub mod plan;
pub mod portal;
pub mod report;
pub mod secrets;
pub mod status;
