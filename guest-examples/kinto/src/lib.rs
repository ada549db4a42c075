//! Kinto, a JSON store over HTTP: a service outside OpenStack.

use runner_guest::{Outcome, Paging, Row, RuleError, Target};

runner_guest::rules!("kinto", KINDS);

const ROW: Row = Row::PLAIN
    .at("/data")
    .query("_limit=1000")
    .paged(Paging::Header("next-page"))
    .names(&["/id"])
    .created_at("");

const IN_BUCKET: Row = ROW
    .under_each("kinto.bucket")
    .part_of_parent()
    // Whoever may list buckets may list what is in them.
    .parent_gone(403)
    .project("")
    .reads(&["/v1/buckets"])
    .delete_by(delete_in_bucket);

static KINDS: &[Row] = &[
    ROW.kind("kinto.bucket", "/v1/buckets")
        .cloud_wide()
        .delete_by(delete_bucket),
    IN_BUCKET.kind("kinto.collection", "/v1/buckets/{parent}/collections"),
    IN_BUCKET.kind("kinto.group", "/v1/buckets/{parent}/groups"),
];

fn delete_bucket(thing: &Target) -> Result<Outcome, RuleError> {
    delete_unless_gone(thing, "/v1/buckets?id=%22{id}%22")
}

fn delete_in_bucket(thing: &Target) -> Result<Outcome, RuleError> {
    delete_unless_gone(thing, "/v1/buckets?id=%22{parent}%22")
}

/// Kinto answers 403 for a bucket that does not exist, and for all in it. Whether it exists is what the list of buckets
/// says, and not an answer about the thing itself: so the runner is to list it again. The quotes keep Kinto from taking an id such
/// as `123` for a number.
fn delete_unless_gone(thing: &Target, bucket: &str) -> Result<Outcome, RuleError> {
    match thing.finish(0) {
        Err(RuleError::Denied(_)) if thing.fetch(bucket)?.has_none("/data") => {
            Ok(Outcome::Accepted)
        }
        deleted => deleted,
    }
}
