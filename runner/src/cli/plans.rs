//! Saved plans as files.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use crate::plan::{PLAN_VERSION, Plan};
use crate::resource::ThingRef;

use super::failure::Failure;

/// Reads a saved plan.
///
/// # Errors
/// If it is no plan, one of another version, or one that names a thing twice.
pub(super) fn load(file: &Path) -> Result<Plan, Failure> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let unreadable =
        |why: String| Failure::usage(format!("the plan {} cannot be read: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(error.to_string()))?;
    let Versioned { version } =
        serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
    if version != PLAN_VERSION {
        return Err(unreadable(format!(
            "it has version {version}, and this runner knows version {PLAN_VERSION}"
        ))
        .hint("make the plan anew, with --dry-run --plan-out"));
    }
    let plan: Plan = serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
    let things: BTreeSet<&ThingRef> = plan.items.iter().map(|item| &item.thing).collect();
    if things.len() != plan.items.len() {
        return Err(unreadable("it names a thing twice".to_owned()));
    }
    Ok(plan)
}
