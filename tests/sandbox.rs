//! Every hostile behavior is stopped and named, and stops nothing else.
//!
//! `guests/misbehave` passes for the rule for images and runs beside the rule pack's other rules. Whatever it does, the cloud's
//! own record must show no change that the plan did not approve, and the other rules must have finished their work.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;

use crate::support::fake_cloud::store::json_fields;
use crate::support::fake_cloud::{FakeCloud, Known, Options};
use crate::support::guests::{hostile, rule_pack};
use crate::support::run::{Place, Run};

const TASK: &str = "5e1f0a3c-7c0e-4b7e-9c55-0d3b1d0d9a11";
const OTHER_TASK: &str = "0b5e77aa";

/// Exit codes, as the command line's help has them.
const CLEAN: i32 = 0;
const USAGE: i32 = 2;
const LEFT: i32 = 3;
const UNLISTED: i32 = 4;

/// Images that the task left. The rule is asked to delete these, and no others.
const IMAGES: usize = 3;

/// Small limits, so that running into one takes no time. One deletion after the other makes the order certain.
const CONFIG: &str = "
[sweep]
deletions_max = 1
disappear_s_max = 1
pause_ms_min = 10
pause_ms_max = 50

[rules.misbehave.limits]
cpu_ms_max = 400
call_s_max = 5
memory_bytes_max = 16777216
requests_max = 20
pages_max = 7
things_max = 30
relations_max = 1000
log_bytes_max = 4096
stderr_bytes_max = 1024
failures_max = 10
";

/// A cloud with a task's things, other people's things, and the rules to be run there.
struct Scene {
    cloud: FakeCloud,
    place: Place,
    images: BTreeSet<String>,
    others: BTreeSet<String>,
    /// What else may go, or stay.
    optional: BTreeSet<String>,
    /// An image that nobody approved.
    victim: String,
    before: Vec<Known>,
}

/// What came of it.
struct Aftermath {
    scene: Scene,
    run: Run,
}

impl Scene {
    async fn set(behavior: &str) -> Self {
        let cloud = FakeCloud::start(Options::default()).await;
        let short = &TASK[..8];
        let image = |letter: usize| {
            let name = format!("s_rally_{short}_{}", "abc"[letter..=letter].repeat(8));
            cloud.add("image.image", json!({ "name": name }))
        };
        let images = (0..IMAGES).map(image).collect();
        let name = format!("s_rally_{short}_abcdefgh");
        let kinds = [
            "network.network",
            "network.security_group",
            "block_storage.volume",
        ];
        let others = kinds.map(|kind| cloud.add(kind, json!({ "name": name })));
        for kind in kinds.iter().chain(&["image.image"]) {
            let name = format!("s_rally_{OTHER_TASK}_abcdefgh");
            cloud.add(kind, json!({ "name": name }));
        }
        let victim = cloud.add("image.image", json!({ "name": "victim" }));
        let place = Place::new(&cloud);
        place.write("runner.toml", CONFIG);
        place.add_rules(rule_pack());
        std::fs::remove_file(place.path("rules/openstack_image.wasm")).unwrap();
        place.write("rules/misbehave.wasm", misbehaving(behavior));
        Self {
            before: cloud.things(),
            cloud,
            place,
            images,
            others: others.into(),
            optional: BTreeSet::new(),
            victim,
        }
    }

    /// Adds a thing that nobody may touch, whatever it looks like. Returns its id.
    fn add(&mut self, kind: &str, thing: serde_json::Value) -> String {
        let id = self.cloud.add(kind, thing);
        self.look();
        id
    }

    /// Takes what is there now as the state to compare with.
    fn look(&mut self) {
        self.before = self.cloud.things();
    }

    /// Runs with a configuration in which something is otherwise.
    fn configure(&self, from: &str, to: &str) {
        let path = self.place.path("runner.toml");
        let config = std::fs::read_to_string(path).unwrap();
        assert!(config.contains(from), "{config}");
        self.place.write("runner.toml", config.replace(from, to));
    }

