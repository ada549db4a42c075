//! Cyborg.
//!
//! Devices and what can be deployed on them are found by agents, not made by users. A device profile is what a flavor asks for
//! by name, an accelerator request what a server has of it.

use runner_guest::{Paging, Row};

runner_guest::rules!("accelerator", KINDS);

const ROW: Row = Row::PLAIN.paged(Paging::None).id("/uuid");

static KINDS: &[Row] = &[
    // Nova deletes those of a server with it; only Nova may, once they are bound.
    ROW.kind("accelerator.request", "/v2/accelerator_requests")
        .at("/arqs")
        .taken_by(&["compute.server"])
        .scoped("", "")
        .names(&[])
        .owners(&[("compute.server", "/instance_uuid")])
        .after(&[("compute.server", "/instance_uuid")]),
    // 500: requests were made of it. They know its name only, and not its id.
    ROW.kind("accelerator.device_profile", "/v2/device_profiles")
        .cloud_wide()
        .last_of(&["accelerator.request"])
        .conflicts(&[500]),
];
