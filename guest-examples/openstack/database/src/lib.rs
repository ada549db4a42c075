//! Trove.
//!
//! Its listing of everybody's instances has no deletion beside it, and a backup's data is deleted with the credentials of
//! whoever asks: so most is listed with a token for each project.

use runner_guest::{Row, Table};

runner_guest::rules!(Table {
    service: "database",
    rows: KINDS
});

/// Deleted by somebody of another project, a configuration goes although instances use it: Trove looks in his project only.
const CONFIGURED: (&str, &str) = ("database.configuration", "/configuration/id");

static KINDS: &[Row] = &[
    // Those of clusters are not listed: they go with them.
    Row::new(
        "database.instance",
        "/instances/detail",
        "/instances",
        &["DELETE /instances/{id}"],
    )
    .beside("its server, volume, ports and security group, in whose project Trove keeps them")
    .by_project_token()
    .project("/tenant_id")
    .created_at("/created")
    // 422: it is still being built. 403, where it has replicas, cannot be told from missing credentials: they go first.
    .conflicts(&[422])
    .lingers()
    .before(&[("database.instance", "/replica_of/id"), CONFIGURED]),
    Row::new(
        "database.cluster",
        "/clusters",
        "/clusters",
        &["DELETE /clusters/{id}"],
    )
    .beside("its instances")
    .by_project_token()
    .project("")
    .created_at("/created")
    .conflicts(&[422])
    .lingers()
    .before(&[("database.configuration", "/configuration")]),
    // Would take along the increments that are built on it. It outlives its instance.
    Row::new(
        "database.backup",
        "/backups",
        "/backups",
        &["DELETE /backups/{id}"],
    )
    .by_project_token()
    .created_at("/created")
    .conflicts(&[422])
    .lingers_unless("/status", &["DELETE_FAILED"])
    .before(&[("database.backup", "/parent_id")]),
    // An administrator is shown everybody's, and not whose they are.
    Row::new(
        "database.configuration",
        "/configurations",
        "/configurations",
        &["DELETE /configurations/{id}"],
    )
    .scoped("", "")
    .project("")
    .created_at("/created")
    .conflicts(&[400]),
];
