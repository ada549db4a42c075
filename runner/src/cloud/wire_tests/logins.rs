//! Ways of authenticating at the wire that Keystone itself checks: what is sent, how often, and what becomes of a refusal. The
//! exchanges are those that keystoneauth has with Keystone and its OAuth 2.0 endpoint.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response as AxumResponse};
use serde_json::{Value, json};

use super::fake::{Call, Fake, get, quick, status};
use crate::cloud::{
    AuthMethod, CloudConfig, DomainRef, Error, ErrorKind, Given, KeystoneConfig, Session,
    TokenScope,
};

const TOTP: &[(&str, &str)] = &[("user_id", "u"), ("passcode", "012345")];

pub(super) async fn open(
    fake: &Fake,
    name: &str,
    settings: &[(&str, &str)],
    scope: TokenScope,
) -> Result<Session, Error> {
    let values: BTreeMap<String, String> = settings
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.replace("{fake}", &fake.url)))
        .collect();
    let given = Given::new(&values, DomainRef::Id("default".into()));
    let auth = AuthMethod::read(name, &given).unwrap();
    assert!(!format!("{auth:?}").contains("hunter2"));
    let keystone = KeystoneConfig {
        auth_url: fake.url.parse().unwrap(),
        auth,
        scope,
    };
    let config = CloudConfig {
        keystone: Some(keystone),
        ..CloudConfig::without_keystone("fake", BTreeMap::new())
    };
    Session::connect(config, quick()).await
}

pub(super) fn project() -> TokenScope {
    TokenScope::project("project-1")
}

pub(super) fn body(call: &Call) -> Value {
    serde_json::from_str(&call.body).unwrap_or_default()
}

pub(super) fn by(call: &Call, method: &str) -> bool {
    call.method == "POST" && body(call)["auth"]["identity"][method].is_object()
}

pub(super) fn answer(code: u16, body: &Value) -> AxumResponse {
    (StatusCode::from_u16(code).unwrap(), body.to_string()).into_response()
}

/// A token without a scope, as for an identity provider's word; or with more in its body.
pub(super) fn token_with(name: &str, more: &Value) -> AxumResponse {
    let domain = json!({ "id": "Federated", "name": "Federated" });
    let mut token = json!({
        "user": { "id": "u", "name": "ann", "domain": domain },
        "issued_at": "2026-01-01T00:00:00.000000Z",
        "expires_at": "2026-01-01T01:00:00.000000Z",
    });
    for (key, value) in more.as_object().unwrap() {
        token[key] = value.clone();
    }
    (
        [("x-subject-token", name.to_owned())],
        json!({ "token": token }).to_string(),
    )
        .into_response()
}

pub(super) fn authorization(call: &Call) -> &str {
    let value = call.headers.get("authorization");
    value.map_or("", |value| value.to_str().unwrap())
}

pub(super) fn last(fake: &Fake, test: impl Fn(&Call) -> bool) -> Call {
    let calls = fake.calls.lock().unwrap();
    calls.iter().rev().find(|call| test(call)).cloned().unwrap()
}

#[tokio::test]
async fn a_passcode_is_shown_once_whatever_comes() {
    let fake = Fake::start(|fake, call| async move {
        match call.path.as_str() {
            "/v3/auth/tokens" => fake.token(&call),
            "/network/refused" => status(401),
            _ => status(200),
        }
    })
    .await;
    let session = open(&fake, "v3totp", TOTP, project()).await.unwrap();
    assert!(session.ends().is_some_and(|why| why.contains("passcode")));
    let shown = last(&fake, |call| by(call, "totp"));
    assert_eq!(
        body(&shown)["auth"],
        json!({
            "identity": { "methods": ["totp"], "totp": { "user": { "id": "u", "passcode": "012345" } } },
            "scope": { "project": { "id": "project-1" } },
        })
    );
    let other = session.for_project("project-2").await.unwrap();
    assert_eq!(other.identity().unwrap().project_id(), Some("project-2"));
    let exchanged = last(&fake, |call| by(call, "token"));
    assert_eq!(
        body(&exchanged)["auth"]["identity"]["token"]["id"],
        "token-1"
    );
    // A service that refuses a good token is heard, and Keystone says that the token is good.
    for session in [&session, &other] {
        assert_eq!(
            session
                .send(get("network", "/refused"))
                .await
                .unwrap()
                .status,
            401
        );
    }
    assert_eq!(fake.count(|call| by(call, "totp")), 1);
}

