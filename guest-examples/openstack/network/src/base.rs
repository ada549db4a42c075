//! What every Neutron has, or nearly every one.

use runner_guest::{Outcome, Place, Row, RuleError, Target};

use crate::{ROW, port};

pub const ROWS: &[Row] = &[
    ROW.kind("network.floating_ip", "/v2.0/floatingips")
        .beside("its port forwardings")
        .names(&["/description"])
        .tags("/tags")
        .owners(&[
            ("network.port", "/port_id"),
            ("network.port", "/port_forwardings/*/internal_port_id"),
        ])
        // Its port can go before it, and then its router can. Its port forwardings hold it, and go with their ports.
        .before(&[
            ("network.network", "/floating_network_id"),
            ("network.qos_policy", "/qos_policy_id"),
        ])
        .after(&[("network.port", "/port_forwardings/*/internal_port_id")]),
    ROW.kind("network.trunk", "/v2.0/trunks")
        .tags("/tags")
        .optional()
        .owners(&[("network.port", "/port_id")])
        .before(&[
            ("network.port", "/port_id"),
            ("network.port", "/sub_ports/*/port_id"),
        ]),
    port::PORT,
    // Its gateway goes with it. Its extra routes hold the interfaces through which they lead.
    ROW.kind("network.router", "/v2.0/routers")
        .requests(&["PUT {self} {\"router\":{\"routes\":[]}}", "DELETE {self}"])
        .tags("/tags")
        .sees(&["/routes/*/destination"])
        .delete_by(delete_router)
        .before(&[
            ("network.network", "/external_gateway_info/network_id"),
            (
                "network.subnet",
                "/external_gateway_info/external_fixed_ips/*/subnet_id",
            ),
            ("network.qos_policy", "/external_gateway_info/qos_policy_id"),
            ("network.flavor", "/flavor_id"),
        ]),
    // A network would take its subnets along, but not ask whose they are.
    ROW.kind("network.subnet", "/v2.0/subnets")
        .taken_by(&["network.network"])
        .tags("/tags")
        .owners(&[("network.network", "/network_id")])
        .before(&[
            ("network.network", "/network_id"),
            ("network.segment", "/segment_id"),
            ("network.subnet_pool", "/subnetpool_id"),
        ]),
    ROW.kind("network.network", "/v2.0/networks")
        .shared_if(&[("/shared", "true"), ("/router:external", "true")])
        .tags("/tags")
        .before(&[("network.qos_policy", "/qos_policy_id")]),
    ROW.kind("network.subnet_pool", "/v2.0/subnetpools")
        .shared_if(SHARED)
        .tags("/tags")
        .conflicts(&[400])
        .before(&[("network.address_scope", "/address_scope_id")]),
    ROW.kind("network.address_scope", "/v2.0/address-scopes")
        .shared_if(SHARED)
        .optional(),
    ROW.kind("network.address_group", "/v2.0/address-groups")
        .shared_if(SHARED)
        .optional(),
    // Rules go with their group, and so do the rules of other groups that name it as remote, which does not hold it: so those groups
    // go first. Asked for one project's groups, Neutron first makes it a default group, even if the project is gone: so they are
    // asked for without that.
    ROW.kind("network.security_group", "/v2.0/security-groups")
        .query("limit=100")
        .shared_if(SHARED)
        .beside("its rules")
        .scoped("", "")
        .given_names(&["default"])
        .tags("/tags")
        .optional()
        // Whenever a port of the project is changed, even by Nova while it deletes a server, Neutron makes a default group again.
        .last_of(&["compute.server", "network.port"])
        .before(&[
            (
                "network.security_group",
                "/security_group_rules/*/remote_group_id",
            ),
            (
                "network.address_group",
                "/security_group_rules/*/remote_address_group_id",
            ),
        ]),
    // What is shared takes the policies along. By itself a policy is refused while others use what it shares.
    ROW.kind("network.rbac_policy", "/v2.0/rbac-policies")
        .beside("what the other project may use by it")
        .names(&[])
        .optional()
        .goes_with(RBAC_OBJECTS),
    ROW.kind("network.qos_policy", "/v2.0/qos/policies")
        .shared_if(SHARED)
        .beside("its rules")
        .tags("/tags")
        .optional(),
    Row::rest("network.quota", "/v2.0/quotas")
        .at("/quota")
        .one_for_each("identity.project")
        .stays_listed(),
];

/// With all projects, or by RBAC policies with some.
const SHARED: &[(&str, &str)] = &[("/shared", "true")];

const RBAC_OBJECTS: &[Place] = &[
    ("network.network", "/object_id"),
    ("network.qos_policy", "/object_id"),
    ("network.security_group", "/object_id"),
    ("network.address_scope", "/object_id"),
    ("network.address_group", "/object_id"),
    ("network.subnet_pool", "/object_id"),
    ("network.bgpvpn", "/object_id"),
];

fn delete_router(router: &Target) -> Result<Outcome, RuleError> {
    if router.object.has_any("/routes") {
        router.send(0)?;
    }
    router.finish(1)
}
