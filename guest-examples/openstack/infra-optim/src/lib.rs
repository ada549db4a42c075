//! Watcher.
//!
//! Only administrators see it, and nothing in it belongs to a project. An action plan has no name and says which audit made it;
//! an audit does not say which template it was made of.

use runner_guest::{Outcome, Row, RuleError, Target};

runner_guest::rules!("resource-optimization", KINDS);

const ROW: Row = Row::PLAIN
    .detailed()
    .query("limit=1000")
    .cloud_wide()
    .id("/uuid");

static KINDS: &[Row] = &[
    // Its audit must still be there to speak for it: a plan whose audit has gone says `null`.
    ROW.kind("infra_optim.action_plan", "/v1/action_plans")
        .requests(&[CANCEL, INTERRUPT, "DELETE {self}"])
        .beside("its actions")
        .names(&[])
        .part_of(&[("infra_optim.audit", "/audit_uuid")])
        .conflicts(&[400])
        .sees(&["/state"])
        .delete_by(delete_plan),
    ROW.kind("infra_optim.audit", "/v1/audits")
        .requests(&[CANCEL_AUDIT, "DELETE {self}"])
        .conflicts(&[400])
        .sees(&["/audit_type", "/state"])
        .reads(&["/v1/action_plans"])
        .delete_by(delete_audit),
    ROW.kind("infra_optim.audit_template", "/v1/audit_templates"),
];

const CANCEL: &str = r#"PATCH {self} [{"op":"replace","path":"/state","value":"CANCELLED"}]"#;
const INTERRUPT: &str = r#"PATCH {self} [{"op":"replace","path":"/state","value":"CANCELLING"}]"#;
const CANCEL_AUDIT: &str = r#"PATCH {self} [{"op":"replace","path":"/state","value":"CANCELLED"}]"#;

/// A plan that waits for its turn is cancelled at once. One that is being carried out stops after the action that it is at,
/// and can be deleted then.
fn delete_plan(plan: &Target) -> Result<Outcome, RuleError> {
    let refused = match plan.finish(2) {
        Err(refused @ RuleError::Conflict(_)) => refused,
        done => return done,
    };
    match plan.fetch("{self}")?.text("/state") {
        Some("PENDING") => {
            plan.send(0)?;
            plan.finish(2)
        }
        Some("ONGOING") => {
            plan.send(1)?;
            Err(refused)
        }
        _ => Err(refused),
    }
}

/// What an audit makes after it was listed would be left behind, with nobody to speak for it. So one that was under way then
/// has to be at rest, and without a plan.
fn delete_audit(audit: &Target) -> Result<Outcome, RuleError> {
    if matches!(audit.object.text("/state"), Some("PENDING" | "ONGOING")) {
        stop(audit)?;
        let plans = audit.fetch("/v1/action_plans?audit_uuid={id}")?;
        if plans.has_any("/action_plans") {
            let made =
                "it has made an action plan since it was listed, and the next run deletes both";
            return Err(RuleError::Conflict(made.to_owned()));
        }
    }
    audit.finish(1)
}

/// One that runs once is waited for. One that has not begun, or that begins again and again, is cancelled.
fn stop(audit: &Target) -> Result<(), RuleError> {
    let now = audit.fetch("{self}")?;
    let begins_again = now.text("/audit_type") == Some("CONTINUOUS");
    match now.text("/state") {
        Some("ONGOING") if !begins_again => Err(RuleError::Conflict(
            "it is running, and will end".to_owned(),
        )),
        Some("PENDING" | "ONGOING") => audit.send(0).map(drop),
        _ => Ok(()),
    }
}
