//! Neutron.
//!
//! Ports, floating IPs and RBAC policies often have no name: they belong to whatever uses them. A router's interface is
//! a port that only the router can remove.

use runner_guest::{
    Object, Outcome, Owner, Place, Relation, Row, RuleError, Step, Table, Target, Thing,
};

runner_guest::rules!(Table {
    service: "network",
    rows: KINDS
});

static KINDS: &[Row] = &[
    Row::new(
        "network.floating_ip",
        "/v2.0/floatingips?limit=1000",
        "/floatingips",
        &["DELETE /v2.0/floatingips/{id}"],
    )
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
    .tags("/tags")
    .optional()
    .owners(&[("network.port", "/port_id")])
    .before(&[
        ("network.port", "/port_id"),
        ("network.port", "/sub_ports/*/port_id"),
    ]),
    Row::new(
        "network.port",
        "/v2.0/ports?limit=1000",
        "/ports",
        &[
            "PUT /v2.0/routers/{/device_id}/remove_router_interface {\"port_id\":\"{id}\"}",
            "DELETE /v2.0/ports/{id}",
        ],
    )
    .given_names(&["octavia-lb-*"])
    .tags("/tags")
    .owners_by(PORT_OWNERS, port_owners)
    .order_by(port_order)
    .delete_by(delete_port),
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
    .delete_by(delete_router)
    .before(&[
        ("network.network", "/external_gateway_info/network_id"),
        (
            "network.subnet",
            "/external_gateway_info/external_fixed_ips/*/subnet_id",
        ),
        ("network.qos_policy", "/external_gateway_info/qos_policy_id"),
    ]),
    // A network would take its subnets along, but not ask whose they are.
    Row::new(
        "network.subnet",
        "/v2.0/subnets?limit=1000",
        "/subnets",
        &["DELETE /v2.0/subnets/{id}"],
    )
    .tags("/tags")
    .owners(&[("network.network", "/network_id")])
    .before(&[
        ("network.network", "/network_id"),
        ("network.subnet_pool", "/subnetpool_id"),
    ]),
    Row::new(
        "network.network",
        "/v2.0/networks?limit=1000",
        "/networks",
        &["DELETE /v2.0/networks/{id}"],
    )
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
    .optional(),
    Row::new(
        "network.address_group",
        "/v2.0/address-groups?limit=1000",
        "/address_groups",
        &["DELETE /v2.0/address-groups/{id}"],
    )
    .optional(),
    // Rules go with their group, and a rule that refers to another group does not hold it. Asked for one project's groups,
    // Neutron first makes it a default group, even if the project is gone: so they are asked for without that.
    Row::new(
        "network.security_group",
        "/v2.0/security-groups?limit=1000",
        "/security_groups",
        &["DELETE /v2.0/security-groups/{id}"],
    )
    .scoped("", "")
    .given_names(&["default"])
    .tags("/tags")
    .optional()
    // Whenever a port of the project is changed, even by Nova while it deletes a server, Neutron makes a default group again.
    .last_of(&["compute.server", "network.port"])
    .before(&[(
        "network.address_group",
        "/security_group_rules/*/remote_address_group_id",
    )]),
    // What is shared takes the policies along. By itself a policy is refused while others use what it shares.
    Row::new(
        "network.rbac_policy",
        "/v2.0/rbac-policies?limit=1000",
        "/rbac_policies",
        &["DELETE /v2.0/rbac-policies/{id}"],
    )
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

const PORT_OWNERS: &[Place] = &[
    ("network.router", "/device_id"),
    ("network.floating_ip", "/device_id"),
    ("network.trunk", "/device_id"),
    ("network.network", "/network_id"),
    ("compute.server", "/device_id"),
    ("load_balancer.load_balancer", "/device_id"),
    ("load_balancer.amphora", "/name"),
];

/// What a port holds.
const HELD: &[Place] = &[
    ("network.network", "/network_id"),
    ("network.subnet", "/fixed_ips/*/subnet_id"),
    ("network.security_group", "/security_groups/*"),
    ("network.qos_policy", "/qos_policy_id"),
];

const RBAC_OBJECTS: &[Place] = &[
    ("network.network", "/object_id"),
    ("network.qos_policy", "/object_id"),
    ("network.security_group", "/object_id"),
    ("network.address_scope", "/object_id"),
    ("network.address_group", "/object_id"),
    ("network.subnet_pool", "/object_id"),
];

/// What uses a port, by its `device_owner` and `device_id`, or by the name that Octavia gives the ports of an amphora.
fn device(port: &Object) -> Option<Thing> {
    if let Some(id) = amphora(port) {
        return Some(Thing {
            kind: "load_balancer.amphora".to_owned(),
            id: id.to_owned(),
        });
    }
    let (device_owner, id) = (port.text("/device_owner")?, port.text("/device_id")?);
    let (kind, id) = match device_owner {
        _ if goes_with_network(port) => ("network.network", port.text("/network_id")?),
        "network:floatingip" => ("network.floating_ip", id),
        "trunk:subport" => ("network.trunk", id),
        "Octavia" | "ovn-lb-vip" => (
            "load_balancer.load_balancer",
            id.strip_prefix("lb-").unwrap_or(id),
        ),
        _ if device_owner.starts_with("network:router") || is_interface(port) => {
            ("network.router", id)
        }
        _ if device_owner.starts_with("compute:") || device_owner.starts_with("baremetal:") => {
            ("compute.server", id)
        }
        _ => return None,
    };
    Some(Thing {
        kind: kind.to_owned(),
        id: id.to_owned(),
    })
}

/// Nova becomes the device owner of such a port, for the server that the amphora is: nobody but Octavia says whose that is.
fn amphora(port: &Object) -> Option<&str> {
    let name = port.text("/name")?;
    let prefixes = ["octavia-lb-vrrp-", "octavia-lb-member-"];
    prefixes.iter().find_map(|prefix| name.strip_prefix(prefix))
}

/// Neutron's own ports for DHCP, metadata and floating IPs: they hold neither their subnet nor their network, which takes
/// them along. One that is deleted before is made again.
fn goes_with_network(port: &Object) -> bool {
    matches!(
        port.text("/device_owner"),
        Some("network:dhcp" | "network:distributed" | "network:floatingip_agent_gateway")
    )
}

/// A router's ports on the networks it connects. It has others, for its gateway and for high availability, which go with it.
fn is_interface(port: &Object) -> bool {
    matches!(
        port.text("/device_owner"),
        Some(
            "network:router_interface"
                | "network:router_interface_distributed"
                | "network:ha_router_replicated_interface"
        )
    )
}

fn port_owners(port: &Object) -> Vec<Owner> {
    device(port)
        .map(|owner| Owner {
            relation: Relation::NamedBy,
            owner,
        })
        .into_iter()
        .collect()
}

/// A router's interfaces go before the router; every other used port goes with what uses it, or after it.
fn port_order(port: &Object) -> Vec<Step> {
    let user = device(port).map(|user| {
        if is_interface(port) {
            Step::Before(user)
        } else {
            Step::After(user)
        }
    });
    let held = if goes_with_network(port) {
        Vec::new()
    } else {
        port.things(HELD)
    };
    held.into_iter().map(Step::Before).chain(user).collect()
}

fn delete_port(port: &Target) -> Result<Outcome, RuleError> {
    if is_interface(&port.object) {
        remove_interface(port)
    } else {
        port.finish(1)
    }
}

/// An interface that an extra route leads through can go only when its router has lost the route: the router is in the way.
fn remove_interface(port: &Target) -> Result<Outcome, RuleError> {
    match port.finish(0) {
        Err(RuleError::Conflict(why)) if why.contains("routes") => {
            Ok(Outcome::Blocked(device(&port.object).into_iter().collect()))
        }
        other => other,
    }
}

fn delete_router(router: &Target) -> Result<Outcome, RuleError> {
    if router.object.has_any("/routes") {
        router.send(0)?;
    }
    router.finish(1)
}