#[tokio::test]
async fn where_a_passcode_was_the_proof_the_end_of_the_token_is_said() {
    let fake = Fake::start(|fake, call| async move {
        match (call.path.as_str(), fake.tokens_issued()) {
            ("/v3/auth/tokens", 1) => fake.token(&call),
            ("/v3/auth/tokens", _) => answer(
                404,
                &json!({ "error": { "message": "Could not recognize Fernet token." } }),
            ),
            _ => status(401),
        }
    })
    .await;
    let session = open(&fake, "v3totp", TOTP, project()).await.unwrap();
    for _ in 0..3 {
        let error = session
            .send(get("network", "/v2.0/ports"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotAuthenticated);
        assert!(
            error
                .to_string()
                .contains("a passcode is good for one login"),
            "{error}"
        );
    }
    let error = session.for_project("project-2").await.unwrap_err();
    assert!(
        error.to_string().contains("project-2") || error.to_string().contains("passcode"),
        "{error}"
    );
    assert_eq!(fake.count(|call| by(call, "totp")), 1);
    // The first, one look for all refusals, and what the project was asked with.
    assert_eq!(
        fake.count(|call| call.method == "GET" && call.is_for_token()),
        2
    );
}

#[tokio::test]
async fn a_refused_passcode_tells_of_clocks_and_is_not_tried_again() {
    for (way, settings) in [
        ("v3totp", TOTP.to_vec()),
        (
            "v3multifactor",
            [
                TOTP,
                &[
                    ("password", "hunter2"),
                    ("auth_methods", "v3password,v3totp"),
                ],
            ]
            .concat(),
        ),
    ] {
        let fake = Fake::start(|_, _| async move {
            let date = [("date", "Thu, 01 Jan 2026 00:00:00 GMT")];
            let body = json!({ "error": { "message": "No." } }).to_string();
            (StatusCode::UNAUTHORIZED, date, body).into_response()
        })
        .await;
        let error = open(&fake, way, &settings, project()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotAuthenticated);
        let said = error.to_string();
        assert!(
            said.contains("OS_PASSCODE") && said.contains("clock"),
            "{said}"
        );
        assert!(
            !said.contains("012345") && !said.contains("hunter2"),
            "{said}"
        );
        assert_eq!(fake.tokens_issued(), 1, "{way}");
    }
}

#[tokio::test]
async fn several_factors_go_in_one_request() {
    let fake = Fake::start(|fake, call| async move { fake.token(&call) }).await;
    let settings = [
        TOTP,
        &[
            ("password", "hunter2"),
            ("auth_methods", "v3password,v3totp"),
        ],
    ]
    .concat();
    let session = open(&fake, "v3multifactor", &settings, project())
        .await
        .unwrap();
    assert!(session.ends().is_some());
    let shown = last(&fake, |_| true);
    assert_eq!(
        body(&shown)["auth"]["identity"],
        json!({
            "methods": ["password", "totp"],
            "password": { "user": { "id": "u", "password": "hunter2" } },
            "totp": { "user": { "id": "u", "passcode": "012345" } },
        })
    );
}

#[tokio::test]
async fn who_shows_too_few_factors_is_told_which() {
    let fake = Fake::start(|_, _| async move {
        let body = json!({
            "receipt": { "methods": ["password"] },
            "required_auth_methods": [["password", "totp"]],
        });
        answer(401, &body)
    })
    .await;
    let settings = [("user_id", "u"), ("password", "hunter2")];
    let error = open(&fake, "v3password", &settings, project())
        .await
        .unwrap_err();
    let said = error.to_string();
    assert!(
        said.contains("password and totp") && said.contains("v3multifactor"),
        "{said}"
    );
}

#[tokio::test]
async fn a_trust_is_asked_for_by_itself_and_for_nothing_else() {
    let settings = [("user_id", "u"), ("password", "hunter2")];
    for (got, kind) in [
        (json!({ "OS-TRUST:trust": { "id": "t" } }), None),
        (
            json!({ "OS-TRUST:trust": { "id": "other" } }),
            Some(ErrorKind::Denied),
        ),
        (json!({}), Some(ErrorKind::Denied)),
    ] {
        let fake = Fake::start(move |_, _| {
            let mut more = got.clone();
            more["project"] = json!({ "id": "project-1", "name": "shop", "domain": { "id": "d" } });
            async move { token_with("token-1", &more) }
        })
        .await;
        let opened = open(
            &fake,
            "v3password",
            &settings,
            TokenScope::Trust("t".into()),
        )
        .await;
        let shown = last(&fake, |_| true);
        assert_eq!(
            body(&shown)["auth"]["scope"],
            json!({ "OS-TRUST:trust": { "id": "t" } })
        );
        match (opened, kind) {
            (Ok(session), None) => {
                let identity = session.identity().unwrap();
                assert_eq!(
                    (identity.project_id(), identity.trust.as_deref()),
                    (Some("project-1"), Some("t"))
                );
                let error = session.for_project("project-2").await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Denied);
                assert!(
                    error.to_string().contains("a trust is for the project"),
                    "{error}"
                );
                assert_eq!(
                    fake.tokens_issued(),
                    1,
                    "no trust is asked for another project"
                );
            }
            (Err(error), Some(kind)) => assert_eq!(error.kind(), kind, "{error}"),
            (opened, kind) => panic!("{opened:?} is not {kind:?}"),
        }
    }
}

