//! Cinder v3: its collections, and the actions on volumes, groups, types and QoS specs.

use serde_json::{Value, json};

use super::generic::{self, owned};
use super::listing;
use super::quota;
use super::store::{Fields, Store, json_fields};
use super::table::{
    As, Embed, Errors, Frees, Guard, Ids, Leaving, Microversion, Order, Pages, Reach, Row, Service,
    Takes, Wide,
};
use super::wire::{Answer, Call};

const VERSIONS: &str = r#"{"versions": [{"id": "v3.0", "status": "CURRENT", "version": "3.71", "min_version": "3.0", "updated": "2023-08-31T00:00:00Z", "links": [{"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"}, {"rel": "self", "href": "$base/volume/v3/"}], "media-types": [{"base": "application/json", "type": "application/vnd.openstack.volume+json;version=3"}]}]}"#;

pub(crate) const SERVICE: Service = Service {
    types: &[("block-storage", "cinder"), ("volumev3", "cinderv3")],
    endpoint: "/volume/v3/$project",
    root: "/volume/v3",
    errors: Errors::Fault,
    pages: Pages::Links,
    page_default: 1000,
    page_max: 1000,
    order: Order::Newest,
    microversion: Some(Microversion {
        service: "volume",
        major: 3,
        min: 0,
        max: 71,
    }),
    documents: &[("/volume", 300, VERSIONS)],
    rows: &[
        VOLUME,
        SNAPSHOT,
        BACKUP,
        TRANSFER,
        GROUP,
        GROUP_SNAPSHOT,
        TYPE,
        GROUP_TYPE,
        QOS_SPECS,
        ATTACHMENT,
        QUOTA,
    ],
    odd,
};

const ALL_TENANTS: Option<Wide> = Some(Wide {
    parameter: "all_tenants",
    policy: None,
});
const BUSY: &str = "Invalid volume: Volume status must be available or error or error_restoring or error_extending or error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.";
const DELETING: Option<Leaving> = Some(Leaving {
    field: "status",
    value: "deleting",
    failed: &[("status", "error_deleting")],
});

const VOLUME: Row = Row {
    shape: r#"{"id":"$id","status":"available","size":1,"availability_zone":"nova","created_at":"$micro","updated_at":"$micro","name":"","description":null,"volume_type":"__DEFAULT__","snapshot_id":null,"source_volid":null,"metadata":{},"links":[{"rel":"self","href":"$url/volumes/$id"},{"rel":"bookmark","href":"$mark/volumes/$id"}],"user_id":"$user","bootable":"false","encrypted":false,"replication_status":null,"consistencygroup_id":null,"multiattach":false,"attachments":[],"migration_status!":null,"group_id@13":null,"volume_type_id@63":"$_type","encryption_key_id@64":null,"os-vol-tenant-attr:tenant_id":"$project","os-vol-mig-status-attr:migstat!":null,"os-vol-mig-status-attr:name_id!":null,"os-vol-host-attr:host!":"fakehost@fake#fake"}"#,
    guards: &[
        Guard::is_not(
            "status",
            &[
                "available",
                "error",
                "error_restoring",
                "error_extending",
                "error_managing",
            ],
            400,
            BUSY,
        ),
        Guard::is_not("attachments", &["[]"], 400, BUSY),
        Guard::is_not("group_id", &[""], 400, BUSY),
        Guard::used("block_storage.snapshot", "volume_id", 400, "", BUSY),
    ],
    refs: &[
        "snapshot_id",
        "source_volid",
        "attachments[].server_id",
        "group_id",
        "_type",
    ],
    ..slow(
        "block_storage.volume",
        "volumes",
        "volumes",
        "volume",
        "Volume {id} could not be found.",
    )
};

const SNAPSHOT: Row = Row {
    shape: r#"{"id":"$id","created_at":"$micro","updated_at":"$micro","name":"","description":null,"volume_id":"","status":"available","size":1,"metadata":{},"group_snapshot_id@14":null,"user_id@41":"$user","os-extended-snapshot-attributes:project_id":"$project","os-extended-snapshot-attributes:progress":"100%"}"#,
    brief: &[
        "id",
        "created_at",
        "updated_at",
        "name",
        "description",
        "volume_id",
        "status",
        "size",
        "metadata",
    ],
    guards: &[
        Guard::is_not("status", &["available", "error"], 400, SNAPSHOT_BUSY),
        Guard::is_not("group_snapshot_id", &[""], 400, SNAPSHOT_BUSY),
    ],
    refs: &["volume_id", "group_snapshot_id"],
    ..slow(
        "block_storage.snapshot",
        "snapshots",
        "snapshots",
        "snapshot",
        "Snapshot {id} could not be found.",
    )
};
const SNAPSHOT_BUSY: &str =
    "Invalid snapshot: Snapshot status must be available or error and must not be part of a group.";

