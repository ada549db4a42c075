//! Tests of the session against a real HTTP server on loopback: Keystone, and services that each
//! test scripts. Nothing sleeps; what must happen at the same time waits at a barrier.

mod access;
mod fake;
mod logins;
mod patience;
mod projects;
mod providers;
mod services;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response as AxumResponse};
use futures_util::future::join_all;
use futures_util::stream;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::Barrier;

use self::fake::{Call, Fake, ZEROS_64_KIB_GZIP, get, quick, status, token};
use self::services::{bearer, plain_service};
use super::*;

/// Fifty requests that are all refused before any of them may go on.
async fn fifty_refused_at_once(
    keystone_again: fn(&Fake, &Call) -> AxumResponse,
) -> (Fake, Vec<Result<Response, Error>>) {
    let barrier = Arc::new(Barrier::new(50));
    let fake = Fake::start(move |fake, call| {
        let barrier = Arc::clone(&barrier);
        async move {
            match (call.is_for_token(), call.token()) {
                (true, _) if fake.tokens_issued() == 1 => fake.token(&call),
                (true, _) => keystone_again(&fake, &call),
                (false, "token-1") => {
                    barrier.wait().await;
                    status(401)
                }
                (false, _) => status(200),
            }
        }
    })
    .await;
    let session = fake.session().await;
    let answers = join_all((0..50).map(|_| session.send(get("network", "/v2.0/ports")))).await;
    assert_eq!(
        session.requests_sent(),
        fake.calls.lock().unwrap().len() as u64
    );
    (fake, answers)
}

#[tokio::test]
async fn fifty_parallel_401_cost_one_renewal() {
    let (fake, answers) = fifty_refused_at_once(Fake::token).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_ref().is_ok_and(|answer| answer.status == 200))
    );
    assert_eq!(fake.tokens_issued(), 2);
    assert_eq!(fake.count(|call| call.token() == "token-2"), 50);
}

#[tokio::test]
async fn a_renewal_that_keystone_refuses_is_tried_once() {
    let (fake, answers) = fifty_refused_at_once(|_, _| status(401)).await;
    for answer in answers {
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::NotAuthenticated);
    }
    assert_eq!(
        fake.tokens_issued(),
        2,
        "a refused password must not be sent fifty times"
    );
}

#[tokio::test]
async fn a_service_that_refuses_every_token_does_not_wear_keystone_out() {
    let fake = Fake::start(|fake, call| async move {
        if call.is_for_token() {
            fake.token(&call)
        } else {
            status(401)
        }
    })
    .await;
    let session = fake.session().await;
    for _ in 0..5 {
        assert_eq!(
            session
                .send(get("network", "/v2.0/ports"))
                .await
                .unwrap()
                .status,
            401
        );
    }
    assert_eq!(fake.tokens_issued(), 2);
}

#[tokio::test]
async fn a_token_about_to_end_is_renewed_before_use() {
    let fake = Fake::start(|fake, call| async move {
        let lives_s = if fake.tokens_issued() == 1 { 0 } else { 3600 };
        let name = format!("token-{}", fake.tokens_issued());
        if call.is_for_token() {
            token(&name, &fake.url, "project-1", lives_s)
        } else {
            status(200)
        }
    })
    .await;
    let session = fake.session().await;
    for _ in 0..2 {
        assert_eq!(
            session
                .send(get("network", "/v2.0/ports"))
                .await
                .unwrap()
                .status,
            200
        );
    }
    assert_eq!(fake.count(|call| call.token() == "token-2"), 2);
    assert_eq!(fake.tokens_issued(), 2);
}

#[tokio::test]
async fn throttling_is_waited_out_for_every_method() {
    for (method, code) in [(Method::Post, 429), (Method::Delete, 503)] {
        let fake = Fake::start(move |fake, call| async move {
            match (call.is_for_token(), fake.count(|call| !call.is_for_token())) {
                (true, _) => fake.token(&call),
                (false, 1) => (
                    StatusCode::from_u16(code).unwrap(),
                    [("retry-after", "3600")],
                )
                    .into_response(),
                (false, _) => status(204),
            }
        })
        .await;
        let session = fake.session().await;
        let started = Instant::now();
        let answer = session
            .send(Request::new("network", method, "/v2.0/ports"))
            .await
            .unwrap();
        assert_eq!(answer.status, 204);
        assert!(
            started.elapsed() >= quick().retry_after_max,
            "the server's wish was not heeded"
        );
        assert_eq!(
            fake.count(|call| call.method == method.as_str() && !call.is_for_token()),
            2
        );
    }
}

