//! Trove.
//!
//! Its listing of everybody's instances has no deletion beside it, and a backup's data is deleted with the credentials of
//! whoever asks: so most is listed with a token for each project.

use runner_guest::Row;

runner_guest::rules!("database", KINDS);

/// Deleted by somebody of another project, a configuration goes although instances use it: Trove looks in his project only.
const CONFIGURED: (&str, &str) = ("database.configuration", "/configuration/id");

/// 422: it is still being built.
const ROW: Row = Row::PLAIN
    .by_project_token()
    .created_at("/created")
    .conflicts(&[422]);

static KINDS: &[Row] = &[
    // Those of clusters are not listed: they go with them.
    ROW.kind("database.instance", "/instances")
        .detailed()
        .beside("its server, volume, ports and security group, in whose project Trove keeps them")
        .project("/tenant_id")
        .lingers()
        // 403, where it has replicas, cannot be told from missing credentials: they go first.
        .before(&[("database.instance", "/replica_of/id"), CONFIGURED]),
    ROW.kind("database.cluster", "/clusters")
        .beside("its instances")
        .project("")
        .lingers()
        .before(&[("database.configuration", "/configuration")]),
    // Would take along the increments that are built on it. It outlives its instance.
    ROW.kind("database.backup", "/backups")
        .lingers_unless("/status", &["DELETE_FAILED"])
        .before(&[("database.backup", "/parent_id")]),
    // An administrator is shown everybody's, and not whose they are.
    Row::rest("database.configuration", "/configurations")
        .scoped("", "")
        .project("")
        .created_at("/created")
        .conflicts(&[400]),
];
