//! Glance.
//!
//! Images are deleted in every state. A listing leaves out other projects' community images unless it is asked for all
//! visibilities, and hidden images unless it is asked for nothing else.

use runner_guest::{Outcome, Row, RuleError, Target};

runner_guest::rules!("image", KINDS);

static KINDS: &[Row] = &[
    Row::rest("image.image", "/v2/images")
        .query("limit=1000&visibility=all")
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
            "PATCH {self} [{\"op\":\"replace\",\"path\":\"/protected\",\"value\":false}]",
            "DELETE {self}",
        ]),
    // Its objects, properties and tags go with it.
    Row::rest("image.metadef_namespace", "/v2/metadefs/namespaces")
        .query("limit=1000")
        .shared_if(&[("/visibility", "public")])
        .refused_if(PROTECTED)
        .beside("its objects, properties, tags and resource types")
        .cloud_wide()
        .id("/namespace")
        .names(&["/namespace"])
        .delete_by(delete_unless_protected)
        .forced_by(&[
            "PUT {self} {\"namespace\":\"{id}\",\"protected\":false}",
            "DELETE {self}",
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
