//! Access rules: which requests of an application credential the services themselves let through, whoever holds it.
//!
//! A service compares a request as it arrives there: its method, and its whole path with the endpoint's own. In a rule's path `*`
//! and a name in braces stand for one segment and `**` for any rest. Queries and bodies are not compared.
//! Source: Keystone's Identity API v3, "Application Credentials" and "Access Rules"; keystonemiddleware, `auth_token`.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cloud::path::{self, RelativePath};
use crate::cloud::{Error, ErrorKind, Method, Request, Response};

use super::Session;

/// Longer paths are refused, or cut off by older Keystones' database.
const PATH_CHARS_MAX: usize = 128;

/// Requests that the runner sends in its own name: it asks which project is meant.
const OWN: [(&str, &str); 2] = [
    ("identity", "/v3/projects"),
    ("identity", "/v3/projects/{project}"),
];

/// What stands for whatever segment in a pattern. `None` never happens: the expression is a constant.
static PLACEHOLDER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\{[^}]*\}|\*+").ok());

/// A kind of request that is let through, as Keystone takes it and shows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AccessRule {
    /// The service's type, in the catalog's own word.
    pub service: String,
    /// Path on the service's host, with placeholders.
    pub path: String,
    /// `GET`, `DELETE`, …
    pub method: String,
}

/// An application credential that was just made. Not to be shown by accident.
#[derive(Deserialize)]
pub struct MadeCredential {
    /// Its id.
    pub id: String,
    /// What proves that one may use it. Keystone shows it once.
    pub secret: String,
    access_rules: Option<Vec<AccessRule>>,
}

/// What an application credential is to be.
#[derive(Clone, Debug)]
pub struct WantedCredential<'a> {
    /// Its name, which no other one of the user has.
    pub name: &'a str,
    /// When it ends; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// What it is good for.
    pub rules: &'a BTreeSet<AccessRule>,
}

