//! Zun.
//!
//! An administrator's deletion finds a thing in any project, his listing only if it is asked for all of them.

use runner_guest::{Outcome, Row, RuleError, Table, Target};

runner_guest::rules!(Table {
    service: "container",
    rows: KINDS
});

/// Asks an administrator's listing for all projects.
const ALL: &str = "all_projects=true";

static KINDS: &[Row] = &[
    Row::new(
        "container.container",
        "/v1/containers?limit=1000",
        "/containers",
        &[
            "DELETE /v1/containers/{id}?force=true",
            "DELETE /v1/containers/{id}?stop=true",
        ],
    )
    .beside("the ports and volumes that Zun made for it")
    .scoped(ALL, "all_projects=true&project_id={project}")
    .own_if_denied()
    // 1.12 knows `stop`, 1.31 `registry_id`.
    .microversion("1.31")
    .id("/uuid")
    .lingers()
    .before(&[("container.registry", "/registry_id")])
    .delete_by(delete_running),
    Row::new(
        "container.capsule",
        "/v1/capsules?limit=1000",
        "/capsules",
        &["DELETE /v1/capsules/{id}"],
    )
    .beside("the ports and volumes that Zun made for it")
    // There is no filter by project, and nobody is denied `all_projects`.
    .scoped(ALL, ALL)
    // 1.32 calls its name `name`.
    .microversion("1.32")
    .id("/uuid")
    .lingers(),
    Row::new(
        "container.registry",
        "/v1/registries?limit=1000",
        "/registries",
        &["DELETE /v1/registries/{id}"],
    )
    .scoped(ALL, "all_projects=true&project_id={project}")
    .own_if_denied()
    .microversion("1.31")
    .id("/uuid"),
    Row::new(
        "container.quota",
        "/v1/quotas/{parent}",
        "",
        &["DELETE /v1/quotas/{id}"],
    )
    .under_deleted("identity.project")
    .id("")
    .names(&[])
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
