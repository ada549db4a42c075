//! Neutron v2.0: its collections, and what routers, trunks and quotas do beyond them.

use serde_json::{Value, json};

use super::generic::{known, owned, show};
use super::quota;
use super::router::{act_on_router, update_router};
use super::store::{Fields, Store};
use super::table::{
    As, Embed, Errors, Frees, Guard, Ids, Order, Pages, Reach, Row, Service, Takes, Test,
};
use super::wire::{Answer, Call};

const VERSIONS: &str = r#"{"versions": [{"id": "v2.0", "status": "CURRENT", "links": [{"rel": "self", "href": "$base/network/v2.0/"}]}]}"#;

pub(crate) const SERVICE: Service = Service {
    types: &[("network", "neutron")],
    endpoint: "/network",
    root: "/network/v2.0",
    errors: Errors::Neutron,
    pages: Pages::Neutron,
    page_default: usize::MAX,
    page_max: usize::MAX,
    order: Order::Id,
    microversion: None,
    documents: &[("/network", 200, VERSIONS)],
    rows: &[
        NETWORK,
        SUBNET,
        PORT,
        ROUTER,
        FLOATING_IP,
        TRUNK,
        SUBNET_POOL,
        SECURITY_GROUP,
        RULE,
        ADDRESS_GROUP,
        ADDRESS_SCOPE,
        QOS_POLICY,
        RBAC_POLICY,
        QUOTA,
    ],
    odd,
};

/// Ports that go with their network or subnet without being asked.
const AUTOMATIC: &[&str] = &["network:dhcp", "network:distributed"];

const NETWORK: Row = Row {
    shape: r#"{"id":"$id","name":"","tenant_id":"$project","project_id":"$project","admin_state_up":true,"mtu":1450,"status":"ACTIVE","subnets":[],"shared":false,"availability_zone_hints":[],"availability_zones":[],"ipv4_address_scope":null,"ipv6_address_scope":null,"router:external":false,"description":"","port_security_enabled":true,"qos_policy_id":null,"tags":[],"created_at":"$z","updated_at":"$z","revision_number":1,"provider:network_type!":"vxlan","provider:physical_network!":null,"provider:segmentation_id!":101}"#,
    everyone: &[("shared", "true"), ("router:external", "true")],
    missing: ("NetworkNotFound", "Network {id} could not be found."),
    guards: &[Guard {
        test: Test::UsedBy {
            kind: "network.port",
            via: "network_id",
            unless: ("device_owner", AUTOMATIC),
        },
        status: 409,
        name: "NetworkInUse",
        message: "Unable to complete operation on network {id}. There are one or more ports still in use on the network, id for these ports is: {bys}.",
        members_only: false,
    }],
    refs: &["qos_policy_id"],
    embeds: &[Embed {
        field: "subnets",
        kind: "network.subnet",
        via: "network_id",
        as_what: As::Ids,
    }],
    takes: &[
        Takes::all("network.port", "network_id"),
        Takes::all("network.subnet", "network_id"),
        Takes::all("network.rbac_policy", "object_id"),
    ],
    ..Row::new("network.network", "networks", "networks", "network")
};

const SUBNET: Row = Row {
    shape: r#"{"id":"$id","name":"","project_id":"$project","network_id":"","ip_version":4,"subnetpool_id":null,"enable_dhcp":true,"ipv6_ra_mode":null,"ipv6_address_mode":null,"gateway_ip":"10.0.0.1","cidr":"10.0.0.0/24","allocation_pools":[{"start":"10.0.0.2","end":"10.0.0.254"}],"host_routes":[],"dns_nameservers":[],"description":"","router:external":false,"service_types":[],"tags":[],"created_at":"$z","updated_at":"$z","revision_number":0,"tenant_id":"$project"}"#,
    missing: ("SubnetNotFound", "Subnet {id} could not be found."),
    guards: &[Guard {
        test: Test::UsedBy {
            kind: "network.port",
            via: "fixed_ips[].subnet_id",
            unless: ("device_owner", AUTOMATIC),
        },
        status: 409,
        name: "SubnetInUse",
        message: "Unable to complete operation on subnet {id}: One or more ports have an IP allocation from this subnet.",
        members_only: false,
    }],
    refs: &["network_id", "subnetpool_id"],
    frees: &[Frees {
        kind: "network.port",
        via: "fixed_ips[].subnet_id",
        set: &[("fixed_ips", "[]")],
    }],
    ..Row::new("network.subnet", "subnets", "subnets", "subnet")
};

