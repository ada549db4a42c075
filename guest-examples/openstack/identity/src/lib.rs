//! Keystone.
//!
//! Keystone seldom refuses: it takes along what hangs on a thing, whoever made it, or leaves it behind where no listing
//! shows it. So most of the order here protects what is to be kept, and finds what would be lost.

use runner_guest::{Object, Outcome, Row, RuleError, Target, requests};

runner_guest::rules!("identity", KINDS);

/// What the cloud has as a whole, and no project.
const ROW: Row = Row::PLAIN.cloud_wide();

static KINDS: &[Row] = &[
    // A project goes only when it is a leaf. The parent of a project at the top is its domain.
    ROW.kind("identity.project", "/v3/projects")
        .container()
        .refused_if(IMMUTABLE)
        .beside("role assignments on it, its limits and tags")
        .tags("/tags")
        .before(&[
            ("identity.project", "/parent_id"),
            ("identity.domain", "/domain_id"),
        ]),
    ROW.kind("identity.user", "/v3/users")
        .container()
        .beside(
            "its memberships, role assignments, access rules, credentials \
             of other types and federated identities",
        )
        .before(IN_DOMAIN)
        .last_of(ACT_FOR_USERS),
    ROW.kind("identity.group", "/v3/groups")
        .beside("its memberships and role assignments")
        .before(IN_DOMAIN),
    // Would go with its user or its project.
    Row::rest(
        "identity.application_credential",
        "/v3/users/{parent}/application_credentials",
    )
    .taken_by(TAKEN_BY)
    .under_each("identity.user")
    .part_of(&[
        ("identity.user", "/user_id"),
        ("identity.project", "/project_id"),
    ])
    .last_of(ACT_FOR_USERS),
    // Would go with its user or its project, and nothing else says whose it is. An administrator sees everybody's.
    Row::rest("identity.ec2_credential", "/v3/credentials")
        .query("type=ec2")
        .taken_by(TAKEN_BY)
        .scoped("", "")
        .names(&[])
        .part_of(&[
            ("identity.user", "/user_id"),
            ("identity.project", "/project_id"),
        ]),
    // Would go with either of its users, its project, or the trust that it was delegated by.
    ROW.kind("identity.trust", "/v3/OS-TRUST/trusts")
        .taken_by(&["identity.user", "identity.project", "identity.trust"])
        .optional()
        .names(&[])
        .part_of(&[
            ("identity.user", "/trustor_user_id"),
            ("identity.user", "/trustee_user_id"),
            ("identity.project", "/project_id"),
            ("identity.trust", "/redelegated_trust_id"),
        ])
        .last_of(ACT_FOR_USERS),
    // Keystone deletes, for each user who has it on a project, all of that user's application credentials there: those of other
    // roles too. This listing leaves out the roles of domains.
    ROW.kind("identity.role", "/v3/roles")
        .refused_if(IMMUTABLE)
        .beside(
            "its assignments, and every application credential of whoever holds it, \
             on the project where he does; what it implies",
        ),
    // Who has a role that is to go. It goes with any of those it names, and holds the role as long as they stay.
    Row::rest("identity.role_assignment", "/v3/role_assignments")
        .query("role.id={parent}")
        .requests(&[])
        .under_deleted("identity.role")
        .witness()
        .id("/links/assignment")
        .names(&[])
        .project("")
        .created_at("")
        .part_of(&[
            ("identity.user", "/user/id"),
            ("identity.group", "/group/id"),
            ("identity.project", "/scope/project/id"),
            ("identity.domain", "/scope/domain/id"),
        ])
        .before(&[("identity.role", "/role/id")]),
    // Outlives its domain, and is then in no listing.
    Row::rest("identity.domain_role", "/v3/roles")
        .query("domain_id={parent}")
        .refused_if(IMMUTABLE)
        .beside("what it implies")
        .under_each("identity.domain")
        .project("")
        .part_of(IN_DOMAIN)
        .before(IN_DOMAIN),
    ROW.kind("identity.service", "/v3/services")
        .beside("its endpoints' groups and policies"),
    // Goes with its service, and holds its region.
    ROW.kind("identity.endpoint", "/v3/endpoints")
        .names(&[])
        .goes_with(&[("identity.service", "/service_id")])
        .before(&[("identity.region", "/region_id")]),
    // Its id may be a name that its maker gave. Regions inside it would go with it.
    ROW.kind("identity.region", "/v3/regions")
        .names(&["/description", "/id"])
        .before(&[("identity.region", "/parent_region_id")]),
    // Outlives its service and its region.
    ROW.kind("identity.registered_limit", "/v3/registered_limits")
        .optional()
        .names(&[])
        .part_of(LIMITED)
        // 403: a limit of a project or a domain overrides it, and names it only by service, region and resource.
        .conflicts(&[403]),
    // Goes with its project, but outlives its service and its region.
    Row::rest("identity.limit", "/v3/limits")
        .scoped("", "")
        .optional()
        .names(&[])
        .part_of(&[
            ("identity.service", "/service_id"),
            ("identity.region", "/region_id"),
            ("identity.domain", "/domain_id"),
        ]),
    // Its id is the name that its maker gave. It takes its protocols along.
    ROW.kind(
        "identity.identity_provider",
        "/v3/OS-FEDERATION/identity_providers",
    )
    .beside("the identities of users who came by it")
    .optional()
    .names(&["/id"])
    .before(IN_DOMAIN),
    Row::rest(
        "identity.protocol",
        "/v3/OS-FEDERATION/identity_providers/{parent}/protocols",
    )
    .under_each("identity.identity_provider")
    .project("")
    .names(&["/id"])
    .goes_with_parent()
    .before(&[("identity.mapping", "/mapping_id")]),
    // Keystone deletes one that a protocol uses.
    ROW.kind("identity.mapping", "/v3/OS-FEDERATION/mappings")
        .optional()
        .names(&["/id"]),
    ROW.kind(
        "identity.service_provider",
        "/v3/OS-FEDERATION/service_providers",
    )
    .optional()
    .names(&["/id"]),
    // Its tokens go with it.
    ROW.kind("identity.oauth_consumer", "/v3/OS-OAUTH1/consumers")
        .beside("its tokens")
        .optional()
        .names(&["/description"]),
    ROW.kind("identity.domain", "/v3/domains")
        .requests(&[
            "PATCH {self} {\"domain\":{\"enabled\":false}}",
            "DELETE {self}",
        ])
        .container()
        .refused_if(IMMUTABLE)
        .beside("all that is in it, and its role assignments")
        .tags("/tags")
        .reads(&["/v3/groups", "/v3/projects", "/v3/users"])
        .sees(&["/enabled"])
        .delete_by(delete_domain),
];

