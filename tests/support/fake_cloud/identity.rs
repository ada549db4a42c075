//! Keystone v3: its collections, and the paths under a user that no row can say.

use serde_json::{Value, json};

use super::auth::{self, Grant, Scope};
use super::generic;
use super::store::{Fields, Store, Thing};
use super::table::{Errors, Guard, Ids, Order, Pages, Reach, Row, Service, Takes};
use super::wire::{Answer, Call};

const VERSION: &str = r#"{"version": {"id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z", "links": [{"rel": "self", "href": "$base/identity/v3/"}], "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}]}}"#;
const VERSIONS: &str = r#"{"versions": {"values": [{"id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z", "links": [{"rel": "self", "href": "$base/identity/v3/"}], "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}]}]}}"#;

pub(crate) const SERVICE: Service = Service {
    types: &[("identity", "keystone")],
    endpoint: "/identity/v3",
    root: "/identity/v3",
    errors: Errors::Keystone,
    pages: Pages::Keystone,
    page_default: usize::MAX,
    page_max: usize::MAX,
    order: Order::Id,
    microversion: None,
    documents: &[("/identity", 300, VERSIONS), ("/identity/v3", 200, VERSION)],
    rows: &[
        Row {
            shape: r#"{"id":"$id","name":"","domain_id":"default","description":"","enabled":true,"parent_id":"default","is_domain":false,"tags":[],"options":{},"links":{"self":"$url/projects/$id"}}"#,
            missing: ("", "Could not find project: {id}."),
            policy: ("identity:list_projects", "identity:delete_project"),
            guards: &[Guard::used(
                "identity.project",
                "parent_id",
                403,
                "",
                "Cannot delete the project {id} since it is not a leaf in the hierarchy. Use the cascade option if you want to delete a whole subtree.",
            )],
            refs: &["parent_id", "domain_id"],
            takes: &[Takes::all("identity.application_credential", "project_id")],
            ..cloud("identity.project", "projects", "project")
        },
        Row {
            shape: r#"{"id":"$id","name":"","domain_id":"default","enabled":true,"password_expires_at":null,"options":{},"links":{"self":"$url/users/$id"}}"#,
            missing: ("", "Could not find user: {id}."),
            policy: ("identity:list_users", "identity:delete_user"),
            refs: &["domain_id"],
            takes: &[
                Takes::all("identity.application_credential", "user_id"),
                Takes::all("identity.ec2_credential", "user_id"),
            ],
            ..cloud("identity.user", "users", "user")
        },
        Row {
            shape: r#"{"id":"$id","name":"","domain_id":null,"description":null,"options":{},"links":{"self":"$url/roles/$id"}}"#,
            missing: ("", "Could not find role: {id}."),
            policy: ("identity:list_roles", "identity:delete_role"),
            ..cloud("identity.role", "roles", "role")
        },
        Row {
            shape: r#"{"name":"","id":"$id","type":"","enabled":true,"links":{"self":"$url/services/$id"}}"#,
            missing: ("", "Could not find service: {id}."),
            policy: ("identity:list_services", "identity:delete_service"),
            takes: &[Takes::all("identity.endpoint", "service_id")],
            ..cloud("identity.service", "services", "service")
        },
        Row {
            shape: r#"{"id":"$id","interface":"public","region_id":"RegionOne","service_id":"","url":"","enabled":true,"region":"RegionOne","links":{"self":"$url/endpoints/$id"}}"#,
            missing: ("", "Could not find endpoint: {id}."),
            policy: ("identity:list_endpoints", "identity:delete_endpoint"),
            refs: &["service_id", "region_id"],
            ..cloud("identity.endpoint", "endpoints", "endpoint")
        },
        Row {
            shape: r#"{"id":"$id","name":"","description":"","enabled":true,"tags":[],"options":{},"links":{"self":"$url/domains/$id"}}"#,
            missing: ("", "Could not find domain: {id}."),
            policy: ("identity:list_domains", "identity:delete_domain"),
            guards: &[Guard::is(
                "enabled",
                &["true"],
                403,
                "",
                "Cannot delete a domain that is enabled, please disable it first.",
            )],
            takes: &[
                Takes::all("identity.project", "domain_id"),
                Takes::all("identity.user", "domain_id"),
                Takes::all("identity.group", "domain_id"),
            ],
            ..cloud("identity.domain", "domains", "domain")
        },
        Row {
            shape: r#"{"id":"$id","name":"","domain_id":"default","description":"","links":{"self":"$url/groups/$id"}}"#,
            missing: ("", "Could not find group: {id}."),
            policy: ("identity:list_groups", "identity:delete_group"),
            refs: &["domain_id"],
            ..cloud("identity.group", "groups", "group")
        },
        Row {
            shape: r#"{"id":"$id","description":"","parent_region_id":null,"links":{"self":"$url/regions/$id"}}"#,
            ids: Ids::Given,
            reach: Reach::Cloud,
            missing: ("", "Could not find region: {id}."),
            policy: ("identity:list_regions", "identity:delete_region"),
            guards: &[Guard::used(
                "identity.endpoint",
                "region_id",
                403,
                "",
                "Unable to delete region {id} because it or its child regions have associated endpoints.",
            )],
            ..cloud("identity.region", "regions", "region")
        },
        Row {
            shape: r#"{"id":"$id","name":"","description":null,"user_id":"$user","project_id":"$project","system":null,"expires_at":null,"unrestricted":null,"roles":[],"links":{"self":"$url/application_credentials/$id"}}"#,
            reach: Reach::User,
            missing: ("", "Could not find Application Credential: {id}."),
            policy: (
                "identity:list_application_credentials",
                "identity:delete_application_credential",
            ),
            refs: &["user_id", "project_id"],
            ..cloud(
                "identity.application_credential",
                "application_credentials",
                "application_credential",
            )
        },
        Row {
            shape: r#"{"id":"$id","user_id":"$user","project_id":"$project","type":"ec2","blob":"{\"access\": \"$_access\", \"secret\": \"$_secret\", \"trust_id\": null}","links":{"self":"$url/credentials/$id"}}"#,
            reach: Reach::User,
            missing: ("", "Could not find credential: {id}."),
            policy: ("identity:list_credentials", "identity:delete_credential"),
            refs: &["user_id"],
            ..cloud("identity.ec2_credential", "credentials", "credential")
        },
    ],
    odd,
};

