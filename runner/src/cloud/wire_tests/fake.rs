//! The scripted server: Keystone's part is given, every service's answers come from the test.
//!
//! It records what it receives and decides nothing.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method as HttpMethod, StatusCode, Uri};
use axum::response::{IntoResponse, Response as AxumResponse};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::cloud::{
    AuthMethod, CloudConfig, DomainRef, HttpLimits, KeystoneConfig, Method, Request, Session,
    TokenScope, UserRef,
};

/// One request as the server saw it.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Call {
    pub(super) fn token(&self) -> &str {
        self.headers
            .get("x-auth-token")
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn is_for_token(&self) -> bool {
        self.path == "/v3/auth/tokens"
    }
}

/// The server: its address and every request so far.
#[derive(Clone)]
pub(super) struct Fake {
    pub(super) url: String,
    pub(super) calls: Arc<Mutex<Vec<Call>>>,
}

impl Fake {
    pub(super) async fn start<A, F>(answer: A) -> Self
    where
        A: Fn(Fake, Call) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = AxumResponse> + Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            calls: Arc::default(),
        };
        let shared = fake.clone();
        let app = Router::new().fallback(
            move |method: HttpMethod, uri: Uri, headers: HeaderMap, body: Bytes| {
                let body = String::from_utf8(body.to_vec()).unwrap();
                let call = Call {
                    method: method.to_string(),
                    path: uri.path().to_owned(),
                    query: uri.query().unwrap_or_default().to_owned(),
                    headers,
                    body,
                };
                shared.calls.lock().unwrap().push(call.clone());
                answer(shared.clone(), call)
            },
        );
        tokio::spawn(async move { axum::serve(listener, app).await });
        fake
    }

    pub(super) fn count(&self, test: impl Fn(&Call) -> bool) -> usize {
        self.calls
            .lock()
            .unwrap()
            .iter()
            .filter(|call| test(call))
            .count()
    }

    pub(super) fn tokens_issued(&self) -> usize {
        self.count(|call| call.is_for_token())
    }

    pub(super) fn config(&self) -> CloudConfig {
        let user = UserRef::Name {
            name: "ann".into(),
            domain: DomainRef::Id("default".into()),
        };
        let auth = AuthMethod::password(&user, &"pw".into());
        let keystone = KeystoneConfig {
            auth_url: self.url.parse().unwrap(),
            auth,
            scope: TokenScope::project("project-1"),
        };
        CloudConfig {
            keystone: Some(keystone),
            ..CloudConfig::without_keystone("fake", BTreeMap::new())
        }
    }

    pub(super) async fn session(&self) -> Session {
        Session::connect(self.config(), quick()).await.unwrap()
    }

    /// Keystone's good answer: the Nth token, for the project asked for.
    pub(super) fn token(&self, call: &Call) -> AxumResponse {
        self.token_with_role(call, "member")
    }

    /// The same, with another role.
    pub(super) fn token_with_role(&self, call: &Call, role: &str) -> AxumResponse {
        let asked: Value = serde_json::from_str(&call.body).unwrap_or_default();
        let project = asked["auth"]["scope"]["project"]["id"]
            .as_str()
            .unwrap_or("project-1");
        let name = format!("token-{}", self.tokens_issued());
        token_of(&name, &self.url, project, 3600, role)
    }
}

pub(super) fn token(name: &str, url: &str, project: &str, lives_s: i64) -> AxumResponse {
    token_of(name, url, project, lives_s, "member")
}

fn token_of(name: &str, url: &str, project: &str, lives_s: i64, role: &str) -> AxumResponse {
    let issued = jiff::Timestamp::now();
    let expires = issued + jiff::SignedDuration::from_secs(lives_s);
    let domain = json!({ "id": "default", "name": "Default" });
    let service = |kind: &str, url: String| {
        let endpoint = json!({ "interface": "public", "region_id": "R", "url": url });
        json!({ "type": kind, "name": kind, "endpoints": [endpoint] })
    };
    let body = json!({ "token": {
        "user": { "id": "u", "name": "ann", "domain": domain },
        "project": { "id": project, "name": project, "domain": domain },
        "roles": [{ "id": "r", "name": role }],
        "issued_at": issued.to_string(),
        "expires_at": expires.to_string(),
        "catalog": [
            service("network", format!("{url}/network")),
            service("compute", format!("{url}/compute")),
            service("volumev3", format!("{url}/volume/v3/{project}")),
        ],
    }});
    ([("x-subject-token", name.to_owned())], body.to_string()).into_response()
}

pub(super) fn status(code: u16) -> AxumResponse {
    StatusCode::from_u16(code).unwrap().into_response()
}

/// Limits under which no test has to wait.
pub(super) fn quick() -> HttpLimits {
    HttpLimits {
        request_timeout: Duration::from_secs(20),
        attempts_max: 3,
        retry_delay_min: Duration::from_millis(1),
        retry_delay_max: Duration::from_millis(2),
        retry_after_max: Duration::from_millis(150),
        in_flight_max: 64,
        ..HttpLimits::default()
    }
}

pub(super) fn get(service: &str, path: &str) -> Request {
    Request::new(service, Method::Get, path)
}

/// 64 KiB of zero bytes, compressed.
pub(super) const ZEROS_64_KIB_GZIP: [u8; 96] = {
    let mut bytes = [0; 96];
    let head = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 237, 193, 1, 1, 0, 0, 0, 128, 144, 254, 175, 238, 8, 10,
    ];
    let tail = [106, 235, 142, 151, 215, 0, 0, 1, 0];
    let mut at = 0;
    while at < head.len() {
        bytes[at] = head[at];
        at += 1;
    }
    at = 0;
    while at < tail.len() {
        bytes[bytes.len() - tail.len() + at] = tail[at];
        at += 1;
    }
    bytes
};
