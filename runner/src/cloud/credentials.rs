//! What a user proves to Keystone, and for which scope: plain values, and the JSON they become.
//!
//! Nothing is sent from here. Secrets stay in `SecretString` until the moment the request body is
//! written; the body is itself kept as a secret.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

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

/// A way to authenticate.
#[derive(Debug, Clone)]
pub enum AuthMethod {
    /// User and password.
    Password {
        /// Who.
        user: UserRef,
        /// The password.
        password: SecretString,
    },
    /// A token issued before. It is used as it is when the scope is
    /// [`Unscoped`](TokenScope::Unscoped), else exchanged for one of that scope. It cannot outlive itself.
    Token(SecretString),
    /// An application credential; bound to the project in which it was created.
    ApplicationCredential {
        /// Which.
        credential: CredentialRef,
        /// Its secret.
        secret: SecretString,
    },
}

impl AuthMethod {
    /// The method's name in clouds.yaml.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Password { .. } => "password",
            Self::Token(_) => "token",
            Self::ApplicationCredential { .. } => "application credential",
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

/// An application credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialRef {
    /// By id.
    Id(String),
    /// By name, which is unique for a user.
    Name {
        /// Credential name.
        name: String,
        /// Whose it is.
        user: UserRef,
    },
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
            Self::Unscoped => "no particular scope".to_owned(),
        }
    }
}

/// The body of `POST /v3/auth/tokens` (Identity API v3, "Authentication and token management").
pub(super) fn token_request(auth: &AuthMethod, scope: &TokenScope) -> SecretString {
    let mut body = json!({ "identity": identity_json(auth) });
    if let (Some(scope), Some(fields)) = (scope_json(scope), body.as_object_mut()) {
        fields.insert("scope".to_owned(), scope);
    }
    SecretString::from(json!({ "auth": body }).to_string())
}

fn identity_json(auth: &AuthMethod) -> Value {
    match auth {
        AuthMethod::Password { user, password } => {
            let mut user = user_json(user);
            if let Some(fields) = user.as_object_mut() {
                fields.insert("password".to_owned(), json!(password.expose_secret()));
            }
            json!({ "methods": ["password"], "password": { "user": user } })
        }
        AuthMethod::Token(token) => {
            json!({ "methods": ["token"], "token": { "id": token.expose_secret() } })
        }
        AuthMethod::ApplicationCredential { credential, secret } => {
            let secret = secret.expose_secret();
            let credential = match credential {
                CredentialRef::Id(id) => json!({ "id": id, "secret": secret }),
                CredentialRef::Name { name, user } => {
                    json!({ "name": name, "user": user_json(user), "secret": secret })
                }
            };
            json!({ "methods": ["application_credential"], "application_credential": credential })
        }
    }
}

fn user_json(user: &UserRef) -> Value {
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
        TokenScope::Unscoped => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(auth: &AuthMethod, scope: &TokenScope) -> Value {
        serde_json::from_str(token_request(auth, scope).expose_secret()).unwrap()
    }

    #[test]
    fn each_method_and_scope_is_written_as_keystone_reads_it() {
        let user = UserRef::Name {
            name: "u".into(),
            domain: DomainRef::Id("default".into()),
        };
        let password = AuthMethod::Password {
            user: user.clone(),
            password: "p".into(),
        };
        let named = TokenScope::Project {
            id: Some("1".into()),
            name: Some("n".into()),
            domain: Some(DomainRef::Name("Default".into())),
        };
        let person = json!({ "name": "u", "domain": { "id": "default" }, "password": "p" });
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
        ] {
            assert_eq!(
                body(&password, &scope),
                json!({ "auth": { "identity": identity, "scope": expected } })
            );
        }
        assert_eq!(
            body(&AuthMethod::Token("t".into()), &TokenScope::Unscoped),
            json!({ "auth": { "identity": { "methods": ["token"], "token": { "id": "t" } } } })
        );
        let credential = CredentialRef::Name {
            name: "c".into(),
            user,
        };
        let auth = AuthMethod::ApplicationCredential {
            credential,
            secret: "s".into(),
        };
        let written = body(&auth, &TokenScope::Unscoped);
        assert_eq!(
            written["auth"]["identity"]["application_credential"],
            json!({ "name": "c", "secret": "s", "user": { "name": "u", "domain": { "id": "default" } } })
        );
    }

    #[test]
    fn secrets_do_not_show() {
        let auth = AuthMethod::Password {
            user: UserRef::Id("u".into()),
            password: "hunter2".into(),
        };
        assert!(!format!("{auth:?}").contains("hunter2"));
        assert!(!format!("{:?}", token_request(&auth, &TokenScope::System)).contains("hunter2"));
    }
}
