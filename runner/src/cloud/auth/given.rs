//! What was said about a login, and what is wrong with it.
//!
//! Pure. Where a value came from is the caller's business; this only knows which there are.

use std::collections::BTreeMap;

use secrecy::SecretString;
use url::{Host, Url};

use super::setting::{self, Setting};
use crate::cloud::{DomainRef, UserRef};

/// What was said about a login, by key. Holds secrets, hence no `Debug`.
pub struct Given<'a> {
    values: &'a BTreeMap<String, String>,
    user_domain: DomainRef,
}

/// Why what was said is no login.
#[derive(Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Something that is needed was not said.
    Missing(&'static Setting),
    /// A value that cannot be used.
    Value {
        /// Whose.
        setting: &'static Setting,
        /// What is wrong with it and what would be right.
        cause: String,
    },
    /// No way of authenticating has this name.
    AuthType(String),
}

impl<'a> Given<'a> {
    /// Values by key, and the domain in which a user's name is looked up.
    pub fn new(values: &'a BTreeMap<String, String>, user_domain: DomainRef) -> Self {
        Self {
            values,
            user_domain,
        }
    }

    pub(super) fn get(&self, setting: &Setting) -> Option<&'a str> {
        self.values.get(setting.key).map(String::as_str)
    }

    /// Whether there is a setting that is no login's own, such as the client certificate.
    pub(super) fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    pub(super) fn need(&self, setting: &'static Setting) -> Result<&'a str, Unfit> {
        self.get(setting).ok_or(Unfit::Missing(setting))
    }

    pub(super) fn secret(&self, setting: &'static Setting) -> Result<SecretString, Unfit> {
        self.need(setting).map(SecretString::from)
    }

    pub(super) fn user(&self) -> Result<UserRef, Unfit> {
        if let Some(id) = self.get(&setting::USER_ID) {
            return Ok(UserRef::Id(id.to_owned()));
        }
        Ok(UserRef::Name {
            name: self.need(&setting::USERNAME)?.to_owned(),
            domain: self.user_domain.clone(),
        })
    }

    /// An address to which a secret may be sent.
    pub(super) fn url(&self, setting: &'static Setting) -> Result<Option<Url>, Unfit> {
        let Some(text) = self.get(setting) else {
            return Ok(None);
        };
        let bad = |cause: &str| Unfit::Value {
            setting,
            cause: cause.to_owned(),
        };
        let url = Url::parse(text)
            .map_err(|_| bad("it must be a URL such as https://login.example.org/token"))?;
        keeps_secrets(&url).map_err(bad)?;
        Ok(Some(url))
    }
}

/// Whether a secret may be sent to an address: by TLS, or without leaving this machine.
pub(super) fn keeps_secrets(url: &Url) -> Result<(), &'static str> {
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let has_login = !url.username().is_empty() || url.password().is_some();
    match url.scheme() {
        "https" | "http" if has_login => {
            Err("it must not hold a user name or password; these have settings of their own")
        }
        "https" => Ok(()),
        "http" if is_here => Ok(()),
        _ => Err(
            "it must begin with https:// (http:// only on this machine), for a secret is sent there",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_by_tls_or_stay_on_the_machine() {
        for (url, is_good) in [
            ("https://login.example.org/token?tenant=a", true),
            ("http://127.0.0.1:8080/token", true),
            ("http://[::1]/token", true),
            ("http://localhost:80/token", true),
            ("http://login.example.org/token", false),
            ("http://localhost.example.org/token", false),
            ("http://127.0.0.1.example.org/token", false),
            ("https://u:p@login.example.org/token", false),
            ("ftp://127.0.0.1/token", false),
        ] {
            let url: Url = url.parse().unwrap();
            assert_eq!(keeps_secrets(&url).is_ok(), is_good, "{url}");
        }
    }
}
