//! What Keystone answers: a token as its body describes it, and why there is none, in words that help.
//!
//! Pure. The invariant: of what a stranger says no control character and no more than a few lines are shown.

use std::collections::BTreeSet;

use jiff::Timestamp;
use reqwest::header::{DATE, HeaderMap, LOCATION};
use serde::Deserialize;
use url::Url;

use super::method::AuthMethod;
use crate::cloud::catalog::CatalogEntry;
use crate::cloud::http::Answer;
use crate::cloud::identity::{DomainIdentity, GrantedScope, Identity};
use crate::cloud::{Context, Error, ErrorKind, KeystoneConfig, TokenScope, headers};

/// Of a stranger's words no more is shown.
const SHOWN_CHARS_MAX: usize = 300;

/// A passcode that was made by a clock so far off is refused.
const CLOCKS_S_MAX: i64 = 30;

#[derive(Deserialize)]
pub(super) struct TokenBody {
    pub(super) token: TokenFields,
}

#[derive(Deserialize)]
pub(super) struct TokenFields {
    user: Member,
    #[serde(default)]
    project: Option<Member>,
    #[serde(default)]
    domain: Option<DomainIdentity>,
    #[serde(default)]
    system: Option<System>,
    #[serde(default, rename = "OS-TRUST:trust")]
    trust: Option<Trust>,
    #[serde(default)]
    roles: Vec<Role>,
    pub(super) expires_at: Timestamp,
    #[serde(default)]
    pub(super) issued_at: Option<Timestamp>,
    #[serde(default)]
    catalog: Vec<CatalogEntry>,
}

#[derive(Deserialize)]
struct Member {
    id: String,
    #[serde(default)]
    name: String,
    domain: DomainIdentity,
}

#[derive(Deserialize)]
struct System {
    #[serde(default)]
    all: bool,
}

#[derive(Deserialize)]
struct Trust {
    id: String,
}

#[derive(Deserialize)]
struct Role {
    name: String,
}

impl TokenFields {
    /// Who the token is for, and what it says is there.
    pub(super) fn split(self) -> (Identity, Vec<CatalogEntry>) {
        let scope = match (self.project, self.domain, self.system) {
            (Some(Member { id, name, domain }), _, _) => GrantedScope::Project { id, name, domain },
            (None, Some(domain), _) => GrantedScope::Domain(domain),
            (None, None, Some(System { all: true })) => GrantedScope::System,
            (None, None, _) => GrantedScope::Unscoped,
        };
        let Member {
            id: user_id,
            name: user_name,
            domain: user_domain,
        } = self.user;
        let roles = self.roles.into_iter().map(|role| role.name).collect();
        (
            Identity {
                user_id,
                user_name,
                user_domain,
                scope,
                trust: self.trust.map(|trust| trust.id),
                roles,
                expires_at: self.expires_at,
            },
            self.catalog,
        )
    }
}

/// A stranger's words, shortened and fit for a terminal.
pub(super) fn shortened(text: &str) -> String {
    let visible = text.chars().filter(|c| !c.is_control());
    visible.take(SHOWN_CHARS_MAX).collect()
}

/// The sentence in Keystone's error body.
fn keystone_message(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let text = body.get("error")?.get("message")?.as_str()?;
    Some(shortened(text).trim_end_matches('.').to_owned())
}

/// The factors that Keystone wants together, where it wants more than it was shown (Identity API, "Auth receipts").
fn wanted_factors(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let sets = body.get("required_auth_methods")?.as_array()?.iter();
    let sets = sets.filter_map(|set| {
        let words = set.as_array()?.iter().filter_map(|it| it.as_str());
        // Keystone gives them in another order each time.
        let words: BTreeSet<&str> = words.collect();
        let words: Vec<&str> = words.into_iter().collect();
        Some(words.join(" and "))
    });
    let sets: Vec<String> = sets.collect();
    Some(shortened(&sets.join(", or "))).filter(|text| !text.is_empty())
}

