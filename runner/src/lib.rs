//! `runner` deletes exactly what one task left behind in a cloud.
//!
//! ```text
//!   floor 4   main.rs ──► cli ──────────────► report
//!                          │ └──► config
//!   floor 3              engine  (survey → plan → purge → verify)          case   lock
//!                          │
//!   floor 2              guest     the only place that knows wasmtime
//!                          │
//!   floor 1   registry ──► cloud     the only place that knows HTTP and Keystone        audit
//!
//!   ground    name   resource   plan   event   rule   signature     pure: no I/O, no clock, no environment
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
pub mod guest;
pub mod lock;
pub mod name;
pub mod plan;
pub mod registry;
pub mod report;
pub mod resource;
pub mod rule;
pub mod signature;
