//! Nova v2.1: its collections, and what is done to servers, aggregates and keypairs beyond them.

use serde_json::{Value, json};

use super::generic::{self, denied, not_found, owned, owner_of_names};
use super::quota;
use super::shape;
use super::store::{Fields, Store, json_fields};
use super::table::{
    As, Embed, Errors, Frees, Guard, Ids, Leaving, Microversion, Order, Pages, Reach, Row, Service,
    Takes, Wide,
};
use super::wire::{Answer, Call};

const V21: &str = r#"{"version": {"id": "v2.1", "status": "CURRENT", "version": "2.103", "min_version": "2.1", "updated": "2013-07-23T11:33:21Z", "links": [{"rel": "self", "href": "$base/compute/v2.1/"}, {"rel": "describedby", "type": "text/html", "href": "http://docs.openstack.org/"}], "media-types": [{"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2.1"}]}}"#;
const VERSIONS: &str = r#"{"versions": [{"id": "v2.0", "status": "DEPRECATED", "version": "", "min_version": "", "updated": "2025-07-04T12:00:00Z", "links": [{"rel": "self", "href": "$base/compute/v2/"}]}, {"id": "v2.1", "status": "CURRENT", "version": "2.103", "min_version": "2.1", "updated": "2013-07-23T11:33:21Z", "links": [{"rel": "self", "href": "$base/compute/v2.1/"}]}]}"#;

pub(crate) const SERVICE: Service = Service {
    types: &[("compute", "nova")],
    endpoint: "/compute/v2.1",
    root: "/compute/v2.1",
    errors: Errors::Fault,
    pages: Pages::Links,
    page_default: 1000,
    page_max: 1000,
    order: Order::Newest,
    microversion: Some(Microversion {
        service: "compute",
        major: 2,
        min: 1,
        max: 103,
    }),
    documents: &[("/compute", 200, VERSIONS), ("/compute/v2.1", 200, V21)],
    rows: &[SERVER, SERVER_GROUP, KEYPAIR, FLAVOR, AGGREGATE, QUOTA],
    odd,
};

const SERVER: Row = Row {
    shape: r#"{"accessIPv4":"","accessIPv6":"","addresses":{},"created":"$z","flavor@-46":{"id":"$_flavor","links":[{"rel":"bookmark","href":"$mark/flavors/$_flavor"}]},"flavor@47":{"vcpus":1,"ram":64,"disk":1,"ephemeral":0,"swap":0,"original_name":"m1.tiny","extra_specs":{}},"hostId":"968db65741bc2f3e0b66b443dbf2a6644fcb6fe0b68e35c57cd46847","id":"$id","image":{"id":"$_image","links":[{"rel":"bookmark","href":"$mark/images/$_image"}]},"links":[{"rel":"self","href":"$url/servers/$id"},{"rel":"bookmark","href":"$mark/servers/$id"}],"metadata":{},"name":"","status":"ACTIVE","tenant_id":"$project","user_id":"$user","updated":"$z","OS-DCF:diskConfig":"MANUAL","progress":0,"OS-EXT-AZ:availability_zone":"nova","config_drive":"","key_name":null,"OS-SRV-USG:launched_at":"$micro","OS-SRV-USG:terminated_at":null,"security_groups":[{"name":"default"}],"OS-EXT-SRV-ATTR:host!":"fakehost","OS-EXT-SRV-ATTR:instance_name!":"instance-00000001","OS-EXT-SRV-ATTR:hypervisor_hostname!":"fakehost","OS-EXT-STS:task_state":null,"OS-EXT-STS:vm_state":"active","OS-EXT-STS:power_state":1,"os-extended-volumes:volumes_attached":[],"OS-EXT-SRV-ATTR:hostname@90":"$_hostname","OS-EXT-SRV-ATTR:kernel_id@3!":"","OS-EXT-SRV-ATTR:launch_index@3!":0,"OS-EXT-SRV-ATTR:ramdisk_id@3!":"","OS-EXT-SRV-ATTR:reservation_id@3!":"r-mttbebk0","OS-EXT-SRV-ATTR:root_device_name@3!":"/dev/sda","OS-EXT-SRV-ATTR:user_data@3!":null,"host_status@16!":"UP","description@19":null,"locked@9":false,"locked_reason@73":null,"tags@26":[],"trusted_image_certificates@63":null}"#,
    brief: &["id", "name", "links"],
    wide: Some(Wide {
        parameter: "all_tenants",
        policy: Some("os_compute_api:servers:detail:get_all_tenants"),
    }),
    created: 202,
    missing: ("", "Instance {id} could not be found."),
    leaving: Some(Leaving {
        field: "OS-EXT-STS:task_state",
        value: "deleting",
        failed: &[
            ("status", "ERROR"),
            ("OS-EXT-STS:vm_state", "error"),
            ("OS-EXT-STS:task_state", "null"),
        ],
    }),
    guards: &[Guard {
        members_only: true,
        ..Guard::is("locked", &["true"], 409, "", "Instance {id} is locked")
    }],
    refs: &["_group"],
    hidden: &[("status", "SOFT_DELETED")],
    takes: &[
        Takes::all("block_storage.attachment", "instance"),
        Takes {
            kind: "block_storage.volume",
            via: "attachments[].server_id",
            when: ("_terminates", "true"),
        },
        Takes {
            kind: "network.port",
            via: "device_id",
            when: ("_made_by", "nova"),
        },
    ],
    frees: &[
        Frees {
            kind: "network.port",
            via: "device_id",
            set: &[
                ("device_id", "\"\""),
                ("device_owner", "\"\""),
                ("status", "DOWN"),
                ("binding:host_id", "\"\""),
            ],
        },
        Frees {
            kind: "block_storage.volume",
            via: "attachments[].server_id",
            set: &[("status", "available"), ("attachments", "[]")],
        },
    ],
    ..Row::new("compute.server", "servers", "servers", "server")
};