/// A collection for administrators, with ids without dashes.
const fn cloud(kind: &'static str, many: &'static str, one: &'static str) -> Row {
    Row {
        ids: Ids::Hex,
        reach: Reach::Admin,
        ..Row::new(kind, many, many, one)
    }
}

const CREDENTIAL: &str = "identity.application_credential";

fn odd(store: &mut Store, call: &Call) -> Option<Answer> {
    let own = |user: &str| call.actor.admin || call.actor.user == user;
    match (call.method.as_str(), call.words().as_slice()) {
        ("GET", ["auth", "projects"]) => Some(projects_of(store, call, &call.actor.user)),
        ("GET", ["users", user, "projects"]) if own(user) => Some(projects_of(store, call, user)),
        ("GET", ["auth", "catalog"]) => {
            let scope = call
                .actor
                .scoped_to
                .clone()
                .map_or(Scope::System, Scope::Project);
            let catalog = auth::catalog(store, &scope, &call.base);
            Some(Answer::json(
                200,
                json!({"catalog": catalog, "links": {"self": format!("{}{}", call.base, call.target)}}),
            ))
        }
        ("GET", ["users", user]) if call.actor.user == *user => {
            generic::show(store, call, "identity.user", user).into()
        }
        ("GET", ["users", user, "application_credentials"]) => Some(credentials(store, call, user)),
        ("POST", ["users", user, "application_credentials"]) if own(user) => {
            Some(new_credential(store, call, user))
        }
        ("DELETE", ["users", user, "application_credentials", id]) if own(user) => {
            Some(generic::delete(store, call, CREDENTIAL, id))
        }
        ("GET", ["users", user, "application_credentials", id]) if own(user) => {
            Some(generic::show(store, call, CREDENTIAL, id))
        }
        ("GET", ["application_credentials", ..]) => {
            Some(super::wire::unknown_path(Errors::Keystone))
        }
        ("GET", ["users", user, "credentials", "OS-EC2"]) if own(user) => {
            let ids = store.users("identity.ec2_credential", "user_id", user);
            let found: Vec<Value> = ids.iter().filter_map(|id| ec2(store, call, id)).collect();
            Some(wrap(call, "credentials", &found))
        }
        ("POST", ["users", user, "credentials", "OS-EC2"]) if own(user) => {
            Some(new_ec2(store, call, user))
        }
        ("DELETE", ["users", user, "credentials", "OS-EC2", access]) if own(user) => {
            Some(delete_ec2(store, call, user, access))
        }
        (_, ["users", _, "application_credentials" | "credentials", ..]) => Some(forbidden(call)),
        (method, ["projects", project, "users", user, "roles", role]) if call.actor.admin => {
            Some(assign(store, method, project, user, role))
        }
        ("DELETE", ["roles", role]) if call.actor.admin => Some(delete_role(store, call, role)),
        ("GET", ["role_assignments"]) if call.actor.admin => Some(assignments(store, call)),
        _ => None,
    }
}