#[tokio::test]
async fn a_trust_that_is_not_there_is_named() {
    let fake = Fake::start(|_, call| async move {
        if call.body.contains("OS-TRUST") {
            answer(
                404,
                &json!({ "error": { "message": "Could not find trust: t." } }),
            )
        } else {
            token_with("token-1", &json!({}))
        }
    })
    .await;
    let settings = [("user_id", "u"), ("password", "hunter2")];
    let error = open(
        &fake,
        "v3password",
        &settings,
        TokenScope::Trust("t".into()),
    )
    .await
    .unwrap_err();
    assert!(error.to_string().contains("trust `t`"), "{error}");
    assert!(matches!(
        error.kind(),
        ErrorKind::NotAuthenticated | ErrorKind::Denied
    ));
}

const CLIENT: &[(&str, &str)] = &[
    ("oauth2_endpoint", "{fake}/v3/OS-OAUTH2/token"),
    ("oauth2_client_id", "i"),
    ("oauth2_client_secret", "hunter2"),
];

#[tokio::test]
async fn an_oauth2_client_of_keystones_gets_a_token_that_is_both() {
    let fake = Fake::start(|fake, call| async move {
        let grants = fake.count(|call| call.path == "/v3/OS-OAUTH2/token");
        match call.path.as_str() {
            "/v3/OS-OAUTH2/token" => answer(
                200,
                &json!({ "access_token": format!("access-{grants}"), "token_type": "Bearer" }),
            ),
            "/v3/auth/tokens" => fake.token(&call),
            _ if call.token() == "access-1" => status(401),
            _ => status(200),
        }
    })
    .await;
    let session = open(
        &fake,
        "v3oauth2clientcredential",
        CLIENT,
        TokenScope::Unscoped,
    )
    .await
    .unwrap();
    let asked = last(&fake, |call| call.path == "/v3/OS-OAUTH2/token");
    // "i:hunter2"
    assert_eq!(authorization(&asked), "Basic aTpodW50ZXIy");
    assert_eq!(asked.body, "grant_type=client_credentials");
    assert_eq!(
        asked.headers["content-type"],
        "application/x-www-form-urlencoded"
    );
    let looked_up = last(&fake, Call::is_for_token);
    assert_eq!(
        (looked_up.method.as_str(), looked_up.token()),
        ("GET", "access-1")
    );
    assert_eq!(looked_up.headers["x-subject-token"], "access-1");
    assert_eq!(looked_up.headers["openstack-identity-access-rules"], "1.0");
    // A service refuses the first, so there is a second one, which goes along in both forms.
    assert_eq!(
        session
            .send(get("network", "/v2.0/ports"))
            .await
            .unwrap()
            .status,
        200
    );
    let sent = last(&fake, |call| call.path.starts_with("/network"));
    assert_eq!(
        (sent.token(), authorization(&sent)),
        ("access-2", "Bearer access-2")
    );
    let error = session.for_project("project-2").await.unwrap_err();
    assert!(
        error.to_string().contains("is bound to the project"),
        "{error}"
    );
}

#[tokio::test]
async fn an_expired_secret_of_a_client_is_said_and_keystone_not_asked() {
    // The second is what Keystone says of a client that it does not know, the third is no word on the client.
    for (code, kind) in [
        (401, ErrorKind::NotAuthenticated),
        (404, ErrorKind::NotAuthenticated),
        (500, ErrorKind::Malformed),
    ] {
        refused_client(code, kind).await;
    }
}

async fn refused_client(code: u16, kind: ErrorKind) {
    let fake = Fake::start(move |_, _| async move {
        let body = json!({ "error": "invalid_client", "error_description": "The secret has expired\u{1b}[2J." });
        answer(code, &body)
    })
    .await;
    let error = open(
        &fake,
        "v3oauth2clientcredential",
        CLIENT,
        TokenScope::Unscoped,
    )
    .await
    .unwrap_err();
    let said = format!("{error} {error:?}");
    assert_eq!(error.kind(), kind, "{said}");
    let is_about_us = kind == ErrorKind::NotAuthenticated;
    for words in [
        "invalid_client, The secret has expired[2J)",
        "OS_OAUTH2_CLIENT_SECRET",
    ] {
        assert_eq!(said.contains(words), is_about_us, "{said}");
    }
    assert!(!said.contains("hunter2"), "{said}");
    assert_eq!(fake.calls.lock().unwrap().len(), 1);
}
