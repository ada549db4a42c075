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
    .takes_where(&[(
        "block_storage.volume",
        "/os-extended-volumes:volumes_attached/*/id",
        "delete_on_termination",
    )])
    // Blazar ends servers with their lease, and names none.
    .holds(&["reservation.lease", "reservation.host"])
    .beside("its tags, metadata and migrations, and the key of its emulated TPM; lets go of other volumes, given ports and floating IPs")
    // Without `all_tenants` Nova ignores `project_id`, and answers an administrator with his own project.
    .scoped("all_tenants=1", "all_tenants=1&project_id={project}")
    .own_if_denied()
    // 2.9 shows `locked`, 2.26 (Ocata) `tags`, by which a server can be protected. Before 2.69 (Stein) the servers of a cell that is
    // down are left out.
    .microversion("2.26")
    .listing_microversions(&["2.69", "2.26"])
    .cut_off_where(
        "/servers/*/status",
        "UNKNOWN",
        "a cell of Nova is down: it shows servers of which nothing is known but their ids",
    )
    // With `reclaim_instance_interval` a deleted server is hidden for a while. Only a listing by time shows it to its owner too.
    .again_if_allowed("status=SOFT_DELETED&changes-since=1970-01-01T00:00:00Z")
    .hidden_states(&["SOFT_DELETED"])
    .project("/tenant_id")
    .created_at("/created")
    .tags("/tags")
    .lingers()
    .sees(&["/locked"])
    .delete_by(delete_server)
    .forced_by(&[
        "POST /servers/{id}/action {\"os-resetState\":{\"state\":\"error\"}}",
        "POST /servers/{id}/action {\"forceDelete\":null}",
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
    .shared_if(&[("/os-flavor-access:is_public", "true")])
    .beside("its extra specs and the list of who may use it; servers keep what they were made with")
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
    .beside("its hosts' availability zone")
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
