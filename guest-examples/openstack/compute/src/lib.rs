//! Nova.
//!
//! Names are everywhere here; what is odd is how each collection is asked for all of its things. Each row asks for the
//! lowest microversion that shows what it needs, so that old clouds are served too.

use runner_guest::{Outcome, Paging, Row, RuleError, Table, Target};

runner_guest::rules!(Table {
    service: "compute",
    rows: KINDS
});

static KINDS: &[Row] = &[
    // An ERROR server can be deleted like any other, and stays in ERROR while it goes: no status says that a deletion has
    // failed. What hangs on a server (ports, volumes) says so itself.
    Row::new(
        "compute.server",
        "/servers/detail?limit=1000",
        "/servers",
        &[
            "POST /servers/{id}/action {\"unlock\":null}",
            "DELETE /servers/{id}",
        ],
    )
    // Without `all_tenants` Nova ignores `project_id`, and answers an administrator with his own project.
    .scoped("all_tenants=1", "all_tenants=1&project_id={project}")
    .own_if_denied()
    // 2.9 shows `locked`, 2.26 (Ocata) `tags`, by which a server can be protected.
    .microversion("2.26")
    .project("/tenant_id")
    .created_at("/created")
    .tags("/tags")
    .lingers()
    .delete_by(delete_server)
    .forced_by(&[
        "POST /servers/{id}/action {\"os-resetState\":{\"state\":\"error\"}}",
        "DELETE /servers/{id}",
    ]),
    // Can be deleted with members in it.
    Row::new(
        "compute.server_group",
        "/os-server-groups?all_projects=True&limit=1000",
        "/server_groups",
        &["DELETE /os-server-groups/{id}"],
    )
    // There is no filter by project, and `all_projects` is ignored for whoever is no administrator.
    .scoped("", "")
    .paged(Paging::Offset("offset"))
    // 2.13 shows `project_id`.
    .microversion("2.13"),
    // Belongs to a user and would outlive him, where no listing shows it: Nova does not hear of his end.
    Row::new(
        "compute.keypair",
        "/os-keypairs?user_id={parent}",
        "/keypairs",
        &["DELETE /os-keypairs/{id}?user_id={parent}"],
    )
    .under_each("identity.user")
    .part_of_parent()
    // 2.10 knows `user_id`. From 2.35 a listing comes in pages, before that whole.
    .microversion("2.10")
    .id("/keypair/name")
    .names(&["/keypair/name"])
    .project(""),
    // Can be deleted while servers use it. Without `is_public=None` private flavors are not shown, not even to an
    // administrator.
    Row::new(
        "compute.flavor",
        "/flavors/detail?is_public=None&limit=1000",
        "/flavors",
        &["DELETE /flavors/{id}"],
    )
    .cloud_wide(),
    Row::new(
        "compute.aggregate",
        "/os-aggregates",
        "/aggregates",
        &[
            "POST /os-aggregates/{id}/action {\"remove_host\":{\"host\":\"{/hosts/*}\"}}",
            "DELETE /os-aggregates/{id}",
        ],
    )
    .cloud_wide()
    // 400: a host is in it, which was added after the listing.
    .conflicts(&[400])
    .delete_by(delete_aggregate),
    Row::new(
        "compute.quota",
        "/os-quota-sets/{parent}",
        "/quota_set",
        &["DELETE /os-quota-sets/{id}"],
    )
    .under_deleted("identity.project")
    .parent_gone(400)
    .id("")
    .names(&[])
    .project("")
    .stays_listed(),
];

/// A lock stops everybody but administrators. One that an administrator has set, only an administrator can take away.
fn delete_server(server: &Target) -> Result<Outcome, RuleError> {
    if server.object.is_true("/locked") {
        server.send(0)?;
    }
    server.finish(1)
}

fn delete_aggregate(aggregate: &Target) -> Result<Outcome, RuleError> {
    aggregate.send_for_each(0, "/hosts/*")?;
    aggregate.finish(1)
}
