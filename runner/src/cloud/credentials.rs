//! What a user proves to Keystone, and for which scope: plain values, and the JSON they become.
//!
//! Nothing is sent from here. Secrets stay in `SecretString` until the moment the request body is
//! written; the body is itself kept as a secret.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::auth::{AuthMethod, Factor, Proof};

/// Where Keystone is and what to tell it.
#[derive(Debug, Clone)]
pub struct KeystoneConfig {
    /// Keystone's address, with or without `/v3`; an older version at its end is replaced.
    pub auth_url: Url,
    /// The proof.
    pub auth: AuthMethod,
    /// What tokens are to be good for.
    pub scope: TokenScope,
}

impl KeystoneConfig {
    /// The body of the first request for a token, `POST /v3/auth/tokens`; `None` where the way of authenticating begins otherwise.
    pub fn first_request(&self) -> Option<SecretString> {
        match self.auth.proof() {
            Proof::Factors(factors) => Some(token_request(factors, &self.scope)),
            Proof::Token(_) | Proof::Client(_) | Proof::Provider(_) => None,
        }
    }
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserRef {
    /// By id.
    Id(String),
    /// By name, which is unique within a domain.
    Name {
        /// User name.
        name: String,
        /// Domain of the user.
        domain: DomainRef,
    },
}

/// A domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DomainRef {
    /// By id.
    Id(String),
    /// By name.
    Name(String),
}

/// What a token is to be good for. What it *is* good for, the token says: see
/// [`GrantedScope`](super::GrantedScope).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenScope {
    /// One project. With id and name both given, the granted project must match both.
    Project {
        /// Project id.
        id: Option<String>,
        /// Project name; needs `domain` unless the id is given.
        name: Option<String>,
        /// Domain of the project.
        domain: Option<DomainRef>,
    },
    /// One domain.
    Domain(DomainRef),
    /// The whole system.
    System,
    /// What a trust gives, by its id: its roles in its project, and nothing else.
    Trust(String),
    /// No wish: as the credential itself says, or the user's default project.
    Unscoped,
}

impl TokenScope {
    /// The scope of one project, by id.
    pub fn project(id: impl Into<String>) -> Self {
        Self::Project {
            id: Some(id.into()),
            name: None,
            domain: None,
        }
    }

    /// The scope as people say it, for messages.
    pub(crate) fn described(&self) -> String {
        match self {
            Self::Project {
                name: Some(name), ..
            } => format!("project `{name}`"),
            Self::Project { id, .. } => format!("project `{}`", id.as_deref().unwrap_or_default()),
            Self::Domain(DomainRef::Id(text) | DomainRef::Name(text)) => format!("domain `{text}`"),
            Self::System => "the whole system".to_owned(),
            Self::Trust(id) => format!("the trust `{id}`"),
            Self::Unscoped => "no particular scope".to_owned(),
        }
    }
}

/// The body of `POST /v3/auth/tokens` (Identity API v3, "Authentication and token management").
pub(super) fn token_request(factors: &[Factor], scope: &TokenScope) -> SecretString {
    let methods: Vec<&str> = factors.iter().map(|factor| factor.method).collect();
    let mut identity = json!({ "methods": methods });
    if let Some(members) = identity.as_object_mut() {
        for factor in factors {
            let member = serde_json::from_str(factor.json.expose_secret()).unwrap_or_default();
            members.insert(factor.method.to_owned(), member);
        }
    }
    let mut body = json!({ "identity": identity });
    if let (Some(scope), Some(fields)) = (scope_json(scope), body.as_object_mut()) {
        fields.insert("scope".to_owned(), scope);
    }
    SecretString::from(json!({ "auth": body }).to_string())
}

pub(super) fn user_json(user: &UserRef) -> Value {
    match user {
        UserRef::Id(id) => json!({ "id": id }),
        UserRef::Name { name, domain } => json!({ "name": name, "domain": domain_json(domain) }),
    }
}

fn domain_json(domain: &DomainRef) -> Value {
    match domain {
        DomainRef::Id(id) => json!({ "id": id }),
        DomainRef::Name(name) => json!({ "name": name }),
    }
}

fn scope_json(scope: &TokenScope) -> Option<Value> {
    match scope {
        TokenScope::Project {
            name: Some(name),
            domain: Some(domain),
            ..
        } => Some(json!({ "project": { "name": name, "domain": domain_json(domain) } })),
        TokenScope::Project { id, .. } => Some(json!({ "project": { "id": id } })),
        TokenScope::Domain(domain) => Some(json!({ "domain": domain_json(domain) })),
        TokenScope::System => Some(json!({ "system": { "all": true } })),
        TokenScope::Trust(id) => Some(json!({ "OS-TRUST:trust": { "id": id } })),
        TokenScope::Unscoped => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> UserRef {
        UserRef::Name {
            name: "u".into(),
            domain: DomainRef::Id("default".into()),
        }
    }

    fn config(scope: TokenScope) -> KeystoneConfig {
        KeystoneConfig {
            auth_url: "http://k".parse().unwrap(),
            auth: AuthMethod::password(&user(), &"hunter2".into()),
            scope,
        }
    }

    #[test]
    fn each_scope_is_written_as_keystone_reads_it() {
        let named = TokenScope::Project {
            id: Some("1".into()),
            name: Some("n".into()),
            domain: Some(DomainRef::Name("Default".into())),
        };
        let person = json!({ "name": "u", "domain": { "id": "default" }, "password": "hunter2" });
        let identity = json!({ "methods": ["password"], "password": { "user": person } });
        for (scope, expected) in [
            (
                named,
                json!({ "project": { "name": "n", "domain": { "name": "Default" } } }),
            ),
            (
                TokenScope::project("1"),
                json!({ "project": { "id": "1" } }),
            ),
            (
                TokenScope::Domain(DomainRef::Id("d".into())),
                json!({ "domain": { "id": "d" } }),
            ),
            (TokenScope::System, json!({ "system": { "all": true } })),
            (
                TokenScope::Trust("t".into()),
                json!({ "OS-TRUST:trust": { "id": "t" } }),
            ),
        ] {
            let body = config(scope).first_request().unwrap();
            let body: Value = serde_json::from_str(body.expose_secret()).unwrap();
            assert_eq!(
                body,
                json!({ "auth": { "identity": identity, "scope": expected } })
            );
        }
    }

    #[test]
    fn secrets_do_not_show() {
        let config = config(TokenScope::System);
        assert!(!format!("{config:?}").contains("hunter2"));
        assert!(!format!("{:?}", config.first_request()).contains("hunter2"));
    }
}