const PORT: Row = Row {
    shape: r#"{"id":"$id","name":"","network_id":"","project_id":"$project","mac_address":"fa:16:3e:00:00:00","admin_state_up":true,"status":"DOWN","device_id":"","device_owner":"","fixed_ips":[],"allowed_address_pairs":[],"extra_dhcp_opts":[],"security_groups":[],"description":"","binding:vnic_type":"normal","binding:profile!":{},"binding:host_id!":"","binding:vif_type!":"unbound","binding:vif_details!":{},"port_security_enabled":true,"qos_policy_id":null,"qos_network_policy_id":null,"resource_request!":null,"tags":[],"created_at":"$z","updated_at":"$z","revision_number":1,"tenant_id":"$project"}"#,
    missing: ("PortNotFound", "Port {id} could not be found."),
    guards: &[
        Guard::is(
            "device_owner",
            &[
                "network:router_interface",
                "network:router_interface_distributed",
                "network:ha_router_replicated_interface",
                "network:router_gateway",
                "network:floatingip",
            ],
            409,
            "ServicePortInUse",
            "Port {id} cannot be deleted directly via the port API: has device owner {value}.",
        ),
        Guard::used(
            "network.trunk",
            "port_id",
            409,
            "PortInUseAsTrunkParent",
            "Port {id} is currently a parent port for trunk {by}.",
        ),
        Guard::used(
            "network.trunk",
            "sub_ports[].port_id",
            409,
            "PortInUseAsSubPort",
            "Port {id} is currently a subport for trunk {by}.",
        ),
    ],
    refs: &[
        "network_id",
        "device_id",
        "fixed_ips[].subnet_id",
        "security_groups[]",
        "qos_policy_id",
        "trunk_details.trunk_id",
    ],
    frees: &[Frees {
        kind: "network.floating_ip",
        via: "port_id",
        set: &[
            ("port_id", "null"),
            ("router_id", "null"),
            ("fixed_ip_address", "null"),
            ("port_details", "null"),
        ],
    }],
    ..Row::new("network.port", "ports", "ports", "port")
};

const ROUTER: Row = Row {
    shape: r#"{"id":"$id","name":"","project_id":"$project","admin_state_up":true,"status":"ACTIVE","external_gateway_info":null,"description":"","availability_zones":[],"distributed!":false,"ha!":false,"availability_zone_hints":[],"routes":[],"flavor_id":null,"tags":[],"created_at":"$z","updated_at":"$z","revision_number":1,"tenant_id":"$project"}"#,
    missing: ("RouterNotFound", "Router {id} could not be found"),
    guards: &[Guard {
        test: Test::UsedBy {
            kind: "network.port",
            via: "device_id",
            unless: ("device_owner", &["network:router_gateway"]),
        },
        status: 409,
        name: "RouterInUse",
        message: "Router {id} has ports still attached: {bys}",
        members_only: false,
    }],
    refs: &["external_gateway_info.network_id"],
    takes: &[Takes::all("network.port", "device_id")],
    ..Row::new("network.router", "routers", "routers", "router")
};

const FLOATING_IP: Row = Row {
    shape: r#"{"id":"$id","tenant_id":"$project","project_id":"$project","floating_ip_address":"172.24.0.10","floating_network_id":"","router_id":null,"port_id":null,"fixed_ip_address":null,"status":"DOWN","description":"","qos_policy_id":null,"port_details":null,"port_forwardings":[],"tags":[],"created_at":"$z","updated_at":"$z","revision_number":0}"#,
    missing: ("FloatingIPNotFound", "Floating IP {id} could not be found"),
    refs: &[
        "floating_network_id",
        "router_id",
        "port_id",
        "qos_policy_id",
    ],
    takes: &[Takes {
        kind: "network.port",
        via: "device_id",
        when: ("device_owner", "network:floatingip"),
    }],
    ..Row::new(
        "network.floating_ip",
        "floatingips",
        "floatingips",
        "floatingip",
    )
};

const TRUNK: Row = Row {
    shape: r#"{"admin_state_up":true,"id":"$id","project_id":"$project","name":"","port_id":"","status":"DOWN","sub_ports":[],"revision_number":0,"description":"","created_at":"$z","updated_at":"$z","tenant_id":"$project","tags":[]}"#,
    missing: ("TrunkNotFound", "Trunk {id} could not be found."),
    refs: &["port_id", "sub_ports[].port_id"],
    frees: &[Frees {
        kind: "network.port",
        via: "trunk_details.trunk_id",
        set: &[("trunk_details", "null")],
    }],
    ..Row::new("network.trunk", "trunks", "trunks", "trunk")
};