/// Says how far the clocks of this machine and Keystone are apart, if that is too far for a passcode.
fn clocks(headers: &HeaderMap, now: Timestamp) -> String {
    let text = headers.get(DATE).and_then(|value| value.to_str().ok());
    let there = text.and_then(|text| jiff::fmt::rfc2822::parse(text).ok());
    let apart = there.map_or(0, |there| now.duration_since(there.timestamp()).as_secs());
    if apart.abs() <= CLOCKS_S_MAX {
        return String::new();
    }
    let way = if apart > 0 { "ahead of" } else { "behind" };
    format!(
        ". This machine's clock is {} s {way} Keystone's: a passcode that is made here is wrong there",
        apart.abs()
    )
}

/// Why an answer is no token.
pub(super) fn refusal(
    answer: &Answer,
    config: &KeystoneConfig,
    tokens_url: &Url,
    scope: &TokenScope,
    context: &Context,
) -> Error {
    let (url, auth) = (&config.auth_url, &config.auth);
    let (what, cure) = (auth.kind().what, auth.kind().cure);
    let said = keystone_message(&answer.body);
    // Without Keystone's own words it is no Keystone that answers, and without these it is the path that it does not know.
    let is_unknown = said
        .as_ref()
        .is_some_and(|text| text.starts_with("Could not "));
    let said = said.map_or_else(String::new, |text| format!(" (it says: {text})"));
    let (kind, message) = match answer.status {
        401 => (
            ErrorKind::NotAuthenticated,
            unaccepted(answer, auth, url, &said),
        ),
        403 => (
            ErrorKind::Denied,
            format!(
                "Keystone at {url} does not grant a token for {}{said}",
                scope.described()
            ),
        ),
        404 if is_unknown => (
            ErrorKind::NotAuthenticated,
            match scope {
                TokenScope::Trust(id) => format!(
                    "Keystone at {url} gives no token by the trust `{id}`{said}: check its id (OS_TRUST_ID), whether it has \
                     expired or was used up, and {cure}"
                ),
                _ => format!("Keystone at {url} does not know the {what}{said}: {cure}"),
            },
        ),
        301..=303 | 307 | 308 => (
            ErrorKind::Invalid,
            format!(
                "Keystone at {url} sends us {}: a credential is not sent after it. If that is where it should go, make it auth_url \
                 or OS_AUTH_URL",
                leads_to(tokens_url, answer)
            ),
        ),
        300 | 404 | 405 => (
            ErrorKind::Invalid,
            format!(
                "there is no Keystone v3 at {url}: check auth_url or OS_AUTH_URL, which usually ends in /v3"
            ),
        ),
        status => (
            ErrorKind::Malformed,
            format!("Keystone at {url} answered {status} to a request for a token{said}"),
        ),
    };
    Error::new(kind, message)
        .during(context)
        .answered(answer.status, headers::request_id(&answer.headers))
}

fn unaccepted(answer: &Answer, auth: &AuthMethod, url: &Url, said: &str) -> String {
    let (what, cure) = (auth.kind().what, auth.kind().cure);
    if let Some(factors) = wanted_factors(&answer.body) {
        return format!(
            "Keystone at {url} wants more of this user than the {what}: {factors}. Give auth_type v3multifactor with auth_methods \
             (OS_AUTH_TYPE, OS_AUTH_METHODS), such as v3password,v3totp"
        );
    }
    let clocks = if auth.is_timed() {
        clocks(&answer.headers, Timestamp::now())
    } else {
        String::new()
    };
    format!("Keystone at {url} does not accept the {what}{said}: {cure}{clocks}")
}

