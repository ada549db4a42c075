//! A service outside of OpenStack: the real Kinto on loopback, cleaned of what one pipeline has left by a team's own name format.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::guests;
use crate::support::run::{Place, Run};
use crate::toolkit::{Toolkit, shell};

/// The service that the example cleans.
pub(crate) static TOOLKIT: Toolkit = Toolkit::new("kinto", &["kinto"]);

const PIPELINE: &str = "a1b2c3d4-5e6f-4a7b-8c9d-0e1f2a3b4c5d";
const PASSWORD: &str = "s3cret";

/// What the pipeline left.
const LEFT: [&str; 8] = [
    "/buckets/ci-a1b2c3d4-7d31f0aa",
    "/buckets/ci-a1b2c3d4-7d31f0aa/collections/articles",
    "/buckets/ci-a1b2c3d4-7d31f0aa/collections/ci-a1b2c3d4-0000000a",
    "/buckets/ci-a1b2c3d4-7d31f0aa/groups/editors",
    "/buckets/ci-a1b2c3d4-93be52c8",
    "/buckets/website/collections/ci-a1b2c3d4-11112222",
    "/buckets/website/groups/ci-a1b2c3d4-33334444",
    "/buckets/123/collections/ci-a1b2c3d4-55556666",
];

/// What is the team's own, another pipeline's, or called nearly so.
const OTHERS: [&str; 9] = [
    "/buckets/website",
    "/buckets/website/collections/pages",
    "/buckets/website/groups/editors",
    "/buckets/123",
    "/buckets/ci-0f9e8d7c-1c2d3e4f",
    "/buckets/ci-0f9e8d7c-1c2d3e4f/collections/articles",
    "/buckets/ci-a1b2c3d4-93be52c",
    "/buckets/ci-A1B2C3D4-93be52c8",
    "/buckets/my-ci-a1b2c3d4-93be52c8",
];

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let trial = |name: &str, run: fn()| TOOLKIT.trial(format!("kinto::{name}"), run);
    [
        trial(
            "exactly_one_pipelines_things_go",
            exactly_one_pipelines_things_go,
        ),
        trial(
            "a_wrong_password_changes_nothing",
            a_wrong_password_changes_nothing,
        ),
        trial("recorded_cases", recorded_cases),
    ]
    .into_iter()
}

fn exactly_one_pipelines_things_go() {
    let kinto = Kinto::start();
    let before = kinto.things();
    assert_eq!(before.len(), LEFT.len() + OTHERS.len(), "{before:#?}");
    let rehearsal = kinto.run(&["--task", PIPELINE, "--dry-run"], PASSWORD);
    rehearsal.expect_code(0);
    assert_eq!(kinto.things(), before);
    let run = kinto.run(&["--task", PIPELINE], PASSWORD);
    run.expect_code(0);
    let after = kinto.things();
    let gone: BTreeSet<&str> = before.difference(&after).map(|it| &**it).collect();
    assert_eq!(gone, BTreeSet::from(LEFT), "{run}");
    assert!(after.is_subset(&before), "{after:#?}");
    let again = kinto.run(&["--task", PIPELINE], PASSWORD);
    again.expect_code(0);
    assert_eq!(kinto.things(), after);
}

fn a_wrong_password_changes_nothing() {
    let kinto = Kinto::start();
    let before = kinto.things();
    let run = kinto.run(&["--task", PIPELINE], "guessed");
    run.expect_code(4);
    assert!(!run.says("guessed"), "{run}");
    assert_eq!(kinto.things(), before);
}

fn recorded_cases() {
    let place = Place::unconnected();
    let folder = example();
    let rule = component();
    let test = ["rules", "test", &*folder, "--rule", &*rule];
    place.run(test).expect_code(0);
}

fn example() -> String {
    format!("{}/guest-examples/kinto", env!("CARGO_MANIFEST_DIR"))
}

fn component() -> String {
    let built = guests::build("guest-examples").join("kinto.wasm");
    built.to_string_lossy().into_owned()
}

