//! Objects are called as users like: what a name looks like as a path is no reason to leave it, and leads nowhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::TASK;
use crate::support::guests::rule_pack;
use crate::support::run::Place;

const OURS: &str = "s_rally_0a1b2c3d_abcdefgh";
const THEIRS: &str = "backup";

/// Objects by their containers.
type Containers = Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>;

/// A Keystone and a Swift: paths are decoded as a whole, and all behind the container is the object's name.
async fn swift(containers: Containers) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let base = url.clone();
    let app = Router::new().fallback(move |method: Method, uri: Uri| {
        let answer = if uri.path().ends_with("/auth/tokens") {
            token(&base)
        } else {
            account(&method, &uri, &mut containers.lock().unwrap())
        };
        async move { answer }
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

fn token(base: &str) -> Response {
    let domain = json!({"id": "default", "name": "Default"});
    let url = format!("{base}/v1/AUTH_p");
    let endpoint = json!({"interface": "public", "region_id": "R", "url": url});
    let body = json!({"token": {
        "user": {"id": "u", "name": "ann", "domain": domain},
        "project": {"id": "p", "name": "p", "domain": domain},
        "roles": [{"id": "r", "name": "member"}],
        "issued_at": "2026-01-01T00:00:00.000000Z",
        "expires_at": "2027-01-01T00:00:00.000000Z",
        "catalog": [{"type": "object-store", "name": "swift", "endpoints": [endpoint]}],
    }});
    ([("x-subject-token", "t")], body.to_string()).into_response()
}

fn account(
    method: &Method,
    uri: &Uri,
    containers: &mut BTreeMap<String, BTreeSet<String>>,
) -> Response {
    let path = percent_decode_str(uri.path()).decode_utf8().unwrap();
    let mut parts = path.trim_start_matches('/').splitn(4, '/');
    assert_eq!((parts.next(), parts.next()), (Some("v1"), Some("AUTH_p")));
    let (container, object) = (parts.next().unwrap_or_default(), parts.next());
    let query = uri.query().unwrap_or_default();
    let marker = query.split('&').find_map(|it| it.strip_prefix("marker="));
    let marker = percent_decode_str(marker.unwrap_or_default())
        .decode_utf8()
        .unwrap();
    let list = |names: Vec<&String>| {
        let named = names.into_iter().filter(|it| it.as_str() > &*marker);
        let items =
            named.map(|it| json!({"name": it, "last_modified": "2026-01-01T00:00:00.000000"}));
        let body = Value::from(items.collect::<Vec<Value>>()).to_string();
        ([("content-type", "application/json")], body).into_response()
    };
    match (method.as_str(), container, object) {
        ("GET", "", _) => list(containers.keys().collect()),
        ("GET", container, None) => match containers.get(container) {
            Some(objects) => list(objects.iter().collect()),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        ("DELETE", container, None) => match containers.get(container) {
            None => StatusCode::NOT_FOUND.into_response(),
            Some(objects) if !objects.is_empty() => StatusCode::CONFLICT.into_response(),
            Some(_) => {
                containers.remove(container);
                StatusCode::NO_CONTENT.into_response()
            }
        },
        ("DELETE", container, Some(object)) => {
            let objects = containers.get_mut(container);
            if objects.is_some_and(|it| it.remove(object)) {
                StatusCode::NO_CONTENT.into_response()
            } else {
                StatusCode::NOT_FOUND.into_response()
            }
        }
        other => panic!("{other:?}"),
    }
}

/// Sweeps an account with these objects in the task's container, and says how it ended and what is left of them.
async fn swept(names: &[&str]) -> (Option<i32>, Containers, String) {
    let objects: BTreeSet<String> = names.iter().map(|it| (*it).to_owned()).collect();
    let theirs = ["b", "x/b", "..", "evil/x"].map(str::to_owned);
    let containers = [
        (OURS.to_owned(), objects),
        (THEIRS.to_owned(), BTreeSet::from(theirs)),
        ("a".to_owned(), BTreeSet::new()),
    ];
    let containers: Containers = Arc::new(Mutex::new(containers.into_iter().collect()));
    let url = swift(Arc::clone(&containers)).await;
    let place = Place::unconnected();
    place.write(
        "clouds.yaml",
        format!(
            "clouds:\n  admin:\n    auth: {{auth_url: '{url}/v3', username: ann, password: pw, project_id: p}}\n"
        ),
    );
    place.write("runner.toml", super::IMPATIENT);
    let rule = "openstack_object_store.wasm";
    place.add_rule(&rule_pack().join(rule), rule);
    let run = place.run(["--task", TASK, "--guests", "rules"]);
    (run.code, containers, run.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_go_under_exactly_their_own_names() {
    let names = [
        "plain",
        "dir/",
        "dir/inner",
        "dir//inner",
        "/",
        "//x",
        "http://example.org/a?b=c#d",
        "s3://bucket/plain",
        "http://example.org/",
        "../backup/b",
        "x/../../backup/b",
        "./b",
        "a/..",
        "segments/1650000000.0/10/00000001",
        "caf\u{e9}/a b+c&d=e;f",
        "100%/a",
    ];
    let (code, containers, said) = swept(&names).await;
    let containers = containers.lock().unwrap();
    assert_eq!(containers.get(OURS), None, "{said}");
    assert_eq!(containers[THEIRS].len(), 4, "{said}");
    assert!(containers.contains_key("a"), "{said}");
    assert_eq!(code, Some(0), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_on_the_way_could_read_as_another_path_is_left() {
    let names = [
        "..",
        ".",
        "a\\b",
        "%2e%2e/b",
        "x%2Fb",
        "a/..;b",
        "gone/for/sure",
    ];
    let (code, containers, said) = swept(&names).await;
    let containers = containers.lock().unwrap();
    let left: Vec<&str> = containers[OURS].iter().map(String::as_str).collect();
    let mut expected = names[..6].to_vec();
    expected.sort_unstable();
    assert_eq!(left, expected, "{said}");
    assert_eq!(containers[THEIRS].len(), 4, "{said}");
    assert_eq!(code, Some(3), "{said}");
}