    /// Trusts rules with what is unusual: what is then done by them has to be seen while it is done.
    fn trusting(self, rules: &[&str]) -> Self {
        for rule in rules {
            let trust = format!("[rules.{rule}]\ntrust = [\"unusual-fields\"]\n");
            let path = self.place.path("runner.toml");
            let config = std::fs::read_to_string(path).unwrap();
            self.place.write("runner.toml", trust + &config);
        }
        self
    }

    /// Gives a thing another name, as whoever owns it may at any time.
    fn rename(&self, id: &str, name: &str) {
        let name = json_fields(&[("name", name)]);
        self.cloud.edit(|store| store.set("image.image", id, name));
    }

    fn sweep(self) -> Aftermath {
        self.sweep_with(&[])
    }

    fn sweep_with(self, more: &[&str]) -> Aftermath {
        let arguments = ["--task", TASK, "--show-kept", "-f", "json"];
        let run = self.place.run(arguments.iter().chain(more));
        Aftermath { scene: self, run }
    }
}

impl Aftermath {
    /// What holds whatever a rule does: no request aimed at anything but the task's things, nothing else is gone or new, and the
    /// other rules' things are gone.
    fn is_contained(&self) -> &Self {
        self.changed_nothing_unapproved();
        let there = self.there();
        for id in &self.scene.others {
            assert!(
                !there.contains(id),
                "another rule's {id} is left\n{}",
                self.run
            );
        }
        self
    }

    fn changed_nothing_unapproved(&self) {
        let Scene {
            cloud,
            images,
            others,
            optional,
            before,
            ..
        } = &self.scene;
        let doomed: BTreeSet<&String> = images.iter().chain(others).chain(optional).collect();
        for request in cloud.mutations() {
            let end = request.path.rsplit('/').next().unwrap_or_default();
            let approved = request.method == "DELETE" && doomed.iter().any(|id| *id == end);
            assert!(
                approved,
                "{} {}\n{}",
                request.method, request.path, self.run
            );
        }
        let keep = |things: Vec<Known>| -> BTreeSet<Known> {
            let kept = things
                .into_iter()
                .filter(|thing| !doomed.contains(&thing.1));
            kept.collect()
        };
        // A deleted network or security group takes its own parts along, which had no name to be told by.
        let parts = |known: &&Known| known.0 != "network.security_group_rule";
        let (before, after) = (keep(before.clone()), keep(cloud.things()));
        let missing: Vec<_> = before.difference(&after).filter(parts).collect();
        let new: Vec<_> = after.difference(&before).collect();
        assert!(
            missing.is_empty() && new.is_empty(),
            "gone {missing:?}, new {new:?}\n{}",
            self.run
        );
    }

    /// How it ended, how many of the task's images are left, and what was said: the rule's name and the deed.
    fn ended(&self, code: i32, images_left: usize, words: &[&str]) -> &Self {
        self.run.expect_code(code);
        let there = self.there();
        let left = self.scene.images.intersection(&there).count();
        assert_eq!(left, images_left, "images left\n{}", self.run);
        for words in words {
            assert!(self.run.says(words), "nobody said {words:?}\n{}", self.run);
        }
        self
    }

    fn there(&self) -> BTreeSet<String> {
        let things = self.scene.cloud.things();
        things.into_iter().map(|(_, id, ..)| id).collect()
    }

    /// Requests of one method whose path holds this text.
    fn requests(&self, method: &str, path: &str) -> usize {
        let requests = self.scene.cloud.requests();
        let like = requests
            .iter()
            .filter(|it| it.method == method && it.path.contains(path));
        like.count()
    }
}

