//! Ironic.
//!
//! A node takes along its ports, port groups, volume connectors and targets. What is asked for by fields comes without the
//! settings of the hardware, which can be long; of nodes Ironic hands out no fields that name chassis and allocation.

use runner_guest::{Outcome, Paging, Place, Row, RuleError, Table, Target};

runner_guest::rules!(Table {
    service: "baremetal",
    rows: KINDS
});

static KINDS: &[Row] = &[
    // The link to the next page forgets `include_children`. A server or an allocation on it would lose it in silence while it is
    // in maintenance.
    Row::new(
        "baremetal.node",
        "/v1/nodes/detail?limit=100&include_children=true",
        "/nodes",
        &[UNDEPLOY, MANAGE, "DELETE /v1/nodes/{id}"],
    )
    .refused_if(&[("/protected", "true", "it is protected")])
    .beside("its traits, BIOS settings, inventory and history")
    .scoped("", "owner={project}")
    .paged(Paging::Marker("marker"))
    .microversion("1.83")
    .id("/uuid")
    .project("/owner")
    .before(&[
        ("baremetal.node", "/parent_node"),
        ("baremetal.chassis", "/chassis_uuid"),
    ])
    .after(&[("compute.server", "/instance_uuid")])
    .sees(&["/provision_state"])
    .delete_by(delete_node),
    // 400: there are nodes in it.
    Row::new(
        "baremetal.chassis",
        "/v1/chassis?limit=1000&fields=uuid,description,created_at",
        "/chassis",
        &["DELETE /v1/chassis/{id}"],
    )
    .cloud_wide()
    .microversion("1.8")
    .id("/uuid")
    .names(&["/description"])
    .conflicts(&[400]),
    Row::new(
        "baremetal.port",
        "/v1/ports?limit=1000&fields=uuid,name,node_uuid,portgroup_uuid,created_at",
        "/ports",
        &["DELETE /v1/ports/{id}"],
    )
    .cloud_wide()
    .microversion("1.88")
    .id("/uuid")
    .part_of(NODE)
    .after(NODE)
    .before(&[("baremetal.portgroup", "/portgroup_uuid")])
    .optional(),
    // 400: there are ports in it.
    Row::new(
        "baremetal.portgroup",
        "/v1/portgroups?limit=1000&fields=uuid,name,node_uuid,created_at",
        "/portgroups",
        &["DELETE /v1/portgroups/{id}"],
    )
    .cloud_wide()
    .microversion("1.23")
    .id("/uuid")
    .part_of(NODE)
    .after(NODE)
    .conflicts(&[400])
    .optional(),
    // 400: its node is on.
    Row::new(
        "baremetal.volume_connector",
        "/v1/volume/connectors?limit=1000&fields=uuid,node_uuid,created_at",
        "/connectors",
        &["DELETE /v1/volume/connectors/{id}"],
    )
    .cloud_wide()
    .microversion("1.32")
    .id("/uuid")
    .names(&[])
    .part_of(NODE)
    .after(NODE)
    .conflicts(&[400])
    .optional(),
    Row::new(
        "baremetal.volume_target",
        "/v1/volume/targets?limit=1000&fields=uuid,node_uuid,created_at",
        "/targets",
        &["DELETE /v1/volume/targets/{id}"],
    )
    .cloud_wide()
    .microversion("1.32")
    .id("/uuid")
    .names(&[])
    .part_of(NODE)
    .after(NODE)
    .conflicts(&[400])
    .optional(),
    Row::new(
        "baremetal.allocation",
        "/v1/allocations?limit=1000&fields=uuid,name,node_uuid,owner,created_at",
        "/allocations",
        &["DELETE /v1/allocations/{id}"],
    )
    .beside("its node's instance, which it sets")
    .scoped("", "owner={project}")
    .microversion("1.60")
    .id("/uuid")
    .project("/owner")
    .owners(NODE)
    .before(NODE)
    .optional(),
    Row::new(
        "baremetal.deploy_template",
        "/v1/deploy_templates?limit=1000&fields=uuid,name,created_at",
        "/deploy_templates",
        &["DELETE /v1/deploy_templates/{id}"],
    )
    .cloud_wide()
    .microversion("1.55")
    .id("/uuid")
    .optional(),
    Row::new(
        "baremetal.runbook",
        "/v1/runbooks?limit=1000&fields=uuid,name,owner,public,created_at",
        "/runbooks",
        &["DELETE /v1/runbooks/{id}"],
    )
    .shared_if(&[("/public", "true")])
    .scoped("", "")
    .microversion("1.92")
    .id("/uuid")
    .project("/owner")
    .optional(),
    // The link to the next page leads to another collection.
    Row::new(
        "baremetal.inspection_rule",
        "/v1/inspection_rules?limit=1000&detail=true",
        "/inspection_rules",
        &["DELETE /v1/inspection_rules/{id}"],
    )
    .cloud_wide()
    .paged(Paging::Marker("marker"))
    .microversion("1.96")
    .id("/uuid")
    .names(&["/description"])
    .optional(),
];

const NODE: &[Place] = &[("baremetal.node", "/node_uuid")];

const UNDEPLOY: &str = r#"PUT /v1/nodes/{id}/states/provision {"target":"deleted"}"#;
const MANAGE: &str = r#"PUT /v1/nodes/{id}/states/provision {"target":"manage"}"#;

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

const NOW: &str = "/v1/nodes/{id}?fields=provision_state,instance_uuid";
