//! A run takes the rules that were locked, and no others.

use serde_json::json;

use crate::sandbox::misbehaving;
use crate::support::fake_cloud::{FakeCloud, Options};
use crate::support::guests::rule_pack;
use crate::support::run::{Place, Run};

const TASK: &str = "0a1b2c3d-1111-4222-8333-444455556666";

const CLEAN: i32 = 0;
const USAGE: i32 = 2;
const GUARDED: i32 = 6;

/// A cloud with one thing of the task, and two rules, which are locked.
struct Scene {
    cloud: FakeCloud,
    place: Place,
    image: String,
}

impl Scene {
    async fn new() -> Self {
        let cloud = FakeCloud::start(Options::default()).await;
        let image = cloud.add("image.image", json!({"name": "s_rally_0a1b2c3d_abcdefgh"}));
        let place = Place::new(&cloud);
        place.write("rules/image.wasm", misbehaving("honest"));
        place.add_rule(&rule_pack().join("openstack_network.wasm"), "network.wasm");
        let run = place.run(["rules", "lock"]);
        run.expect_code(CLEAN);
        assert!(
            run.stdout.contains("rules/rules.lock locks 2 rules with "),
            "{run}"
        );
        cloud.clear_requests();
        Self {
            cloud,
            place,
            image,
        }
    }

    fn sweep(&self) -> Run {
        self.place.run(["--task", TASK])
    }

    /// The rules are refused, in these words, before anybody is asked for anything.
    #[track_caller]
    fn is_refused(&self, words: &str) {
        let run = self.sweep();
        run.expect_code(GUARDED);
        assert!(run.stderr.contains(words), "{words}\n{run}");
        assert_eq!(self.cloud.requests().len(), 0, "{run}");
        assert!(self.cloud.exists("image.image", &self.image), "{run}");
    }

    fn edit_lock(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.place.path("rules/rules.lock")).unwrap();
        assert!(text.contains(from), "{text}");
        self.place.write("rules/rules.lock", text.replace(from, to));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn locked_rules_run() {
    let scene = Scene::new().await;
    scene.sweep().expect_code(CLEAN);
    assert!(!scene.cloud.exists("image.image", &scene.image));
    let diff = scene.place.run(["rules", "diff"]);
    assert!(
        diff.expect_code(CLEAN)
            .stdout
            .contains("are as rules/rules.lock says"),
        "{diff}"
    );
    let again = scene.place.run(["rules", "lock"]);
    assert!(
        again
            .expect_code(CLEAN)
            .stdout
            .contains("nothing has changed"),
        "{again}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_file_is_refused_and_said_to_be_what_it_is() {
    let scene = Scene::new().await;
    scene
        .place
        .write("rules/image.wasm", misbehaving("trusted"));
    scene.is_refused("image.wasm is not the file that is locked: its SHA-256 is ");
    scene
        .place
        .write("rules/image.wasm", misbehaving("delete-in-list"));
    scene.is_refused("is not the file that is locked");
    let diff = scene.place.run(["rules", "diff"]);
    assert!(
        diff.expect_code(GUARDED)
            .stdout
            .contains("image: another file: SHA-256 "),
        "{diff}"
    );
    // Whoever has looked may accept it.
    scene.place.run(["rules", "lock"]).expect_code(CLEAN);
    scene.place.run(["rules", "diff"]).expect_code(CLEAN);
}

/// A file that is not the locked one is not even looked into.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_locked_is_not_compiled() {
    let scene = Scene::new().await;
    scene
        .place
        .write("rules/image.wasm", b"\0asm and then nothing that compiles");
    scene.is_refused("is not the file that is locked");
    scene.place.write("rules/image.wasm", misbehaving("honest"));
    scene
        .place
        .write("rules/new.wasm", b"\0asm and then nothing that compiles");
    scene.is_refused("rules/new.wasm is not in rules/rules.lock");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_is_missing_is_missed() {
    let scene = Scene::new().await;
    std::fs::remove_file(scene.place.path("rules/network.wasm")).unwrap();
    scene.is_refused("network is locked, and not there");
    // A single rule is another matter: only that one is asked for.
    let run = scene
        .place
        .run(["--task", TASK, "--guests", "rules/image.wasm", "--dry-run"]);
    run.expect_code(CLEAN);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_says_less_than_the_rule_may_do_is_no_lock_for_it() {
    for (from, to, words) in [
        (
            "    \"DELETE /v2.0/ports/{id}\",\n",
            "",
            "network: network.port may also send DELETE /v2.0/ports/{id}",
        ),
        (
            "id = \"/id\"",
            "id = \"/name\"",
            "place of the id: \"/id\", not \"/name\"",
        ),
        ("\"/name\"", "\"/title\"", "may also read names at /name"),
        (
            "[rules.network",
            "[rules.net",
            "rules/network.wasm is not in rules/rules.lock",
        ),
    ] {
        let scene = Scene::new().await;
        scene.edit_lock(from, to);
        scene.is_refused(words);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_cannot_change_what_was_locked() {
    for (config, words) in [
        (
            "[rules.network]\nlimits = { cpu_ms_max = 60000 }\n",
            "network: limit cpu_ms_max: \"60000\", not \"the common one\"",
        ),
        (
            "[limits]\nrequests_max = 5000\n",
            "limit requests_max: \"5000\"",
        ),
        (
            "[rules.network]\nexcept = [\"network.port\"]\n",
            "network: no kind network.port any more",
        ),
    ] {
        let scene = Scene::new().await;
        scene.place.write("runner.toml", config);
        scene.is_refused(words);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_lock_file_lets_nothing_run() {
    let scene = Scene::new().await;
    for (text, words) in [
        ("", "rules/rules.lock is no lock file: "),
        ("version = 7\n", "has the form 7"),
        ("version = 1\nsurprise = true\n", "unknown field `surprise`"),
    ] {
        scene.place.write("rules/rules.lock", text);
        scene.is_refused(words);
    }
    let run = scene
        .place
        .run(["--task", TASK, "--lock", "elsewhere.lock"]);
    assert!(
        run.expect_code(GUARDED)
            .says("elsewhere.lock cannot be read"),
        "{run}"
    );
    std::fs::remove_file(scene.place.path("rules/rules.lock")).unwrap();
    scene.place.run(["rules", "diff"]).expect_code(USAGE);
}

/// A saved plan is executed by locked rules too.
#[tokio::test(flavor = "multi_thread")]
async fn apply_and_explain_keep_to_the_lock() {
    let scene = Scene::new().await;
    scene
        .place
        .run(["--task", TASK, "--dry-run", "-o", "plan.json"])
        .expect_code(CLEAN);
    scene
        .place
        .write("rules/image.wasm", misbehaving("delete-in-list"));
    scene.cloud.clear_requests();
    let thing = format!("image.image/{}", scene.image);
    for arguments in [
        &["apply", "plan.json"][..],
        &["explain", &thing, "--task", TASK],
        &["rules", "list"],
    ] {
        let run = scene.place.run(arguments);
        assert!(
            run.expect_code(GUARDED).says("not the file that is locked"),
            "{run}"
        );
    }
    assert_eq!(scene.cloud.requests().len(), 0);
}