/// The hostile component with a behavior.
pub(crate) fn misbehaving(behavior: &str) -> Vec<u8> {
    const PREFIX: &[u8] = b"behavior:";
    const LENGTH: usize = 64;
    let mut bytes = std::fs::read(hostile().join("misbehave.wasm")).unwrap();
    let blank = [PREFIX, &[b' '; LENGTH - PREFIX.len()]].concat();
    let found: Vec<usize> = (0..bytes.len() - LENGTH)
        .filter(|at| bytes[*at..].starts_with(&blank))
        .collect();
    assert_eq!(found.len(), 1, "the marker is there once");
    let from = found[0] + PREFIX.len();
    bytes[from..from + behavior.len()].copy_from_slice(behavior.as_bytes());
    bytes
}

/// One test per behavior: how the run ends, how many of the task's images are left, and what is said.
macro_rules! attacks {
    ($($test:ident: $behavior:literal => $code:expr, $left:expr, [$($words:expr),*];)+) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            Scene::set($behavior).await.sweep().is_contained().ended($code, $left, &[$($words),*]);
        }
    )+};
}

mod astray;
mod company;
mod curious;
mod documented;
mod exhaustion;
mod lies;
mod loading;
mod places;

const IN_LIST: &str = "rule misbehave, list of image.image: ";
const IN_DELETE: &str = "rule misbehave, delete of image.image/";
const MISBEHAVED: &str = "the rule misbehaved: ";
const NOT_SAID: &str = "and no answer of the cloud in this call does";
const CPU: &str = "the rule used up cpu_ms_max = 400";