const SUBNET_POOL: Row = Row {
    shape: r#"{"id":"$id","name":"","project_id":"$project","default_prefixlen":"24","min_prefixlen":"8","max_prefixlen":"32","is_default":false,"shared":false,"prefixes":[],"ip_version":4,"default_quota":null,"address_scope_id":null,"description":"","tags":[],"created_at":"$z","updated_at":"$z","revision_number":0,"tenant_id":"$project"}"#,
    everyone: &[("shared", "true")],
    missing: ("SubnetPoolNotFound", "Subnet pool {id} could not be found."),
    guards: &[Guard::used(
        "network.subnet",
        "subnetpool_id",
        400,
        "SubnetPoolDeleteError",
        "Unable to delete subnet pool: Subnet pool has existing allocations.",
    )],
    refs: &["address_scope_id"],
    ..Row::new(
        "network.subnet_pool",
        "subnetpools",
        "subnetpools",
        "subnetpool",
    )
};

const SECURITY_GROUP: Row = Row {
    shape: r#"{"id":"$id","name":"","stateful":true,"tenant_id":"$project","project_id":"$project","description":"","shared":false,"security_group_rules":[],"tags":[],"created_at":"$z","updated_at":"$z","revision_number":1}"#,
    missing: (
        "SecurityGroupNotFound",
        "Security group {id} does not exist",
    ),
    guards: &[
        Guard::used(
            "network.port",
            "security_groups[]",
            409,
            "SecurityGroupInUse",
            "Security Group {id} in use.",
        ),
        Guard {
            members_only: true,
            ..Guard::is(
                "name",
                &["default"],
                409,
                "SecurityGroupCannotRemoveDefault",
                "Insufficient rights for removing default security group.",
            )
        },
    ],
    embeds: &[Embed {
        field: "security_group_rules",
        kind: "network.security_group_rule",
        via: "security_group_id",
        as_what: As::Objects,
    }],
    takes: &[
        Takes::all("network.security_group_rule", "security_group_id"),
        Takes::all("network.security_group_rule", "remote_group_id"),
    ],
    ..Row::new(
        "network.security_group",
        "security-groups",
        "security_groups",
        "security_group",
    )
};

const RULE: Row = Row {
    shape: r#"{"id":"$id","project_id":"$project","security_group_id":"","ethertype":"IPv4","direction":"ingress","protocol":null,"port_range_min":null,"port_range_max":null,"remote_ip_prefix":null,"remote_address_group_id":null,"normalized_cidr":null,"remote_group_id":null,"belongs_to_default_sg":false,"description":"","created_at":"$z","updated_at":"$z","revision_number":0,"tenant_id":"$project"}"#,
    missing: (
        "SecurityGroupRuleNotFound",
        "Security group rule {id} does not exist",
    ),
    refs: &[
        "security_group_id",
        "remote_group_id",
        "remote_address_group_id",
    ],
    ..Row::new(
        "network.security_group_rule",
        "security-group-rules",
        "security_group_rules",
        "security_group_rule",
    )
};

const ADDRESS_GROUP: Row = Row {
    shape: r#"{"id":"$id","name":"","project_id":"$project","addresses":[],"revision_number":1,"description":"","created_at":"$z","updated_at":"$z","tenant_id":"$project"}"#,
    missing: (
        "AddressGroupNotFound",
        "Address group {id} could not be found.",
    ),
    guards: &[Guard::used(
        "network.security_group_rule",
        "remote_address_group_id",
        409,
        "AddressGroupInUse",
        "Address group {id} is in use on one or more security group rules.",
    )],
    ..Row::new(
        "network.address_group",
        "address-groups",
        "address_groups",
        "address_group",
    )
};

const ADDRESS_SCOPE: Row = Row {
    shape: r#"{"id":"$id","project_id":"$project","name":"","shared":false,"ip_version":4,"tenant_id":"$project"}"#,
    everyone: &[("shared", "true")],
    missing: (
        "AddressScopeNotFound",
        "Address scope {id} could not be found.",
    ),
    guards: &[Guard::used(
        "network.subnet_pool",
        "address_scope_id",
        409,
        "AddressScopeInUse",
        "Unable to complete operation on address scope {id}. There are one or more subnet pools in use on the address scope.",
    )],
    ..Row::new(
        "network.address_scope",
        "address-scopes",
        "address_scopes",
        "address_scope",
    )
};