#[tokio::test]
async fn endless_throttling_ends_as_an_error() {
    let fake = Fake::start(|fake, call| async move {
        if call.is_for_token() {
            fake.token(&call)
        } else {
            (
                StatusCode::TOO_MANY_REQUESTS,
                [("x-openstack-request-id", "req-7")],
            )
                .into_response()
        }
    })
    .await;
    let error = fake
        .session()
        .await
        .send(get("network", "/v2.0/ports?name=secret"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::Throttled, Some(429))
    );
    let text = error.to_string();
    assert!(
        text.contains("req-7") && text.contains("GET /v2.0/ports") && !text.contains("secret"),
        "{text}"
    );
    assert_eq!(
        fake.count(|call| !call.is_for_token()),
        quick().attempts_max
    );
}

#[tokio::test]
async fn bodies_are_bounded_however_they_come() {
    let fake = Fake::start(|fake, call| async move {
        let chunks = || stream::iter((0..64).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 1 << 10])));
        match call.path.as_str() {
            "/network/length" => vec![b'x'; 64 << 10].into_response(),
            "/network/chunks" => Body::from_stream(chunks()).into_response(),
            "/network/gzip" => {
                ([("content-encoding", "gzip")], ZEROS_64_KIB_GZIP.to_vec()).into_response()
            }
            _ => fake.token(&call),
        }
    })
    .await;
    for (bytes_max, fits) in [(32 << 10, false), (64 << 10, true)] {
        let limits = HttpLimits {
            response_bytes_max: bytes_max,
            ..quick()
        };
        let session = Session::connect(fake.config(), limits).await.unwrap();
        for path in ["/length", "/chunks", "/gzip"] {
            match session.send(get("network", path)).await {
                Ok(answer) => assert_eq!((answer.body.len(), fits), (64 << 10, true), "{path}"),
                Err(error) => assert_eq!(
                    (error.kind(), fits),
                    (ErrorKind::TooLarge, false),
                    "{path}: {error}"
                ),
            }
        }
    }
}

#[tokio::test]
async fn redirects_are_answers_and_are_not_followed() {
    let fake = Fake::start(|fake, call| async move {
        match call.path.as_str() {
            "/network/here" => {
                (StatusCode::FOUND, [("location", "/network/there")]).into_response()
            }
            "/network/there" => status(200),
            _ => fake.token(&call),
        }
    })
    .await;
    let answer = fake
        .session()
        .await
        .send(get("network", "/here"))
        .await
        .unwrap();
    assert_eq!(
        (answer.status, answer.header("location")),
        (302, Some("/network/there"))
    );
    assert_eq!(fake.count(|call| call.path == "/network/there"), 0);
}

