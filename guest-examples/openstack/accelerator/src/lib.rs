//! Cyborg.
//!
//! Devices and what can be deployed on them are found by agents, not made by users. A device profile is what a flavor asks for
//! by name, an accelerator request what a server has of it.

use runner_guest::{Paging, Row, Table};

runner_guest::rules!(Table {
    service: "accelerator",
    rows: KINDS
});

static KINDS: &[Row] = &[
    // Nova deletes those of a server with it; only Nova may, once they are bound.
    Row::new(
        "accelerator.request",
        "/v2/accelerator_requests",
        "/arqs",
        &["DELETE /v2/accelerator_requests/{id}"],
    )
    .taken_by(&["compute.server"])
    .scoped("", "")
    .paged(Paging::None)
    .id("/uuid")
    .names(&[])
    .owners(&[("compute.server", "/instance_uuid")])
    .after(&[("compute.server", "/instance_uuid")]),
    // 500: requests were made of it. They know its name only, and not its id.
    Row::new(
        "accelerator.device_profile",
        "/v2/device_profiles",
        "/device_profiles",
        &["DELETE /v2/device_profiles/{id}"],
    )
    .cloud_wide()
    .paged(Paging::None)
    .id("/uuid")
    .last_of(&["accelerator.request"])
    .conflicts(&[500]),
];
