//! Cinder.
//!
//! It answers 400, not 409, where a thing's state or what depends on it forbids the deletion. Members of a group or of a
//! group snapshot are refused one by one: a group lets its volumes go before it goes, a snapshot goes with its group
//! snapshot.

use runner_guest::{
    Object, Outcome, Owner, Paging, Place, Relation, Row, RuleError, Target, Thing, names,
};

runner_guest::rules!("block-storage", KINDS);

/// Asks an administrator's listing for all projects. Nobody else's heeds it.
const ALL: &str = "all_tenants=1";

/// The same, narrowed to one project.
const ONE: &str = "all_tenants=1&project_id={project}";

/// How often a group is looked at while it lets its volumes go. It takes Cinder about as long as two looks for each.
const LOOKS: usize = 60;

const ROW: Row = Row::PLAIN.query("limit=1000").conflicts(&[400]);

static KINDS: &[Row] = &[
    // Between two projects, a volume cannot be deleted.
    ROW.kind("block_storage.transfer", "/volume-transfers")
        .detailed()
        .at("/transfers")
        .scoped(ALL, ONE)
        .microversion("3.59")
        .project("/source_project_id")
        .owners(&[("block_storage.volume", "/volume_id")])
        .before(&[("block_storage.volume", "/volume_id")]),
    // Goes with its server. From 3.71 on Cinder asks Nova first, and refuses (409) while a server uses the volume through it.
    Row::rest("block_storage.attachment", "/attachments")
        .detailed()
        .query("limit=1000")
        .taken_by(&["compute.server"])
        .beside("its volume's connection")
        // Whoever is no administrator is refused (400) for naming a project.
        .scoped(ALL, ALL)
        .microversion("3.71")
        .optional()
        .paged(Paging::Marker("marker"))
        .names(&[])
        .project("")
        .created_at("")
        .sees(CONNECTED)
        .owners_by(ATTACHED, attachment_owners)
        .after(&[("compute.server", "/instance")])
        .before(&[("block_storage.volume", "/volume_id")]),
    // Refused (400) while increments are built on it, but not to an administrator: Cinder looks for them in his project only. It
    // says that there are some, and not which they are.
    ROW.kind("block_storage.backup", "/backups")
        .detailed()
        // 3.64 (Wallaby) shows the key, which goes with it. From 3.31 on, whoever is no administrator is refused for naming a project.
        .listing_microversions(&["3.64", "3.18"])
        .makes(KEY)
        .before(KEY)
        .sees(&["/has_dependent_backups"])
        .delete_by(delete_backup)
        .forced_by(FORCE)
        .scoped(ALL, ALL)
        .microversion("3.18")
        .project("/os-backup-project-attr:project_id")
        .lingers_unless("/status", &["error", "error_deleting"])
        .owners(&[("block_storage.volume", "/volume_id")]),
    ROW.kind("block_storage.group_snapshot", "/group_snapshots")
        .detailed()
        .scoped(ALL, ALL)
        .microversion("3.58")
        .lingers_unless("/status", &["error", "error_deleting"])
        .owners(&[("block_storage.group", "/group_id")])
        .before(&[("block_storage.group", "/group_id")]),
    // Cinder calls those it needs for a backup after the volume. What Nova makes of a server's volume is called `snapshot for` and
    // the image's name; but so may be what a person makes, and nothing tells them apart.
    ROW.kind("block_storage.snapshot", "/snapshots")
        .detailed()
        .forced_by(FORCE)
        .scoped(ALL, ONE)
        .microversion("3.14")
        .given_names(&["backup-snap-{uuid}"])
        .project("/os-extended-snapshot-attributes:project_id")
        .lingers_unless("/status", &["error_deleting"])
        .owners(&[("block_storage.volume", "/volume_id")])
        .before(&[("block_storage.volume", "/volume_id")])
        .goes_with(&[("block_storage.group_snapshot", "/group_snapshot_id")]),
    ROW.kind("block_storage.volume", "/volumes")
        .detailed()
        .forced_by(FORCE_VOLUME)
        .scoped(ALL, ALL)
        .microversion("3.13")
        .given_names(&["backup-vol-{uuid}"])
        .given_names_where(&[("image-{uuid}", "/metadata/readonly", "True")])
        .project("/os-vol-tenant-attr:tenant_id")
        .lingers_unless("/status", &["error_deleting"])
        // 3.63 (Wallaby) shows the type's id, 3.64 the key, which goes with it. From 3.31 on, whoever is no administrator is refused for
        // naming a project.
        .listing_microversions(&["3.64", "3.13"])
        .makes(KEY)
        .before(VOLUME_HOLDS)
        .sees(&["/volume_image_metadata/image_id"])
        .owners_by(VOLUME_OWNERS, volume_owners)
        .after(&[
            ("compute.server", "/attachments/*/server_id"),
            ("block_storage.group", "/group_id"),
        ]),
    ROW.kind("block_storage.group", "/groups")
        .detailed()
        .query("list_volume=True&limit=1000")
        .requests(&[
            "PUT {self} {\"group\":{\"remove_volumes\":\"{/volumes/*}\"}}",
            "POST {self}/action {\"delete\":{\"delete-volumes\":false}}",
        ])
        .scoped(ALL, ALL)
        .microversion("3.58")
        .lingers_unless("/status", &["error", "error_deleting"])
        .before(&[
            ("block_storage.type", "/volume_types/*"),
            ("block_storage.group_type", "/group_type"),
        ])
        .delete_by(delete_group),
    // Before 3.63 volumes show only its name, and hold it all the same.
    ROW.kind("block_storage.type", "/types")
        .at("/volume_types")
        .query("is_public=None&limit=1000")
        .shared_if(PUBLIC)
        .beside("its extra specs, its encryption and the list of who may use it")
        .cloud_wide()
        .before(&[("block_storage.qos_specs", "/qos_specs_id")]),
    ROW.kind("block_storage.group_type", "/group_types")
        .query("is_public=None&limit=1000")
        .shared_if(PUBLIC)
        .cloud_wide()
        .microversion("3.11"),
    ROW.kind("block_storage.qos_specs", "/qos-specs")
        .cloud_wide(),
    // A type that is a project's default cannot be deleted, and nobody can say so of a project that has gone.
    Row::rest("block_storage.default_type", "/default-types")
        .at("/default_type")
        .one_for_each("identity.project")
        .microversion("3.62")
        .parent_gone(406)
        .before(&[("block_storage.type", "/volume_type_id")]),
    Row::rest("block_storage.quota", "/os-quota-sets")
        .at("/quota_set")
        .one_for_each("identity.project")
        .stays_listed(),
];