const SERVER_GROUP: Row = Row {
    shape: r#"{"id":"$id","name":"","policies@-63":["$policy"],"metadata@-63":{},"policy@64":"","rules@64":{},"members":[],"project_id@13":"$project","user_id@13":"$user"}"#,
    wide: Some(Wide {
        parameter: "all_projects",
        policy: None,
    }),
    pages: Some(Pages::Offset),
    order: Some(Order::Oldest),
    created: 200,
    missing: ("", "Instance group {id} could not be found."),
    embeds: &[Embed {
        field: "members",
        kind: "compute.server",
        via: "_group",
        as_what: As::Ids,
    }],
    ..Row::new(
        "compute.server_group",
        "os-server-groups",
        "server_groups",
        "server_group",
    )
};

/// Its names are unique for a user only, so the store knows it as `<user>/<name>`.
const KEYPAIR: Row = Row {
    shape: r#"{"name":"","public_key":"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ Generated-by-Nova","fingerprint":"c1:b5:84:7f:eb:27:b3:60:34:c0:f0:05:80:d2:7a:31","type@2":"ssh","user_id@-0":"$user"}"#,
    ids: Ids::Given,
    reach: Reach::Owner,
    order: Some(Order::Id),
    nested: true,
    policy: (
        "os_compute_api:os-keypairs:index",
        "os_compute_api:os-keypairs:delete",
    ),
    deleted: 202,
    missing: ("", "Keypair {id} not found for user {user}"),
    ..Row::new("compute.keypair", "os-keypairs", "keypairs", "keypair")
};

const FLAVOR: Row = Row {
    shape: r#"{"id":"$id","name":"","ram":64,"disk":1,"swap@-74":"","swap@75":0,"OS-FLV-EXT-DATA:ephemeral":0,"OS-FLV-DISABLED:disabled":false,"vcpus":1,"os-flavor-access:is_public":true,"rxtx_factor":1.0,"links":[{"rel":"self","href":"$url/flavors/$id"},{"rel":"bookmark","href":"$mark/flavors/$id"}],"description@55":null,"extra_specs@61":{}}"#,
    brief: &["id", "name", "links", "description"],
    reach: Reach::Cloud,
    public: "os-flavor-access:is_public",
    order: Some(Order::Id),
    policy: (
        "os_compute_api:flavors",
        "os_compute_api:os-flavor-manage:delete",
    ),
    created: 200,
    deleted: 202,
    missing: ("", "Flavor {id} could not be found."),
    ..Row::new("compute.flavor", "flavors", "flavors", "flavor")
};

const AGGREGATE: Row = Row {
    shape: r#"{"id":0,"name":"","hosts":[],"metadata":{},"created_at":"$micro","updated_at":null,"deleted_at":null,"deleted":false,"availability_zone":null,"uuid@41":"$_uuid"}"#,
    ids: Ids::Number,
    reach: Reach::Admin,
    pages: Some(Pages::Whole),
    order: Some(Order::Oldest),
    policy: (
        "os_compute_api:os-aggregates:index",
        "os_compute_api:os-aggregates:delete",
    ),
    created: 200,
    deleted: 200,
    missing: ("", "Aggregate {id} could not be found."),
    guards: &[Guard::is_not(
        "hosts",
        &["[]"],
        400,
        "Cannot remove host from aggregate {id}. Reason: Host aggregate is not empty.",
    )],
    ..Row::new(
        "compute.aggregate",
        "os-aggregates",
        "aggregates",
        "aggregate",
    )
};