impl Session {
    /// The access rules that let requests of this form through: one for each word that the catalog has for the service.
    /// `pattern` is a path as the service's rules write it, with placeholders.
    ///
    /// # Errors
    /// If the service cannot be reached, or Keystone would not take the path.
    pub async fn access_rules(
        &self,
        service: &str,
        method: Method,
        pattern: &str,
    ) -> Result<Vec<AccessRule>, Error> {
        let path = self.arriving(service, pattern).await?;
        if path.len() > PATH_CHARS_MAX {
            let message = format!(
                "the path {path} is longer than the {PATH_CHARS_MAX} characters of an access rule"
            );
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let words = self.types_of(service).into_iter();
        let rule = |service| AccessRule {
            service,
            path: path.clone(),
            method: method.as_str().to_owned(),
        };
        Ok(words.map(rule).collect())
    }

    /// The access rules for what the runner asks in its own name.
    ///
    /// # Errors
    /// As [`access_rules`](Self::access_rules).
    pub async fn own_access_rules(&self) -> Result<Vec<AccessRule>, Error> {
        let mut rules = Vec::new();
        for (service, pattern) in OWN {
            rules.extend(self.access_rules(service, Method::Get, pattern).await?);
        }
        Ok(rules)
    }

    /// The path at which a request arrives on the service's host.
    async fn arriving(&self, service: &str, pattern: &str) -> Result<String, Error> {
        let destination = self.destination(service)?;
        let stands_in = |number: usize| format!("~{number}~");
        let placeholders: Vec<&str> = PLACEHOLDER
            .iter()
            .flat_map(|regex| regex.find_iter(pattern))
            .map(|found| found.as_str())
            .collect();
        let numbered = placeholders.iter().enumerate();
        // No placeholder can stand in a path that might be sent.
        let sample = numbered.fold(pattern.to_owned(), |text, (number, placeholder)| {
            text.replacen(placeholder, &stands_in(number), 1)
        });
        let invalid = |error: path::PathError| Error::new(ErrorKind::Invalid, error.to_string());
        let relative = RelativePath::parse(&sample).map_err(invalid)?;
        let endpoint = self.versioned(&destination.summary, relative).await?;
        let url = path::join(&endpoint, relative, destination.joining).map_err(invalid)?;
        let numbered = placeholders.iter().enumerate();
        Ok(
            numbered.fold(url.path().to_owned(), |text, (number, placeholder)| {
                text.replace(&stands_in(number), placeholder)
            }),
        )
    }

    /// Makes an application credential for the user and the project of this session's token, with all roles that the token has and
    /// these access rules. If Keystone has made anything else than was asked for, that is deleted again.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where there is no user of Keystone's with a project, the Keystone is too old for access rules, or it
    /// refuses; those of any request.
    pub async fn make_credential(
        &self,
        wanted: &WantedCredential<'_>,
    ) -> Result<MadeCredential, Error> {
        let identity = self.identity();
        let user = identity
            .filter(|identity| identity.project_id().is_some())
            .map(|identity| identity.user_id)
            .ok_or_else(|| {
                refused("an application credential is for a project, and this token has none")
            })?;
        self.know_access_rules(&user).await?;
        let path = format!("/v3/users/{user}/application_credentials");
        let mut request = Request::new("identity", Method::Post, &path);
        request.body = Some(wanted.body().to_string());
        let answer = self.send(request).await?;
        if answer.status != 201 {
            return Err(not_made(&answer));
        }
        let made: Made = serde_json::from_str(&answer.body).map_err(|error| {
            refused(&format!(
                "Keystone's answer cannot be understood ({error}); look for an application credential called {}",
                wanted.name
            ))
        })?;
        let made = made.application_credential;
        let is_as_wanted = made.access_rules.as_ref().is_some_and(|rules| {
            rules.iter().collect::<BTreeSet<_>>() == wanted.rules.iter().collect()
        });
        if is_as_wanted {
            return Ok(made);
        }
        self.unmake(&format!("{path}/{}", made.id)).await
    }

    /// Whether this Keystone has access rules, before anything is made.
    async fn know_access_rules(&self, user: &str) -> Result<(), Error> {
        let path = format!("/v3/users/{user}/access_rules");
        let answer = self
            .send(Request::new("identity", Method::Get, path))
            .await?;
        match answer.status {
            200 => Ok(()),
            404 => Err(refused(
                "this Keystone has no access rules: they came with the Identity API 3.13 (Train)",
            )),
            _ => Err(not_made(&answer)),
        }
    }

    async fn unmake(&self, path: &str) -> Result<MadeCredential, Error> {
        let gone = self
            .send(Request::new("identity", Method::Delete, path))
            .await
            .is_ok_and(|answer| answer.status == 204);
        let end = match gone {
            true => "so it was deleted again".to_owned(),
            false => format!("and could not be deleted again: delete {path}"),
        };
        Err(refused(&format!(
            "Keystone has made the application credential without the access rules, {end}"
        )))
    }
}

#[derive(Deserialize)]
struct Made {
    application_credential: MadeCredential,
}

impl WantedCredential<'_> {
    fn body(&self) -> Value {
        let mut credential = json!({
            "name": self.name,
            "description": "What the rules of `runner` ask for, and no more",
            "unrestricted": false,
            "access_rules": self.rules,
        });
        if let (Some(end), Some(members)) = (self.expires_at, credential.as_object_mut()) {
            members.insert("expires_at".to_owned(), Value::String(end.to_string()));
        }
        json!({ "application_credential": credential })
    }
}

fn refused(why: &str) -> Error {
    Error::new(ErrorKind::Invalid, why)
}

/// Keystone's own words for why not.
fn not_made(answer: &Response) -> Error {
    let said: Option<Value> = serde_json::from_str(&answer.body).ok();
    let said = said
        .as_ref()
        .and_then(|said| said.pointer("/error/message"));
    let why = said.and_then(Value::as_str).unwrap_or("without a word");
    let kind = match answer.status {
        403 => ErrorKind::Denied,
        _ => ErrorKind::Invalid,
    };
    let message = format!(
        "Keystone makes no application credential: {} {why}",
        answer.status
    );
    Error::new(kind, message).answered(answer.status, answer.request_id.clone())
}
