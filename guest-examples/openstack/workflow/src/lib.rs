//! Mistral.
//!
//! What has an id is deleted by it. Workbooks and environments are deleted by name, which Mistral looks up in the token's
//! project: so with a token for each.

use runner_guest::{Outcome, Row, RuleError, Target};

runner_guest::rules!("workflow", KINDS);

/// Asks an administrator's listing for all projects.
const ALL: &str = "all_projects=true";

/// All projects can use it.
const PUBLIC: &[(&str, &str)] = &[("/scope", "public")];

/// What a trigger starts cannot go before it (400).
const STARTED: &[(&str, &str)] = &[("workflow.workflow", "/workflow_id")];

const ROW: Row = Row::PLAIN.query("limit=1000");

static KINDS: &[Row] = &[
    ROW.kind("workflow.cron_trigger", "/v2/cron_triggers")
        .beside("its trust")
        .shared_if(PUBLIC)
        .scoped(ALL, "project_id={project}")
        .before(STARTED),
    ROW.kind("workflow.event_trigger", "/v2/event_triggers")
        .shared_if(PUBLIC)
        .scoped(ALL, "")
        .before(STARTED),
    // It bears the name of its workflow. The executions that it started go with it.
    ROW.kind("workflow.execution", "/v2/executions")
        .requests(&["DELETE {self}", "DELETE {self}?force=true"])
        .beside("its tasks and their actions")
        .scoped(ALL, "project_id={project}")
        .own_if_denied()
        .names(&["/workflow_name"])
        .goes_with(ROOT)
        .delete_by(delete_execution),
    ROW.kind("workflow.workflow", "/v2/workflows")
        .shared_if(PUBLIC)
        .scoped(ALL, "project_id={project}")
        .tags("/tags")
        .conflicts(&[400]),
    // The workflows and actions in it stay, under names that begin with its own.
    ROW.kind("workflow.workbook", "/v2/workbooks")
        .requests(&["DELETE {self}", "DELETE {self}?namespace={/namespace}"])
        .shared_if(PUBLIC)
        .by_project_token()
        .id("/name")
        .tags("/tags")
        .delete_by(delete_workbook),
    // An administrator is shown all projects' without asking.
    ROW.kind("workflow.action", "/v2/actions")
        .shared_if(PUBLIC)
        .scoped("", "")
        .tags("/tags"),
    ROW.kind("workflow.environment", "/v2/environments")
        .shared_if(PUBLIC)
        .by_project_token()
        .id("/name"),
];

const ROOT: &[(&str, &str)] = &[("workflow.execution", "/root_execution_id")];

/// Mistral answers 403 for an execution that is not completed, as if the credentials did not suffice. Older releases know
/// no force, and delete it in any state.
fn delete_execution(execution: &Target) -> Result<Outcome, RuleError> {
    match execution.finish(0) {
        Err(RuleError::Denied(_)) => execution.finish(1),
        other => other,
    }
}

fn delete_workbook(workbook: &Target) -> Result<Outcome, RuleError> {
    let is_in_namespace = workbook.object.text("/namespace").is_some();
    workbook.finish(usize::from(is_in_namespace))
}
