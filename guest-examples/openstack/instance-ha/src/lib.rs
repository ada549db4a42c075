//! Masakari. All of it is an administrator's, and belongs to no project.

use runner_guest::{Paging, Row};

runner_guest::rules!("instance-ha", KINDS);

/// Masakari's ids are UUIDs, but its marker is the number of a row.
const ROW: Row = Row::PLAIN
    .query("limit=1000")
    .id("/uuid")
    .paged(Paging::MarkerAt("marker", "/id"));

static KINDS: &[Row] = &[
    // 409: notifications about its hosts are not dealt with.
    ROW.kind("instance_ha.segment", "/segments").cloud_wide(),
    // It bears the name of a hypervisor. Nothing is lost but that Masakari watches it.
    ROW.kind("instance_ha.host", "/segments/{parent}/hosts")
        .under_deleted("instance_ha.segment")
        .goes_with_parent()
        .project(""),
];