#[tokio::test]
async fn silence_ends_as_a_timeout_and_is_not_repeated() {
    let fake = Fake::start(|fake, call| async move {
        if call.is_for_token() {
            fake.token(&call)
        } else {
            std::future::pending().await
        }
    })
    .await;
    let limits = HttpLimits {
        request_timeout: Duration::from_millis(300),
        ..quick()
    };
    let session = Session::connect(fake.config(), limits).await.unwrap();
    let error = session
        .send(get("network", "/v2.0/ports"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(fake.count(|call| !call.is_for_token()), 1);
}

#[tokio::test]
async fn only_harmless_requests_are_repeated_on_a_broken_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let received = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&received);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            if stream
                .read(&mut request)
                .await
                .is_ok_and(|length| length > 0)
            {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    let service = plain_service(url, ServiceAuth::None);
    let config =
        CloudConfig::without_keystone("plain", BTreeMap::from([("git".to_owned(), service)]));
    let session = Session::connect(config, quick()).await.unwrap();
    for (method, attempts) in [
        (Method::Get, 3),
        (Method::Delete, 3),
        (Method::Put, 3),
        (Method::Post, 1),
        (Method::Patch, 1),
    ] {
        received.store(0, Ordering::SeqCst);
        let error = session
            .send(Request::new("git", method, "/x"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
        assert_eq!(received.load(Ordering::SeqCst), attempts, "{method}");
    }
}

#[tokio::test]
async fn what_was_never_sent_is_repeated_whatever_the_method() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    drop(listener);
    let service = plain_service(url, ServiceAuth::None);
    let config =
        CloudConfig::without_keystone("plain", BTreeMap::from([("git".to_owned(), service)]));
    let session = Session::connect(config, quick()).await.unwrap();
    let error = session
        .send(Request::new("git", Method::Post, "/x"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert_eq!(session.requests_sent(), quick().attempts_max as u64);
}

#[tokio::test]
async fn another_project_gets_its_own_token_once() {
    let fake = Fake::start(|fake, call| async move {
        if call.is_for_token() {
            fake.token(&call)
        } else {
            status(200)
        }
    })
    .await;
    let session = fake.session().await;
    let others = join_all((0..10).map(|_| session.for_project("project-2"))).await;
    for other in others {
        let other = other.unwrap();
        assert_eq!(other.identity().unwrap().project_id(), Some("project-2"));
        assert_eq!(
            other
                .send(get("block-storage", "/volumes"))
                .await
                .unwrap()
                .status,
            200
        );
    }
    assert_eq!(fake.tokens_issued(), 2);
    assert_eq!(
        fake.count(|call| call.path == "/volume/v3/project-2/volumes" && call.token() == "token-2"),
        10
    );
    let back = session
        .for_project("project-2")
        .await
        .unwrap()
        .for_project("project-1")
        .await
        .unwrap();
    assert_eq!(back.identity().unwrap().project_id(), Some("project-1"));
    assert_eq!(fake.tokens_issued(), 2);
}

#[tokio::test]
async fn a_project_that_gives_no_token_is_asked_for_once() {
    let fake = Fake::start(|fake, call| async move {
        if !call.is_for_token() {
            status(200)
        } else if call.body.contains("project-2") {
            status(401)
        } else {
            fake.token(&call)
        }
    })
    .await;
    let session = fake.session().await;
    for _ in 0..3 {
        let error = session.for_project("project-2").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert!(error.to_string().contains("`project-2`"), "{error}");
    }
    assert_eq!(fake.count(|call| call.body.contains("project-2")), 1);
}

#[tokio::test]
async fn a_token_for_another_project_than_asked_is_refused() {
    let fake = Fake::start(|fake, call| async move {
        let project = if fake.tokens_issued() == 1 {
            "project-1"
        } else {
            "project-3"
        };
        if call.is_for_token() {
            token("t", &fake.url, project, 3600)
        } else {
            status(200)
        }
    })
    .await;
    let error = fake
        .session()
        .await
        .for_project("project-2")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(
        error.to_string().contains("project-2") && error.to_string().contains("project-3"),
        "{error}"
    );
    let error = Session::connect(fake.config(), quick()).await.unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Denied,
        "the first token is checked as well"
    );
}

#[tokio::test]
async fn a_wrong_password_is_told_from_a_missing_role() {
    for (knows_password, kind) in [
        (false, ErrorKind::NotAuthenticated),
        (true, ErrorKind::Denied),
    ] {
        let fake = Fake::start(move |fake, call| async move {
            let is_scoped = call.body.contains("scope");
            if knows_password && !is_scoped {
                fake.token(&call)
            } else {
                status(401)
            }
        })
        .await;
        let error = Session::connect(fake.config(), quick()).await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (kind, Some(401)), "{error}");
        assert!(!format!("{error:?}").contains("\"pw\""));
    }
}

#[tokio::test]
async fn a_plain_service_never_sees_the_keystone_token() {
    let fake = Fake::start(|fake, call| async move {
        if call.is_for_token() {
            fake.token(&call)
        } else {
            status(200)
        }
    })
    .await;
    let plain = |path: &str, auth| {
        let url = format!("{}{path}", fake.url).parse().unwrap();
        plain_service(url, auth)
    };
    let mut config = fake.config();
    config.plain_services = BTreeMap::from([
        (
            "git".to_owned(),
            plain("/git/v1", bearer(SecretSource::Given("b".into()))),
        ),
        (
            "hub".to_owned(),
            plain(
                "/hub",
                ServiceAuth::Basic {
                    user: "u".into(),
                    password: SecretSource::Given("p".into()),
                },
            ),
        ),
        ("open".to_owned(), plain("/open", ServiceAuth::None)),
    ]);
    let session = Session::connect(config.clone(), quick()).await.unwrap();
    for (service, path, expected) in [
        ("git", "/git/v1/v1/x", Some("Bearer b")),
        ("hub", "/hub/v1/x", Some("Basic dTpw")),
        ("open", "/open/v1/x", None),
    ] {
        session.send(get(service, "/v1/x")).await.unwrap();
        let call = fake.calls.lock().unwrap().last().cloned().unwrap();
        assert_eq!((call.path.as_str(), call.token()), (path, ""));
        assert_eq!(
            call.headers
                .get("authorization")
                .map(|value| value.to_str().unwrap()),
            expected
        );
    }
    assert!(session.has_service("git") && !session.has_service("dns"));
    config
        .plain_services
        .insert("compute".to_owned(), plain("/x", ServiceAuth::None));
    assert_eq!(
        Session::connect(config, quick()).await.unwrap_err().kind(),
        ErrorKind::Invalid
    );
}

#[tokio::test]
async fn a_service_gets_no_more_than_its_share_at_once() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (barrier, seen) = (Arc::new(Barrier::new(3)), Arc::clone(&most));
    let fake = Fake::start(move |fake, call| {
        let (now, most, barrier) = (Arc::clone(&now), Arc::clone(&most), Arc::clone(&barrier));
        async move {
            if call.is_for_token() {
                return fake.token(&call);
            }
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            barrier.wait().await;
            now.fetch_sub(1, Ordering::SeqCst);
            status(200)
        }
    })
    .await;
    let session = Session::connect(
        fake.config(),
        HttpLimits {
            in_flight_max: 3,
            ..quick()
        },
    )
    .await
    .unwrap();
    join_all((0..12).map(|_| session.send(get("network", "/v2.0/ports")))).await;
    assert_eq!(seen.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn an_endpoint_without_version_is_asked_for_its_versions_once() {
    let fake = Fake::start(|fake, call| async move {
        match call.path.as_str() {
            "/compute/" => {
                let link = json!([{ "rel": "self", "href": "http://elsewhere/v2.1/" }]);
                let document =
                    json!({ "versions": [{ "id": "v2.1", "status": "CURRENT", "links": link }] });
                (StatusCode::MULTIPLE_CHOICES, document.to_string()).into_response()
            }
            "/compute/v2.1/servers" => status(200),
            "/v3/auth/tokens" => fake.token(&call),
            _ => status(404),
        }
    })
    .await;
    let session = fake.session().await;
    let answers = join_all((0..5).map(|_| session.send(get("compute", "/servers")))).await;
    assert!(
        answers
            .into_iter()
            .all(|answer| answer.unwrap().status == 200)
    );
    assert_eq!(fake.count(|call| call.path == "/compute/"), 1);
    assert_eq!(
        fake.count(|call| call.path == "/compute/" && !call.token().is_empty()),
        0
    );
    let link = format!("{}/compute/v2.1/servers?marker=1", fake.url);
    assert_eq!(
        session.relative("compute", &link).as_deref(),
        Ok("/v2.1/servers?marker=1")
    );
}

#[tokio::test]
async fn an_override_replaces_the_catalog() {
    let fake = Fake::start(|fake, call| async move {
        if call.is_for_token() {
            fake.token(&call)
        } else {
            status(200)
        }
    })
    .await;
    let mut config = fake.config();
    let url = format!("{}/mine/v3/%(project_id)s", fake.url)
        .parse()
        .unwrap();
    config.endpoint_overrides.insert("volume".to_owned(), url);
    let session = Session::connect(config, quick()).await.unwrap();
    session
        .send(get("block-storage", "/volumes"))
        .await
        .unwrap();
    assert_eq!(
        fake.count(|call| call.path == "/mine/v3/project-1/volumes"),
        1
    );
    let types: Vec<String> = session
        .services()
        .into_iter()
        .map(|service| service.service_type)
        .collect();
    assert_eq!(types, ["block-storage", "compute", "network"]);
}

#[tokio::test]
async fn a_region_that_is_nowhere_is_not_an_empty_cloud() {
    let fake = Fake::start(|fake, call| async move { fake.token(&call) }).await;
    let config = CloudConfig {
        region: Some("Mars".to_owned()),
        ..fake.config()
    };
    let error = Session::connect(config, quick()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("Mars"), "{error}");
}
