//! A registry on loopback, as far as reading goes, and one that can be told to answer anything.
//!
//! It shares no code with what it tests: manifests are written as JSON, digests are computed here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

/// One request as the registry saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) query: String,
    /// `Authorization`, empty if there was none.
    pub(crate) authorization: String,
}

/// What is answered to a path.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Content,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Bytes(Vec<u8>),
    /// Goes on for ever.
    Endless,
}

impl Answer {
    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Content::Bytes(Vec::new()),
        }
    }

    pub(crate) fn ok(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::status(200)
            .with("content-type", content_type)
            .saying(Content::Bytes(body.into()))
    }

    pub(crate) fn redirect(location: impl Into<String>) -> Self {
        Self::status(307).with("location", location)
    }

    pub(crate) fn with(mut self, header: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((header, value.into()));
        self
    }

    pub(crate) fn saying(self, body: Content) -> Self {
        Self { body, ..self }
    }
}

#[derive(Default)]
struct Shelf {
    answers: HashMap<String, Answer>,
    /// `Authorization` that reading needs, and the challenge for whoever has it not.
    login: Option<(String, String)>,
    seen: Vec<Seen>,
}

/// Serves until dropped.
pub(crate) struct FakeRegistry {
    /// Host and port.
    pub(crate) address: String,
    shelf: Arc<Mutex<Shelf>>,
    server: JoinHandle<()>,
}

impl Drop for FakeRegistry {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl FakeRegistry {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let shelf = Arc::new(Mutex::new(Shelf::default()));
        let app = Router::new().fallback(answer).with_state(shelf.clone());
        let server = tokio::spawn(async move {
            let _ended = axum::serve(listener, app).await;
        });
        Self {
            address,
            shelf,
            server,
        }
    }

    /// Publishes a component, as `wkg oci push` does. Returns the manifest's digest.
    pub(crate) fn publish(&self, repository: &str, tag: &str, component: &[u8]) -> String {
        self.publish_as(repository, tag, component, manifest(component))
    }

    /// Publishes a component under a manifest that may say anything.
    pub(crate) fn publish_as(
        &self,
        repository: &str,
        tag: &str,
        component: &[u8],
        manifest: Value,
    ) -> String {
        let manifest = manifest.to_string().into_bytes();
        let (manifest_digest, digest) = (digest(&manifest), digest(component));
        let answer = Answer::ok(MANIFEST_TYPE, manifest)
            .with("docker-content-digest", manifest_digest.clone());
        for version in [tag, &manifest_digest] {
            self.put(
                &format!("/v2/{repository}/manifests/{version}"),
                answer.clone(),
            );
        }
        let blob = Answer::ok("application/octet-stream", component);
        self.put(&format!("/v2/{repository}/blobs/{digest}"), blob);
        manifest_digest
    }

    /// Answers this to a path from now on.
    pub(crate) fn put(&self, path: &str, answer: Answer) {
        self.shelf().answers.insert(path.to_owned(), answer);
    }

    /// Lets only those read who show this.
    pub(crate) fn ask_for(&self, authorization: &str, challenge: &str) {
        self.shelf().login = Some((authorization.to_owned(), challenge.to_owned()));
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shelf().seen.clone()
    }

    fn shelf(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The manifest of a component.
pub(crate) fn manifest(component: &[u8]) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {
            "mediaType": "application/vnd.wasm.config.v0+json",
            "digest": digest(b"{}"),
            "size": 2,
        },
        "layers": [{
            "mediaType": "application/wasm",
            "digest": digest(component),
            "size": component.len(),
        }],
    })
}

pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

async fn answer(State(shelf): State<Arc<Mutex<Shelf>>>, request: Request) -> Response<Body> {
    let mut shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
    let path = request.uri().path().to_owned();
    let authorization = text(request.headers(), "authorization");
    shelf.seen.push(Seen {
        path: path.clone(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        authorization: authorization.clone(),
    });
    let answer = match &shelf.login {
        Some((needed, challenge)) if path.starts_with("/v2/") && *needed != authorization => {
            Answer::status(401).with("www-authenticate", challenge)
        }
        _ => shelf
            .answers
            .get(&path)
            .cloned()
            .unwrap_or(Answer::status(404)),
    };
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    let body = match answer.body {
        Content::Bytes(bytes) => Body::from(bytes),
        Content::Endless => {
            let chunk = || Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 4096]));
            Body::from_stream(stream::repeat_with(chunk).boxed())
        }
    };
    response.body(body).expect("a response")
}

fn text(headers: &HeaderMap, name: &str) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}
