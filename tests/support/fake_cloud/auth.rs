//! Keystone's tokens: who asks, for which scope, with which roles, until when.
//!
//! Users, projects and roles are ordinary things of the store; only tokens and role assignments are kept here.
//! A token is worth what its grants are worth at the moment it is used.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::shape;
use super::store::{Store, Thing, View};
use super::table::{Errors, Ids};
use super::wire::{Answer, refuse, unauthorized};

/// Where a role holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Scope {
    Project(String),
    Domain(String),
    System,
    Unscoped,
}

#[derive(Clone)]
pub(crate) struct Grant {
    pub(crate) user: String,
    pub(crate) role: String,
    pub(crate) scope: Scope,
}

#[derive(Clone)]
struct Token {
    user: String,
    scope: Scope,
    methods: Vec<String>,
    credential: Option<String>,
    trust: Option<String>,
    issued: Timestamp,
    life: Duration,
    ends: Instant,
}

pub(crate) struct Keystone {
    pub(crate) grants: Vec<Grant>,
    /// How long new tokens live.
    pub(crate) life: Duration,
    /// By id: whose rights somebody else may use, and in which project.
    pub(crate) trusts: HashMap<String, Trust>,
    tokens: HashMap<String, Token>,
}

/// A trust, with impersonation.
#[derive(Clone)]
pub(crate) struct Trust {
    pub(crate) trustor: String,
    pub(crate) trustee: String,
    pub(crate) project: String,
}

impl Default for Keystone {
    fn default() -> Keystone {
        Keystone {
            grants: Vec::new(),
            life: Duration::from_secs(86_400),
            trusts: HashMap::new(),
            tokens: HashMap::new(),
        }
    }
}

impl Keystone {
    /// Ends every token there is.
    pub(crate) fn expire(&mut self) {
        self.tokens.clear();
    }

    /// Drops what is tied to a user, project or role that is gone.
    pub(crate) fn forget(&mut self, id: &str) {
        let project = Scope::Project(id.to_owned());
        self.grants
            .retain(|g| g.user != id && g.role != id && g.scope != project);
        self.tokens.retain(|_, t| {
            t.user != id && t.scope != project && t.credential.as_deref() != Some(id)
        });
    }

    pub(crate) fn revoke(&mut self, token: &str) -> bool {
        self.tokens.remove(token).is_some()
    }
}

/// Who sent a request.
#[derive(Clone, Default)]
pub(crate) struct Actor {
    pub(crate) user: String,
    /// Project of a project-scoped token.
    pub(crate) scoped_to: Option<String>,
    pub(crate) admin: bool,
}

impl Actor {
    /// The project's id, empty without one.
    pub(crate) fn project(&self) -> &str {
        self.scoped_to.as_deref().unwrap_or("")
    }
}

/// The actor behind a token that is still valid.
pub(crate) fn actor(store: &Store, token: &str) -> Option<Actor> {
    let token = live(store, token)?;
    let admin = roles(store, token).iter().any(|role| role.1 == "admin");
    let scoped_to = match &token.scope {
        Scope::Project(id) => Some(id.clone()),
        Scope::Domain(_) | Scope::System | Scope::Unscoped => None,
    };
    Some(Actor {
        user: token.user.clone(),
        scoped_to,
        admin,
    })
}

fn live<'a>(store: &'a Store, token: &str) -> Option<&'a Token> {
    store
        .keystone
        .tokens
        .get(token)
        .filter(|t| t.ends > Instant::now())
}

/// Ids and names of a token's roles.
fn roles(store: &Store, token: &Token) -> Vec<(String, String)> {
    let held = |g: &&Grant| g.user == token.user && g.scope == token.scope;
    let grants = store.keystone.grants.iter().filter(held);
    grants
        .map(|g| (g.role.clone(), store.text("identity.role", &g.role, "name")))
        .collect()
}

