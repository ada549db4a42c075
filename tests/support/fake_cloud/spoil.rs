//! Answers spoilt as faults want them: some by the server's own means, and some that no server would write, by hand.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::Response;
use futures_util::stream;
use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::fault::Effect;
use super::line::Grip;
use super::wire::Answer;

/// Bytes of an endless body that are written at once.
const ENDLESS_PIECE_BYTES: usize = 16 * 1024;

/// How long a line is kept on which nothing more comes. Who waits for it gives up before.
const SILENCE: Duration = Duration::from_secs(300);

/// The answer that replaces the service's.
pub(super) fn early(effect: Option<&Effect>) -> Option<Answer> {
    match effect? {
        Effect::Answer {
            status,
            content_type,
            body,
        } => Some(Answer {
            status: *status,
            content_type,
            headers: Vec::new(),
            body: body.clone(),
        }),
        Effect::Redirect(location) => {
            let mut answer = Answer::json(307, serde_json::json!({ "location": location }));
            answer.headers.push(("location", location.clone()));
            Some(answer)
        }
        Effect::Throttle {
            status,
            retry_after_s,
        } => {
            let body = serde_json::json!({"overLimit": {"code": status, "message": "Too many requests", "retryAfter": retry_after_s.to_string()}});
            let mut answer = Answer::json(*status, body);
            answer
                .headers
                .push(("retry-after", retry_after_s.to_string()));
            Some(answer)
        }
        Effect::ThrottleByDate(ahead_s) => {
            let mut answer = Answer::json(429, serde_json::json!({"overLimit": {"code": 429}}));
            let until = http_date(ahead_s.saturating_add(1));
            answer.headers.push(("retry-after", until));
            answer.headers.push(("date", http_date(*ahead_s)));
            Some(answer)
        }
        _ => None,
    }
}

/// What is written past the server.
pub(super) struct Said {
    /// Comes byte by byte, if there is a pause.
    head: String,
    pause: Duration,
    body: String,
    then: Then,
}

/// What becomes of the line after that.
enum Then {
    Cut,
    Reset,
    Silence,
}

/// The answer as text, where the fault wants one that no server writes.
pub(super) fn by_hand(answer: &Answer, effect: Option<&Effect>) -> Option<Said> {
    let length = answer.body.len();
    let plain = |length: usize, then| Said {
        head: head(answer, length, "keep-alive"),
        pause: Duration::ZERO,
        body: answer.body.clone(),
        then,
    };
    match effect? {
        Effect::SaysMore => Some(plain(length + 100, Then::Silence)),
        Effect::SaysLess => Some(plain(length / 2, Then::Cut)),
        Effect::ResetAfterHead => Some(Said {
            body: String::new(),
            ..plain(length, Then::Reset)
        }),
        Effect::SlowHead(pause) => Some(Said {
            head: head(answer, length, "close"),
            pause: *pause,
            ..plain(length, Then::Cut)
        }),
        _ => None,
    }
}

fn head(answer: &Answer, length: usize, connection: &str) -> String {
    let (status, content_type) = (answer.status, answer.content_type);
    let mut head = format!("HTTP/1.1 {status} \r\n");
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!(
        "content-type: {content_type}\r\ncontent-length: {length}\r\nconnection: {connection}\r\n\r\n"
    ));
    head
}

impl Said {
    /// Writes it. After that the server cannot write on this line.
    pub(super) async fn say(&self, grip: &Grip) {
        let said = grip.say(self.head.as_bytes(), self.pause).await;
        if said.is_ok() {
            // Who has hung up meanwhile does not hear it.
            let _unheard = grip.say(self.body.as_bytes(), Duration::ZERO).await;
        }
        match self.then {
            Then::Cut => grip.cut(),
            Then::Reset => grip.reset(),
            Then::Silence => {
                tokio::time::sleep(SILENCE).await;
                grip.cut();
            }
        }
    }
}

/// The same answer, with a body in any case.
pub(super) fn with_body(answer: Answer) -> Answer {
    if !answer.body.is_empty() {
        return answer;
    }
    Answer {
        // 204 says that there is none.
        status: if answer.status == 204 {
            200
        } else {
            answer.status
        },
        body: serde_json::json!({"accepted": true, "by": "a service that says more than it must"})
            .to_string(),
        ..answer
    }
}

