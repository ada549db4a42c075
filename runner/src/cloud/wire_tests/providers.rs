//! Logins by an identity provider at the wire: what it is asked, what Keystone is shown for its word, and that secrets go nowhere
//! else. The exchanges are those that keystoneauth has.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response as AxumResponse};
use serde_json::{Value, json};

use super::fake::{Call, Fake, status};
use super::logins::{answer, authorization, body, by, last, open, project, token_with};
use crate::cloud::ErrorKind;

const FEDERATION: &str = "/v3/OS-FEDERATION/identity_providers/my%20idp/protocols/openid/auth";

fn form(call: &Call) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(call.body.as_bytes())
        .into_owned()
        .collect()
}

fn provider(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let all = [
        ("identity_provider", "my idp"),
        ("protocol", "openid"),
        ("client_id", "c"),
        (
            "discovery_endpoint",
            "{fake}/idp/.well-known/openid-configuration",
        ),
    ];
    [&all, more].concat()
}

fn discovered(fake: &Fake) -> AxumResponse {
    let at = |path: &str| format!("{}/idp/{path}", fake.url);
    let document = json!({
        "issuer": at(""),
        "token_endpoint": at("token"),
        "device_authorization_endpoint": at("device"),
    });
    answer(200, &document)
}

/// An identity provider whose access tokens are numbered, and a Keystone that takes them; unscoped tokens are numbered alike.
fn vouching(fake: &Fake, call: &Call) -> AxumResponse {
    let logins = fake.count(|call| call.path == "/idp/token");
    match call.path.as_str() {
        "/idp/.well-known/openid-configuration" => discovered(fake),
        "/idp/token" => answer(
            200,
            &json!({ "access_token": format!("access-{logins}"), "id_token": format!("id-{logins}"), "token_type": "Bearer" }),
        ),
        FEDERATION => token_with(&format!("unscoped-{logins}"), &json!({})),
        "/v3/auth/tokens" => fake.token(call),
        _ => status(200),
    }
}

#[tokio::test]
async fn an_identity_provider_vouches_once_for_all_projects() {
    let fake = Fake::start(|fake, call| async move { vouching(&fake, &call) }).await;
    let settings = provider(&[("client_secret", "hunter2")]);
    let session = open(&fake, "v3oidcclientcredentials", &settings, project())
        .await
        .unwrap();
    assert_eq!(session.ends(), None);
    let asked = last(&fake, |call| call.path == "/idp/token");
    // "c:hunter2"
    assert_eq!(authorization(&asked), "Basic YzpodW50ZXIy");
    let expected = [
        ("grant_type", "client_credentials"),
        ("scope", "openid profile"),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(form(&asked), BTreeMap::from(expected));
    let shown = last(&fake, |call| call.path == FEDERATION);
    assert_eq!(
        (shown.method.as_str(), authorization(&shown)),
        ("POST", "Bearer access-1")
    );
    let rescoped = last(&fake, |call| by(call, "token"));
    assert_eq!(
        body(&rescoped)["auth"],
        json!({
            "identity": { "methods": ["token"], "token": { "id": "unscoped-1" } },
            "scope": { "project": { "id": "project-1" } },
        })
    );
    let projects = (2..12).map(|number| format!("project-{number}"));
    let projects: Vec<String> = projects.collect();
    let others = projects.iter().map(|project| session.for_project(project));
    for other in futures_util::future::join_all(others).await {
        other.unwrap();
    }
    assert_eq!(fake.count(|call| call.path == "/idp/token"), 1);
}

#[tokio::test]
async fn a_word_that_no_longer_counts_is_given_anew_but_not_for_a_missing_role() {
    let fake = Fake::start(|fake, call| async move {
        let is_revoked = call.token() == "unscoped-1" || call.body.contains("unscoped-1");
        let lacks_a_role = call.body.contains("project-3");
        if lacks_a_role || (call.body.contains("project-2") && is_revoked) {
            status(401)
        } else if call.method == "GET" && call.token() == "unscoped-1" && call.is_for_token() {
            status(404)
        } else {
            vouching(&fake, &call)
        }
    })
    .await;
    let settings = provider(&[("client_secret", "hunter2")]);
    let session = open(&fake, "v3oidcclientcredentials", &settings, project())
        .await
        .unwrap();
    session.for_project("project-2").await.unwrap();
    assert_eq!(fake.count(|call| call.path == "/idp/token"), 2);
    let error = session.for_project("project-3").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.to_string().contains("project-3"), "{error}");
    assert_eq!(
        fake.count(|call| call.path == "/idp/token"),
        2,
        "the provider is not to blame"
    );
}