fn forbidden(call: &Call) -> Answer {
    let what = call.path.get(2).map_or("", String::as_str);
    let verb = if call.method == "DELETE" {
        "delete"
    } else {
        "list"
    };
    let message =
        format!("You are not authorized to perform the requested action: identity:{verb}_{what}.");
    call.refuse(403, "", &message)
}

fn wrap(call: &Call, many: &str, found: &[Value]) -> Answer {
    let this = format!("{}{}", call.base, call.target);
    Answer::json(
        200,
        json!({many: found, "links": {"next": null, "self": this, "previous": null}}),
    )
}

fn shown(store: &Store, call: &Call, kind: &str, thing: &Thing) -> Value {
    let mut text = String::new();
    if let Some(shelf) = store.shelf(kind) {
        store.write(&mut text, shelf, thing, &call.view(), &[]);
    }
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

fn projects_of(store: &Store, call: &Call, user: &str) -> Answer {
    let mut ids: Vec<&String> = Vec::new();
    for grant in store.keystone.grants.iter().filter(|g| g.user == user) {
        if let Scope::Project(id) = &grant.scope
            && !ids.contains(&id)
        {
            ids.push(id);
        }
    }
    let things = ids
        .iter()
        .filter_map(|id| store.thing("identity.project", id));
    let found: Vec<Value> = things
        .map(|t| shown(store, call, "identity.project", t))
        .collect();
    wrap(call, "projects", &found)
}

fn credentials(store: &Store, call: &Call, user: &str) -> Answer {
    if !call.actor.admin && call.actor.user != user {
        return forbidden(call);
    }
    if store.thing("identity.user", user).is_none() {
        return call.refuse(404, "", &format!("Could not find user: {user}."));
    }
    let name = call.parameter("name");
    let things = store.users_of(CREDENTIAL, "user_id", user);
    let found = things.map(|t| shown(store, call, CREDENTIAL, t));
    let found: Vec<Value> = found
        .filter(|v| name.is_none() || v.get("name").and_then(Value::as_str) == name)
        .collect();
    wrap(call, "application_credentials", &found)
}

fn new_credential(store: &mut Store, call: &Call, user: &str) -> Answer {
    let secret = auth::secret(store);
    let given = call
        .body
        .get("application_credential")
        .and_then(Value::as_object);
    let mut fields = given.cloned().unwrap_or_default();
    let kept = fields.remove("secret").unwrap_or_else(|| secret.into());
    let project = call.actor.project().to_owned();
    fields.insert("user_id".into(), user.into());
    fields.insert("project_id".into(), project.clone().into());
    fields.insert("_secret".into(), kept.clone());
    let id = store.insert(CREDENTIAL, &project, fields);
    let mut body = store
        .thing(CREDENTIAL, &id)
        .map_or(Value::Null, |t| shown(store, call, CREDENTIAL, t));
    if let Some(map) = body.as_object_mut() {
        map.insert("secret".into(), kept);
    }
    Answer::json(201, json!({"application_credential": body}))
}

fn ec2(store: &Store, call: &Call, id: &str) -> Option<Value> {
    let thing = store.thing("identity.ec2_credential", id)?;
    let (access, secret) = (thing.fields.get("_access")?, thing.fields.get("_secret")?);
    let (user, project) = (thing.user.as_ref(), thing.project.as_ref());
    let href = format!(
        "{}/identity/v3/users/{user}/credentials/OS-EC2/{}",
        call.base,
        super::shape::text(access)
    );
    Some(
        json!({"user_id": user, "tenant_id": project, "access": access, "secret": secret, "trust_id": null, "links": {"self": href}}),
    )
}

fn new_ec2(store: &mut Store, call: &Call, user: &str) -> Answer {
    let project = call
        .body
        .get("tenant_id")
        .map(super::shape::text)
        .unwrap_or_default();
    let (access, secret) = (auth::secret(store), auth::secret(store));
    let fields = json!({"user_id": user, "_access": access, "_secret": secret});
    let fields: Fields = fields.as_object().cloned().unwrap_or_default();
    let id = store.insert("identity.ec2_credential", &project, fields);
    Answer::json(201, json!({"credential": ec2(store, call, &id)}))
}

fn delete_ec2(store: &mut Store, call: &Call, user: &str, access: &str) -> Answer {
    let mut mine = store.users_of("identity.ec2_credential", "user_id", user);
    let found = mine
        .find(|t| t.fields.get("_access").is_some_and(|a| a == access))
        .map(|t| t.id.to_string());
    drop(mine);
    match found {
        Some(id) => generic::delete(store, call, "identity.ec2_credential", &id),
        None => call.refuse(404, "", &format!("Could not find credential: {access}.")),
    }
}

fn assign(store: &mut Store, method: &str, project: &str, user: &str, role: &str) -> Answer {
    let scope = Scope::Project(project.to_owned());
    let same = |g: &Grant| g.user == user && g.role == role && g.scope == scope;
    let held = store.keystone.grants.iter().any(same);
    match method {
        "PUT" if !held => {
            let (user, role) = (user.to_owned(), role.to_owned());
            store.keystone.grants.push(Grant { user, role, scope });
        }
        "DELETE" => store.keystone.grants.retain(|g| !same(g)),
        _ => {}
    }
    Answer::empty(if held || method == "PUT" { 204 } else { 404 })
}

/// Takes along the role's assignments, and every application credential of each user who has it on a project, on that project.
fn delete_role(store: &mut Store, call: &Call, role: &str) -> Answer {
    let grants = store.keystone.grants.iter();
    let held: Vec<Grant> = grants.filter(|grant| grant.role == role).cloned().collect();
    let answer = generic::delete(store, call, "identity.role", role);
    if answer.status != 204 {
        return answer;
    }
    store.keystone.grants.retain(|grant| grant.role != role);
    for grant in held {
        let Scope::Project(project) = grant.scope else {
            continue;
        };
        for id in store.users(CREDENTIAL, "user_id", &grant.user) {
            if store.text(CREDENTIAL, &id, "project_id") == project {
                store.remove(CREDENTIAL, &id);
            }
        }
    }
    answer
}

fn assignments(store: &Store, call: &Call) -> Answer {
    let wanted = |name: &str, value: &str| call.parameter(name).is_none_or(|v| v == value);
    let mut found = Vec::new();
    for grant in &store.keystone.grants {
        let scope = match &grant.scope {
            Scope::Project(id) if wanted("scope.project.id", id) => json!({"project": {"id": id}}),
            Scope::Domain(id) if call.parameter("scope.project.id").is_none() => {
                json!({"domain": {"id": id}})
            }
            Scope::System if call.parameter("scope.project.id").is_none() => {
                json!({"system": {"all": true}})
            }
            Scope::Project(_) | Scope::Domain(_) | Scope::System | Scope::Unscoped => continue,
        };
        if wanted("user.id", &grant.user) && wanted("role.id", &grant.role) {
            let whose = format!("users/{}/roles/{}", grant.user, grant.role);
            let place = match &grant.scope {
                Scope::Project(id) => format!("projects/{id}"),
                Scope::Domain(id) => format!("domains/{id}"),
                Scope::System | Scope::Unscoped => "system".to_owned(),
            };
            let href = format!("{}/identity/v3/{place}/{whose}", call.base);
            found.push(json!({"role": {"id": grant.role}, "user": {"id": grant.user}, "scope": scope, "links": {"assignment": href}}));
        }
    }
    wrap(call, "role_assignments", &found)
}