const BACKUP: Row = Row {
    shape: r#"{"id":"$id","status":"available","size":1,"object_count":0,"availability_zone":"nova","container":null,"created_at":"$micro","updated_at":"$micro","name":"","description":null,"fail_reason":null,"volume_id":"","links":[{"rel":"self","href":"$url/backups/$id"},{"rel":"bookmark","href":"$mark/backups/$id"}],"is_incremental":false,"has_dependent_backups":false,"snapshot_id":null,"data_timestamp":"$micro","metadata@43":{},"os-backup-project-attr:project_id@18!":"$project","user_id@56!":"$user"}"#,
    guards: &[
        Guard::is_not(
            "status",
            &["available", "error"],
            400,
            "Invalid backup: Backup status must be available or error.",
        ),
        // Cinder looks for them in the project of whoever asks.
        Guard {
            members_only: true,
            ..Guard::used(
                "block_storage.backup",
                "_parent",
                400,
                "",
                "Invalid backup: Incremental backups exist for this backup.",
            )
        },
    ],
    refs: &["_parent", "volume_id"],
    embeds: &[Embed {
        field: "has_dependent_backups",
        kind: "block_storage.backup",
        via: "_parent",
        as_what: As::Flag,
    }],
    ..slow(
        "block_storage.backup",
        "backups",
        "backups",
        "backup",
        "Backup {id} could not be found.",
    )
};

const TRANSFER: Row = Row {
    shape: r#"{"id":"$id","created_at":"$micro","name":"","volume_id":"","links":[{"rel":"self","href":"$url/os-volume-transfer/$id"},{"rel":"bookmark","href":"$mark/os-volume-transfer/$id"}],"no_snapshots@55":false,"destination_project_id@57":null,"source_project_id@57":"$project","accepted@57":false}"#,
    brief: &["id", "name", "volume_id", "links"],
    leaving: None,
    refs: &["volume_id"],
    ..slow(
        "block_storage.transfer",
        "os-volume-transfer",
        "transfers",
        "transfer",
        "Transfer {id} could not be found.",
    )
};

const GROUP: Row = Row {
    shape: r#"{"id":"$id","status":"available","availability_zone":"nova","created_at":"$micro","name":"","description":null,"group_type":"","volume_types":[],"group_snapshot_id@14":null,"source_group_id@14":null,"replication_status@38":"disabled","project_id@58!":"$project"}"#,
    brief: &["id", "name"],
    links: "group_links",
    takes: &[Takes::all("block_storage.volume", "group_id")],
    since: 13,
    ..slow(
        "block_storage.group",
        "groups",
        "groups",
        "group",
        "Group {id} could not be found.",
    )
};

const GROUP_SNAPSHOT: Row = Row {
    shape: r#"{"id":"$id","group_id":"","group_type_id":"","status":"available","created_at":"$micro","name":"","description":null,"project_id@58!":"$project"}"#,
    brief: &["id", "name"],
    links: "group_snapshot_links",
    refs: &["group_id"],
    takes: &[Takes::all("block_storage.snapshot", "group_snapshot_id")],
    since: 14,
    ..slow(
        "block_storage.group_snapshot",
        "group_snapshots",
        "group_snapshots",
        "group_snapshot",
        "GroupSnapshot {id} could not be found.",
    )
};

const TYPE: Row = Row {
    shape: r#"{"id":"$id","name":"","is_public":true,"description":null,"extra_specs":{},"qos_specs_id!":null,"os-volume-type-access:is_public":true}"#,
    reach: Reach::Cloud,
    public: "is_public",
    links: "volume_type_links",
    policy: (
        "volume_extension:type_get_all",
        "volume_extension:type_delete",
    ),
    created: 200,
    deleted: 202,
    missing: ("", "Volume type {id} could not be found."),
    guards: &[Guard::used(
        "block_storage.volume",
        "_type",
        400,
        "",
        "Target volume type is still in use.",
    )],
    refs: &["qos_specs_id"],
    ..Row::new("block_storage.type", "types", "volume_types", "volume_type")
};

const GROUP_TYPE: Row = Row {
    shape: r#"{"id":"$id","name":"","description":null,"is_public":true}"#,
    reach: Reach::Cloud,
    public: "is_public",
    created: 202,
    deleted: 202,
    missing: ("", "Group type {id} could not be found."),
    since: 11,
    ..Row::new(
        "block_storage.group_type",
        "group_types",
        "group_types",
        "group_type",
    )
};