const QUOTA: Row = Row {
    shape: r#"{"id":"$id","cores":-1,"fixed_ips":-1,"floating_ips":-1,"injected_file_content_bytes":10240,"injected_file_path_bytes":255,"injected_files":-1,"instances":-1,"key_pairs":-1,"metadata_items":-1,"ram":-1,"security_group_rules":-1,"security_groups":-1,"server_group_members":-1,"server_groups":-1}"#,
    ids: Ids::Given,
    reach: Reach::Admin,
    policy: (
        "os_compute_api:os-quota-sets:show",
        "os_compute_api:os-quota-sets:delete",
    ),
    deleted: 202,
    ..Row::new("compute.quota", "os-quota-sets", "quota_sets", "quota_set")
};

fn odd(store: &mut Store, call: &Call) -> Option<Answer> {
    match (call.method.as_str(), call.words().as_slice()) {
        (_, ["os-quota-sets", project]) => {
            Some(quota::answer(store, call, "compute.quota", project))
        }
        ("GET", ["os-keypairs"]) if foreign_names(call) => Some(denied(call, KEYPAIR.policy.0)),
        ("GET" | "DELETE", ["os-keypairs", name]) => Some(keypair(store, call, name)),
        ("POST", ["os-keypairs"]) => Some(new_keypair(store, call)),
        ("DELETE", ["servers", id]) if store.soft_deletes => Some(hide_server(store, call, id)),
        ("POST", ["servers", id, "action"]) => Some(act_on_server(store, call, id)),
        ("POST", ["os-aggregates", id, "action"]) => Some(act_on_aggregate(store, call, id)),
        ("GET", ["servers", id, "os-volume_attachments"]) => Some(volumes_of(store, call, id)),
        ("DELETE", ["servers", id, "os-volume_attachments", volume]) => {
            Some(detach(store, call, id, volume))
        }
        ("GET", ["servers", id, "os-interface"]) => Some(ports_of(store, call, id)),
        ("DELETE", ["servers", id, "os-interface", port]) => Some(unplug(store, call, id, port)),
        _ => None,
    }
}

fn foreign_names(call: &Call) -> bool {
    !call.actor.admin && owner_of_names(call) != call.actor.user
}

fn keypair(store: &mut Store, call: &Call, name: &str) -> Answer {
    let policy = if call.method == "GET" {
        KEYPAIR.policy.0
    } else {
        KEYPAIR.policy.1
    };
    if foreign_names(call) {
        return denied(call, policy);
    }
    let id = format!("{}/{name}", owner_of_names(call));
    if store.thing("compute.keypair", &id).is_none() {
        return not_found(call, &KEYPAIR, name);
    }
    if call.method == "GET" {
        return generic::show(store, call, "compute.keypair", &id);
    }
    store.leave("compute.keypair", &id);
    Answer::empty(if call.minor >= 2 {
        204
    } else {
        KEYPAIR.deleted
    })
}

fn new_keypair(store: &mut Store, call: &Call) -> Answer {
    let mut fields = call
        .body
        .get("keypair")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let user = fields
        .get("user_id")
        .map_or_else(|| call.actor.user.clone(), shape::text);
    let name = fields.get("name").map(shape::text).unwrap_or_default();
    fields.insert("_id".into(), format!("{user}/{name}").into());
    fields.insert("user_id".into(), user.into());
    let id = store.insert("compute.keypair", call.actor.project(), fields);
    let mut answer = generic::show(store, call, "compute.keypair", &id);
    answer.status = if call.minor >= 2 { 201 } else { 200 };
    answer
}

/// With `reclaim_instance_interval`, a deleted server is only hidden, and holds what it has.
fn hide_server(store: &mut Store, call: &Call, id: &str) -> Answer {
    if let Err(refusal) = owned(store, call, "compute.server", id) {
        return refusal;
    }
    if let Some(refusal) = generic::guarded(store, call, "compute.server", id) {
        return refusal;
    }
    let hidden = [
        ("status", "SOFT_DELETED"),
        ("OS-EXT-STS:vm_state", "soft-delete"),
    ];
    let hidden = hidden.map(|(k, v)| (k.to_owned(), Value::from(v)));
    store.set("compute.server", id, hidden.into_iter().collect());
    Answer::empty(204)
}

