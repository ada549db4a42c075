//! Masakari. All of it is an administrator's, and belongs to no project.

use runner_guest::{Paging, Row, Table};

runner_guest::rules!(Table {
    service: "instance-ha",
    rows: KINDS
});

/// Masakari's ids are UUIDs, but its marker is the number of a row.
const PAGES: Paging = Paging::MarkerAt("marker", "/id");

static KINDS: &[Row] = &[
    // 409: notifications about its hosts are not dealt with.
    Row::new(
        "instance_ha.segment",
        "/segments?limit=1000",
        "/segments",
        &["DELETE /segments/{id}"],
    )
    .cloud_wide()
    .paged(PAGES)
    .id("/uuid"),
    // It bears the name of a hypervisor. Nothing is lost but that Masakari watches it.
    Row::new(
        "instance_ha.host",
        "/segments/{parent}/hosts?limit=1000",
        "/hosts",
        &["DELETE /segments/{parent}/hosts/{id}"],
    )
    .under_deleted("instance_ha.segment")
    .goes_with_parent()
    .project("")
    .paged(PAGES)
    .id("/uuid"),
];