/// The time of a clock that is so many seconds ahead, as HTTP writes it.
fn http_date(ahead_s: i64) -> String {
    let time = Timestamp::now().saturating_add(SignedDuration::from_secs(ahead_s));
    let written = time.map(|time| DateTimePrinter::new().timestamp_to_rfc9110_string(&time));
    written.ok().and_then(Result::ok).unwrap_or_default()
}

/// An answer of a cloud whose clock is so many seconds ahead.
fn skew(answer: &mut Answer, ahead_s: i64) {
    answer.headers.push(("date", http_date(ahead_s)));
    let Ok(mut body) = serde_json::from_str::<Value>(&answer.body) else {
        return;
    };
    let Some(token) = body.get_mut("token") else {
        return;
    };
    for name in ["issued_at", "expires_at"] {
        let time = token.get(name).and_then(Value::as_str);
        let time = time.and_then(|text| text.parse::<Timestamp>().ok());
        let time = time.and_then(|it| it.checked_add(SignedDuration::from_secs(ahead_s)).ok());
        if let (Some(time), Some(slot)) = (time, token.get_mut(name)) {
            *slot = time.to_string().into();
        }
    }
    answer.body = body.to_string();
}

/// The answer on the wire, spoiled as the fault says.
pub(super) fn finish(mut answer: Answer, effect: Option<&Effect>) -> Response<Body> {
    match effect {
        Some(Effect::Without(field)) => {
            if let Ok(mut value) = serde_json::from_str::<Value>(&answer.body) {
                strip(&mut value, field);
                answer.body = value.to_string();
            }
        }
        Some(Effect::Truncate) => answer.body.truncate(half(&answer.body)),
        Some(Effect::Disguise { content_type, body }) => {
            answer.content_type = content_type;
            answer.body.clone_from(body);
        }
        Some(Effect::Mislabel(content_type)) => answer.content_type = content_type,
        Some(Effect::Gzip) => answer.headers.push(("content-encoding", "gzip".to_owned())),
        Some(Effect::Replace { from, to }) => answer.body = answer.body.replace(from, to),
        Some(Effect::Skew(ahead_s)) => skew(&mut answer, *ahead_s),
        _ => {}
    }
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    if !answer.body.is_empty() {
        response = response.header("content-type", answer.content_type);
    }
    let length = answer.body.len();
    let body = match effect {
        Some(Effect::Sever) => {
            response = response.header("content-length", length);
            severed(answer.body)
        }
        Some(Effect::Slow(pause)) => {
            response = response.header("content-length", length);
            slow(answer.body, *pause)
        }
        Some(Effect::Endless) => Body::from_stream(stream::repeat_with(|| {
            Ok::<_, io::Error>(" ".repeat(ENDLESS_PIECE_BYTES))
        })),
        _ => Body::from(answer.body),
    };
    response.body(body).unwrap_or_default()
}

fn half(text: &str) -> usize {
    (0..=text.len() / 2)
        .rev()
        .find(|n| text.is_char_boundary(*n))
        .unwrap_or(0)
}

fn strip(value: &mut Value, field: &str) {
    match value {
        Value::Object(map) => {
            map.remove(field);
            map.values_mut().for_each(|v| strip(v, field));
        }
        Value::Array(list) => list.iter_mut().for_each(|v| strip(v, field)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn severed(mut body: String) -> Body {
    body.truncate(half(&body));
    Body::from_stream(stream::unfold(Some(body), |half| async move {
        if let Some(half) = half {
            return Some((Ok(half), None));
        }
        // What was given is flushed only when the body has to be waited for.
        tokio::task::yield_now().await;
        Some((Err(io::Error::from(io::ErrorKind::ConnectionReset)), None))
    }))
}

fn slow(body: String, pause: Duration) -> Body {
    let size = (body.len() / 10).max(1);
    Body::from_stream(stream::unfold(body.into_bytes(), move |rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(pause).await;
        let mut piece = rest;
        let rest = piece.split_off(size.min(piece.len()));
        Some((Ok::<_, io::Error>(piece), rest))
    }))
}
