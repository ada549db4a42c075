//! Kinto, a JSON store over HTTP: a service outside OpenStack.

use runner_guest::{Outcome, Paging, Row, RuleError, Table, Target};

runner_guest::rules!(Table {
    service: "kinto",
    rows: KINDS
});

static KINDS: &[Row] = &[
    Row::new(
        "kinto.bucket",
        "/v1/buckets?_limit=1000",
        "/data",
        &["DELETE /v1/buckets/{id}"],
    )
    .cloud_wide()
    .paged(Paging::Header("next-page"))
    .names(&["/id"])
    .created_at("")
    .delete_by(delete_bucket),
    in_bucket(
        "kinto.collection",
        "/v1/buckets/{parent}/collections?_limit=1000",
        &["DELETE /v1/buckets/{parent}/collections/{id}"],
    ),
    in_bucket(
        "kinto.group",
        "/v1/buckets/{parent}/groups?_limit=1000",
        &["DELETE /v1/buckets/{parent}/groups/{id}"],
    ),
];

const fn in_bucket(
    name: &'static str,
    list: &'static str,
    requests: &'static [&'static str],
) -> Row {
    Row::new(name, list, "/data", requests)
        .under_each("kinto.bucket")
        .part_of_parent()
        // Whoever may list buckets may list what is in them.
        .parent_gone(403)
        .paged(Paging::Header("next-page"))
        .names(&["/id"])
        .project("")
        .created_at("")
        .reads(&["/v1/buckets"])
        .delete_by(delete_in_bucket)
}

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
