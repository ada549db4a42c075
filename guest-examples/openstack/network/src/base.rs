//! What every Neutron has, or nearly every one.

use runner_guest::{Outcome, Place, Row, RuleError, Target};

use crate::port;

pub const ROWS: &[Row] = &[
    Row::new(
        "network.floating_ip",
        "/v2.0/floatingips?limit=1000",
        "/floatingips",
        &["DELETE /v2.0/floatingips/{id}"],
    )
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
    Row::new(
        "network.trunk",
        "/v2.0/trunks?limit=1000",
        "/trunks",
        &["DELETE /v2.0/trunks/{id}"],
    )
    .shared_if(SHARED)
    .beside("its rules")
    .shared_if(&[("/shared", "true"), ("/router:external", "true")])
    .tags("/tags")
    .optional()
    .owners(&[("network.port", "/port_id")])
    .before(&[
        ("network.port", "/port_id"),
        ("network.port", "/sub_ports/*/port_id"),
    ]),
    port::PORT,
    // Its gateway goes with it. Its extra routes hold the interfaces through which they lead.
    Row::new(
        "network.router",
        "/v2.0/routers?limit=1000",
        "/routers",
        &[
            "PUT /v2.0/routers/{id} {\"router\":{\"routes\":[]}}",
            "DELETE /v2.0/routers/{id}",
        ],
    )
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
    Row::new(
        "network.subnet",
        "/v2.0/subnets?limit=1000",
        "/subnets",
        &["DELETE /v2.0/subnets/{id}"],
    )
    .taken_by(&["network.network"])
    .tags("/tags")
    .owners(&[("network.network", "/network_id")])
    .before(&[
        ("network.network", "/network_id"),
        ("network.segment", "/segment_id"),
        ("network.subnet_pool", "/subnetpool_id"),
    ]),
    Row::new(
        "network.network",
        "/v2.0/networks?limit=1000",
        "/networks",
        &["DELETE /v2.0/networks/{id}"],
    )
    .shared_if(SHARED)
    .tags("/tags")
    .before(&[("network.qos_policy", "/qos_policy_id")]),
    Row::new(
        "network.subnet_pool",
        "/v2.0/subnetpools?limit=1000",
        "/subnetpools",
        &["DELETE /v2.0/subnetpools/{id}"],
    )
    .tags("/tags")
    .conflicts(&[400])
    .before(&[("network.address_scope", "/address_scope_id")]),
    Row::new(
        "network.address_scope",
        "/v2.0/address-scopes?limit=1000",
        "/address_scopes",
        &["DELETE /v2.0/address-scopes/{id}"],
    )
    .shared_if(SHARED)
    .optional(),
    Row::new(
        "network.address_group",
        "/v2.0/address-groups?limit=1000",
        "/address_groups",
        &["DELETE /v2.0/address-groups/{id}"],
    )
    .shared_if(SHARED)
    .optional(),
    // Rules go with their group, and so do the rules of other groups that name it as remote, which does not hold it: so those groups
    // go first. Asked for one project's groups, Neutron first makes it a default group, even if the project is gone: so they are
    // asked for without that.
    Row::new(
        "network.security_group",
        "/v2.0/security-groups?limit=100",
        "/security_groups",
        &["DELETE /v2.0/security-groups/{id}"],
    )
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
    Row::new(
        "network.rbac_policy",
        "/v2.0/rbac-policies?limit=1000",
        "/rbac_policies",
        &["DELETE /v2.0/rbac-policies/{id}"],
    )
    .beside("what the other project may use by it")
    .names(&[])
    .optional()
    .part_of(RBAC_OBJECTS)
    .after(RBAC_OBJECTS),
    Row::new(
        "network.qos_policy",
        "/v2.0/qos/policies?limit=1000",
        "/policies",
        &["DELETE /v2.0/qos/policies/{id}"],
    )
    .tags("/tags")
    .optional(),
    Row::new(
        "network.quota",
        "/v2.0/quotas/{parent}",
        "/quota",
        &["DELETE /v2.0/quotas/{id}"],
    )
    .under_deleted("identity.project")
    .id("")
    .names(&[])
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