/// A running Kinto, with the things of several pipelines.
struct Kinto {
    address: String,
    client: Client,
    runtime: Runtime,
    place: Place,
    server: Child,
}

impl Kinto {
    fn start() -> Self {
        let place = Place::unconnected();
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let backends = "--backend memory --cache-backend memory --host 127.0.0.1";
        let set_up = shell(&format!("kinto init --ini kinto.ini {backends}"))
            .current_dir(place.path(""))
            .output()
            .expect("a command can be run");
        assert!(set_up.status.success(), "{set_up:?}");
        let server = shell(&format!("exec kinto start --ini kinto.ini --port {port}"))
            .current_dir(place.path(""))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Kinto starts");
        let address = format!("127.0.0.1:{port}");
        let toml = std::fs::read_to_string(Path::new(&example()).join("runner.toml"));
        let toml = toml.expect("the example's configuration");
        assert_eq!(toml.matches("127.0.0.1:8888").count(), 1, "{toml}");
        place.write("runner.toml", toml.replace("127.0.0.1:8888", &address));
        // Whoever is first is taken, and nobody speaks TLS here.
        let _taken = rustls::crypto::ring::default_provider().install_default();
        let kinto = Self {
            address,
            client: Client::new(),
            runtime: Runtime::new().expect("a runtime starts"),
            place,
            server,
        };
        kinto.furnish();
        kinto
    }

    fn furnish(&self) {
        let patience = Instant::now() + Duration::from_secs(60);
        let account = json!({"data": {"password": PASSWORD}});
        while self
            .ask(Method::PUT, "/accounts/admin", Some(&account))
            .is_none()
        {
            assert!(Instant::now() < patience, "Kinto does not answer");
            std::thread::sleep(Duration::from_millis(100));
        }
        // What is in a bucket comes after it.
        let all: BTreeSet<&str> = LEFT.into_iter().chain(OTHERS).collect();
        for path in all {
            let made = self.ask(Method::PUT, path, Some(&json!({})));
            assert!(
                made.is_some_and(|it| it["data"]["id"].is_string()),
                "{path}"
            );
        }
        let record = json!({"data": {"title": "x"}});
        let records = "/buckets/ci-a1b2c3d4-7d31f0aa/collections/articles/records";
        self.ask(Method::POST, records, Some(&record))
            .expect("a record");
    }

    /// Everything there is.
    fn things(&self) -> BTreeSet<String> {
        let list = |path: &str| -> Vec<String> {
            let listed = self.ask(Method::GET, path, None).expect("a list");
            let things = listed["data"].as_array().expect("a list").iter();
            let ids = things.map(|it| it["id"].as_str().expect("an id"));
            ids.map(|id| format!("{path}/{id}")).collect()
        };
        let buckets = list("/buckets");
        let kinds = ["collections", "groups"];
        let inner = buckets
            .iter()
            .flat_map(|bucket| kinds.map(|kind| format!("{bucket}/{kind}")));
        let inner: Vec<String> = inner.flat_map(|path| list(&path)).collect();
        buckets.into_iter().chain(inner).collect()
    }

    /// What Kinto answers, if it does.
    fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Option<Value> {
        let url = format!("http://{}/v1{path}", self.address);
        let mut request = self.client.request(method, url);
        if let Some(body) = body {
            request = request.json(body);
        }
        let request = request.basic_auth("admin", Some(PASSWORD));
        let answer = async { request.send().await?.json().await };
        self.runtime.block_on(answer).ok()
    }

    fn run(&self, arguments: &[&str], password: &str) -> Run {
        let rule = component();
        let output = self
            .place
            .command(["--guests", &*rule].iter().chain(arguments))
            .env_remove("OS_CLOUD")
            .env_remove("OS_CLIENT_CONFIG_FILE")
            .env("KINTO_PASSWORD", password)
            .output();
        Run::from(output.expect("the binary runs"))
    }
}

impl Drop for Kinto {
    fn drop(&mut self) {
        let _ended = self.server.kill();
        let _reaped = self.server.wait();
    }
}
