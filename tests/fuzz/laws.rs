//! The laws of `tests/properties`, for a fuzzer. Each target draws its input as they do there, but from bytes that follow the
//! coverage.

#[path = "../properties/audit.rs"]
pub mod audit;
#[path = "../properties/catalog.rs"]
pub mod catalog;
#[path = "../properties/clouds.rs"]
pub mod clouds;
#[path = "../properties/config.rs"]
pub mod config;
#[path = "../properties/draw.rs"]
mod draw;
#[path = "../properties/link.rs"]
pub mod link;
#[path = "../properties/lock.rs"]
pub mod lock;
#[path = "../properties/members.rs"]
pub mod members;
#[path = "../properties/names.rs"]
pub mod names;
#[path = "../properties/page.rs"]
pub mod page;
#[path = "../properties/path.rs"]
pub mod path;
#[path = "../properties/plan.rs"]
pub mod plan;
#[path = "../properties/reading.rs"]
pub mod reading;
#[path = "../properties/recorded.rs"]
pub mod recorded;
#[path = "../properties/retry_after.rs"]
pub mod retry_after;
#[path = "../properties/secrets.rs"]
pub mod secrets;
#[path = "../properties/template.rs"]
pub mod template;