const QOS_SPECS: Row = Row {
    shape: r#"{"id":"$id","name":"","consumer":"back-end","specs":{}}"#,
    reach: Reach::Admin,
    policy: (
        "volume_extension:qos_specs_manage:get_all",
        "volume_extension:qos_specs_manage:delete",
    ),
    created: 200,
    deleted: 202,
    missing: ("", "No such QoS spec {id}."),
    guards: &[Guard::used(
        "block_storage.type",
        "qos_specs_id",
        400,
        "",
        "Qos specs still in use.",
    )],
    frees: &[Frees {
        kind: "block_storage.type",
        via: "qos_specs_id",
        set: &[("qos_specs_id", "null")],
    }],
    ..Row::new(
        "block_storage.qos_specs",
        "qos-specs",
        "qos_specs",
        "qos_specs",
    )
};

const ATTACHMENT: Row = Row {
    shape: r#"{"id":"$id","status":"attached","instance":null,"volume_id":"","attached_at":"$micro","detached_at":"","attach_mode":"rw","connection_info":{"access_mode":"rw","driver_volume_type":"iscsi","attachment_id":"$id"}}"#,
    brief: &["id", "status", "instance", "volume_id"],
    leaving: None,
    deleted: 200,
    guards: &[Guard::is_not(
        "instance",
        &[""],
        409,
        "ConflictNovaUsingAttachment: Detach volume from instance {value} using the Compute API",
    )],
    refs: &["instance", "volume_id"],
    since: 27,
    ..slow(
        "block_storage.attachment",
        "attachments",
        "attachments",
        "attachment",
        "Volume attachment could not be found with filter: attachment_id = {id}.",
    )
};

const QUOTA: Row = Row {
    shape: r#"{"volumes":-1,"per_volume_gigabytes":-1,"snapshots":-1,"gigabytes":-1,"backups":-1,"backup_gigabytes":-1,"volumes___DEFAULT__":-1,"gigabytes___DEFAULT__":-1,"snapshots___DEFAULT__":-1,"groups":-1,"id":"$id"}"#,
    ids: Ids::Given,
    reach: Reach::Admin,
    policy: (
        "volume_extension:quotas:show",
        "volume_extension:quotas:delete",
    ),
    deleted: 200,
    ..Row::new(
        "block_storage.quota",
        "os-quota-sets",
        "quota_sets",
        "quota_set",
    )
};

/// A project's things that take a while to go, with a plain and a detailed list.
const fn slow(
    kind: &'static str,
    path: &'static str,
    many: &'static str,
    one: &'static str,
    missing: &'static str,
) -> Row {
    Row {
        brief: &["id", "name", "links"],
        wide: ALL_TENANTS,
        created: 202,
        deleted: 202,
        leaving: DELETING,
        missing: ("", missing),
        ..Row::new(kind, path, many, one)
    }
}

fn odd(store: &mut Store, call: &Call) -> Option<Answer> {
    match (call.method.as_str(), call.words().as_slice()) {
        (_, ["os-quota-sets", project]) => {
            Some(quota::answer(store, call, "block_storage.quota", project))
        }
        ("POST", ["groups", id, "action"]) => Some(delete_group(store, call, id)),
        ("DELETE", ["groups", _]) => Some(call.refuse(
            500,
            "",
            "The server has either erred or is incapable of performing the requested operation.",
        )),
        ("POST", [many @ ("volumes" | "snapshots" | "backups"), id, "action"]) => {
            Some(act(store, call, many, id))
        }
        ("DELETE", ["volumes", id]) if call.asks("cascade") => Some(cascade(store, call, id)),
        ("DELETE", ["os-volume-transfer" | "volume-transfers", id]) => {
            Some(delete_transfer(store, call, id))
        }
        ("GET", ["volume-transfers"]) => {
            Some(listing::list(store, call, "block_storage.transfer", false))
        }
        ("GET", ["volume-transfers", "detail"]) => {
            Some(listing::list(store, call, "block_storage.transfer", true))
        }
        ("DELETE", ["qos-specs", id]) if call.asks("force") => Some(force_qos(store, call, id)),
        ("GET", ["qos-specs", id, "associations"]) => Some(associations(store, call, id)),
        ("GET", ["qos-specs", id, verb]) => Some(associate(store, call, id, verb)),
        _ => None,
    }
}

