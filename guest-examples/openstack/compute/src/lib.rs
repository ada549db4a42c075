//! Nova.
//!
//! Names are everywhere here; what is odd is how each collection is asked for all of its things. Each row asks for the
//! lowest microversion that shows what it needs, so that old clouds are served too.

use runner_guest::{Outcome, Paging, Row, RuleError, Target};

runner_guest::rules!("compute", KINDS);

static KINDS: &[Row] = &[
    // An ERROR server can be deleted like any other, and stays in ERROR while it goes: no status says that a deletion has
    // failed. What hangs on a server (ports, volumes) says so itself.
    Row::rest("compute.server", "/servers")
        .detailed()
        .query("limit=1000")
        .requests(&["POST {self}/action {\"unlock\":null}", "DELETE {self}"])
        .takes_where(&[(
            "block_storage.volume",
            "/os-extended-volumes:volumes_attached/*/id",
            "delete_on_termination",
        )])
        // Blazar ends servers with their lease, and names none.
        .holds(&["reservation.lease", "reservation.host"])
        .beside(
            "its tags, metadata and migrations, and the key of its emulated TPM; \
             lets go of other volumes, given ports and floating IPs",
        )
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
            "POST {self}/action {\"os-resetState\":{\"state\":\"error\"}}",
            "POST {self}/action {\"forceDelete\":null}",
        ]),
    // Can be deleted with members in it.
    Row::rest("compute.server_group", "/os-server-groups")
        .at("/server_groups")
        .query("all_projects=True&limit=1000")
        // There is no filter by project, and `all_projects` is ignored for whoever is no administrator.
        .scoped("", "")
        .paged(Paging::Offset("offset"))
        // 2.13 shows `project_id`.
        .microversion("2.13"),
    // Belongs to a user and would outlive him, where no listing shows it: Nova does not hear of his end.
    Row::rest("compute.keypair", "/os-keypairs")
        .at("/keypairs")
        .query("user_id={parent}")
        .requests(&["DELETE {self}?user_id={parent}"])
        .under_each("identity.user")
        .part_of_parent()
        // 2.10 knows `user_id`. From 2.35 a listing comes in pages, before that whole.
        .microversion("2.10")
        .id("/keypair/name")
        .names(&["/keypair/name"])
        .project(""),
    // Can be deleted while servers use it. Without `is_public=None` private flavors are not shown, not even to an
    // administrator.
    Row::rest("compute.flavor", "/flavors")
        .detailed()
        .query("is_public=None&limit=1000")
        .shared_if(&[("/os-flavor-access:is_public", "true")])
        .beside(
            "its extra specs and the list of who may use it; servers keep what they were made with",
        )
        .cloud_wide(),
    Row::rest("compute.aggregate", "/os-aggregates")
        .at("/aggregates")
        .requests(&[
            "POST {self}/action {\"remove_host\":{\"host\":\"{/hosts/*}\"}}",
            "DELETE {self}",
        ])
        .beside("its hosts' availability zone")
        .cloud_wide()
        // 400: a host is in it, which was added after the listing.
        .conflicts(&[400])
        .delete_by(delete_aggregate),
    Row::rest("compute.quota", "/os-quota-sets")
        .at("/quota_set")
        .one_for_each("identity.project")
        .parent_gone(400)
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
