//! Rules are fetched, verified, checked, put there and pinned; and what is not what it should be is refused, with nothing written.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::sandbox::misbehaving;
use crate::support::guests::frozen;
use crate::support::registry::{Answer, Content, FakeRegistry, MANIFEST_TYPE, digest, manifest};
use crate::support::run::{Place, Run};

/// Bad answers.
mod hostile;
/// Who signed it.
mod signatures;
/// What becomes of rules that are there.
mod upkeep;

const CLEAN: i32 = 0;
const UNEXPECTED: i32 = 1;
const USAGE: i32 = 2;
const REFUSED: i32 = 5;
const GUARDED: i32 = 6;

/// Small limits, so that running into one takes no time.
const CONFIG: &str = "
[http]
response_bytes_max = 65536
request_timeout_s = 5
attempts_max = 2
retry_after_s_max = 1
";

/// A registry with a rule in it, and a place where none is yet.
struct Scene {
    registry: FakeRegistry,
    place: Place,
    component: Vec<u8>,
    /// The digest of its manifest.
    manifest: String,
}

impl Scene {
    async fn new() -> Self {
        let registry = FakeRegistry::start().await;
        let component = misbehaving("honest");
        let manifest = registry.publish("rules/image", "1", &component);
        let place = Place::unconnected();
        place.write("runner.toml", CONFIG);
        Self {
            registry,
            place,
            component,
            manifest,
        }
    }

    fn reference(&self, version: &str) -> String {
        format!("oci://{}/rules/image{version}", self.registry.address)
    }

    fn add(&self) -> Run {
        self.add_with(&[])
    }

    fn add_with(&self, more: &[&str]) -> Run {
        let reference = self.reference(":1");
        let arguments = ["rules", "add", &reference];
        self.place.run(arguments.iter().chain(more))
    }

    fn configure(&self, more: &str) {
        self.place.write("runner.toml", format!("{CONFIG}{more}"));
    }

    /// Where the blob is.
    fn blob(&self) -> String {
        format!("/v2/rules/image/blobs/{}", digest(&self.component))
    }

    /// Publishes the rule anew under the same tag, with something else in its manifest.
    fn say(&self, pointer: &str, value: Value) {
        let mut manifest = manifest(&self.component);
        *manifest.pointer_mut(pointer).expect("it is there") = value;
        self.registry
            .publish_as("rules/image", "1", &self.component, manifest);
    }

    fn file(&self) -> PathBuf {
        self.place.path("rules/image.wasm")
    }

    fn is_there(&self) -> bool {
        std::fs::read(self.file()).is_ok_and(|bytes| bytes == self.component)
    }

    fn lock(&self) -> String {
        std::fs::read_to_string(self.place.path("rules/rules.lock")).unwrap_or_default()
    }