attacks! {
    an_endless_loop_in_list: "loop-in-list" => UNLISTED, IMAGES, [IN_LIST, CPU];
    an_endless_loop_in_name: "loop-in-name" => UNLISTED, IMAGES, [IN_LIST, CPU];
    an_endless_loop_in_owners: "loop-in-owners" => UNLISTED, IMAGES, [IN_LIST, CPU];
    an_endless_loop_in_order: "loop-in-order" => UNLISTED, IMAGES, [IN_LIST, CPU];
    an_endless_loop_in_delete: "loop-in-delete" => LEFT, IMAGES, [IN_DELETE, CPU];
    a_loop_of_log_lines: "loop-of-logs" => UNLISTED, IMAGES, [IN_LIST, CPU];
    a_loop_of_requests: "loop-of-requests" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "requests_max"];
    a_loop_of_refused_requests: "loop-of-refused-requests" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "DELETE /v2/images/x"];
    more_requests_in_a_batch_than_allowed: "requests-in-one-batch" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "requests_max"];
    more_memory_than_allowed: "memory-bomb" => UNLISTED, IMAGES, [IN_LIST, "memory_bytes_max = 16777216"];
    a_recursion_without_end: "deep-recursion" => UNLISTED, IMAGES, [IN_LIST, "the rule crashed", "call stack exhausted"];
    a_rule_that_sleeps: "sleep" => UNLISTED, IMAGES, [IN_LIST, "call_s_max = 5"];
    a_cursor_of_megabytes: "long-cursor" => UNLISTED, IMAGES, [IN_LIST, "cursor_bytes_max = 8192"];
    the_same_place_pointed_to_again: "same-page-again-and-again" => UNLISTED, IMAGES, [IN_LIST, "requests_max = 20"];
    an_order_of_thousands: "many-steps" => UNLISTED, IMAGES, [IN_LIST, "relations_max = 1000"];
    the_same_order_thousands_of_times: "the-same-step-again-and-again" => CLEAN, 0, [];
    a_panic_in_list: "panic-in-list" => UNLISTED, IMAGES, [IN_LIST, "these are the last words"];
    a_panic_in_delete: "panic-in-delete" => LEFT, IMAGES, [IN_DELETE, "these are the last words"];
    a_panic_after_much_was_written: "panic-after-stderr-flood" => UNLISTED, IMAGES, [IN_LIST, "these are the last words"];
    a_crash_on_the_third_page: "panic-on-the-third-page" => UNLISTED, 1, [IN_LIST, "the third page was too much"];
    a_cursor_that_repeats: "cursor-repeats" => UNLISTED, IMAGES, [IN_LIST, "nothing that was not shown before"];
    a_listing_without_end: "cursor-never-ends" => UNLISTED, IMAGES, [IN_LIST, "pages_max = 7"];
    a_response_that_was_never_received: "response-never-received" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "response 7"];
    a_response_of_an_earlier_call: "response-of-an-earlier-call" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "response 0"];
    an_object_of_another_collection: "object-of-another-collection" => UNLISTED, IMAGES,
        ["rule misbehave, list of image.net: ", MISBEHAVED, "/v2.0/security-groups", "not the collection"];
    an_object_out_of_a_list: "object-inside-an-object" => UNLISTED, IMAGES, [IN_LIST, "/images/0"];
    a_name_that_the_thing_does_not_carry: "name-not-carried" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "s_rally_5e1f0a3c_AAAAAAAA"];
    an_owner_that_the_thing_does_not_carry: "owner-not-carried" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "network.network/x"];
    a_deletion_that_is_only_said: "only-says-that-it-is-gone" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, NOT_SAID];

    a_delete_of_another_thing: "delete-another-id" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, "none of the request templates"];
    a_forced_request_without_force: "force-without-being-told" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, "/actions/deactivate"];
    a_delete_of_the_collection: "delete-the-collection" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, "DELETE /v2/images to"];
    a_delete_of_the_collection_with_a_slash: "delete-the-collection-with-a-slash" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, "DELETE /v2/images/ to"];
    a_delete_in_another_service: "delete-in-another-service" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, "to network"];
    a_delete_with_a_query: "delete-with-a-query" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, "?force=1"];
    a_delete_by_dot_segments: "delete-by-dot-segments" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, "/../"];
    a_delete_with_a_body: "delete-with-a-body" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED];
    a_delete_of_a_part: "delete-a-part" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, "/members/x"];
    a_put_that_was_not_declared: "put-not-in-the-templates" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, "PUT /v2/images/"];
    a_post_that_was_not_declared: "post-not-in-the-templates" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, "POST /v2/images/"];
    a_patch_that_was_not_declared: "patch-not-in-the-templates" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, "PATCH /v2/images/"];
    a_delete_of_another_thing_in_a_batch: "delete-another-id-in-a-batch" => UNLISTED, 2, [IN_DELETE, MISBEHAVED, "none of the request templates"];
    a_rule_that_turns_at_the_third_thing: "turn-at-the-third" => UNLISTED, 1, [IN_DELETE, MISBEHAVED, "none of the request templates"];
    a_delete_in_list: "delete-in-list" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "only GET and HEAD may be sent outside delete"];
    a_post_in_list: "post-in-list" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "only GET and HEAD may be sent outside delete"];
    a_delete_in_name: "delete-in-name" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "no request may be sent in this function"];
    a_get_in_name: "get-in-name" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "no request may be sent in this function"];
    a_delete_in_owners: "delete-in-owners" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "no request may be sent in this function"];
    a_delete_in_order: "delete-in-order" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "no request may be sent in this function"];

    an_absolute_url: "absolute-url" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "127.0.0.1:9"];
    a_network_path: "network-path" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "127.0.0.1:9"];
    an_empty_segment: "empty-segment" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "/v2//images"];
    dot_segments: "dot-segments" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "/v2/../../identity"];
    encoded_dot_segments: "encoded-dot-segments" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "%2e%2e"];
    an_encoded_slash: "encoded-slash" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "%2f"];
    a_doubly_encoded_slash: "doubly-encoded-slash" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "%252f"];
    a_backslash: "backslash" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "backslash"];
    a_line_break_in_a_path: "line-break-in-path" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "must be percent-encoded"];
    a_fragment: "fragment" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "/v2/images#x"];
    a_user_in_a_path: "user-in-path" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "@127.0.0.1:9"];
    lookalike_letters: "lookalike-letters" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "must be percent-encoded"];
    a_header_with_a_token: "token-header" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "X-Auth-Token"];
    a_header_with_a_host: "host-header" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "Host"];
    a_header_with_a_method: "method-override-header" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "X-HTTP-Method-Override"];
    a_line_break_in_a_header: "line-break-in-header" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "may not be set"];
    a_service_of_another_rule: "foreign-service" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "GET /v3/users to identity"];
    a_service_that_is_a_url: "unknown-service" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "http://127.0.0.1:9"];
    a_link_to_another_origin: "next-link-to-another-origin" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "http://169.254.169.254"];
    the_machine_around_it: "look-around" => UNLISTED, IMAGES, [IN_LIST, "around is: ."];
}