/// `POST /v3/auth/tokens`.
pub(crate) fn issue(store: &mut Store, body: &Value, base: &str) -> Answer {
    let Some(auth) = body.get("auth") else {
        return refuse(
            Errors::Keystone,
            400,
            "",
            "Expecting to find auth in request body. The server could not comply with the request since it is \
             either malformed or otherwise incorrect. The client is assumed to be in error.",
        );
    };
    let mut login = match identify(store, auth) {
        Ok(login) => login,
        Err(answer) => return answer.unwrap_or_else(|| unauthorized(Errors::Keystone, base)),
    };
    if let Some(id) = auth.pointer("/scope/OS-TRUST:trust/id").map(shape::text) {
        let trust = store.keystone.trusts.get(&id);
        let Some(trust) = trust.filter(|it| it.trustee == login.user) else {
            let message = format!("Could not find trust: {id}.");
            return refuse(Errors::Keystone, 404, "", &message);
        };
        login.user = trust.trustor.clone();
        login.scope = Some(Scope::Project(trust.project.clone()));
        login.trust = Some(id);
    }
    let Some(scope) = scope(store, auth, &login) else {
        return unauthorized(Errors::Keystone, base);
    };
    let life = store.keystone.life;
    let token = Token {
        user: login.user,
        scope,
        methods: login.methods,
        credential: login.credential,
        trust: login.trust,
        issued: Timestamp::now(),
        life,
        ends: Instant::now() + life,
    };
    if token.scope != Scope::Unscoped && roles(store, &token).is_empty() {
        return unauthorized(Errors::Keystone, base);
    }
    let text = format!("gAAAAAB{}", store.alphanumeric(176));
    let mut answer = Answer::json(201, describe(store, &token, base));
    answer.headers.push(("x-subject-token", text.clone()));
    answer.headers.push(("vary", "X-Auth-Token".to_owned()));
    store.keystone.tokens.insert(text, token);
    answer
}

/// `GET /v3/auth/tokens` about the token in `X-Subject-Token`.
pub(crate) fn show(store: &Store, subject: &str, base: &str) -> Answer {
    let Some(token) = live(store, subject) else {
        return refuse(
            Errors::Keystone,
            404,
            "",
            "Could not recognize Fernet token",
        );
    };
    let mut answer = Answer::json(200, describe(store, token, base));
    answer.headers.push(("x-subject-token", subject.to_owned()));
    answer
}

struct Login {
    user: String,
    methods: Vec<String>,
    credential: Option<String>,
    trust: Option<String>,
    /// The scope that the way of logging in implies.
    scope: Option<Scope>,
}

fn identify(store: &Store, auth: &Value) -> Result<Login, Option<Answer>> {
    let identity = auth.get("identity").ok_or(None)?;
    let methods = identity
        .get("methods")
        .and_then(Value::as_array)
        .ok_or(None)?;
    let mut logins = Vec::new();
    for method in methods {
        logins.push(identify_by(store, identity, method.as_str().ok_or(None)?)?);
    }
    // All factors must be one user's.
    let mut login = logins.pop().ok_or(None)?;
    if logins.iter().any(|it| it.user != login.user) {
        return Err(None);
    }
    login
        .methods
        .extend(logins.into_iter().flat_map(|it| it.methods));
    Ok(login)
}

fn identify_by(store: &Store, identity: &Value, method: &str) -> Result<Login, Option<Answer>> {
    let given = identity.get(method).ok_or(None)?;
    let methods = vec![method.to_owned()];
    match method {
        "password" | "totp" => {
            let user = find_user(store, given.get("user")).ok_or(None)?;
            let (shown, kept) = match method {
                "password" => ("/user/password", "_password"),
                _ => ("/user/passcode", "_passcode"),
            };
            let right = given.pointer(shown).map(shape::text) == Some(hidden(user, kept));
            let enabled = store.text("identity.user", &user.id, "enabled") == "true";
            let login = Login {
                user: user.id.to_string(),
                methods,
                credential: None,
                trust: None,
                scope: None,
            };
            if right && enabled {
                Ok(login)
            } else {
                Err(None)
            }
        }
        "token" => {
            let text = given.get("id").map(shape::text).unwrap_or_default();
            let Some(token) = live(store, &text) else {
                return Err(Some(refuse(
                    Errors::Keystone,
                    404,
                    "",
                    "Could not recognize Fernet token",
                )));
            };
            let mut methods = token.methods.clone();
            methods.push("token".to_owned());
            Ok(Login {
                user: token.user.clone(),
                methods,
                credential: None,
                trust: None,
                scope: None,
            })
        }
        "application_credential" => {
            let credential = find_credential(store, given)?;
            if given.get("secret").map(shape::text) != Some(hidden(credential, "_secret")) {
                return Err(None);
            }
            Ok(Login {
                user: credential.user.to_string(),
                methods,
                credential: Some(credential.id.to_string()),
                trust: None,
                scope: Some(Scope::Project(credential.project.to_string())),
            })
        }
        _ => Err(None),
    }
}

fn hidden(thing: &Thing, field: &str) -> String {
    thing.fields.get(field).map(shape::text).unwrap_or_default()
}

