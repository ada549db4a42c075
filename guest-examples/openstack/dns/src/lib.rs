//! Designate.
//!
//! It shows other projects' things only to an administrator who asks for all projects, and says that they are not there
//! (404) to one who deletes without asking for them. It answers 400 where a thing's state or what depends on it forbids the deletion.

use runner_guest::{Outcome, Paging, Place, Row, RuleError, Table, Target};

runner_guest::rules!(Table {
    service: "dns",
    rows: KINDS
});

/// Denied to whoever is no administrator. Links to the next page forget it.
const ALL: &str = "all_projects=true";

static KINDS: &[Row] = &[
    of_project(
        "dns.zone",
        "/v2/zones?limit=max",
        "/zones",
        &[
            "DELETE /v2/zones/{id}",
            "DELETE /v2/zones/{id}?all_projects=true",
        ],
    )
    .shared_if(&[("/shared", "true")])
    .lingers_unless("/status", &["ERROR"]),
    // Those that a zone has from the beginning (SOA, NS) cannot be deleted by themselves.
    of_project(
        "dns.recordset",
        "/v2/zones/{parent}/recordsets?limit=max",
        "/recordsets",
        &[
            "DELETE /v2/zones/{parent}/recordsets/{id}",
            "DELETE /v2/zones/{parent}/recordsets/{id}?all_projects=true",
        ],
    )
    .under_each("dns.zone")
    .goes_with_parent()
    .lingers_unless("/status", &["ERROR"]),
    // A shared zone cannot be deleted.
    of_project(
        "dns.zone_share",
        "/v2/zones/{parent}/shares?limit=max",
        "/shared_zones",
        &[
            "DELETE /v2/zones/{parent}/shares/{id}",
            "DELETE /v2/zones/{parent}/shares/{id}?all_projects=true",
        ],
    )
    .under_deleted("dns.zone")
    .names(&[]),
    of_project(
        "dns.transfer_request",
        "/v2/zones/tasks/transfer_requests?limit=max",
        "/transfer_requests",
        &[
            "DELETE /v2/zones/tasks/transfer_requests/{id}",
            "DELETE /v2/zones/tasks/transfer_requests/{id}?all_projects=true",
        ],
    )
    .names(&["/description"])
    .part_of(OF_ZONE),
    // The record of an import or of an export outlives its zone, as a transfer request does.
    of_project(
        "dns.import",
        "/v2/zones/tasks/imports?limit=max",
        "/imports",
        &[
            "DELETE /v2/zones/tasks/imports/{id}",
            "DELETE /v2/zones/tasks/imports/{id}?all_projects=true",
        ],
    )
    .names(&[])
    .part_of(OF_ZONE),
    of_project(
        "dns.export",
        "/v2/zones/tasks/exports?limit=max",
        "/exports",
        &[
            "DELETE /v2/zones/tasks/exports/{id}",
            "DELETE /v2/zones/tasks/exports/{id}?all_projects=true",
        ],
    )
    .names(&[])
    .part_of(OF_ZONE),
    Row::new(
        "dns.tld",
        "/v2/tlds?limit=max",
        "/tlds",
        &["DELETE /v2/tlds/{id}"],
    )
    .cloud_wide()
    .names(&["/description", "/name"]),
    Row::new(
        "dns.tsig_key",
        "/v2/tsigkeys?limit=max",
        "/tsigkeys",
        &["DELETE /v2/tsigkeys/{id}"],
    )
    .cloud_wide(),
    Row::new(
        "dns.blacklist",
        "/v2/blacklists?limit=max",
        "/blacklists",
        &["DELETE /v2/blacklists/{id}"],
    )
    .cloud_wide()
    .names(&["/description"]),
    Row::new(
        "dns.quota",
        "/v2/quotas/{parent}?all_projects=true",
        "",
        &["DELETE /v2/quotas/{id}?all_projects=true"],
    )
    .under_deleted("identity.project")
    .paged(Paging::None)
    .id("")
    .names(&[])
    .stays_listed(),
];

const OF_ZONE: &[Place] = &[("dns.zone", "/zone_id")];

/// What lies in a project.
const fn of_project(
    name: &'static str,
    list: &'static str,
    at: &'static str,
    requests: &'static [&'static str],
) -> Row {
    Row::new(name, list, at, requests)
        .scoped(ALL, ALL)
        .own_if_denied()
        .paged(Paging::Marker("marker"))
        .conflicts(&[400])
        .delete_by(delete)
}

/// In all projects, or else in one's own.
fn delete(thing: &Target) -> Result<Outcome, RuleError> {
    match thing.finish(1) {
        Err(RuleError::Denied(_)) => thing.finish(0),
        other => other,
    }
}
