//! Ironic.
//!
//! A node takes along its ports, port groups, volume connectors and targets. What is asked for by fields comes without the
//! settings of the hardware, which can be long; of nodes Ironic hands out no fields that name chassis and allocation.

use runner_guest::{Outcome, Paging, Place, Row, RuleError, Target};

runner_guest::rules!("baremetal", KINDS);

const ROW: Row = Row::PLAIN.id("/uuid");

/// What is part of a node.
const PART: Row = ROW.cloud_wide().goes_with(NODE).optional();

static KINDS: &[Row] = &[
    // The link to the next page forgets `include_children`. A server or an allocation on it would lose it in silence while it is
    // in maintenance.
    ROW.kind("baremetal.node", "/v1/nodes")
        .detailed()
        .query("limit=100&include_children=true")
        .requests(&[UNDEPLOY, MANAGE, "DELETE {self}"])
        .refused_if(&[("/protected", "true", "it is protected")])
        .beside("its traits, BIOS settings, inventory and history")
        .scoped("", "owner={project}")
        .paged(Paging::Marker("marker"))
        .microversion("1.83")
        .project("/owner")
        .before(&[
            ("baremetal.node", "/parent_node"),
            ("baremetal.chassis", "/chassis_uuid"),
        ])
        .after(&[("compute.server", "/instance_uuid")])
        .sees(&["/provision_state"])
        .delete_by(delete_node),
    // 400: there are nodes in it.
    ROW.kind("baremetal.chassis", "/v1/chassis")
        .query("limit=1000&fields=uuid,description,created_at")
        .cloud_wide()
        .microversion("1.8")
        .names(&["/description"])
        .conflicts(&[400]),
    PART.kind("baremetal.port", "/v1/ports")
        .query("limit=1000&fields=uuid,name,node_uuid,portgroup_uuid,created_at")
        .microversion("1.88")
        .before(&[("baremetal.portgroup", "/portgroup_uuid")]),
    // 400: there are ports in it.
    PART.kind("baremetal.portgroup", "/v1/portgroups")
        .query("limit=1000&fields=uuid,name,node_uuid,created_at")
        .microversion("1.23")
        .conflicts(&[400]),
    // 400: its node is on.
    PART.kind("baremetal.volume_connector", "/v1/volume/connectors")
        .query("limit=1000&fields=uuid,node_uuid,created_at")
        .microversion("1.32")
        .names(&[])
        .conflicts(&[400]),
    PART.kind("baremetal.volume_target", "/v1/volume/targets")
        .query("limit=1000&fields=uuid,node_uuid,created_at")
        .microversion("1.32")
        .names(&[])
        .conflicts(&[400]),
    ROW.kind("baremetal.allocation", "/v1/allocations")
        .query("limit=1000&fields=uuid,name,node_uuid,owner,created_at")
        .beside("its node's instance, which it sets")
        .scoped("", "owner={project}")
        .microversion("1.60")
        .project("/owner")
        .owners(NODE)
        .before(NODE)
        .optional(),
    ROW.kind("baremetal.deploy_template", "/v1/deploy_templates")
        .query("limit=1000&fields=uuid,name,created_at")
        .cloud_wide()
        .microversion("1.55")
        .optional(),
    ROW.kind("baremetal.runbook", "/v1/runbooks")
        .query("limit=1000&fields=uuid,name,owner,public,created_at")
        .shared_if(&[("/public", "true")])
        .scoped("", "")
        .microversion("1.92")
        .project("/owner")
        .optional(),
    // The link to the next page leads to another collection.
    ROW.kind("baremetal.inspection_rule", "/v1/inspection_rules")
        .query("limit=1000&detail=true")
        .cloud_wide()
        .paged(Paging::Marker("marker"))
        .microversion("1.96")
        .names(&["/description"])
        .optional(),
];

const NODE: &[Place] = &[("baremetal.node", "/node_uuid")];

const UNDEPLOY: &str = r#"PUT {self}/states/provision {"target":"deleted"}"#;
const MANAGE: &str = r#"PUT {self}/states/provision {"target":"manage"}"#;

/// A node can be deleted in the states before a deployment, or in maintenance, and then in any. So one that bears an instance
/// is left alone in every case, one that bears none is undeployed, and one that failed is set back, until it can be deleted.
fn delete_node(node: &Target) -> Result<Outcome, RuleError> {
    if let Some(instance) = node.object.text("/instance_uuid") {
        let is_borne = node.fetch(NOW)?.text("/instance_uuid") == Some(instance);
        if is_borne {
            return Err(RuleError::Conflict(format!("it bears instance {instance}")));
        }
    }
    let refused = match node.finish(2) {
        Err(refused @ RuleError::Conflict(_)) => refused,
        done => return done,
    };
    let now = node.fetch(NOW)?;
    match now.text("/provision_state") {
        Some(
            "active" | "deploy failed" | "error" | "rescue" | "rescue failed" | "unrescue failed",
        ) if now.text("/instance_uuid").is_none() => node.send(0)?,
        Some("clean failed" | "inspect failed") => node.send(1)?,
        _ => return Err(refused),
    };
    Err(refused)
}

const NOW: &str = "{self}?fields=provision_state,instance_uuid";
