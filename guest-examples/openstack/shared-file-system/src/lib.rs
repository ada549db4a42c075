//! Manila.
//!
//! It answers 403 or 400 where a thing's state or what depends on it forbids the deletion. Pages follow by offset: its own
//! links carry a marker which it does not heed.

use runner_guest::{Object, Outcome, Paging, Place, Row, RuleError, Step, Target};

runner_guest::rules!("shared-file-system", KINDS);

/// Asks an administrator's listing for all projects. Nobody else's heeds it.
const ALL: &str = "all_tenants=1";

/// The same, narrowed to one project.
const ONE: &str = "all_tenants=1&project_id={project}";

const ROW: Row = Row::PLAIN
    .query("limit=1000")
    .scoped(ALL, ONE)
    .paged(Paging::Offset("offset"));

const WIDE: Row = Row::PLAIN.cloud_wide().paged(Paging::None);

/// From here on (Ussuri) groups need no header that says one is ready for experiments. Replicas followed.
const GROUPS: &str = "2.55";

const NOT_DELETED: &[&str] = &["error_deleting", "error_deferred_deleting"];

const DELETE_SHARE: &[&str] = &[
    "DELETE {self}",
    "DELETE {self}?share_group_id={/share_group_id}",
];

/// All projects can use it.
const PUBLIC: &[(&str, &str)] = &[("/is_public", "true")];

const FORCE: &[&str] = &[
    r#"POST {self}/action {"reset_status":{"status":"error"}}"#,
    r#"POST {self}/action {"force_delete":null}"#,
];

/// What a share holds. Its server is shown to administrators only.
const HELD: &[Place] = &[
    ("shared_file_system.share_group", "/share_group_id"),
    ("shared_file_system.share_server", "/share_server_id"),
    ("shared_file_system.share_network", "/share_network_id"),
    ("shared_file_system.share_type", "/share_type"),
];

const SHARE: &[Place] = &[("shared_file_system.share", "/share_id")];

const NETWORK: &[Place] = &[("shared_file_system.share_network", "/share_network_id")];