/// All projects can use it.
const PUBLIC: &[(&str, &str)] = &[("/is_public", "true")];

const FORCE: &[&str] = &[
    r#"POST {self}/action {"os-reset_status":{"status":"error"}}"#,
    r#"POST {self}/action {"os-force_delete":null}"#,
];

const FORCE_VOLUME: &[&str] = &[
    r#"POST {self}/action {"os-reset_status":{"status":"error","attach_status":"detached"}}"#,
    r#"POST {self}/action {"os-force_delete":null}"#,
];

/// The key of an encrypted volume or backup: Cinder made it for this one alone, and deletes it with it.
const KEY: &[Place] = &[("key_manager.secret", "/encryption_key_id")];

const VOLUME_HOLDS: &[Place] = &[
    ("key_manager.secret", "/encryption_key_id"),
    ("block_storage.type", "/volume_type_id"),
];

const ATTACHED: &[(&str, &str)] = &[
    ("compute.server", "/instance"),
    ("block_storage.volume", "/volume_id"),
];

/// What every connection says. What else it says lets in whoever can reach the storage.
const CONNECTED: &[&str] = &[
    "/connection_info/attachment_id",
    "/connection_info/driver_volume_type",
];

/// The server decides where there is one, and where that is known to nobody, the volume: but only if Cinder would ask Nova
/// before it lets go. It does not for one that is merely reserved, as those of a shelved server are.
fn attachment_owners(attachment: &Object) -> Vec<Owner> {
    let server = attachment.text("/instance");
    let is_asked_for = attachment.has_any("/connection_info");
    let volume = attachment.text("/volume_id");
    let volume = volume.filter(|_| server.is_none() || is_asked_for);
    let server = server.map(|id| named_by("compute.server", id));
    let volume = volume.map(|id| named_by("block_storage.volume", id));
    server.into_iter().chain(volume).collect()
}

const VOLUME_OWNERS: &[(&str, &str)] = &[
    ("compute.server", "/attachments/*/server_id"),
    ("image.image", "/name"),
];

/// A nameless volume belongs to the servers that use it, and a cached copy of an image to the image.
fn volume_owners(volume: &Object) -> Vec<Owner> {
    let servers = volume.texts("/attachments/*/server_id");
    let users = servers.into_iter().map(|id| named_by("compute.server", id));
    let cached = cached_image(volume).map(|id| named_by("image.image", id));
    users.chain(cached).collect()
}

fn named_by(kind: &str, id: &str) -> Owner {
    Owner {
        relation: Relation::NamedBy,
        owner: Thing {
            kind: kind.to_owned(),
            id: id.to_owned(),
        },
    }
}

/// The image of which this volume is Cinder's own copy: read-only, called `image-<id>`, and made of that very image.
fn cached_image(volume: &Object) -> Option<&str> {
    let id = names::uuid_after("image-", volume.text("/name")?)?;
    let made_of = volume.text("/volume_image_metadata/image_id");
    let read_only = volume.text("/metadata/readonly") == Some("True");
    (made_of == Some(id) && read_only).then_some(id)
}

/// Without its base an increment is lost. So a base that had increments is looked at again, until they have gone.
fn delete_backup(backup: &Target) -> Result<Outcome, RuleError> {
    let has_increments = "/has_dependent_backups";
    if backup.object.is_true(has_increments) {
        let now = backup.fetch("{self}")?;
        if now.is_true(&format!("/backup{has_increments}")) {
            return Err(RuleError::Conflict("increments are built on it".to_owned()));
        }
    }
    backup.finish(0)
}

/// Only an empty group can be deleted without its volumes. It lets go of one after the other, each some time after it has
/// accepted to.
fn delete_group(group: &Target) -> Result<Outcome, RuleError> {
    for _ in 0..LOOKS {
        let shown = group.fetch("{self}?list_volume=True")?;
        let inside = shown.texts("/group/volumes/*");
        if shown.text("/group/status") == Some("updating") {
            continue;
        }
        let Some(volume) = inside.first() else {
            return group.finish(1);
        };
        group.send_for(0, "/volumes/*", volume)?;
    }
    let why = "it has not let go of its volumes yet";
    Err(RuleError::Conflict(why.to_owned()))
}
