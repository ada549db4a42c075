//! What routers do beyond their row: interfaces, extra routes and the gateway.
//!
//! The ports that a router makes have no name, and its gateway port has no project either.

use serde_json::{Value, json};

use super::generic::{known, owned, show};
use super::shape;
use super::store::{Fields, Store, Thing, at, json_fields};
use super::table::Errors;
use super::wire::{Answer, Call};

/// The actions of a router.
pub(crate) fn act_on_router(store: &mut Store, call: &Call, id: &str, action: &str) -> Answer {
    if let Err(refusal) = owned(store, call, "network.router", id) {
        return refusal;
    }
    match action {
        "add_router_interface" => add_interface(store, call, id),
        "remove_router_interface" => remove_interface(store, call, id),
        "add_extraroutes" | "remove_extraroutes" => extra_routes(store, call, id, action),
        _ => super::wire::unknown_path(Errors::Neutron),
    }
}

/// Plugs a router into a subnet; the port has no name, as in every cloud. Returns the port's id.
pub(crate) fn plug(store: &mut Store, router: &str, subnet: &str) -> String {
    let Some(thing) = store.thing("network.subnet", subnet) else {
        return String::new();
    };
    let project = thing.project.clone();
    let (mac, _) = store.address();
    let gateway = store.text("network.subnet", subnet, "gateway_ip");
    let network = store.text("network.subnet", subnet, "network_id");
    let port = json!({
        "network_id": network, "device_id": router, "device_owner": "network:router_interface", "mac_address": mac,
        "fixed_ips": [{"subnet_id": subnet, "ip_address": gateway}], "port_security_enabled": false, "status": "ACTIVE",
    });
    store.insert(
        "network.port",
        &project,
        port.as_object().cloned().unwrap_or_default(),
    )
}

fn interface(store: &Store, router: &str, port: &str, subnet: &str) -> Answer {
    let project = store
        .thing("network.router", router)
        .map(|t| t.project.to_string());
    let network = store.text("network.subnet", subnet, "network_id");
    Answer::json(
        200,
        json!({"id": router, "tenant_id": project, "project_id": project, "port_id": port, "network_id": network, "subnet_id": subnet, "subnet_ids": [subnet]}),
    )
}

fn add_interface(store: &mut Store, call: &Call, router: &str) -> Answer {
    let subnet = call
        .body
        .get("subnet_id")
        .map(shape::text)
        .unwrap_or_default();
    if let Err(refusal) = known(store, call, "network.subnet", &subnet) {
        return refusal;
    }
    let port = plug(store, router, &subnet);
    interface(store, router, &port, &subnet)
}

/// The interface that the body names by port or by subnet: port and subnet.
fn find_interface(store: &Store, call: &Call, router: &str) -> Result<(String, String), Answer> {
    let (port, subnet) = (
        call.body.get("port_id").map(shape::text),
        call.body.get("subnet_id").map(shape::text),
    );
    let subnet_of = |t: &Thing| {
        at(&t.fields, "fixed_ips[].subnet_id")
            .into_iter()
            .next()
            .unwrap_or_default()
    };
    let mut plugs = store
        .users_of("network.port", "device_id", router)
        .filter(|t| store.text("network.port", &t.id, "device_owner") != "network:router_gateway");
    match (port, subnet) {
        (None, None) => Err(call.refuse(
            400,
            "BadRequest",
            "Bad router request: Either subnet_id or port_id must be specified.",
        )),
        (Some(port), _) => plugs
            .find(|t| *t.id == *port)
            .map(|t| (port.clone(), subnet_of(t)))
            .ok_or_else(|| {
                let message = format!("Router {router} does not have an interface with id {port}");
                call.refuse(404, "RouterInterfaceNotFound", &message)
            }),
        (None, Some(subnet)) => {
            if store.thing("network.subnet", &subnet).is_none() {
                return Err(call.refuse(
                    404,
                    "SubnetNotFound",
                    &format!("Subnet {subnet} could not be found."),
                ));
            }
            plugs
                .find(|t| subnet_of(t) == subnet)
                .map(|t| (t.id.to_string(), subnet.clone()))
                .ok_or_else(|| {
                    let message = format!("Router {router} has no interface on subnet {subnet}");
                    call.refuse(404, "RouterInterfaceNotFoundForSubnet", &message)
                })
        }
    }
}