    /// The rule is refused, in these words, and nothing is written.
    #[track_caller]
    fn is_refused(&self, code: i32, words: &str) -> Run {
        let run = self.add();
        run.expect_code(code);
        assert!(run.stderr.contains(words), "{words}\n{run}");
        assert!(!self.place.path("rules").exists(), "{run}");
        run
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_fetched_by_its_tag_checked_and_pinned() {
    let scene = Scene::new().await;
    let run = scene.add();
    run.expect_code(CLEAN);
    assert!(scene.is_there());
    for words in [
        "DELETE /v2/images/{id}",
        "not signed",
        "rules/rules.lock pins it",
    ] {
        assert!(run.stdout.contains(words), "{words}\n{run}");
    }
    let (lock, reference) = (scene.lock(), scene.reference(":1"));
    let pinned = [&reference, &scene.manifest, &digest(&scene.component)[7..]];
    for words in pinned {
        assert!(lock.contains(words), "{words}\n{lock}");
    }
    // What the lock knows of the source is no difference to the file, and survives the next lock.
    for command in ["diff", "list"] {
        scene.place.run(["rules", command]).expect_code(CLEAN);
    }
    scene.place.run(["rules", "lock"]).expect_code(CLEAN);
    assert_eq!(scene.lock(), lock);
    let run = scene.add();
    run.expect_code(CLEAN);
    assert_eq!(scene.lock(), lock);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_is_asked_for_as_it_is_whatever_the_tag() {
    let scene = Scene::new().await;
    for version in [
        format!("@{}", scene.manifest),
        format!(":gone@{}", scene.manifest),
    ] {
        let reference = scene.reference(&version);
        let run = scene.place.run(["rules", "add", &reference, "--replace"]);
        run.expect_code(CLEAN);
        assert!(scene.is_there() && scene.lock().contains(&reference));
    }
    let mut manifests = scene.registry.seen();
    manifests.retain(|seen| seen.path.contains("/manifests/"));
    assert!(
        manifests
            .iter()
            .all(|seen| seen.path.ends_with(&scene.manifest))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_has_moved_is_said_to_have() {
    let scene = Scene::new().await;
    scene.add().expect_code(CLEAN);
    let lock = scene.lock();
    let other = misbehaving("delete-in-list");
    let moved = scene.registry.publish("rules/image", "1", &other);
    let run = scene.add();
    run.expect_code(GUARDED);
    assert!(scene.is_there() && scene.lock() == lock, "{run}");
    for words in [
        format!("another manifest: {moved}, not {}", scene.manifest),
        format!("another file: SHA-256 {}", &digest(&other)[7..]),
        "--replace".to_owned(),
    ] {
        assert!(run.stderr.contains(&words), "{words}\n{run}");
    }
    // The lock remembers also what somebody has taken away.
    std::fs::remove_file(scene.file()).unwrap();
    scene.add().expect_code(GUARDED);
    assert!(!scene.file().exists() && scene.lock() == lock);
    scene.add_with(&["--replace"]).expect_code(CLEAN);
    assert_eq!(std::fs::read(scene.file()).unwrap(), other);
    assert!(scene.lock().contains(&moved) && !scene.lock().contains(&scene.manifest));
}

/// The same component behind another manifest: no other file, and yet not what was pinned.
#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_has_changed_is_said_to_have() {
    let scene = Scene::new().await;
    scene.add().expect_code(CLEAN);
    scene.say("/config/size", json!(3));
    let run = scene.add();
    run.expect_code(GUARDED);
    assert!(run.stderr.contains("is another manifest"), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_file_is_left_alone() {
    let scene = Scene::new().await;
    scene.place.write("rules/image.wasm", "of somebody else's");
    let run = scene.add();
    run.expect_code(GUARDED);
    assert!(run.stderr.contains("is another file"), "{run}");
    let there = std::fs::read(scene.file()).unwrap();
    assert_eq!(there, b"of somebody else's");
    assert_eq!(scene.lock(), "");
    scene.add_with(&["--replace"]).expect_code(CLEAN);
    assert!(scene.is_there());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_has_the_name_that_it_is_given_and_no_path() {
    let scene = Scene::new().await;
    // What a registry calls it is nobody's business.
    let mut titled = manifest(&scene.component);
    titled["layers"][0]["annotations"] =
        json!({"org.opencontainers.image.title": "../../evil.wasm"});
    scene
        .registry
        .publish_as("rules/image", "1", &scene.component, titled);
    for name in [
        "../image", "a/b", "/image", ".hidden", "-x", "", "a\\b", "a\nb", "b\u{e4}r",
    ] {
        let run = scene.add_with(&[&format!("--name={name}")]);
        run.expect_code(USAGE);
        assert!(run.stderr.contains("is no name for a rule"), "{run}");
    }
    assert!(!scene.place.path("rules").exists());
    scene.add_with(&["--name", "glance"]).expect_code(CLEAN);
    let names: Vec<_> = std::fs::read_dir(scene.place.path("rules"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(scene.place.path("rules/glance.wasm").exists());
    assert!(scene.lock().contains("[rules.glance]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_already_there_is_locked_as_it_is_and_no_kind_is_claimed_twice() {
    let scene = Scene::new().await;
    let network = frozen().join("contract_0_1_0.wasm");
    scene.place.add_rule(&network, "network.wasm");
    scene.add().expect_code(CLEAN);
    let lock = scene.lock();
    assert!(lock.contains("[rules.network]") && lock.contains("[rules.image]"));
    let run = scene.add_with(&["--name", "again"]);
    run.expect_code(USAGE);
    assert!(
        run.stderr.contains("image.image is claimed by two rules"),
        "{run}"
    );
    assert!(!scene.place.path("rules/again.wasm").exists() && scene.lock() == lock);
    // What is not as it was locked is not locked anew by the way.
    scene.place.write("rules/network.wasm", "something else");
    scene.add().expect_code(CLEAN);
    assert_eq!(scene.lock(), lock);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_added_as_a_registrys_rule_is() {
    let scene = Scene::new().await;
    scene.place.write("download/image.wasm", &scene.component);
    let add = ["rules", "add", "download/image.wasm"];
    scene.place.run(add).expect_code(CLEAN);
    assert!(scene.is_there() && !scene.lock().contains("source"));
    // A registry that has the same file is from then on where it comes from.
    scene.add().expect_code(CLEAN);
    assert!(scene.lock().contains(&scene.reference(":1")));
    scene.place.run(add).expect_code(CLEAN);
    assert!(scene.lock().contains(&scene.reference(":1")));
    scene
        .place
        .write("download/image.wasm", misbehaving("delete-in-list"));
    scene.place.run(add).expect_code(GUARDED);
    scene
        .place
        .run(["rules", "add", "nowhere.wasm"])
        .expect_code(USAGE);
    let into_a_file = [
        "rules",
        "add",
        "download/image.wasm",
        "--guests",
        "rules/image.wasm",
    ];
    scene.place.run(into_a_file).expect_code(USAGE);
    assert!(scene.is_there());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_of_dockers_is_shown_when_it_is_asked_for() {
    let scene = Scene::new().await;
    // u:p
    scene
        .registry
        .ask_for("Basic dTpw", "Basic realm=\"rules\"");
    let run = scene.is_refused(REFUSED, "the registry answered 401");
    assert!(run.stderr.contains("docker login"), "{run}");
    let docker = json!({"auths": {&scene.registry.address: {"auth": "dTpw"}}});
    scene
        .place
        .write("home/.docker/config.json", docker.to_string());
    scene.add().expect_code(CLEAN);
    let seen = scene.registry.seen();
    let last = seen.last().unwrap();
    assert_eq!(last.path, scene.blob());
    assert!(seen.iter().any(|seen| seen.authorization.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_got_with_the_password_of_the_configuration() {
    let scene = Scene::new().await;
    let address = &scene.registry.address;
    let challenge = format!(
        "Bearer realm=\"http://{address}/token\",service=\"rules\",scope=\"repository:other:push\""
    );
    scene.registry.ask_for("Bearer t0k3n", &challenge);
    let token = Answer::ok("application/json", json!({"token": "t0k3n"}).to_string());
    scene.registry.put("/token", token);
    scene.configure(&format!(
        "[registries.\"{address}\"]\nuser = \"u\"\npassword_env = \"PASSWORD\"\n"
    ));
    let reference = scene.reference(":1");
    let mut command = scene.place.command(["rules", "add", &reference]);
    let run = Run::from(command.env("PASSWORD", "p").output().unwrap());
    run.expect_code(CLEAN);
    assert!(!run.says("t0k3n"), "{run}");
    for seen in scene.registry.seen() {
        match seen.path.as_str() {
            "/token" => {
                assert_eq!(seen.authorization, "Basic dTpw");
                // We ask to read what we want to read, whatever the registry would have us ask for.
                assert_eq!(
                    seen.query,
                    "scope=repository%3Arules%2Fimage%3Apull&service=rules"
                );
            }
            _ => assert!(!seen.authorization.contains("Basic"), "{seen:?}"),
        }
    }
    // Without the variable nobody is asked.
    let run = scene.place.run(["rules", "add", &reference]);
    assert!(
        run.expect_code(USAGE)
            .stderr
            .contains("PASSWORD is not set"),
        "{run}"
    );
}

/// Storage elsewhere is used where the operator says so, and gets no credential.
#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_is_allowed_is_followed_to_and_told_nothing() {
    let scene = Scene::new().await;
    let storage = FakeRegistry::start().await;
    storage.put(
        "/blob",
        Answer::ok("application/wasm", scene.component.clone()),
    );
    scene
        .registry
        .ask_for("Basic dTpw", "Basic realm=\"rules\"");
    let docker = json!({"auths": {&scene.registry.address: {"auth": "dTpw"}}});
    scene
        .place
        .write("home/.docker/config.json", docker.to_string());
    let origin = format!("http://{}", storage.address);
    scene.registry.put(
        &scene.blob(),
        Answer::redirect(format!("{origin}/blob?signed=1")),
    );
    let run = scene.is_refused(
        GUARDED,
        &format!("sends us to {origin} for what was asked for"),
    );
    let advice = format!("say `elsewhere = [\"{origin}\"]` under [registries.\"");
    assert!(run.stderr.contains(&advice), "{run}");
    assert_eq!(storage.seen().len(), 0);
    scene.configure(&format!(
        "[registries.\"{}\"]\nelsewhere = [\"{origin}\"]\n",
        scene.registry.address
    ));
    scene.add().expect_code(CLEAN);
    assert!(scene.is_there());
    let seen = storage.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(
        (seen[0].authorization.as_str(), seen[0].query.as_str()),
        ("", "signed=1")
    );
}
