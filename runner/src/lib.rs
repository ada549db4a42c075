//! `runner` deletes exactly what one task left behind in a cloud.
//!
//! ```text
//!   floor 5   main.rs ──► cli ──► config
//!                          │
//!   floor 4   report, records ──► run  (one sweep as a value, and its exit code)
//!                          │
//!   floor 3              engine  (survey → plan → purge → verify)          case   lock
//!                          │
//!   floor 2              guest     the only place that knows wasmtime
//!                          │
//!   floor 1   registry ──► cloud     the only place that knows HTTP and Keystone        audit
//!
//!   ground    name   resource   plan   event   rule   signature   unlooked   exit   text   pure: no I/O, no clock, no environment
//! ```
//!
//! Arrows go down only. `docs/architecture.md` is the guide to the house; `tests/architecture.rs` holds its walls up.

pub mod audit;
pub mod case;
pub mod cli;
pub mod cloud;
pub mod config;
pub mod engine;
pub mod event;
pub mod exit;
pub mod guest;
pub mod lock;
pub mod name;
pub mod plan;
pub mod records;
pub mod registry;
pub mod report;
pub mod resource;
pub mod rule;
pub mod run;
pub mod signature;
pub mod text;
pub mod unlooked;
