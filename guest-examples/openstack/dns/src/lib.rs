//! Designate.
//!
//! It shows other projects' things only to an administrator who asks for all projects, and says that they are not there
//! (404) to one who deletes without asking for them. It answers 400 where a thing's state or what depends on it forbids the deletion.

use runner_guest::{Outcome, Paging, Place, Row, RuleError, Target};

runner_guest::rules!("dns", KINDS);

/// Denied to whoever is no administrator. Links to the next page forget it.
const ALL: &str = "all_projects=true";

/// What lies in a project.
const ROW: Row = Row::PLAIN
    .query("limit=max")
    .requests(&["DELETE {self}", "DELETE {self}?all_projects=true"])
    .scoped(ALL, ALL)
    .own_if_denied()
    .paged(Paging::Marker("marker"))
    .conflicts(&[400])
    .delete_by(delete);

const WIDE: Row = Row::PLAIN.query("limit=max").cloud_wide();

static KINDS: &[Row] = &[
    ROW.kind("dns.zone", "/v2/zones")
        .shared_if(&[("/shared", "true")])
        .lingers_unless("/status", &["ERROR"]),
    // Those that a zone has from the beginning (SOA, NS) cannot be deleted by themselves.
    ROW.kind("dns.recordset", "/v2/zones/{parent}/recordsets")
        .under_each("dns.zone")
        .goes_with_parent()
        .lingers_unless("/status", &["ERROR"]),
    // A shared zone cannot be deleted.
    ROW.kind("dns.zone_share", "/v2/zones/{parent}/shares")
        .at("/shared_zones")
        .under_deleted("dns.zone")
        .names(&[]),
    ROW.kind("dns.transfer_request", "/v2/zones/tasks/transfer_requests")
        .names(&["/description"])
        .part_of(OF_ZONE),
    // The record of an import or of an export outlives its zone, as a transfer request does.
    ROW.kind("dns.import", "/v2/zones/tasks/imports")
        .names(&[])
        .part_of(OF_ZONE),
    ROW.kind("dns.export", "/v2/zones/tasks/exports")
        .names(&[])
        .part_of(OF_ZONE),
    WIDE.kind("dns.tld", "/v2/tlds")
        .names(&["/description", "/name"]),
    WIDE.kind("dns.tsig_key", "/v2/tsigkeys"),
    WIDE.kind("dns.blacklist", "/v2/blacklists")
        .names(&["/description"]),
    Row::rest("dns.quota", "/v2/quotas")
        .at("")
        .query("all_projects=true")
        .requests(&["DELETE {self}?all_projects=true"])
        .one_for_each("identity.project")
        .paged(Paging::None)
        .stays_listed(),
];

const OF_ZONE: &[Place] = &[("dns.zone", "/zone_id")];

/// In all projects, or else in one's own.
fn delete(thing: &Target) -> Result<Outcome, RuleError> {
    match thing.finish(1) {
        Err(RuleError::Denied(_)) => thing.finish(0),
        other => other,
    }
}