fn find_credential<'a>(store: &'a Store, given: &Value) -> Result<&'a Thing, Option<Answer>> {
    let shelf = store.shelf("identity.application_credential").ok_or(None)?;
    if let Some(id) = given.get("id").map(shape::text) {
        let message = format!("Could not find Application Credential: {id}.");
        return shelf
            .things
            .get(id.as_str())
            .ok_or_else(|| Some(refuse(Errors::Keystone, 404, "", &message)));
    }
    let user = find_user(store, given.get("user")).ok_or(None)?;
    let name = given.get("name").map(shape::text);
    let mine = |t: &&Thing| t.user == user.id && t.fields.get("name").map(shape::text) == name;
    shelf.things.values().find(mine).ok_or(None)
}

fn find_user<'a>(store: &'a Store, given: Option<&Value>) -> Option<&'a Thing> {
    find(store, "identity.user", given?)
}

/// A user or project by id, or by name within a domain given by id or name.
fn find<'a>(store: &'a Store, kind: &str, given: &Value) -> Option<&'a Thing> {
    let shelf = store.shelf(kind)?;
    if let Some(id) = given.get("id").and_then(Value::as_str) {
        return shelf.things.get(id);
    }
    let name = given.get("name").and_then(Value::as_str)?;
    let domain = domain_id(store, given.get("domain")?)?;
    shelf.things.values().find(|t| {
        t.fields.get("name").and_then(Value::as_str) == Some(name)
            && store.field(shelf, t, "domain_id") == domain
    })
}

fn domain_id(store: &Store, given: &Value) -> Option<String> {
    let shelf = store.shelf("identity.domain")?;
    if let Some(id) = given.get("id").and_then(Value::as_str) {
        return shelf.things.get(id).map(|t| t.id.to_string());
    }
    let name = given.get("name").and_then(Value::as_str)?;
    let domain = shelf
        .things
        .values()
        .find(|t| store.field(shelf, t, "name") == name);
    domain.map(|t| t.id.to_string())
}

/// The scope asked for, or implied, or the user's default project. `None`: asked for what does not exist.
fn scope(store: &Store, auth: &Value, login: &Login) -> Option<Scope> {
    if let Some(scope) = &login.scope {
        return Some(scope.clone());
    }
    let Some(asked) = auth.get("scope") else {
        let default =
            Scope::Project(store.text("identity.user", &login.user, "default_project_id"));
        let held = store
            .keystone
            .grants
            .iter()
            .any(|g| g.user == login.user && g.scope == default);
        return Some(if held { default } else { Scope::Unscoped });
    };
    if let Some(project) = asked.get("project") {
        return Some(Scope::Project(
            find(store, "identity.project", project)?.id.to_string(),
        ));
    }
    if let Some(domain) = asked.get("domain") {
        return Some(Scope::Domain(domain_id(store, domain)?));
    }
    Some(if asked.get("system").is_some() {
        Scope::System
    } else {
        Scope::Unscoped
    })
}

/// The body of a token, with catalog unless it is unscoped.
fn describe(store: &Store, token: &Token, base: &str) -> Value {
    let stamp = |t: Timestamp| t.strftime("%Y-%m-%dT%H:%M:%S.000000Z").to_string();
    let default = json!({"id": "default", "name": "Default"});
    let name = store.text("identity.user", &token.user, "name");
    let mut body = json!({
        "methods": token.methods,
        "user": {"domain": default, "id": token.user, "name": name, "password_expires_at": null},
        "audit_ids": [format!("{:.22}", token.user)],
        "expires_at": stamp(token.issued + token.life),
        "issued_at": stamp(token.issued),
    });
    let Some(map) = body.as_object_mut() else {
        return body;
    };
    match &token.scope {
        Scope::Project(id) => {
            let name = store.text("identity.project", id, "name");
            map.insert(
                "project".into(),
                json!({"domain": default, "id": id, "name": name}),
            );
            map.insert("is_domain".into(), json!(false));
        }
        Scope::Domain(id) => {
            let name = store.text("identity.domain", id, "name");
            map.insert("domain".into(), json!({"id": id, "name": name}));
        }
        Scope::System => {
            map.insert("system".into(), json!({"all": true}));
        }
        Scope::Unscoped => return json!({"token": body}),
    }
    let held = roles(store, token);
    let held: Vec<Value> = held
        .iter()
        .map(|(id, name)| json!({"id": id, "name": name}))
        .collect();
    map.insert("roles".into(), json!(held));
    map.insert("catalog".into(), catalog(store, &token.scope, base));
    if let Some(id) = &token.trust {
        map.insert(
            "OS-TRUST:trust".into(),
            json!({"id": id, "impersonation": true}),
        );
    }
    if let Some(id) = &token.credential {
        let name = store.text("identity.application_credential", id, "name");
        map.insert(
            "application_credential".into(),
            json!({"id": id, "name": name, "restricted": true}),
        );
    }
    json!({"token": body})
}

