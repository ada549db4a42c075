//! Heat.
//!
//! A stack takes along all that it made, and its nested stacks, which no listing shows unasked. An administrator's plain
//! listing shows all projects.

use runner_guest::{Paging, Row, Table};

runner_guest::rules!(Table {
    service: "orchestration",
    rows: KINDS
});

static KINDS: &[Row] = &[
    Row::new(
        "orchestration.stack",
        "/stacks?show_hidden=True&limit=1000",
        "/stacks",
        &["DELETE /stacks/{/stack_name}/{id}"],
    )
    .beside("all that it made, and its nested stacks, whatever these are called")
    .scoped("", "")
    .names(&["/stack_name"])
    .project("/project")
    .created_at("/creation_time")
    .tags("/tags")
    .lingers_unless("/stack_status", &["DELETE_FAILED"]),
    // Has no name, and holds its configuration. It outlives its server.
    Row::new(
        "orchestration.software_deployment",
        "/software_deployments",
        "/software_deployments",
        &["DELETE /software_deployments/{id}"],
    )
    .scoped("", "")
    .names(&[])
    .project("")
    .created_at("/creation_time")
    .paged(Paging::None)
    .part_of(&[
        ("orchestration.software_config", "/config_id"),
        ("compute.server", "/server_id"),
    ])
    .before(&[("orchestration.software_config", "/config_id")]),
    Row::new(
        "orchestration.software_config",
        "/software_configs?limit=1000",
        "/software_configs",
        &["DELETE /software_configs/{id}"],
    )
    .scoped("", "")
    .project("/project")
    .created_at("/creation_time")
    .paged(Paging::Marker("marker"))
    // 500: a deployment uses it.
    .conflicts(&[500]),
];
