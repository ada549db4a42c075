//! Gnocchi.
//!
//! An administrator is shown all projects without asking. A metric and a resource belong to the project of who made them:
//! a resource's own `project_id` is what it tells about, and whoever makes a resource may write there what he likes.
//!
//! Sorted by id, since by default Gnocchi sorts by the time of the last change: what changes while it is listed would take its
//! place in the order, and the marker, along.

use runner_guest::{Paging, Place, Row, Table};

runner_guest::rules!(Table {
    service: "metric",
    rows: KINDS
});

static KINDS: &[Row] = &[
    // All types are among the generic ones. It takes its metrics along.
    of_project(
        "metric.resource",
        "/v1/resource/generic?limit=1000&sort=id:asc",
        &["DELETE /v1/resource/generic/{id}"],
    )
    .beside("its history")
    .names(&["/original_resource_id"])
    .id_is_no_name()
    .created_at("/started_at")
    .before(&[("metric.resource_type", "/type")]),
    of_project(
        "metric.metric",
        "/v1/metric?limit=1000&sort=id:asc",
        &["DELETE /v1/metric/{id}"],
    )
    .beside("its measures")
    .created_at("")
    .part_of(RESOURCE)
    .after(RESOURCE)
    .before(&[
        ("metric.archive_policy", "/archive_policy/name"),
        ("metric.archive_policy", "/archive_policy_name"),
    ]),
    by_name(
        "metric.archive_policy_rule",
        "/v1/archive_policy_rule",
        &["DELETE /v1/archive_policy_rule/{id}"],
    )
    .before(&[("metric.archive_policy", "/archive_policy_name")]),
    // A deleted metric holds its policy until Gnocchi's janitor has been there.
    by_name(
        "metric.archive_policy",
        "/v1/archive_policy",
        &["DELETE /v1/archive_policy/{id}"],
    ),
    by_name(
        "metric.resource_type",
        "/v1/resource_type",
        &["DELETE /v1/resource_type/{id}"],
    ),
];

const RESOURCE: &[Place] = &[("metric.resource", "/resource_id")];

const fn of_project(
    name: &'static str,
    list: &'static str,
    requests: &'static [&'static str],
) -> Row {
    Row::new(name, list, "", requests)
        .scoped("", "")
        .paged(Paging::Marker("marker"))
        .project("/created_by_project_id")
}

/// What the whole cloud has in common. What is in use is answered by 400.
const fn by_name(name: &'static str, list: &'static str, requests: &'static [&'static str]) -> Row {
    Row::new(name, list, "", requests)
        .cloud_wide()
        .paged(Paging::None)
        .id("/name")
        .created_at("")
        .conflicts(&[400])
}