/// The catalog as a scope sees it: endpoints with a project in them are absent without one.
pub(crate) fn catalog(store: &Store, scope: &Scope, base: &str) -> Value {
    let (Some(services), Some(endpoints)) = (
        store.shelf("identity.service"),
        store.shelf("identity.endpoint"),
    ) else {
        return json!([]);
    };
    let view = View {
        admin: true,
        minor: 0,
        base,
        project: "",
    };
    let entries = Store::walk(services, None, None).map(|service| {
        let mut seen = Vec::new();
        for endpoint in store.users_of("identity.endpoint", "service_id", &service.id) {
            let mut text = String::new();
            let fields = ["id", "interface", "region_id", "region", "url"];
            store.write(&mut text, endpoints, endpoint, &view, &fields);
            match scope {
                Scope::Project(id) => seen.push(text.replace("$(project_id)s", id)),
                _ if text.contains("$(project_id)s") => {}
                Scope::Domain(_) | Scope::System | Scope::Unscoped => seen.push(text),
            }
        }
        let seen: Vec<Value> = seen
            .iter()
            .filter_map(|t| serde_json::from_str(t).ok())
            .collect();
        let (kind, name) = (
            store.field(services, service, "type"),
            store.field(services, service, "name"),
        );
        json!({"endpoints": seen, "id": service.id.as_ref(), "type": kind, "name": name})
    });
    Value::from(entries.collect::<Vec<_>>())
}

/// What the store starts with: domain, region, roles, services of the table with their endpoints.
pub(crate) fn bootstrap(store: &mut Store, base: &str) {
    let fields = |value: Value| value.as_object().cloned().unwrap_or_default();
    store.insert(
        "identity.domain",
        "",
        fields(json!({"id": "default", "name": "Default", "description": "The default domain"})),
    );
    store.insert("identity.region", "", fields(json!({"id": "RegionOne"})));
    for name in ["admin", "manager", "member", "reader"] {
        store.insert("identity.role", "", fields(json!({"name": name})));
    }
    for service in super::table::SERVICES {
        for (kind, name) in service.types {
            let id = store.insert(
                "identity.service",
                "",
                fields(json!({"type": kind, "name": name})),
            );
            for interface in ["public", "internal", "admin"] {
                let url = format!(
                    "{base}{}",
                    service.endpoint.replace("$project", "$(project_id)s")
                );
                let endpoint = json!({"interface": interface, "service_id": id, "url": url});
                store.insert("identity.endpoint", "", fields(endpoint));
            }
        }
    }
}

/// A project with a user of the same name (password `secret`) who has the roles on it. Returns both ids.
pub(crate) fn tenant(store: &mut Store, name: &str, roles: &[&str]) -> (String, String) {
    let fields = |value: Value| value.as_object().cloned().unwrap_or_default();
    let project = store.insert("identity.project", "", fields(json!({"name": name})));
    let user = json!({"name": name, "_password": "secret", "_passcode": "012345", "default_project_id": project});
    let user = store.insert("identity.user", "", fields(user));
    for role in roles {
        grant(store, &user, role, Scope::Project(project.clone()));
    }
    (project, user)
}

/// The first user with a role on a project, empty without one.
pub(crate) fn user_of(store: &Store, project: &str) -> String {
    let scope = Scope::Project(project.to_owned());
    let first = store.keystone.grants.iter().find(|g| g.scope == scope);
    first.map(|g| g.user.clone()).unwrap_or_default()
}

/// Gives a user a role by its name.
pub(crate) fn grant(store: &mut Store, user: &str, role: &str, scope: Scope) {
    let Some(shelf) = store.shelf("identity.role") else {
        return;
    };
    let found = shelf
        .things
        .values()
        .find(|t| store.field(shelf, t, "name") == role);
    let Some(role) = found.map(|t| t.id.to_string()) else {
        return;
    };
    store.keystone.grants.push(Grant {
        user: user.to_owned(),
        role,
        scope,
    });
}

/// A secret for a new credential.
pub(crate) fn secret(store: &mut Store) -> String {
    store.uuid(Ids::Hex)
}