#[tokio::test]
async fn a_password_goes_to_the_provider_and_never_to_keystone() {
    let fake = Fake::start(|fake, call| async move { vouching(&fake, &call) }).await;
    let settings = provider(&[
        ("username", "ann"),
        ("password", "hunter2"),
        ("passcode", "012345"),
        ("idp_otp_key", "totp"),
        ("openid_scope", "openid groups"),
        ("access_token_type", "id_token"),
    ]);
    let session = open(&fake, "v3oidcpassword", &settings, project())
        .await
        .unwrap();
    assert!(session.ends().is_some(), "a passcode is good once");
    let expected = [
        ("client_id", "c"),
        ("grant_type", "password"),
        ("password", "hunter2"),
        ("scope", "openid groups"),
        ("totp", "012345"),
        ("username", "ann"),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let asked = last(&fake, |call| call.path == "/idp/token");
    assert_eq!(
        (form(&asked), authorization(&asked)),
        (BTreeMap::from(expected), "")
    );
    assert_eq!(
        authorization(&last(&fake, |call| call.path == FEDERATION)),
        "Bearer id-1"
    );
    assert_eq!(
        fake.count(|call| call.path.starts_with("/v3") && call.body.contains("hunter2")),
        0
    );
}

#[tokio::test]
async fn an_access_token_that_has_expired_is_said() {
    let fake = Fake::start(|_, _| async move {
        answer(401, &json!({ "error": { "message": "Unauthorized." } }))
    })
    .await;
    let settings = [
        ("identity_provider", "my idp"),
        ("protocol", "openid"),
        ("access_token", "hunter2"),
    ];
    let error = open(&fake, "v3oidcaccesstoken", &settings, project())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotAuthenticated);
    let said = format!("{error} {error:?}");
    assert!(
        said.contains("OS_ACCESS_TOKEN") && !said.contains("hunter2"),
        "{said}"
    );
    let shown = last(&fake, |_| true);
    assert_eq!(
        (shown.path.as_str(), authorization(&shown)),
        (FEDERATION, "Bearer hunter2")
    );
    assert_eq!(fake.calls.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn secrets_go_where_the_configuration_says_and_nowhere_else() {
    let settings = provider(&[("client_secret", "hunter2")]);
    for (path, instead, words) in [
        // A document that names a place without encryption, a provider and a Keystone that send us elsewhere, and who is not there.
        (
            "/idp/.well-known/openid-configuration",
            answer_of(
                200,
                json!({ "token_endpoint": "http://idp.example.org/token" }),
            ),
            "no secret is sent",
        ),
        (
            "/idp/.well-known/openid-configuration",
            answer_of(
                200,
                json!({ "token_endpoint": "https://idp.example.org/token", "grant_types_supported": ["password"] }),
            ),
            "does not offer client_credentials",
        ),
        (
            "/idp/.well-known/openid-configuration",
            answer_of(404, json!({})),
            "no discovery document",
        ),
        ("/idp/token", redirect(), "sends us elsewhere"),
        ("/idp/token", answer_of(404, json!({})), "no token endpoint"),
        (
            "/idp/token",
            answer_of(200, json!({ "token_type": "Bearer" })),
            "no access_token",
        ),
        (
            "/idp/token",
            answer_of(400, json!({ "error": "invalid_scope" })),
            "invalid_scope",
        ),
        (FEDERATION, redirect(), "not set up for bearer tokens"),
        (
            FEDERATION,
            answer_of(404, json!({})),
            "no identity provider `my idp`",
        ),
    ] {
        let fake = Fake::start(move |fake, call| {
            let instead = Arc::clone(&instead);
            async move {
                if call.path == path {
                    instead()
                } else {
                    vouching(&fake, &call)
                }
            }
        })
        .await;
        let error = open(&fake, "v3oidcclientcredentials", &settings, project())
            .await
            .unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(
            said.contains(words) && !said.contains("hunter2"),
            "{path}: {said}"
        );
        assert!(
            matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Malformed),
            "{said}"
        );
        assert_eq!(fake.count(|call| call.path == "/elsewhere"), 0);
        assert_eq!(last(&fake, |_| true).path, path, "it ended there");
    }
}

/// An answer in the place of the usual one.
type Instead = Arc<dyn Fn() -> AxumResponse + Send + Sync>;

fn answer_of(code: u16, body: Value) -> Instead {
    Arc::new(move || answer(code, &body))
}

fn redirect() -> Instead {
    Arc::new(|| (StatusCode::FOUND, [("location", "/elsewhere")]).into_response())
}

fn device(fake: &Fake, call: &Call, expires_in: u64, answers: &[(u16, Value)]) -> AxumResponse {
    match call.path.as_str() {
        "/idp/device" => answer(
            200,
            &json!({
                "device_code": "hunter2",
                "user_code": "WDJB-MJHT",
                "verification_uri": format!("{}/idp/activate", fake.url),
                "expires_in": expires_in,
                "interval": 1,
            }),
        ),
        "/idp/token" => {
            let asked = fake.count(|call| call.path == "/idp/token");
            match answers.get(asked - 1) {
                Some((code, body)) => answer(*code, body),
                None => vouching(fake, call),
            }
        }
        _ => vouching(fake, call),
    }
}

#[tokio::test]
async fn a_person_who_enters_the_code_is_waited_for() {
    let fake = Fake::start(|fake, call| async move {
        device(
            &fake,
            &call,
            60,
            &[(400, json!({ "error": "authorization_pending" }))],
        )
    })
    .await;
    let settings = provider(&[("code_challenge_method", "S256")]);
    let session = open(&fake, "v3oidcdeviceauthz", &settings, project())
        .await
        .unwrap();
    assert!(session.ends().is_some_and(|why| why.contains("log in")));
    session.for_project("project-2").await.unwrap();
    let asked = form(&last(&fake, |call| call.path == "/idp/device"));
    assert_eq!(
        (
            asked["client_id"].as_str(),
            asked["code_challenge_method"].as_str()
        ),
        ("c", "S256")
    );
    let polled = form(&last(&fake, |call| call.path == "/idp/token"));
    assert_eq!(polled["device_code"], "hunter2");
    assert_eq!(
        polled["grant_type"],
        "urn:ietf:params:oauth:grant-type:device_code"
    );
    assert_eq!(polled["code_verifier"].len(), 64);
    assert_eq!(fake.count(|call| call.path == "/idp/token"), 2);
    assert_eq!(
        fake.count(|call| call.path == "/idp/device"),
        1,
        "one login for all projects"
    );
}

#[tokio::test]
async fn a_code_that_nobody_enters_or_somebody_refuses_ends_the_login() {
    for (expires_in, answers, words) in [
        (
            1,
            vec![(400, json!({ "error": "authorization_pending" })); 9],
            "nobody has entered the code within 1 s",
        ),
        (0, vec![], "nobody has entered the code"),
        (
            60,
            vec![(400, json!({ "error": "access_denied" }))],
            "has refused the login",
        ),
        (
            60,
            vec![(400, json!({ "error": "expired_token" }))],
            "expired_token",
        ),
    ] {
        let fake = Fake::start(move |fake, call| {
            let answers = answers.clone();
            async move { device(&fake, &call, expires_in, &answers) }
        })
        .await;
        let error = open(&fake, "v3oidcdeviceauthz", &provider(&[]), project())
            .await
            .unwrap_err();
        let said = format!("{error} {error:?}");
        assert_eq!(error.kind(), ErrorKind::NotAuthenticated, "{said}");
        assert!(said.contains(words) && !said.contains("hunter2"), "{said}");
        assert!(
            fake.count(|call| call.path == "/idp/token") <= 1,
            "asked more often than wished"
        );
        assert_eq!(fake.count(|call| call.path == FEDERATION), 0);
    }
}