const QOS_POLICY: Row = Row {
    shape: r#"{"id":"$id","project_id":"$project","name":"","shared":false,"rules":[],"is_default":false,"revision_number":1,"description":"","created_at":"$z","updated_at":"$z","tenant_id":"$project","tags":[]}"#,
    everyone: &[("shared", "true")],
    missing: ("QosPolicyNotFound", "QoS policy {id} could not be found."),
    refuses_foreign: true,
    guards: &[
        Guard::used(
            "network.network",
            "qos_policy_id",
            409,
            "QosPolicyInUse",
            "QoS Policy {id} is used by network {by}.",
        ),
        Guard::used(
            "network.port",
            "qos_policy_id",
            409,
            "QosPolicyInUse",
            "QoS Policy {id} is used by port {by}.",
        ),
        Guard::used(
            "network.floating_ip",
            "qos_policy_id",
            409,
            "QosPolicyInUse",
            "QoS Policy {id} is used by floatingip {by}.",
        ),
    ],
    ..Row::new("network.qos_policy", "qos/policies", "policies", "policy")
};

const RBAC_POLICY: Row = Row {
    shape: r#"{"id":"$id","project_id":"$project","action":"access_as_shared","object_id":"","target_tenant":"*","object_type":"network","tenant_id":"$project"}"#,
    missing: (
        "RbacPolicyNotFound",
        "RBAC policy of type unknown with ID {id} not found",
    ),
    refs: &["object_id"],
    ..Row::new(
        "network.rbac_policy",
        "rbac-policies",
        "rbac_policies",
        "rbac_policy",
    )
};

const QUOTA: Row = Row {
    shape: r#"{"network":-1,"subnet":-1,"subnetpool":-1,"port":-1,"router":-1,"floatingip":-1,"rbac_policy":-1,"security_group":-1,"security_group_rule":-1,"trunk":-1,"project_id":"$id","tenant_id":"$id"}"#,
    ids: Ids::Given,
    reach: Reach::Admin,
    policy: ("get_quota", "delete_quota"),
    missing: (
        "TenantQuotaNotFound",
        "Quota for project {id} could not be found.",
    ),
    ..Row::new("network.quota", "quotas", "quotas", "quota")
};

fn odd(store: &mut Store, call: &Call) -> Option<Answer> {
    match (call.method.as_str(), call.words().as_slice()) {
        (_, ["quotas", project]) => Some(quota::answer(store, call, "network.quota", project)),
        ("GET", ["extensions"]) => Some(extensions()),
        ("PUT", ["routers", id]) => Some(update_router(store, call, id)),
        ("PUT", ["routers", id, action]) => Some(act_on_router(store, call, id, action)),
        ("PUT", ["trunks", id, action @ ("add_subports" | "remove_subports")]) => {
            Some(subports(store, call, id, action))
        }
        ("GET", ["trunks", id, "get_subports"]) => {
            Some(match known(store, call, "network.trunk", id) {
                Ok(trunk) => Answer::json(200, json!({"sub_ports": trunk.fields.get("sub_ports")})),
                Err(refusal) => refusal,
            })
        }
        _ => None,
    }
}

fn extensions() -> Answer {
    let aliases = [
        "address-group",
        "address-scope",
        "external-net",
        "extraroute",
        "extraroute-atomic",
        "pagination",
        "qos",
        "quotas",
        "rbac-policies",
        "router",
        "security-group",
        "sorting",
        "standard-attr-description",
        "subnet_allocation",
        "trunk",
    ];
    let entry = |alias: &&str| json!({"name": alias, "alias": alias, "description": "", "updated": "2020-07-15T10:00:00-00:00", "links": []});
    Answer::json(
        200,
        json!({"extensions": aliases.iter().map(entry).collect::<Vec<_>>()}),
    )
}

fn subports(store: &mut Store, call: &Call, id: &str, action: &str) -> Answer {
    let held = match owned(store, call, "network.trunk", id) {
        Ok(trunk) => trunk
            .fields
            .get("sub_ports")
            .and_then(Value::as_array)
            .cloned(),
        Err(refusal) => return refusal,
    };
    let given = call
        .body
        .get("sub_ports")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let mut held = held.unwrap_or_default();
    held.retain(|h| !given.iter().any(|g| g.get("port_id") == h.get("port_id")));
    if action == "add_subports" {
        held.extend(given);
    }
    store.set(
        "network.trunk",
        id,
        Fields::from_iter([("sub_ports".to_owned(), held.into())]),
    );
    show(store, call, "network.trunk", id)
}