/// Where a redirect leads, as an address that could be auth_url; without login, query and the path that we added.
fn leads_to(tokens_url: &Url, answer: &Answer) -> String {
    let location = answer.headers.get(LOCATION).and_then(|it| it.to_str().ok());
    let target = location.and_then(|it| tokens_url.join(it).ok());
    let target = target.and_then(|mut it| {
        it.set_query(None);
        it.set_fragment(None);
        it.set_username("").ok()?;
        it.set_password(None).ok()?;
        Some(shortened(it.as_str()))
    });
    target.map_or_else(
        || "elsewhere without saying where".to_owned(),
        |it| format!("to {}", it.trim_end_matches("/auth/tokens")),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn granted(fields: serde_json::Value) -> Identity {
        let mut token = json!({
            "user": { "id": "u", "name": "ann", "domain": { "id": "default", "name": "Default" } },
            "expires_at": "2026-11-23T18:09:05.000000Z",
            "roles": [{ "id": "1", "name": "Admin" }, { "id": "2", "name": "member" }],
        });
        token
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        let body: TokenBody = serde_json::from_value(json!({ "token": token })).unwrap();
        body.token.split().0
    }

    #[test]
    fn the_scope_is_read_from_the_token() {
        let domain = json!({ "id": "d", "name": "Dom" });
        let project =
            granted(json!({ "project": { "id": "p", "name": "proj", "domain": domain } }));
        assert_eq!(project.project_id(), Some("p"));
        assert!(project.is_admin(), "role names are compared without case");
        assert_eq!(
            granted(json!({ "system": { "all": true } })).scope,
            GrantedScope::System
        );
        assert_eq!(
            granted(json!({ "system": {} })).scope,
            GrantedScope::Unscoped
        );
        assert!(matches!(
            granted(json!({ "domain": domain })).scope,
            GrantedScope::Domain(_)
        ));
        let plain = granted(json!({ "roles": [] }));
        assert_eq!(plain.scope, GrantedScope::Unscoped);
        assert!(!plain.is_admin());
    }

    #[test]
    fn keystones_sentence_is_cut_out_and_cleaned() {
        let body = json!({ "error": { "code": 401, "message": "Not you.\u{1b}[2J" } }).to_string();
        assert_eq!(
            keystone_message(body.as_bytes()).as_deref(),
            Some("Not you.[2J")
        );
        assert_eq!(keystone_message(b"<html>"), None);
    }

    #[test]
    fn the_factors_that_are_missing_are_read_from_the_receipt() {
        let body = json!({
            "receipt": { "methods": ["password"] },
            "required_auth_methods": [["totp", "password"], ["password", "custom"]],
        });
        assert_eq!(
            wanted_factors(body.to_string().as_bytes()).as_deref(),
            Some("password and totp, or custom and password")
        );
        assert_eq!(wanted_factors(br#"{"required_auth_methods": []}"#), None);
        assert_eq!(wanted_factors(b"<html>"), None);
    }

    #[test]
    fn clocks_that_are_apart_are_told() {
        let now: Timestamp = "2026-01-01T00:10:00Z".parse().unwrap();
        let told = |date: &'static str| {
            let date = reqwest::header::HeaderValue::from_static(date);
            clocks(&HeaderMap::from_iter([(DATE, date)]), now)
        };
        assert_eq!(told("Thu, 01 Jan 2026 00:10:20 GMT"), "");
        assert!(told("Thu, 01 Jan 2026 00:00:00 GMT").contains("600 s ahead of Keystone's"));
        assert!(told("Thu, 01 Jan 2026 00:11:00 GMT").contains("60 s behind Keystone's"));
        assert_eq!(clocks(&HeaderMap::new(), now), "");
    }

    #[test]
    fn a_trust_is_read_from_the_token() {
        let domain = json!({ "id": "d" });
        let project = json!({ "id": "p", "name": "proj", "domain": domain });
        let by_trust = granted(
            json!({ "project": project, "OS-TRUST:trust": { "id": "t", "impersonation": true } }),
        );
        assert_eq!(
            (by_trust.project_id(), by_trust.trust.as_deref()),
            (Some("p"), Some("t"))
        );
        assert_eq!(granted(json!({ "project": project })).trust, None);
    }
}
