//! Access rules: how a request looks where it arrives, and that nothing else is made of them than was asked for.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response as AxumResponse};
use serde_json::{Value, json};

use super::fake::{Call, Fake, status};
use crate::cloud::{AccessRule, Error, ErrorKind, MadeCredential, Method, WantedCredential};

const CREDENTIALS: &str = "/v3/users/u/application_credentials";

#[tokio::test]
async fn a_pattern_is_the_path_at_which_a_request_arrives() {
    let fake = Fake::start(|fake, call| async move {
        match call.path.as_str() {
            "/compute/" => json!({ "versions": [{
                "id": "v2.1", "status": "CURRENT", "version": "2.90", "min_version": "2.1",
                "links": [{ "rel": "self", "href": "/compute/v2.1/" }],
            }]})
            .to_string()
            .into_response(),
            _ => fake.token(&call),
        }
    })
    .await;
    let session = fake.session().await;
    for (service, pattern, arriving) in [
        (
            "network",
            "/v2.0/ports/{id}",
            "network /network/v2.0/ports/{id}",
        ),
        (
            "network",
            "/v2.0/ports/**",
            "network /network/v2.0/ports/**",
        ),
        (
            "network",
            "/v2.0/routers/{device_id}/remove_router_interface",
            "network /network/v2.0/routers/{device_id}/remove_router_interface",
        ),
        (
            "compute",
            "/servers/{id}/action",
            "compute /compute/v2.1/servers/{id}/action",
        ),
        (
            "block-storage",
            "/volumes/*/metadata/{id}",
            "volumev3 /volume/v3/project-1/volumes/*/metadata/{id}",
        ),
        (
            "identity",
            "/v3/users/{parent}/things/{id}",
            "/v3/users/{parent}/things/{id}",
        ),
    ] {
        let rules = session.access_rules(service, Method::Get, pattern).await;
        let rules = rules.unwrap().into_iter();
        let rules: Vec<String> = rules
            .map(|it| format!("{} {}", it.service, it.path))
            .collect();
        match service {
            // This catalog does not name it.
            "identity" => assert!(rules.is_empty(), "{arriving}: {rules:?}"),
            _ => assert_eq!(rules, [arriving]),
        }
    }
    let long = format!("/v2.0/{}", "x".repeat(128));
    let error = session.access_rules("network", Method::Get, &long).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Invalid);
}

/// What a Keystone does with a wish for a credential.
#[derive(Clone, Copy, Debug)]
enum Keystone {
    Good,
    WithoutAccessRules,
    ForgetsThem,
    AddsOne,
    Refuses,
}

impl Keystone {
    fn answer(self, fake: &Fake, call: &Call) -> AxumResponse {
        let body: Value = serde_json::from_str(&call.body).unwrap_or_default();
        let mut made = body["application_credential"].clone();
        match (self, call.method.as_str(), call.path.as_str()) {
            (_, _, "/v3/auth/tokens") => return fake.token(call),
            (Self::WithoutAccessRules, "GET", _) => return status(404),
            (_, "GET", "/v3/users/u/access_rules") => {
                return json!({ "access_rules": [] }).to_string().into_response();
            }
            (_, "DELETE", _) => return status(204),
            (Self::Refuses, ..) => {
                let error = json!({ "error": { "message": "Invalid: try again.", "code": 400 } });
                return (StatusCode::BAD_REQUEST, error.to_string()).into_response();
            }
            (Self::ForgetsThem, ..) => {
                made.as_object_mut().unwrap().remove("access_rules");
            }
            (Self::AddsOne, ..) => {
                let more = json!({ "service": "compute", "path": "/**", "method": "GET" });
                made["access_rules"].as_array_mut().unwrap().push(more);
            }
            (Self::Good | Self::WithoutAccessRules, ..) => {}
        }
        for (number, rule) in made["access_rules"]
            .as_array_mut()
            .into_iter()
            .flatten()
            .enumerate()
        {
            rule["id"] = json!(format!("rule-{number}"));
        }
        made["id"] = json!("made");
        made["secret"] = json!("the-secret");
        let answer = json!({ "application_credential": made }).to_string();
        (StatusCode::CREATED, answer).into_response()
    }

    async fn make(self) -> (Fake, Result<MadeCredential, Error>) {
        let fake = Fake::start(move |fake, call| async move { self.answer(&fake, &call) }).await;
        let rule = AccessRule {
            service: "network".to_owned(),
            path: "/network/v2.0/ports".to_owned(),
            method: "GET".to_owned(),
        };
        let wanted = WantedCredential {
            name: "sweeper",
            expires_at: None,
            rules: &BTreeSet::from([rule]),
        };
        let made = fake.session().await.make_credential(&wanted).await;
        (fake, made)
    }
}

#[tokio::test]
async fn a_credential_is_made_as_it_was_wanted() {
    let (fake, made) = Keystone::Good.make().await;
    let made = made.unwrap();
    assert_eq!(
        (made.id.as_str(), made.secret.as_str()),
        ("made", "the-secret")
    );
    let calls = fake.calls.lock().unwrap();
    let asked: Value = serde_json::from_str(&calls.last().unwrap().body).unwrap();
    assert_eq!(
        asked["application_credential"],
        json!({
            "name": "sweeper",
            "description": "What the rules of `runner` ask for, and no more",
            "unrestricted": false,
            "access_rules": [{ "service": "network", "path": "/network/v2.0/ports", "method": "GET" }],
        })
    );
}

#[tokio::test]
async fn what_is_made_otherwise_is_deleted_again() {
    for (keystone, posts, deletions, words) in [
        (Keystone::WithoutAccessRules, 0, 0, "3.13 (Train)"),
        (Keystone::Refuses, 1, 0, "400 Invalid: try again."),
        (Keystone::ForgetsThem, 1, 1, "so it was deleted again"),
        (Keystone::AddsOne, 1, 1, "so it was deleted again"),
    ] {
        let (fake, made) = keystone.make().await;
        let error = made.err().unwrap().to_string();
        assert!(error.contains(words), "{keystone:?}: {error}");
        let sent = |method: &str, path: &str| {
            fake.count(|call| call.method == method && call.path == path)
        };
        assert_eq!(sent("POST", CREDENTIALS), posts, "{keystone:?}");
        assert_eq!(
            sent("DELETE", &format!("{CREDENTIALS}/made")),
            deletions,
            "{keystone:?}"
        );
    }
}
