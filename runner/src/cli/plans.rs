//! Saved plans as files.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use crate::plan::{PLAN_VERSION, Plan, PlanItem};

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
    // Ids alone are not always unique: two containers may each have an object of one name.
    let exactly = |item: &PlanItem| {
        (
            item.thing.clone(),
            item.project.clone(),
            item.parent.clone(),
        )
    };
    let things: BTreeSet<_> = plan.items.iter().map(exactly).collect();
    if things.len() != plan.items.len() {
        return Err(unreadable("it names a thing twice".to_owned()));
    }
    Ok(plan)
}
