//! What is asked again, how often, and what is not.

use std::time::Instant;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response as AxumResponse};

use super::fake::{Fake, get, quick, status};
use crate::cloud::{ErrorKind, HttpLimits, Method, Request, Session};

const READS: [Method; 2] = [Method::Get, Method::Head];
const CHANGES: [Method; 4] = [Method::Delete, Method::Put, Method::Post, Method::Patch];

/// A cloud whose services answer with these, one after the other, and with 200 from then on.
async fn answering(answers: &'static [(u16, Option<&'static str>)]) -> Fake {
    Fake::start(move |fake, call| async move {
        if call.is_for_token() {
            return fake.token(&call);
        }
        let at = fake.count(|call| !call.is_for_token()) - 1;
        answers.get(at).map_or_else(|| status(200), answer)
    })
    .await
}

fn answer((code, wish): &(u16, Option<&'static str>)) -> AxumResponse {
    let code = StatusCode::from_u16(*code).unwrap();
    match wish {
        Some(wish) => (code, [("retry-after", *wish)]).into_response(),
        None => code.into_response(),
    }
}

/// The status that comes out, or the kind of error, and how many requests it took.
async fn asked(session: &Session, service: &str, method: Method) -> (Result<u16, ErrorKind>, u64) {
    let before = session.requests_sent();
    let answer = session.send(Request::new(service, method, "/v3/x")).await;
    let outcome = answer.map(|it| it.status).map_err(|error| error.kind());
    (outcome, session.requests_sent() - before)
}

#[tokio::test]
async fn an_older_way_to_throttle_is_waited_out_for_every_method() {
    for method in READS.into_iter().chain(CHANGES) {
        let fake = answering(&[(413, Some("3600"))]).await;
        let session = fake.session().await;
        let started = Instant::now();
        assert_eq!(
            asked(&session, "git", method).await.0,
            Err(ErrorKind::NoService)
        );
        assert_eq!(
            asked(&session, "network", method).await,
            (Ok(200), 2),
            "{method}"
        );
        assert!(
            started.elapsed() >= quick().retry_after_max,
            "the server's wish was not heeded"
        );
    }
    let endless: &[_] = &[(413, Some("0")); 9];
    let session = answering(endless).await.session().await;
    let limit = quick().attempts_max as u64;
    assert_eq!(
        asked(&session, "network", Method::Get).await,
        (Err(ErrorKind::Throttled), limit)
    );
    let session = answering(&[(413, None)]).await.session().await;
    assert_eq!(
        asked(&session, "network", Method::Post).await,
        (Ok(413), 1),
        "a body that is too large stays too large"
    );
}

#[tokio::test]
async fn a_gateways_error_is_asked_about_again_where_nothing_can_happen_twice() {
    let limit = quick().attempts_max as u64;
    for code in [502, 504] {
        let once: &'static [_] = if code == 502 {
            &[(502, None)]
        } else {
            &[(504, None)]
        };
        let endless: &'static [_] = if code == 502 {
            &[(502, None); 9]
        } else {
            &[(504, None); 9]
        };
        for method in READS {
            let session = answering(once).await.session().await;
            assert_eq!(
                asked(&session, "network", method).await,
                (Ok(200), 2),
                "{code} {method}"
            );
            let session = answering(endless).await.session().await;
            assert_eq!(
                asked(&session, "network", method).await,
                (Ok(code), limit),
                "{method}"
            );
        }
        for method in CHANGES {
            let session = answering(once).await.session().await;
            assert_eq!(
                asked(&session, "network", method).await,
                (Ok(code), 1),
                "{code} {method}"
            );
        }
    }
}

#[tokio::test]
async fn what_may_have_been_done_in_part_is_not_done_again() {
    for (method, expected) in [
        (Method::Get, (Ok(200), 2)),
        (Method::Delete, (Ok(200), 2)),
        (Method::Put, (Ok(200), 2)),
        (Method::Post, (Ok(503), 1)),
        (Method::Patch, (Ok(503), 1)),
    ] {
        let session = answering(&[(503, Some("0"))]).await.session().await;
        assert_eq!(
            asked(&session, "network", method).await,
            expected,
            "{method}"
        );
    }
}

#[tokio::test]
async fn keystones_refusals_right_after_a_failure_are_doubted() {
    let ill: &[_] = &[
        (500, None),
        (403, None),
        (403, None),
        (403, None),
        (403, None),
    ];
    for method in [Method::Get, Method::Head, Method::Delete] {
        let session = answering(ill).await.session().await;
        assert_eq!(asked(&session, "identity", Method::Get).await, (Ok(500), 1));
        assert_eq!(
            asked(&session, "identity", method).await,
            (Ok(200), 5),
            "{method}"
        );
    }
    for (service, method, why) in [
        ("identity", Method::Patch, "another effect"),
        (
            "network",
            Method::Get,
            "no other service is known to do that",
        ),
    ] {
        let session = answering(ill).await.session().await;
        assert_eq!(asked(&session, service, Method::Get).await, (Ok(500), 1));
        assert_eq!(
            asked(&session, service, method).await,
            (Ok(403), 1),
            "{why}"
        );
    }
    let session = answering(&[(403, None)]).await.session().await;
    assert_eq!(
        asked(&session, "identity", Method::Get).await,
        (Ok(403), 1),
        "nothing had failed"
    );
    let for_good: &[_] = &[
        (500, None),
        (403, None),
        (403, None),
        (403, None),
        (403, None),
        (403, None),
        (403, None),
        (403, None),
        (403, None),
        (403, None),
        (403, None),
        (403, None),
    ];
    let session = answering(for_good).await.session().await;
    assert_eq!(asked(&session, "identity", Method::Get).await, (Ok(500), 1));
    assert_eq!(asked(&session, "identity", Method::Get).await, (Ok(403), 9));
}

#[tokio::test]
async fn an_answer_that_is_too_large_names_the_limit() {
    let fake = Fake::start(|fake, call| async move {
        if call.is_for_token() {
            fake.token(&call)
        } else {
            vec![b'x'; 9 << 10].into_response()
        }
    })
    .await;
    let limits = HttpLimits {
        response_bytes_max: 8 << 10,
        ..quick()
    };
    let session = Session::connect(fake.config(), limits).await.unwrap();
    let error = session
        .send(get("network", "/v2.0/ports"))
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("`response_bytes_max` under [http]") && text.contains("8192 bytes"),
        "{text}"
    );
}

#[tokio::test]
async fn a_redirected_auth_url_says_where_it_leads() {
    for (code, location, expected) in [
        (
            301,
            "https://u:secret@keystone.example:5000/v3/auth/tokens?x=secret",
            "to https://keystone.example:5000/v3:",
        ),
        (302, "/identity/v3/auth/tokens", "/identity/v3:"),
        (
            307,
            "//other.example/login",
            "to http://other.example/login:",
        ),
        (308, "", "elsewhere"),
    ] {
        let fake = Fake::start(move |_, _| async move {
            let code = StatusCode::from_u16(code).unwrap();
            if location.is_empty() {
                code.into_response()
            } else {
                (code, [("location", location)]).into_response()
            }
        })
        .await;
        let error = Session::connect(fake.config(), quick()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let text = error.to_string();
        assert!(
            text.contains(expected) && text.contains("auth_url") && !text.contains("secret"),
            "{code}: {text}"
        );
        assert_eq!(fake.tokens_issued(), 1, "a credential goes nowhere else");
    }
}