fn act_on_server(store: &mut Store, call: &Call, id: &str) -> Answer {
    if let Err(refusal) = owned(store, call, "compute.server", id) {
        return refusal;
    }
    let action = call
        .body
        .as_object()
        .and_then(|map| map.keys().next().cloned())
        .unwrap_or_default();
    match action.as_str() {
        "lock" => store.set("compute.server", id, json_fields(&[("locked", "true")])),
        "unlock" => store.set("compute.server", id, json_fields(&[("locked", "false")])),
        "forceDelete" => {
            if let Some(refusal) = generic::guarded(store, call, "compute.server", id) {
                return refusal;
            }
            store.leave("compute.server", id);
        }
        "os-resetState" if call.actor.admin => {
            let state = call
                .body
                .pointer("/os-resetState/state")
                .map(shape::text)
                .unwrap_or_default();
            let changes = [
                ("status", state.to_uppercase()),
                ("OS-EXT-STS:vm_state", state),
            ];
            let changes = changes
                .into_iter()
                .map(|(k, v)| (k.to_owned(), Value::from(v)));
            store.set("compute.server", id, changes.collect());
        }
        _ => return call.refuse(400, "", &format!("There is no such action: {action}")),
    }
    Answer::empty(202)
}

fn act_on_aggregate(store: &mut Store, call: &Call, id: &str) -> Answer {
    let mut hosts = match owned(store, call, "compute.aggregate", id) {
        Ok(thing) => thing
            .fields
            .get("hosts")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default(),
        Err(refusal) => return refusal,
    };
    if let Some(host) = call.body.pointer("/add_host/host") {
        hosts.push(host.clone());
    } else if let Some(host) = call.body.pointer("/remove_host/host") {
        if !hosts.contains(host) {
            let message = format!("Cannot remove host {} in aggregate {id}", shape::text(host));
            return call.refuse(404, "", &message);
        }
        hosts.retain(|h| h != host);
    } else {
        return call.refuse(400, "", "There is no such action");
    }
    store.set(
        "compute.aggregate",
        id,
        Fields::from_iter([("hosts".to_owned(), hosts.into())]),
    );
    generic::show(store, call, "compute.aggregate", id)
}

fn volumes_of(store: &Store, call: &Call, server: &str) -> Answer {
    if let Err(refusal) = generic::known(store, call, "compute.server", server) {
        return refusal;
    }
    let volumes = store.users_of("block_storage.volume", "attachments[].server_id", server);
    let entry =
        |id: &str| json!({"id": id, "volumeId": id, "serverId": server, "device": "/dev/sdb"});
    let found: Vec<Value> = volumes.map(|t| entry(&t.id)).collect();
    Answer::json(200, json!({"volumeAttachments": found}))
}

fn detach(store: &mut Store, call: &Call, server: &str, volume: &str) -> Answer {
    if let Err(refusal) = owned(store, call, "compute.server", server) {
        return refusal;
    }
    if !store
        .users("block_storage.volume", "attachments[].server_id", server)
        .iter()
        .any(|v| v == volume)
    {
        return call.refuse(404, "", &format!("volume_id not found: {volume}"));
    }
    store.set(
        "block_storage.volume",
        volume,
        json_fields(&[("status", "available"), ("attachments", "[]")]),
    );
    for attachment in store.users("block_storage.attachment", "volume_id", volume) {
        store.remove("block_storage.attachment", &attachment);
    }
    Answer::empty(202)
}

fn ports_of(store: &Store, call: &Call, server: &str) -> Answer {
    if let Err(refusal) = generic::known(store, call, "compute.server", server) {
        return refusal;
    }
    let text = |id: &str, field: &str| store.text("network.port", id, field);
    let ports = store.users_of("network.port", "device_id", server);
    let found: Vec<Value> = ports
        .map(|t| {
            json!({
                "net_id": text(&t.id, "network_id"), "port_id": t.id.as_ref(), "mac_addr": text(&t.id, "mac_address"),
                "port_state": text(&t.id, "status"), "fixed_ips": t.fields.get("fixed_ips"),
            })
        })
        .collect();
    Answer::json(200, json!({"interfaceAttachments": found}))
}

fn unplug(store: &mut Store, call: &Call, server: &str, port: &str) -> Answer {
    if let Err(refusal) = owned(store, call, "compute.server", server) {
        return refusal;
    }
    let Some(made) = store
        .users_of("network.port", "device_id", server)
        .find(|t| *t.id == *port)
    else {
        return call.refuse(404, "", &format!("Port id {port} could not be found."));
    };
    if made.fields.get("_made_by").is_some() {
        store.remove("network.port", port);
    } else {
        store.set(
            "network.port",
            port,
            json_fields(&[
                ("device_id", "\"\""),
                ("device_owner", "\"\""),
                ("status", "DOWN"),
            ]),
        );
    }
    Answer::empty(202)
}
