//! Heat.
//!
//! A stack takes along all that it made, and its nested stacks, which no listing shows unasked. An administrator's plain
//! listing shows all projects.

use runner_guest::{Paging, Row};

runner_guest::rules!("orchestration", KINDS);

const ROW: Row = Row::PLAIN.scoped("", "").created_at("/creation_time");

static KINDS: &[Row] = &[
    ROW.kind("orchestration.stack", "/stacks")
        .query("show_hidden=True&limit=1000")
        .requests(&["DELETE /stacks/{/stack_name}/{id}"])
        .gives_its_name()
        .beside("all that it made, and its nested stacks, whatever these are called")
        .names(&["/stack_name"])
        .project("/project")
        .tags("/tags")
        .lingers_unless("/stack_status", &["DELETE_FAILED"]),
    // Has no name, and holds its configuration. It outlives its server.
    ROW.kind("orchestration.software_deployment", "/software_deployments")
        .names(&[])
        .project("")
        .paged(Paging::None)
        .part_of(&[
            ("orchestration.software_config", "/config_id"),
            ("compute.server", "/server_id"),
        ])
        .before(&[("orchestration.software_config", "/config_id")]),
    ROW.kind("orchestration.software_config", "/software_configs")
        .query("limit=1000")
        .project("/project")
        .paged(Paging::Marker("marker"))
        // 500: a deployment uses it.
        .conflicts(&[500]),
];
