//! Glance.
//!
//! Images are deleted in every state. A listing leaves out other projects' community images unless it is asked for all
//! visibilities, and hidden images unless it is asked for nothing else.

use runner_guest::{Outcome, Row, RuleError, Table, Target};

runner_guest::rules!(Table {
    service: "image",
    rows: KINDS
});

static KINDS: &[Row] = &[
    Row::new(
        "image.image",
        "/v2/images?limit=1000&visibility=all",
        "/images",
        &["DELETE /v2/images/{id}"],
    )
    .shared_if(&[("/visibility", "public"), ("/visibility", "community")])
    .refused_if(PROTECTED)
    .beside("its members, tags and data in every store")
    .scoped("", "owner={project}")
    .again("os_hidden=true")
    .project("/owner")
    .tags("/tags")
    .headers(&[(
        "Content-Type",
        "application/openstack-images-v2.1-json-patch",
    )])
    .delete_by(delete_unless_protected)
    .forced_by(&[
        "PATCH /v2/images/{id} [{\"op\":\"replace\",\"path\":\"/protected\",\"value\":false}]",
        "DELETE /v2/images/{id}",
    ]),
    // Its objects, properties and tags go with it.
    Row::new(
        "image.metadef_namespace",
        "/v2/metadefs/namespaces?limit=1000",
        "/namespaces",
        &["DELETE /v2/metadefs/namespaces/{id}"],
    )
    .shared_if(&[("/visibility", "public")])
    .refused_if(PROTECTED)
    .beside("its objects, properties, tags and resource types")
    .cloud_wide()
    .id("/namespace")
    .names(&["/namespace"])
    .delete_by(delete_unless_protected)
    .forced_by(&[
        "PUT /v2/metadefs/namespaces/{id} {\"namespace\":\"{id}\",\"protected\":false}",
        "DELETE /v2/metadefs/namespaces/{id}",
    ]),
];

const PROTECTED: &[(&str, &str, &str)] = &[("/protected", "true", "it is protected")];

/// Glance answers 403 for a protected thing, as if the credentials did not suffice.
fn delete_unless_protected(thing: &Target) -> Result<Outcome, RuleError> {
    if thing.object.is_true("/protected") {
        return Ok(Outcome::Refused("protected".to_owned()));
    }
    thing.finish(0)
}