/// Nobody can delete what is marked so, until the mark is taken away.
const IMMUTABLE: &[(&str, &str, &str)] = &[("/options/immutable", "true", "it is immutable")];

const TAKEN_BY: &[&str] = &["identity.user", "identity.project"];

/// A domain would take along all that is left in it.
const IN_DOMAIN: &[(&str, &str)] = &[("identity.domain", "/domain_id")];

/// What goes on by its user's authority while it is being deleted: without that, a service cannot ask others for its parts.
const ACT_FOR_USERS: &[&str] = &[
    "alarming.alarm",
    "container_infra.cluster",
    "database.instance",
    "orchestration.stack",
    "reservation.lease",
    "workflow.cron_trigger",
    "workflow.execution",
];

const LIMITED: &[(&str, &str)] = &[
    ("identity.service", "/service_id"),
    ("identity.region", "/region_id"),
];

/// Only a disabled domain can be deleted, and then goes with all that is in it. So it is looked into once more: something may
/// have been made in it since, or be in no listing but its own.
fn delete_domain(domain: &Target) -> Result<Outcome, RuleError> {
    for collection in ["projects", "users", "groups"] {
        if !is_without(&domain.item.id, collection)? {
            let text = format!("there are {collection} in the domain");
            return Err(RuleError::Conflict(text));
        }
    }
    if domain.object.is_true("/enabled") {
        domain.send(0)?;
    }
    domain.finish(1)
}

fn is_without(domain: &str, collection: &str) -> Result<bool, RuleError> {
    let path = format!("/v3/{collection}?domain_id={}", requests::encode(domain));
    let response = requests::get("identity", &path, "")?;
    requests::check(&response)?;
    Ok(Object::parse(&response.body).has_none(&format!("/{collection}")))
}
