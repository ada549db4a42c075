//! Keystone.
//!
//! Keystone seldom refuses: it takes along what hangs on a thing, whoever made it, or leaves it behind where no listing
//! shows it. So most of the order here protects what is to be kept, and finds what would be lost.

use runner_guest::{Object, Outcome, Row, RuleError, Table, Target, requests};

runner_guest::rules!(Table {
    service: "identity",
    rows: KINDS
});

static KINDS: &[Row] = &[
    // A project goes only when it is a leaf. The parent of a project at the top is its domain.
    Row::new(
        "identity.project",
        "/v3/projects",
        "/projects",
        &["DELETE /v3/projects/{id}"],
    )
    .container()
    .refused_if(IMMUTABLE)
    .beside("role assignments on it, its limits and tags")
    .cloud_wide()
    .tags("/tags")
    .before(&[
        ("identity.project", "/parent_id"),
        ("identity.domain", "/domain_id"),
    ]),
    Row::new(
        "identity.user",
        "/v3/users",
        "/users",
        &["DELETE /v3/users/{id}"],
    )
    .container()
    .refused_if(IMMUTABLE)
    .beside("all that is in it, and its role assignments")
    .container()
    .beside("its memberships, role assignments, access rules, credentials of other types and federated identities")
    .cloud_wide()
    .before(IN_DOMAIN)
    .last_of(ACT_FOR_USERS),
    Row::new(
        "identity.group",
        "/v3/groups",
        "/groups",
        &["DELETE /v3/groups/{id}"],
    )
    .beside("its memberships and role assignments")
    .cloud_wide()
    .before(IN_DOMAIN),
    // Would go with its user or its project.
    Row::new(
        "identity.application_credential",
        "/v3/users/{parent}/application_credentials",
        "/application_credentials",
        &["DELETE /v3/users/{parent}/application_credentials/{id}"],
    )
    .taken_by(TAKEN_BY)
    .under_each("identity.user")
    .part_of(&[
        ("identity.user", "/user_id"),
        ("identity.project", "/project_id"),
    ])
    .last_of(ACT_FOR_USERS),
    // Would go with its user or its project, and nothing else says whose it is. An administrator sees everybody's.
    Row::new(
        "identity.ec2_credential",
        "/v3/credentials?type=ec2",
        "/credentials",
        &["DELETE /v3/credentials/{id}"],
    )
    .taken_by(TAKEN_BY)
    .scoped("", "")
    .names(&[])
    .part_of(&[
        ("identity.user", "/user_id"),
        ("identity.project", "/project_id"),
    ]),
    // Would go with either of its users, its project, or the trust that it was delegated by.
    Row::new(
        "identity.trust",
        "/v3/OS-TRUST/trusts",
        "/trusts",
        &["DELETE /v3/OS-TRUST/trusts/{id}"],
    )
    .taken_by(&["identity.user", "identity.project", "identity.trust"])
    .cloud_wide()
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
    Row::new(
        "identity.role",
        "/v3/roles",
        "/roles",
        &["DELETE /v3/roles/{id}"],
    )
    .refused_if(IMMUTABLE)
    .beside("its assignments, and every application credential of whoever holds it, on the project where he does; what it implies")
    .cloud_wide(),
    // Who has a role that is to go. It goes with any of those it names, and holds the role as long as they stay.
    Row::new(
        "identity.role_assignment",
        "/v3/role_assignments?role.id={parent}",
        "/role_assignments",
        &[],
    )
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
    Row::new(
        "identity.domain_role",
        "/v3/roles?domain_id={parent}",
        "/roles",
        &["DELETE /v3/roles/{id}"],
    )
    .refused_if(IMMUTABLE)
    .beside("what it implies")
    .under_each("identity.domain")
    .project("")
    .part_of(IN_DOMAIN)
    .before(IN_DOMAIN),
    Row::new(
        "identity.service",
        "/v3/services",
        "/services",
        &["DELETE /v3/services/{id}"],
    )
    .beside("its endpoints' groups and policies")
    .cloud_wide(),
    // Goes with its service, and holds its region.
    Row::new(
        "identity.endpoint",
        "/v3/endpoints",
        "/endpoints",
        &["DELETE /v3/endpoints/{id}"],
    )
    .cloud_wide()
    .names(&[])
    .part_of(&[("identity.service", "/service_id")])
    .after(&[("identity.service", "/service_id")])
    .before(&[("identity.region", "/region_id")]),
    // Its id may be a name that its maker gave. Regions inside it would go with it.
    Row::new(
        "identity.region",
        "/v3/regions",
        "/regions",
        &["DELETE /v3/regions/{id}"],
    )
    .cloud_wide()
    .names(&["/description", "/id"])
    .before(&[("identity.region", "/parent_region_id")]),
    // Outlives its service and its region.
    Row::new(
        "identity.registered_limit",
        "/v3/registered_limits",
        "/registered_limits",
        &["DELETE /v3/registered_limits/{id}"],
    )
    .cloud_wide()
    .optional()
    .names(&[])
    .part_of(LIMITED)
    // 403: a limit of a project or a domain overrides it, and names it only by service, region and resource.
    .conflicts(&[403]),
    // Goes with its project, but outlives its service and its region.
    Row::new(
        "identity.limit",
        "/v3/limits",
        "/limits",
        &["DELETE /v3/limits/{id}"],
    )
    .scoped("", "")
    .optional()
    .names(&[])
    .part_of(&[
        ("identity.service", "/service_id"),
        ("identity.region", "/region_id"),
        ("identity.domain", "/domain_id"),
    ]),
    // Its id is the name that its maker gave. It takes its protocols along.
    Row::new(
        "identity.identity_provider",
        "/v3/OS-FEDERATION/identity_providers",
        "/identity_providers",
        &["DELETE /v3/OS-FEDERATION/identity_providers/{id}"],
    )
    .beside("the identities of users who came by it")
    .cloud_wide()
    .optional()
    .names(&["/id"])
    .before(IN_DOMAIN),
    Row::new(
        "identity.protocol",
        "/v3/OS-FEDERATION/identity_providers/{parent}/protocols",
        "/protocols",
        &["DELETE /v3/OS-FEDERATION/identity_providers/{parent}/protocols/{id}"],
    )
    .under_each("identity.identity_provider")
    .project("")
    .names(&["/id"])
    .goes_with_parent()
    .before(&[("identity.mapping", "/mapping_id")]),
    // Keystone deletes one that a protocol uses.
    Row::new(
        "identity.mapping",
        "/v3/OS-FEDERATION/mappings",
        "/mappings",
        &["DELETE /v3/OS-FEDERATION/mappings/{id}"],
    )
    .cloud_wide()
    .optional()
    .names(&["/id"]),
    Row::new(
        "identity.service_provider",
        "/v3/OS-FEDERATION/service_providers",
        "/service_providers",
        &["DELETE /v3/OS-FEDERATION/service_providers/{id}"],
    )
    .cloud_wide()
    .optional()
    .names(&["/id"]),
    // Its tokens go with it.
    Row::new(
        "identity.oauth_consumer",
        "/v3/OS-OAUTH1/consumers",
        "/consumers",
        &["DELETE /v3/OS-OAUTH1/consumers/{id}"],
    )
    .beside("its tokens")
    .cloud_wide()
    .optional()
    .names(&["/description"]),
    Row::new(
        "identity.domain",
        "/v3/domains",
        "/domains",
        &[
            "PATCH /v3/domains/{id} {\"domain\":{\"enabled\":false}}",
            "DELETE /v3/domains/{id}",
        ],
    )
    .cloud_wide()
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
