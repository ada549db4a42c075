//! The ways to authenticate: one table, a row for each, and each row in a file of its own.
//!
//! A row says what a way is called, which settings it needs and takes, how they become a proof, whether its tokens can be renewed,
//! and what to check when it is refused. Pure: how a proof is shown is `auth`'s business. The invariant: a new way that Keystone
//! itself checks is a file and a row here, and nothing else.

use std::fmt;

use secrecy::SecretString;
use serde_json::Value;

use super::given::{Given, Unfit};
use super::oauth2::Client;
use super::oidc::Login;
use super::setting::Setting;
use super::{application_credential, multi_factor, oauth2, oidc, password, token, totp};
use crate::cloud::UserRef;

/// All ways to authenticate, the most common first.
pub(super) static AUTH_TYPES: [&AuthType; 11] = [
    &password::TYPE,
    &token::TYPE,
    &application_credential::TYPE,
    &totp::TYPE,
    &multi_factor::TYPE,
    &oauth2::CLIENT_CREDENTIAL,
    &oauth2::MTLS_CLIENT_CREDENTIAL,
    &oidc::CLIENT_CREDENTIALS,
    &oidc::PASSWORD,
    &oidc::ACCESS_TOKEN,
    &oidc::DEVICE,
];

/// Makes something of the settings that were given.
type Reader<T> = fn(&Given<'_>) -> Result<T, Unfit>;

/// A way to authenticate.
pub struct AuthType {
    /// What clouds.yaml calls it in `auth_type`; the first is keystoneauth's own name.
    pub names: &'static [&'static str],
    /// What messages call what is shown to Keystone.
    pub what: &'static str,
    /// Settings that it cannot do without.
    pub needs: &'static [&'static Setting],
    /// Settings that it takes beside those of every login.
    pub takes: &'static [&'static Setting],
    /// Why its tokens cannot be renewed, if they cannot.
    pub ends: Option<&'static str>,
    /// Whether it comes with a scope, and takes no other.
    pub is_bound: bool,
    /// What to check when it is refused.
    pub cure: &'static str,
    pub(super) read: Reader<Proof>,
    /// The same as one factor of several, where Keystone has it as one.
    pub(super) factor: Option<Reader<Factor>>,
}

impl AuthType {
    /// The way of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        let mut all = AUTH_TYPES.into_iter();
        all.find(|it| it.names.contains(&name))
    }

    /// All ways there are.
    pub fn all() -> &'static [&'static Self] {
        &AUTH_TYPES
    }

    /// keystoneauth's name.
    pub fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }
}

impl fmt::Debug for AuthType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One way to authenticate, with all that it takes.
#[derive(Clone, Debug)]
pub struct AuthMethod {
    kind: &'static AuthType,
    proof: Proof,
}

/// What is shown, and to whom first.
#[derive(Clone, Debug)]
pub(in crate::cloud) enum Proof {
    /// To Keystone, all in one request.
    Factors(Vec<Factor>),
    /// A token that is there already.
    Token(SecretString),
    /// To Keystone's OAuth 2.0 endpoint, which gives a token as an access token.
    Client(Client),
    /// To an identity provider, for whose word Keystone gives a token.
    Provider(Login),
}

/// One thing that Keystone checks: a member of `identity` in a request for a token.
#[derive(Clone, Debug)]
pub(in crate::cloud) struct Factor {
    /// Keystone's name of the method, and of the member.
    pub(in crate::cloud) method: &'static str,
    /// The member, as JSON.
    pub(in crate::cloud) json: SecretString,
    pub(super) kind: &'static AuthType,
}

impl Factor {
    pub(super) fn new(kind: &'static AuthType, method: &'static str, member: &Value) -> Self {
        Self {
            method,
            json: SecretString::from(member.to_string()),
            kind,
        }
    }
}

impl AuthMethod {
    /// User and password.
    pub fn password(user: &UserRef, password: &SecretString) -> Self {
        Self {
            kind: &password::TYPE,
            proof: Proof::Factors(vec![password::factor(user, password)]),
        }
    }

    /// A token issued before. It is used as it is where no scope is asked for, else exchanged for one of that scope.
    pub fn token(token: SecretString) -> Self {
        Self {
            kind: &token::TYPE,
            proof: Proof::Token(token),
        }
    }

    /// The way of this name, with what was said about it.
    ///
    /// # Errors
    /// If there is no such way, something that it needs was not said, or something cannot be meant.
    pub fn read(name: &str, given: &Given<'_>) -> Result<Self, Unfit> {
        let kind = AuthType::named(name).ok_or_else(|| Unfit::AuthType(name.to_owned()))?;
        for setting in kind.needs {
            given.need(setting)?;
        }
        let proof = (kind.read)(given)?;
        Ok(Self { kind, proof })
    }

    /// Which way it is.
    pub fn kind(&self) -> &'static AuthType {
        self.kind
    }

    /// Why its tokens cannot be renewed, if they cannot.
    pub fn ends(&self) -> Option<&'static str> {
        match &self.proof {
            Proof::Factors(factors) => factors.iter().find_map(|it| it.kind.ends),
            Proof::Provider(login) if login.has_passcode() => totp::TYPE.ends,
            Proof::Token(_) | Proof::Client(_) | Proof::Provider(_) => self.kind.ends,
        }
    }

    /// Whether a part of it is good for half a minute only, by the clocks of whoever made it and of whoever checks it.
    pub(super) fn is_timed(&self) -> bool {
        self.ends() == totp::TYPE.ends
    }

    pub(in crate::cloud) fn proof(&self) -> &Proof {
        &self.proof
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_name_means_two_ways() {
        let names: Vec<&str> = AUTH_TYPES
            .iter()
            .flat_map(|it| it.names.iter().copied())
            .collect();
        let once: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(once.len(), names.len());
        for kind in AUTH_TYPES {
            assert!(kind.name().starts_with("v3") && !kind.needs.is_empty());
            assert!(
                kind.needs.iter().all(|it| !kind.takes.contains(it)),
                "{kind:?} needs what it may do without"
            );
        }
    }
}