fn act(store: &mut Store, call: &Call, many: &str, id: &str) -> Answer {
    let kind = match many {
        "volumes" => "block_storage.volume",
        "snapshots" => "block_storage.snapshot",
        _ => "block_storage.backup",
    };
    if let Err(refusal) = owned(store, call, kind, id) {
        return refusal;
    }
    let action = call
        .body
        .as_object()
        .and_then(|map| map.keys().next().cloned())
        .unwrap_or_default();
    match action.as_str() {
        "os-force_delete" | "os-reset_status" if !call.actor.admin => {
            return generic::denied(call, &format!("volume_extension:{many}_admin_actions"));
        }
        "os-force_delete" if store.text(kind, id, "attachments").len() > 2 => {
            return call.refuse(400, "", "Invalid volume: Volume  must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.");
        }
        "os-force_delete" => store.leave(kind, id),
        "os-reset_status" => {
            let status = call
                .body
                .pointer("/os-reset_status/status")
                .cloned()
                .unwrap_or(Value::Null);
            store.set(kind, id, Fields::from_iter([("status".to_owned(), status)]));
        }
        "os-detach" => store.set(
            kind,
            id,
            json_fields(&[("status", "available"), ("attachments", "[]")]),
        ),
        _ => return call.refuse(400, "", &format!("There is no such action: {action}")),
    }
    Answer::empty(202)
}

/// With its snapshots, unless something else is in the way.
fn cascade(store: &mut Store, call: &Call, id: &str) -> Answer {
    if let Err(refusal) = owned(store, call, "block_storage.volume", id) {
        return refusal;
    }
    if store.text("block_storage.volume", id, "attachments") != "[]" {
        return call.refuse(400, "", BUSY);
    }
    for snapshot in store.users("block_storage.snapshot", "volume_id", id) {
        store.remove("block_storage.snapshot", &snapshot);
    }
    generic::delete(store, call, "block_storage.volume", id)
}

fn delete_transfer(store: &mut Store, call: &Call, id: &str) -> Answer {
    let volume = store.text("block_storage.transfer", id, "volume_id");
    let answer = generic::delete(store, call, "block_storage.transfer", id);
    if answer.status == 202 {
        store.set(
            "block_storage.volume",
            &volume,
            json_fields(&[("status", "available")]),
        );
    }
    answer
}

fn delete_group(store: &mut Store, call: &Call, id: &str) -> Answer {
    if let Err(refusal) = owned(store, call, "block_storage.group", id) {
        return refusal;
    }
    let Some(delete) = call.body.get("delete") else {
        return call.refuse(400, "", "There is no such action");
    };
    if !store
        .users("block_storage.group_snapshot", "group_id", id)
        .is_empty()
    {
        return call.refuse(400, "", "Invalid Group: Group has existing snapshots.");
    }
    let with_volumes = delete.get("delete-volumes").and_then(Value::as_bool) == Some(true);
    if !with_volumes
        && !store
            .users("block_storage.volume", "group_id", id)
            .is_empty()
    {
        let message = format!(
            "Invalid Group: Group {id} still contains volumes. The delete-volumes flag is required to delete it."
        );
        return call.refuse(400, "", &message);
    }
    store.leave("block_storage.group", id);
    Answer::empty(202)
}

fn force_qos(store: &mut Store, call: &Call, id: &str) -> Answer {
    if let Err(refusal) = owned(store, call, "block_storage.qos_specs", id) {
        return refusal;
    }
    store.leave("block_storage.qos_specs", id);
    Answer::empty(202)
}

fn associations(store: &Store, call: &Call, id: &str) -> Answer {
    if let Err(refusal) = owned(store, call, "block_storage.qos_specs", id) {
        return refusal;
    }
    let types = store.users_of("block_storage.type", "qos_specs_id", id);
    let name = |id: &str| store.text("block_storage.type", id, "name");
    let entry = |id: &str| json!({"association_type": "volume_type", "name": name(id), "id": id});
    Answer::json(
        200,
        json!({"qos_associations": types.map(|t| entry(&t.id)).collect::<Vec<_>>()}),
    )
}

/// `associate`, `disassociate` and `disassociate_all`: changes behind a GET.
fn associate(store: &mut Store, call: &Call, id: &str, verb: &str) -> Answer {
    if let Err(refusal) = owned(store, call, "block_storage.qos_specs", id) {
        return refusal;
    }
    let one = call.parameter("vol_type_id").unwrap_or("").to_owned();
    let (types, value) = match verb {
        "associate" => (vec![one], Value::from(id)),
        "disassociate" => (vec![one], Value::Null),
        _ => (
            store.users("block_storage.type", "qos_specs_id", id),
            Value::Null,
        ),
    };
    for volume_type in types {
        let changes = Fields::from_iter([("qos_specs_id".to_owned(), value.clone())]);
        store.set("block_storage.type", &volume_type, changes);
    }
    Answer::empty(202)
}

/// The refusal of a path that names another project than the token's.
pub(crate) fn malformed(call: &Call) -> Answer {
    call.refuse(400, "", "Malformed request url")
}
