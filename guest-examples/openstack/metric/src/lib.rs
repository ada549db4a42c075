//! Gnocchi.
//!
//! An administrator is shown all projects without asking. A metric and a resource belong to the project of who made them:
//! a resource's own `project_id` is what it tells about, and whoever makes a resource may write there what he likes.
//!
//! Sorted by id, since by default Gnocchi sorts by the time of the last change: what changes while it is listed would take its
//! place in the order, and the marker, along.

use runner_guest::{Paging, Place, Row};

runner_guest::rules!("metric", KINDS);

const ROW: Row = Row::PLAIN
    .at("")
    .query("limit=1000&sort=id:asc")
    .scoped("", "")
    .paged(Paging::Marker("marker"))
    .project("/created_by_project_id");

/// What the whole cloud has in common. What is in use is answered by 400.
const WIDE: Row = Row::PLAIN
    .at("")
    .cloud_wide()
    .paged(Paging::None)
    .id("/name")
    .created_at("")
    .conflicts(&[400]);

static KINDS: &[Row] = &[
    // All types are among the generic ones. It takes its metrics along.
    ROW.kind("metric.resource", "/v1/resource/generic")
        .beside("its history")
        .names(&["/original_resource_id"])
        .id_is_no_name()
        .created_at("/started_at")
        .before(&[("metric.resource_type", "/type")]),
    ROW.kind("metric.metric", "/v1/metric")
        .beside("its measures")
        .created_at("")
        .goes_with(RESOURCE)
        .before(&[
            ("metric.archive_policy", "/archive_policy/name"),
            ("metric.archive_policy", "/archive_policy_name"),
        ]),
    WIDE.kind("metric.archive_policy_rule", "/v1/archive_policy_rule")
        .before(&[("metric.archive_policy", "/archive_policy_name")]),
    // A deleted metric holds its policy until Gnocchi's janitor has been there.
    WIDE.kind("metric.archive_policy", "/v1/archive_policy"),
    WIDE.kind("metric.resource_type", "/v1/resource_type"),
];

const RESOURCE: &[Place] = &[("metric.resource", "/resource_id")];
