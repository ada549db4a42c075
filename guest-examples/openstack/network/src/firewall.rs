//! neutron-fwaas, version 2 of its API.
//!
//! Whoever lists groups or makes one first gets a group `default`, with policies and rules that all have given names. Asked
//! for one project's groups, it makes that project's: so they are asked for without that.

use runner_guest::{Outcome, Row, RuleError, Target};

const ROW: Row = crate::ROW.optional();

pub const ROWS: &[Row] = &[
    ROW.kind("network.firewall_group", "/v2.0/fwaas/firewall_groups")
        .requests(&[
            "PUT {self} {\"firewall_group\":{\"ports\":[]}}",
            "DELETE {self}",
        ])
        .shared_if(SHARED)
        .beside("what guards its ports")
        .scoped("", "")
        .given_names(&["default"])
        .tags("/tags")
        .sees(&["/ports"])
        .delete_by(delete_group)
        .before(&[
            ("network.firewall_policy", "/ingress_firewall_policy_id"),
            ("network.firewall_policy", "/egress_firewall_policy_id"),
        ]),
    ROW.kind("network.firewall_policy", "/v2.0/fwaas/firewall_policies")
        .shared_if(SHARED)
        .given_names(&["default ingress", "default egress"])
        .tags("/tags")
        .before(&[("network.firewall_rule", "/firewall_rules/*")]),
    ROW.kind("network.firewall_rule", "/v2.0/fwaas/firewall_rules")
        .shared_if(SHARED)
        .given_names(&[
            "default ingress ipv4",
            "default ingress ipv6",
            "default egress ipv4",
            "default egress ipv6",
        ])
        .tags("/tags"),
];

const SHARED: &[(&str, &str)] = &[("/shared", "true")];

/// A group that guards a port is refused (409), until it lets go of its ports.
fn delete_group(group: &Target) -> Result<Outcome, RuleError> {
    match group.finish(1) {
        Err(RuleError::Conflict(_)) if group.object.has_any("/ports") => {
            group.send(0)?;
            group.finish(1)
        }
        other => other,
    }
}
