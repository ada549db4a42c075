//! Zun.
//!
//! An administrator's deletion finds a thing in any project, his listing only if it is asked for all of them.

use runner_guest::{Outcome, Row, RuleError, Target};

runner_guest::rules!("container", KINDS);

/// Asks an administrator's listing for all projects.
const ALL: &str = "all_projects=true";

const ROW: Row = Row::PLAIN.query("limit=1000").id("/uuid");

static KINDS: &[Row] = &[
    ROW.kind("container.container", "/v1/containers")
        .requests(&["DELETE {self}?force=true", "DELETE {self}?stop=true"])
        .beside("the ports and volumes that Zun made for it")
        .scoped(ALL, "all_projects=true&project_id={project}")
        .own_if_denied()
        // 1.12 knows `stop`, 1.31 `registry_id`.
        .microversion("1.31")
        .lingers()
        .before(&[("container.registry", "/registry_id")])
        .delete_by(delete_running),
    ROW.kind("container.capsule", "/v1/capsules")
        .beside("the ports and volumes that Zun made for it")
        // There is no filter by project, and nobody is denied `all_projects`.
        .scoped(ALL, ALL)
        // 1.32 calls its name `name`.
        .microversion("1.32")
        .lingers(),
    ROW.kind("container.registry", "/v1/registries")
        .scoped(ALL, "all_projects=true&project_id={project}")
        .own_if_denied()
        .microversion("1.31"),
    Row::rest("container.quota", "/v1/quotas")
        .at("")
        .one_for_each("identity.project")
        .project("")
        .stays_listed(),
];

/// One that runs is refused (409). Only an administrator may force that; its owner has it stopped first.
fn delete_running(container: &Target) -> Result<Outcome, RuleError> {
    match container.finish(0) {
        Err(RuleError::Denied(_)) => container.finish(1),
        other => other,
    }
}
