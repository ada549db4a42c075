//! Aodh.
//!
//! It shows an administrator other projects' alarms only if he asks for all, and denies that to everybody else.

use runner_guest::{Paging, Row};

runner_guest::rules!("alarm", KINDS);

static KINDS: &[Row] = &[
    // The time of its last change is all that it tells of its age.
    Row::rest("alarming.alarm", "/v2/alarms")
        .at("")
        .query("limit=1000&sort=alarm_id")
        .beside("its history")
        .scoped(
            "q.field=all_projects&q.op=eq&q.value=true",
            "q.field=project_id&q.op=eq&q.value={project}",
        )
        .paged(Paging::Marker("marker"))
        .id("/alarm_id")
        .created_at(""),
];