static KINDS: &[Row] = &[
    // Between two projects, a share cannot be deleted.
    ROW.kind("shared_file_system.transfer", "/share-transfers")
        .detailed()
        .at("/transfers")
        .scoped(ALL, ALL)
        .microversion("2.77")
        .optional()
        .project("/source_project_id")
        .owners(&[("shared_file_system.share", "/resource_id")])
        .before(&[("shared_file_system.share", "/resource_id")]),
    ROW.kind(
        "shared_file_system.group_snapshot",
        "/share-group-snapshots",
    )
    .detailed()
    .beside("its members' snapshots")
    .microversion(GROUPS)
    .optional()
    .lingers_unless("/status", &["error"])
    .owners(&[("shared_file_system.share_group", "/share_group_id")])
    .before(&[
        ("shared_file_system.share_group", "/share_group_id"),
        ("shared_file_system.share", "/members/*/share_id"),
    ]),
    ROW.kind("shared_file_system.snapshot", "/snapshots")
        .detailed()
        .forced_by(FORCE)
        .microversion("2.17")
        .conflicts(&[400])
        .lingers_unless("/status", NOT_DELETED)
        .owners(SHARE)
        .before(SHARE),
    // A share's last active replica is the share.
    ROW.kind("shared_file_system.replica", "/share-replicas")
        .detailed()
        .taken_by(&["shared_file_system.share"])
        .scoped("", "")
        .microversion("2.56")
        .optional()
        .conflicts(&[400])
        .names(&[])
        .project("")
        .lingers_unless("/status", &["error_deleting"])
        .part_of(SHARE)
        .sees(&["/replica_state"])
        .order_by(replica_order),
    ROW.kind("shared_file_system.share", "/shares")
        .detailed()
        .requests(DELETE_SHARE)
        .shared_if(PUBLIC)
        .beside("its access rules, metadata and active replica")
        // 2.31 (Ocata) shows the group.
        .microversion("2.31")
        .conflicts(&[403])
        .lingers_unless("/status", NOT_DELETED)
        .before(HELD)
        .delete_by(delete_share)
        .forced_by(FORCE),
    // In the recycle bin a share still holds what it held, and no other listing shows it.
    ROW.kind("shared_file_system.recycled_share", "/shares")
        .detailed()
        .query("is_soft_deleted=true&limit=1000")
        .requests(DELETE_SHARE)
        .shared_if(PUBLIC)
        .beside("its access rules, metadata and active replica")
        .microversion("2.69")
        .optional()
        .conflicts(&[403])
        .lingers_unless("/status", NOT_DELETED)
        .before(HELD)
        .delete_by(delete_share),
    ROW.kind("shared_file_system.share_group", "/share-groups")
        .detailed()
        .microversion(GROUPS)
        .optional()
        .lingers_unless("/status", &["error"])
        .before(&[
            ("shared_file_system.share_server", "/share_server_id"),
            ("shared_file_system.share_network", "/share_network_id"),
            ("shared_file_system.group_type", "/share_group_type_id"),
        ]),
    // Only an administrator sees these. A network takes along those that Manila made, and cannot go before the others.
    WIDE.kind("shared_file_system.share_server", "/share-servers")
        .taken_by(&["shared_file_system.share_network"])
        .beside("its ports")
        .microversion("2.51")
        .conflicts(&[403])
        .names(&[])
        .project("/project_id")
        .lingers_unless("/status", &["error"])
        .part_of(NETWORK)
        .before(NETWORK),
    // All but one have to go before their network.
    Row::rest(
        "shared_file_system.share_network_subnet",
        "/share-networks/{parent}/subnets",
    )
    .at("/share_network_subnets")
    .under_deleted("shared_file_system.share_network")
    .paged(Paging::None)
    .microversion("2.51")
    .names(&[])
    .project(""),
    ROW.kind("shared_file_system.share_network", "/share-networks")
        .detailed()
        .microversion("2.51")
        .before(&[
            (
                "network.subnet",
                "/share_network_subnets/*/neutron_subnet_id",
            ),
            ("network.network", "/share_network_subnets/*/neutron_net_id"),
        ]),
    // Of an administrator Manila takes `limit` for something that the services must match, and none does.
    ROW.kind("shared_file_system.security_service", "/security-services")
        .detailed()
        .query("")
        .microversion("2.0")
        .conflicts(&[403])
        .after(&[("shared_file_system.share_network", "/share_networks/*")]),
    WIDE.kind("shared_file_system.group_type", "/share-group-types")
        .query("is_public=all")
        .shared_if(PUBLIC)
        .microversion(GROUPS)
        .optional()
        .conflicts(&[400])
        .before(&[("shared_file_system.share_type", "/share_types/*")]),
    WIDE.kind("shared_file_system.share_type", "/types")
        .at("/share_types")
        .query("is_public=all")
        .shared_if(&[("/share_type_access:is_public", "true")])
        .beside("its extra specs and the list of who may use it")
        .microversion("2.7")
        .conflicts(&[400]),
    Row::rest("shared_file_system.quota", "/quota-sets")
        .at("/quota_set")
        .one_for_each("identity.project")
        .microversion("2.7")
        .stays_listed(),
];

/// A share in a group goes only if the request says which group that is.
fn delete_share(share: &Target) -> Result<Outcome, RuleError> {
    let is_in_group = share.object.text("/share_group_id").is_some();
    share.finish(usize::from(is_in_group))
}

/// Replicas go before their share, except for the active one, which goes with it.
fn replica_order(replica: &Object) -> Vec<Step> {
    let is_active = replica.text("/replica_state") == Some("active");
    let step = if is_active { Step::After } else { Step::Before };
    replica.things(SHARE).into_iter().map(step).collect()
}
