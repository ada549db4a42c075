//! Ports: whom they belong to, and what goes before them.
//!
//! A port without a name belongs to what uses it. A router's interface is a port that only the router can remove.

use runner_guest::{
    Object, Outcome, Owner, Place, Relation, Row, RuleError, Step, Target, Thing, names,
};

use crate::ROW;

pub const PORT: Row = ROW
    .kind("network.port", "/v2.0/ports")
    .requests(&[
        "PUT /v2.0/routers/{/device_id}/remove_router_interface {\"port_id\":\"{id}\"}",
        "DELETE {self}",
    ])
    .given_names(&[
        "octavia-lb-{uuid}",
        "octavia-lb-vrrp-{uuid}",
        "octavia-lb-member-{uuid}",
        "ovn-lb-vip-{uuid}",
    ])
    .tags("/tags")
    .owners_by(PORT_OWNERS, port_owners)
    // Nova takes along only those that it made itself, and nothing shows which those are.
    .made_for(&[
        "compute.server",
        "load_balancer.load_balancer",
        "load_balancer.amphora",
    ])
    .taken_by(&[
        "network.router",
        "network.network",
        "network.floating_ip",
        "network.local_ip",
        "network.lbaas_load_balancer",
        "network.lb_vip",
    ])
    .holds(&[
        "network.subnet",
        "network.security_group",
        "network.qos_policy",
    ])
    .beside("lets go of its floating IPs")
    // These hold the router's interfaces too, and do not say which.
    .last_of(&["network.vpn_service", "network.ndp_proxy"])
    .sees(SEEN)
    .order_by(port_order)
    .delete_by(delete_port);

const PORT_OWNERS: &[Place] = &[
    ("network.router", "/device_id"),
    ("network.floating_ip", "/device_id"),
    ("network.trunk", "/device_id"),
    ("network.network", "/network_id"),
    ("compute.server", "/device_id"),
    ("load_balancer.load_balancer", "/device_id"),
    ("load_balancer.amphora", "/name"),
    ("network.local_ip", "/device_id"),
    ("network.lbaas_load_balancer", "/device_id"),
    ("network.lb_vip", "/name"),
];

/// What a port holds.
const HELD: &[Place] = &[
    ("network.network", "/network_id"),
    ("network.subnet", "/fixed_ips/*/subnet_id"),
    ("network.security_group", "/security_groups/*"),
    ("network.qos_policy", "/qos_policy_id"),
];

/// How it says what uses it, and what it holds.
const SEEN: &[&str] = &[
    "/device_owner",
    "/fixed_ips/*/subnet_id",
    "/security_groups/*",
    "/qos_policy_id",
];

/// What uses a port, by its `device_owner` and `device_id`, or by the name that a load balancer gives it.
fn device(port: &Object) -> Option<Thing> {
    let (kind, id) = named_after(port).or_else(|| used_by(port))?;
    Some(Thing {
        kind: kind.to_owned(),
        id: id.to_owned(),
    })
}

/// Nova becomes the device owner of an amphora's port, for the server that the amphora is: nobody but Octavia says whose that
/// is. The port of a VIP of LBaaS v1 has no device owner.
fn named_after(port: &Object) -> Option<(&'static str, &str)> {
    const NAMES: &[(&str, &str)] = &[
        ("octavia-lb-vrrp-", "load_balancer.amphora"),
        ("octavia-lb-member-", "load_balancer.amphora"),
        ("vip-", "network.lb_vip"),
    ];
    let name = port.text("/name")?;
    NAMES
        .iter()
        .find_map(|(prefix, kind)| Some((*kind, names::uuid_after(prefix, name)?)))
}

fn used_by(port: &Object) -> Option<(&'static str, &str)> {
    let (device_owner, id) = (port.text("/device_owner")?, port.text("/device_id")?);
    match device_owner {
        _ if goes_with_network(port) => Some(("network.network", port.text("/network_id")?)),
        "network:floatingip" => Some(("network.floating_ip", id)),
        "network:local_ip" => Some(("network.local_ip", id)),
        "trunk:subport" => Some(("network.trunk", id)),
        "Octavia" | "ovn-lb-vip" => Some((
            "load_balancer.load_balancer",
            id.strip_prefix("lb-").unwrap_or(id),
        )),
        "neutron:LOADBALANCERV2" => Some(("network.lbaas_load_balancer", id)),
        "network:vpn_router_gateway" => Some(("network.router", id)),
        _ if device_owner.starts_with("network:router") || is_interface(port) => {
            Some(("network.router", id))
        }
        _ if device_owner.starts_with("compute:") || device_owner.starts_with("baremetal:") => {
            Some(("compute.server", id))
        }
        _ => None,
    }
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

/// The ports of LBaaS have names that it gives them, and are part of what they serve.
fn port_owners(port: &Object) -> Vec<Owner> {
    let relation = |owner: &Thing| match owner.kind.as_str() {
        "network.lbaas_load_balancer" | "network.lb_vip" => Relation::PartOf,
        _ => Relation::NamedBy,
    };
    device(port)
        .map(|owner| Owner {
            relation: relation(&owner),
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