fn remove_interface(store: &mut Store, call: &Call, router: &str) -> Answer {
    let (port, subnet) = match find_interface(store, call, router) {
        Ok(found) => found,
        Err(refusal) => return refusal,
    };
    let refuse = |name, by| {
        let message = format!(
            "Router interface for subnet {subnet} on router {router} cannot be deleted, as it is required by one or more {by}."
        );
        call.refuse(409, name, &message)
    };
    let behind = |fip: &Thing| {
        let target = fip
            .fields
            .get("port_id")
            .map(shape::text)
            .unwrap_or_default();
        store
            .thing("network.port", &target)
            .is_some_and(|p| at(&p.fields, "fixed_ips[].subnet_id").contains(&subnet))
    };
    if store
        .users_of("network.floating_ip", "router_id", router)
        .any(behind)
    {
        return refuse("RouterInterfaceInUseByFloatingIP", "floating IPs");
    }
    let cidr = store.text("network.subnet", &subnet, "cidr");
    let routes = store
        .thing("network.router", router)
        .map(|t| at(&t.fields, "routes[].nexthop"))
        .unwrap_or_default();
    if routes.iter().any(|hop| inside(hop, &cidr)) {
        return refuse("RouterInterfaceInUseByRoute", "routes");
    }
    let answer = interface(store, router, &port, &subnet);
    store.remove("network.port", &port);
    answer
}

/// Whether an IPv4 address lies in a network.
fn inside(address: &str, cidr: &str) -> bool {
    let Some((network, bits)) = cidr.split_once('/') else {
        return false;
    };
    let parse = |text: &str| text.parse::<std::net::Ipv4Addr>().map(u32::from).ok();
    let (Some(a), Some(n), Ok(bits)) = (parse(address), parse(network), bits.parse::<u32>()) else {
        return false;
    };
    let mask = u32::MAX.checked_shl(32 - bits.min(32)).unwrap_or(0);
    a & mask == n & mask
}

fn extra_routes(store: &mut Store, call: &Call, id: &str, action: &str) -> Answer {
    let routes = |v: Option<&Value>| v.and_then(Value::as_array).cloned().unwrap_or_default();
    let given = routes(call.body.pointer("/router/routes"));
    let mut held = routes(
        store
            .thing("network.router", id)
            .and_then(|t| t.fields.get("routes")),
    );
    held.retain(|r| !given.contains(r));
    if action == "add_extraroutes" {
        held.extend(given);
    }
    store.set(
        "network.router",
        id,
        Fields::from_iter([("routes".to_owned(), held.into())]),
    );
    show(store, call, "network.router", id)
}

/// `PUT` of a router, whose gateway is more than a field.
pub(crate) fn update_router(store: &mut Store, call: &Call, id: &str) -> Answer {
    if let Err(refusal) = owned(store, call, "network.router", id) {
        return refusal;
    }
    let mut changes = call
        .body
        .get("router")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    if let Some(gateway) = changes.remove("external_gateway_info") {
        let network = gateway
            .get("network_id")
            .map(shape::text)
            .unwrap_or_default();
        let before = store
            .thing("network.router", id)
            .map(|t| at(&t.fields, "external_gateway_info.network_id"));
        let before = before
            .unwrap_or_default()
            .into_iter()
            .next()
            .unwrap_or_default();
        if network != before
            && store
                .users_of("network.floating_ip", "router_id", id)
                .next()
                .is_some()
        {
            let message = format!(
                "Gateway cannot be updated for router {id}, since a gateway to external network {before} is required by one or more floating IPs."
            );
            return call.refuse(409, "RouterExternalGatewayInUseByFloatingIp", &message);
        }
        set_gateway(store, id, &network);
    }
    store.set("network.router", id, changes);
    show(store, call, "network.router", id)
}

/// Gives a router a gateway, or none if the network is empty. The gateway port belongs to no project.
pub(crate) fn set_gateway(store: &mut Store, router: &str, network: &str) {
    let gateways = store.users("network.port", "device_id", router);
    for port in gateways {
        if store.text("network.port", &port, "device_owner") == "network:router_gateway" {
            store.remove("network.port", &port);
        }
    }
    if network.is_empty() {
        return store.set(
            "network.router",
            router,
            json_fields(&[("external_gateway_info", "null")]),
        );
    }
    let subnet = store
        .users("network.subnet", "network_id", network)
        .into_iter()
        .next()
        .unwrap_or_default();
    let (mac, n) = store.address();
    let fixed = json!([{"subnet_id": subnet, "ip_address": format!("172.24.{}.{}", n / 250 % 250, n % 250 + 2)}]);
    let port = json!({
        "network_id": network, "device_id": router, "device_owner": "network:router_gateway", "mac_address": mac,
        "fixed_ips": fixed, "port_security_enabled": false,
    });
    store.insert(
        "network.port",
        "",
        port.as_object().cloned().unwrap_or_default(),
    );
    let info = json!({"network_id": network, "external_fixed_ips": fixed, "enable_snat": true});
    store.set(
        "network.router",
        router,
        Fields::from_iter([("external_gateway_info".to_owned(), info)]),
    );
}