/// Without misdeeds it is a rule like any other: the tests above fail for what the rule does, not for what it is.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_rule_is_let_work_if_it_is_honest() {
    let aftermath = Scene::set("honest").await.sweep();
    aftermath.is_contained().ended(CLEAN, 0, &[]);
    assert_eq!(aftermath.requests("DELETE", "/v2/images/"), IMAGES);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_crashes_again_and_again_is_switched_off() {
    let scene = Scene::set("panic-in-delete").await;
    scene.configure("failures_max = 10", "failures_max = 2");
    let aftermath = scene.sweep();
    aftermath
        .is_contained()
        .ended(UNLISTED, IMAGES, &[IN_DELETE, "the rule is switched off"]);
    let images = &aftermath.scene.images;
    let asked = images
        .iter()
        .map(|id| aftermath.requests("GET", id))
        .sum::<usize>();
    assert_eq!(
        asked, 2,
        "the third deletion was not tried\n{}",
        aftermath.run
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_log_lines_is_cut_off() {
    let aftermath = Scene::set("log-flood").await.sweep();
    aftermath.is_contained().ended(CLEAN, 0, &["flood flood"]);
    let said = aftermath.run.stderr.matches("flood ").count() * "flood ".len();
    assert!((1_000..=4_096).contains(&said), "{said} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_line_is_one_line() {
    let aftermath = Scene::set("log-forgery").await.sweep();
    aftermath.is_contained().ended(CLEAN, 0, &["error: forged"]);
    let stderr = &aftermath.run.stderr;
    assert!(
        !stderr.contains('\x1b') && !stderr.contains("\nerror: forged"),
        "{stderr}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_is_one_line_of_bounded_length() {
    let aftermath = Scene::set("long-error").await.sweep();
    aftermath
        .is_contained()
        .ended(UNLISTED, IMAGES, &[IN_LIST, "error: forged"]);
    let Run { stdout, stderr, .. } = &aftermath.run;
    assert!(
        stdout.len() + stderr.len() < 100_000,
        "{} bytes",
        stdout.len() + stderr.len()
    );
    assert!(
        !stderr.contains('\x1b') && !stderr.contains("\nerror: forged"),
        "{stderr}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rule_writes_to_standard_error_is_logged_up_to_the_limit() {
    let aftermath = Scene::set("stderr-flood").await.sweep_with(&["-vv"]);
    aftermath.is_contained().ended(CLEAN, 0, &["flood 199 xxx"]);
    let said = aftermath.run.stderr.matches('x').count();
    assert!((500..4_096).contains(&said), "{said} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_in_answers_are_blanked() {
    let mut scene = Scene::set("read-secrets").await;
    let credential = json!({"_access": "access-1", "_secret": "hunter2-hunter2"});
    scene.cloud.add("identity.ec2_credential", credential);
    scene.look();
    let aftermath = scene.sweep();
    aftermath
        .is_contained()
        .ended(UNLISTED, IMAGES, &["list of image.secret", "[blanked]"]);
    assert!(!aftermath.run.says("hunter2"), "{}", aftermath.run);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_where_a_rule_tried_to() {
    let aftermath = Scene::set("look-around").await.sweep();
    aftermath.is_contained().ended(UNLISTED, IMAGES, &[IN_LIST]);
    assert!(!aftermath.scene.place.path("misbehave").exists());
    assert!(!Path::new("/misbehave").exists());
}
