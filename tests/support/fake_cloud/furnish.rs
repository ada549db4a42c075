//! Things that come in groups: a network with its DHCP port, a router with its gateway, a server with its ports.
//!
//! Each function leaves behind what the services themselves would: nameless ports, default groups, links both ways.

use serde_json::{Value, json};

use super::router::{plug, set_gateway};
use super::store::{Fields, Store};

/// A JSON object as fields; anything else is none.
pub(crate) fn fields(value: Value) -> Fields {
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Fields::new()
        }
    }
}

/// A network with one subnet and the DHCP port that the agent makes.
pub(crate) struct Net {
    pub(crate) network: String,
    pub(crate) subnet: String,
    pub(crate) dhcp: String,
}

pub(crate) fn network(
    store: &mut Store,
    project: &str,
    network_name: &str,
    subnet_name: &str,
) -> Net {
    let network = store.insert(
        "network.network",
        project,
        fields(json!({"name": network_name})),
    );
    let (_, n) = store.address();
    let block = format!("10.{}.{}", n / 250 % 250, n % 250);
    let subnet = json!({
        "name": subnet_name, "network_id": network, "cidr": format!("{block}.0/24"), "gateway_ip": format!("{block}.1"),
        "allocation_pools": [{"start": format!("{block}.2"), "end": format!("{block}.254")}],
    });
    let subnet = store.insert("network.subnet", project, fields(subnet));
    let port = json!({
        "device_owner": "network:dhcp", "device_id": format!("dhcpfd5e9c3a-c827-51f7-8a85-b02a2f888a40-{network}"),
        "status": "ACTIVE", "port_security_enabled": false,
    });
    let dhcp = port_on(store, project, &subnet, port);
    Net {
        network,
        subnet,
        dhcp,
    }
}

/// A port with an address in a subnet; `more` are its other fields.
pub(crate) fn port_on(store: &mut Store, project: &str, subnet: &str, more: Value) -> String {
    let network = store.text("network.subnet", subnet, "network_id");
    let gateway = store.text("network.subnet", subnet, "gateway_ip");
    let block = gateway
        .rsplit_once('.')
        .map_or("10.0.0", |(block, _)| block)
        .to_owned();
    let (mac, n) = store.address();
    let mut port = fields(json!({
        "network_id": network, "mac_address": mac,
        "fixed_ips": [{"subnet_id": subnet, "ip_address": format!("{block}.{}", n % 250 + 2)}],
    }));
    port.extend(fields(more));
    store.insert("network.port", project, port)
}

/// The project's `default` security group, made with its four rules if there is none.
pub(crate) fn default_group(store: &mut Store, project: &str) -> String {
    if let Some(shelf) = store.shelf("network.security_group") {
        let mut own = Store::walk(shelf, Some(project), None);
        if let Some(group) = own.find(|t| t.fields.get("name").is_some_and(|n| n == "default")) {
            return group.id.to_string();
        }
    }
    let group = security_group(store, project, "default");
    for ethertype in ["IPv4", "IPv6"] {
        let rule = json!({"security_group_id": group, "ethertype": ethertype, "remote_group_id": group, "belongs_to_default_sg": true});
        store.insert("network.security_group_rule", project, fields(rule));
    }
    group
}

/// A security group with the two egress rules that every one is born with.
pub(crate) fn security_group(store: &mut Store, project: &str, name: &str) -> String {
    let group = store.insert(
        "network.security_group",
        project,
        fields(json!({"name": name})),
    );
    for ethertype in ["IPv4", "IPv6"] {
        let rule =
            json!({"security_group_id": group, "ethertype": ethertype, "direction": "egress"});
        store.insert("network.security_group_rule", project, fields(rule));
    }
    group
}

/// A router on these subnets, with a gateway to the external network if there is one.
pub(crate) fn router(store: &mut Store, project: &str, name: &str, subnets: &[&str]) -> String {
    let router = store.insert("network.router", project, fields(json!({"name": name})));
    let external = external(store);
    set_gateway(store, &router, &external);
    for subnet in subnets {
        plug(store, &router, subnet);
    }
    router
}

/// The network that floating IPs come from, empty if there is none.
pub(crate) fn external(store: &Store) -> String {
    let Some(shelf) = store.shelf("network.network") else {
        return String::new();
    };
    let found = shelf
        .things
        .values()
        .find(|t| t.fields.get("router:external") == Some(&Value::Bool(true)));
    found.map(|t| t.id.to_string()).unwrap_or_default()
}

