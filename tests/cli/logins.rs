//! Sweeps as somebody who shows more, or less, than a password.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{TASK, one_image};
use crate::support::fake_cloud::FakeCloud;
use crate::support::run::{Place, Run};

/// Requests for tokens whose factors include this one.
fn shown(cloud: &FakeCloud, method: &str) -> usize {
    let requests = cloud.requests();
    let factors = requests
        .iter()
        .map(|it| it.body.pointer("/auth/identity/methods"));
    let has = |methods: &Value| {
        methods
            .as_array()
            .is_some_and(|it| it.iter().any(|it| it == method))
    };
    factors.flatten().filter(|it| has(it)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_by_password_and_passcode_shows_the_passcode_once_and_says_when_it_ends() {
    let (cloud, place, image) = one_image().await;
    let yaml = format!(
        "clouds:\n  admin:\n    auth_type: v3multifactor\n    auth:\n      auth_url: {}\n      auth_methods: [v3password, v3totp]\n      \
         username: admin\n      password: secret\n      project_name: admin\n",
        cloud.auth_url()
    );
    place.write("clouds.yaml", yaml);
    let mut command = place.command(["--task", TASK]);
    command.env("OS_PASSCODE", "012345");
    let run = Run::from(command.output().expect("the binary runs"));
    run.expect_code(0);
    assert!(!cloud.exists("image.image", &image), "{run}");
    assert!(
        run.stderr.contains("the token ends at")
            && run.stderr.contains("a passcode is good for one login"),
        "{run}"
    );
    assert_eq!(
        (shown(&cloud, "totp"), shown(&cloud, "password")),
        (1, 1),
        "{run}"
    );
    assert!(!run.says("012345"), "{run}");
    let log = std::fs::read_to_string(place.path("state/runner/audit.jsonl")).expect("a log");
    assert!(!log.contains("012345"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_by_a_trust_reaches_its_project_and_no_other() {
    let (cloud, place, image) = one_image().await;
    let elsewhere =
        json!({"name": "s_rally_0a1b2c3d_ijklmnop", "project_id": cloud.project("other")});
    let elsewhere = cloud.add("image.image", elsewhere);
    let trust = cloud.add_trust("demo", "other", "demo");
    let flags = [
        "--os-cloud",
        "other",
        "--os-trust-id",
        &trust,
        "--task",
        TASK,
        "-v",
    ];
    let run = place.run(flags);
    run.expect_code(0);
    assert!(run.stderr.contains("token for project demo"), "{run}");
    assert!(
        run.stderr.contains(&format!("by the trust {trust}")),
        "{run}"
    );
    assert!(
        !run.stderr.contains("the token ends at"),
        "a password renews it: {run}"
    );
    assert!(
        !cloud.exists("image.image", &image) && cloud.exists("image.image", &elsewhere),
        "{run}"
    );
    let refused = place.run([&flags[..], &["--project", "other"]].concat());
    refused.expect_code(5);
}

/// An identity provider, and a Keystone that takes its word. The person enters the code between the first question and the second.
async fn provider() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (base, questions) = (url.clone(), Arc::new(AtomicUsize::new(0)));
    let app = Router::new().fallback(move |uri: Uri| {
        let (base, questions) = (base.clone(), questions.clone());
        async move { vouch(&base, uri.path(), &questions) }
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

fn vouch(base: &str, path: &str, questions: &AtomicUsize) -> Response {
    let said = |body: Value| body.to_string().into_response();
    let domain = json!({"id": "default", "name": "Default"});
    let mut token = json!({
        "user": {"id": "u", "name": "ann", "domain": domain},
        "issued_at": "2026-01-01T00:00:00Z",
        "expires_at": "2026-01-01T01:00:00Z",
    });
    match path {
        "/idp/device" => said(json!({
            "device_code": "hunter2",
            "user_code": "WDJB-MJHT",
            "verification_uri": format!("{base}/idp/activate"),
            "expires_in": 60,
            "interval": 1,
        })),
        "/idp/token" if questions.fetch_add(1, Ordering::SeqCst) == 0 => {
            let pending = json!({"error": "authorization_pending"});
            (StatusCode::BAD_REQUEST, pending.to_string()).into_response()
        }
        "/idp/token" => said(json!({"access_token": "hunter2"})),
        "/v3/auth/tokens" => {
            token["project"] = json!({"id": "p", "name": "shop", "domain": domain});
            let endpoint =
                json!({"interface": "public", "region_id": "R", "url": format!("{base}/image")});
            token["catalog"] =
                json!([{"type": "image", "name": "glance", "endpoints": [endpoint]}]);
            (
                [("x-subject-token", "scoped")],
                json!({"token": token}).to_string(),
            )
                .into_response()
        }
        _ => (
            [("x-subject-token", "unscoped")],
            json!({"token": token}).to_string(),
        )
            .into_response(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_a_person_has_to_enter_is_shown_whatever_is_silenced() {
    let url = provider().await;
    let place = Place::unconnected();
    let yaml = format!(
        "clouds:\n  admin:\n    auth_type: v3oidcdeviceauthz\n    auth:\n      auth_url: {url}\n      identity_provider: idp\n      \
         protocol: openid\n      client_id: c\n      device_authorization_endpoint: {url}/idp/device\n      \
         access_token_endpoint: {url}/idp/token\n      project_id: p\n"
    );
    place.write("clouds.yaml", yaml);
    for (flags, also) in [
        (&["doctor", "--quiet"][..], None),
        (&["doctor"], Some("one of the two clocks is wrong")),
    ] {
        let run = place.run(flags);
        run.expect_code(0);
        assert!(run.stdout.contains("project shop (p)"), "{run}");
        let code = format!("open {url}/idp/activate and enter the code WDJB-MJHT within 60 s");
        assert!(run.stderr.contains(&code), "{run}");
        assert!(also.is_none_or(|words| run.stderr.contains(words)), "{run}");
        assert_eq!(run.stderr.lines().count() == 1, also.is_none(), "{run}");
        assert!(!run.says("hunter2"), "{run}");
    }
}
