//! Glance v2: images, their states and their JSON-patch; the namespaces of metadata definitions.

use serde_json::Value;

use super::generic::{owned, show};
use super::shape;
use super::store::{Fields, Store, json_fields};
use super::table::{Errors, Guard, Ids, Order, Pages, Reach, Row, Service};
use super::wire::{Answer, Call};

const VERSIONS: &str = r#"{"versions": [{"id": "v2.17", "status": "CURRENT", "links": [{"rel": "self", "href": "$base/image/v2/"}]}, {"id": "v2.16", "status": "SUPPORTED", "links": [{"rel": "self", "href": "$base/image/v2/"}]}, {"id": "v2.0", "status": "SUPPORTED", "links": [{"rel": "self", "href": "$base/image/v2/"}]}]}"#;

pub(crate) const SERVICE: Service = Service {
    types: &[("image", "glance")],
    endpoint: "/image",
    root: "/image/v2",
    errors: Errors::Html,
    pages: Pages::Glance,
    page_default: 25,
    page_max: 1000,
    order: Order::Newest,
    microversion: None,
    documents: &[
        ("/image", 300, VERSIONS),
        ("/image/versions", 200, VERSIONS),
    ],
    rows: &[IMAGE, NAMESPACE],
    odd,
};

const IMAGE: Row = Row {
    shape: r#"{"name":"","disk_format":"raw","container_format":"bare","visibility":"shared","size":512,"virtual_size":512,"status":"active","checksum":"b8064a8a51ef03ddf35e4f6a1c461d69","protected":false,"min_ram":0,"min_disk":0,"owner":"$project","os_hidden":false,"os_hash_algo":"sha512","os_hash_value":"866138deb4e1c2aa79d831f329bf9978195965677d3527dac2586d7f6fd692fa","id":"$id","created_at":"$z","updated_at":"$z","tags":[],"self":"/v2/images/$id","file":"/v2/images/$id/file","schema":"/v2/schemas/image","stores":"fs"}"#,
    everyone: &[("visibility", "public")],
    unless_asked: &[("os_hidden", "false")],
    missing: ("", "No image found with ID {id}"),
    missing_delete: "Failed to find image {id} to delete",
    guards: &[Guard::is(
        "protected",
        &["true"],
        403,
        "",
        "Image {id} is protected and cannot be deleted.",
    )],
    ..Row::new("image.image", "images", "images", "image")
};

const NAMESPACE: Row = Row {
    shape: r#"{"namespace":"$id","visibility":"public","protected":false,"owner":"$project","created_at":"$z","updated_at":"$z","self":"/v2/metadefs/namespaces/$id","schema":"/v2/schemas/metadefs/namespace"}"#,
    ids: Ids::Given,
    reach: Reach::Cloud,
    missing: ("", "Metadata definition namespace not found"),
    ..Row::new(
        "image.metadef_namespace",
        "metadefs/namespaces",
        "namespaces",
        "namespace",
    )
};

fn odd(store: &mut Store, call: &Call) -> Option<Answer> {
    match (call.method.as_str(), call.words().as_slice()) {
        ("PATCH", ["images", id]) => Some(patch(store, call, id)),
        ("POST", ["images", id, "actions", action]) => Some(act(store, call, id, action)),
        _ => None,
    }
}

fn patch(store: &mut Store, call: &Call, id: &str) -> Answer {
    if let Err(refusal) = owned(store, call, "image.image", id) {
        return refusal;
    }
    let mut changes = Fields::new();
    for operation in call.body.as_array().into_iter().flatten() {
        let path = operation.get("path").map(shape::text).unwrap_or_default();
        let value = operation.get("value").cloned().unwrap_or(Value::Null);
        changes.insert(path.trim_start_matches('/').to_owned(), value);
    }
    store.set("image.image", id, changes);
    show(store, call, "image.image", id)
}

fn act(store: &mut Store, call: &Call, id: &str, action: &str) -> Answer {
    if let Err(refusal) = owned(store, call, "image.image", id) {
        return refusal;
    }
    let status = store.text("image.image", id, "status");
    let (from, to) = if action == "reactivate" {
        ("deactivated", "active")
    } else {
        ("active", "deactivated")
    };
    if status != from && status != to {
        return call.refuse(
            403,
            "",
            &format!("Not allowed to {action} image in status &#x27;{status}&#x27;"),
        );
    }
    store.set("image.image", id, json_fields(&[("status", to)]));
    Answer::empty(204)
}