/// A floating IP, on a port behind a router or loose, with the internal port that has no project.
pub(crate) fn floating_ip(
    store: &mut Store,
    project: &str,
    description: &str,
    on: Option<(&str, &str)>,
) -> String {
    let external = external(store);
    let (mac, n) = store.address();
    let address = format!("172.24.{}.{}", n / 250 % 250, n % 250 + 2);
    let mut given = fields(json!({
        "floating_network_id": external, "floating_ip_address": address, "description": description,
    }));
    if let Some((port, router)) = on {
        let text = |field: &str| store.text("network.port", port, field);
        let details = json!({
            "name": text("name"), "network_id": text("network_id"), "mac_address": text("mac_address"), "admin_state_up": true,
            "status": text("status"), "device_id": text("device_id"), "device_owner": text("device_owner"),
        });
        let fixed = store
            .thing("network.port", port)
            .and_then(|t| t.fields.get("fixed_ips")?.pointer("/0/ip_address").cloned());
        given.extend(fields(json!({"port_id": port, "router_id": router, "fixed_ip_address": fixed, "port_details": details})));
    }
    let id = store.insert("network.floating_ip", project, given);
    let port = json!({
        "network_id": external, "device_id": id, "device_owner": "network:floatingip", "status": "N/A", "mac_address": mac,
        "port_security_enabled": false,
    });
    store.insert("network.port", "", fields(port));
    id
}

/// What a server is given.
#[derive(Default)]
pub(crate) struct ServerPlan<'a> {
    pub(crate) name: &'a str,
    pub(crate) user: &'a str,
    /// Subnets on which the compute service makes a nameless port that goes with the server.
    pub(crate) subnets: &'a [&'a str],
    /// Ports that were there before, and stay.
    pub(crate) ports: &'a [&'a str],
    pub(crate) keypair: &'a str,
    pub(crate) group: &'a str,
}

pub(crate) fn server(store: &mut Store, project: &str, plan: &ServerPlan) -> String {
    let first = |kind: &str| {
        store
            .shelf(kind)
            .and_then(|s| Store::walk(s, None, None).last())
            .map(|t| t.id.to_string())
    };
    let (image, flavor) = (first("image.image"), first("compute.flavor"));
    let key = if plan.keypair.is_empty() {
        Value::Null
    } else {
        plan.keypair.into()
    };
    let given = json!({
        "name": plan.name, "user_id": plan.user, "key_name": key, "_image": image, "_flavor": flavor, "_group": plan.group,
    });
    let server = store.insert("compute.server", project, fields(given));
    let bound = json!({"device_id": server, "device_owner": "compute:nova", "status": "ACTIVE", "binding:host_id": "fakehost"});
    for port in plan.ports {
        store.set("network.port", port, fields(bound.clone()));
    }
    let group = default_group(store, project);
    for subnet in plan.subnets {
        let mut made = fields(bound.clone());
        made.extend(fields(
            json!({"_made_by": "nova", "security_groups": [group]}),
        ));
        port_on(store, project, subnet, Value::Object(made));
    }
    server
}

/// Attaches a volume to a server, as both services see it.
pub(crate) fn attach(store: &mut Store, server: &str, volume: &str) {
    let project = store
        .thing("block_storage.volume", volume)
        .map(|t| t.project.to_string())
        .unwrap_or_default();
    let given = json!({"instance": server, "volume_id": volume});
    let attachment = store.insert("block_storage.attachment", &project, fields(given));
    let entry = json!({
        "id": volume, "attachment_id": attachment, "volume_id": volume, "server_id": server, "host_name": null,
        "device": "/dev/sdb", "attached_at": "2026-01-01T00:00:00.000000",
    });
    store.set(
        "block_storage.volume",
        volume,
        fields(json!({"status": "in-use", "attachments": [entry]})),
    );
    let held = json!([{"id": volume, "delete_on_termination": false}]);
    store.set(
        "compute.server",
        server,
        fields(json!({"os-extended-volumes:volumes_attached": held})),
    );
}

/// As `attach`, and the volume goes with its server.
pub(crate) fn attach_for_life(store: &mut Store, server: &str, volume: &str) {
    attach(store, server, volume);
    let held = json!([{"id": volume, "delete_on_termination": true}]);
    let held = fields(json!({"os-extended-volumes:volumes_attached": held}));
    store.set("compute.server", server, held);
    let terminates = fields(json!({"_terminates": true}));
    store.set("block_storage.volume", volume, terminates);
}

/// What every cloud has before anybody comes: an external network, an image, flavors, the default volume type.
pub(crate) fn basics(store: &mut Store, admin: &str) {
    let public = json!({
        "name": "public", "router:external": true, "mtu": 1500, "is_default": false,
        "provider:network_type": "flat", "provider:physical_network": "public", "provider:segmentation_id": null,
    });
    let public = store.insert("network.network", admin, fields(public));
    let subnet = json!({
        "name": "public-subnet", "network_id": public, "cidr": "172.24.0.0/16", "gateway_ip": "172.24.0.1", "enable_dhcp": false,
        "allocation_pools": [{"start": "172.24.0.2", "end": "172.24.255.254"}],
    });
    store.insert("network.subnet", admin, fields(subnet));
    store.insert(
        "image.image",
        admin,
        fields(json!({"name": "cirros", "visibility": "public", "size": 19000})),
    );
    store.insert("compute.flavor", admin, fields(json!({"name": "m1.tiny"})));
    store.insert(
        "compute.flavor",
        admin,
        fields(json!({"name": "m1.small", "ram": 128, "disk": 2})),
    );
    let default = json!({"name": "__DEFAULT__", "description": "Default Volume Type"});
    store.insert("block_storage.type", admin, fields(default));
}
