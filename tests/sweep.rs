//! The main job from outside: the real binary, the real rule pack, a cloud at the wire that is compared before and after.
//!
//! Every test states the difference that it expects as a set, so that a thing too few and a thing too many both fail it.

/// What a deletion takes along, hides, or needs more than one look for.
mod along;
/// What was there before.
mod baseline;
/// What a plan is worth: dry run, saved plans, drift.
mod plans;
/// A run that was killed, and the next one.
mod repeated;
/// Saved plans as people look at them.
mod reviewed;
/// What narrows a sweep or refuses it: projects, ages, tags, limits, confirmation.
mod scope;
/// What the operator chooses of what the task left.
mod selected;
/// Objects whose names look like paths.
mod swift;
/// What clouds do on bad days: throttling, broken listings, things that will not go.
mod weather;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::fake_cloud::seed::{self, Manifest, bulk, bulk_networks, bulk_volumes};
use crate::support::fake_cloud::{FakeCloud, Known, Options};
use crate::support::guests::rule_pack;
use crate::support::run::{Place, Run};

const TASK: &str = "0a1b2c3d-1111-4222-8333-444455556666";
const OTHER_TASK: &str = "9f8e7d6c-1111-4222-8333-444455556666";

/// Short pauses, for the fake cloud does in milliseconds what a real one does in seconds.
const IMPATIENT: &str = "[sweep]\npause_ms_min = 20\npause_ms_max = 200\n";

/// Names that look like the task's at a glance, and are not.
const NEAR_MISSES: [&str; 7] = [
    "xs_rally_0a1b2c3d_abcdefgh",
    " s_rally_0a1b2c3d_abcdefgh",
    "s_rally_0a1b2c3d_abcdefg",
    "s_rally_0A1B2C3D_abcdefgh",
    "S_RALLY_0a1b2c3d_abcdefgh",
    "s_rally_0a1b2c3e_abcdefgh",
    "s.rally.0a1b2c3d.abcdefgh",
];

/// A cloud in which two tasks and two tenants have left their things.
struct Scene {
    cloud: FakeCloud,
    place: Place,
    /// What the task left.
    left: Manifest,
    /// What the other task left.
    others: Manifest,
    before: BTreeSet<Known>,
}

impl Scene {
    async fn new() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let cloud = FakeCloud::start(options).await;
        let demo = cloud.project("demo");
        let left = seed::seed_task(&cloud, TASK, &demo, 1);
        let others = seed::seed_task(&cloud, OTHER_TASK, &demo, 1);
        seed::seed_tenant(&cloud, &demo, "shop");
        seed::seed_tenant(&cloud, &cloud.project("other"), "db");
        for name in NEAR_MISSES {
            for kind in ["network.network", "block_storage.volume", "image.image"] {
                cloud.add(kind, json!({"name": name}));
            }
        }
        let place = Place::new(&cloud);
        place.write("runner.toml", IMPATIENT);
        let mut scene = Self {
            cloud,
            place,
            left,
            others,
            before: BTreeSet::new(),
        };
        scene.look();
        scene
    }

    /// Takes what is there now as the state to compare with.
    fn look(&mut self) {
        self.before = self.now();
        self.cloud.clear_requests();
    }

    fn now(&self) -> BTreeSet<Known> {
        self.cloud.things().into_iter().collect()
    }

    /// Sweeps the task's things.
    fn sweep(&self, further: &[&str]) -> Run {
        self.run(&[&["--task", TASK], further].concat())
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.place.run(self.arguments(arguments))
    }

    fn arguments(&self, arguments: &[&str]) -> Vec<String> {
        let pack = rule_pack().to_string_lossy();
        let common = ["--guests", &*pack, "-f", "json"];
        let all = arguments.iter().chain(&common);
        all.map(ToString::to_string).collect()
    }

    /// Fails unless exactly these things are gone, and nothing has appeared.
    #[track_caller]
    fn assert_gone(&self, expected: &BTreeSet<Known>, run: &Run) {
        let now = self.now();
        let gone: BTreeSet<Known> = self.before.difference(&now).cloned().collect();
        let new: Vec<&Known> = now.difference(&self.before).collect();
        let too_many: Vec<&Known> = gone.difference(expected).collect();
        let too_few: Vec<&Known> = expected.difference(&gone).collect();
        assert!(
            too_many.is_empty() && too_few.is_empty() && new.is_empty(),
            "gone and should not be: {too_many:#?}\nleft and should not be: {too_few:#?}\nnew: {new:#?}\n{run}"
        );
    }
}

fn known(manifest: &Manifest) -> BTreeSet<Known> {
    let all = manifest.iter().cloned();
    all.map(|item| (item.kind, item.id, item.name, item.project))
        .collect()
}

/// Waits, for as long as a slow machine may take, until something is so.
async fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < patience, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_the_tasks_things_go() {
    let scene = Scene::new().await;
    let run = scene.sweep(&[]);
    run.expect_code(0);
    scene.assert_gone(&known(&scene.left), &run);
    assert_eq!(run.json["left"], json!([]), "{run}");
    assert_eq!(
        run.json["summary"]["deleted"],
        run.json["summary"]["matched"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_behind_a_full_name_is_the_tasks() {
    let mut scene = Scene::new().await;
    let tailed = scene.cloud.add(
        "image.image",
        json!({"name": "s_rally_0a1b2c3d_abcdefgh_tail"}),
    );
    scene.look();
    scene.sweep(&[]).expect_code(0);
    assert!(!scene.cloud.exists("image.image", &tailed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_sweep_finds_nothing_and_changes_nothing() {
    let scene = Scene::new().await;
    scene.sweep(&[]).expect_code(0);
    scene.cloud.clear_requests();
    let again = scene.sweep(&[]);
    again.expect_code(0);
    assert_eq!(again.json["summary"]["matched"], 0, "{again}");
    assert!(scene.cloud.mutations().is_empty());
    assert!(!scene.cloud.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sweeps_at_once_each_take_their_own() {
    let scene = Scene::new().await;
    let start = |task: &str, log: &str| {
        let mut command =
            scene
                .place
                .command(scene.arguments(&["--task", task, "--audit-log", log]));
        command
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        command.spawn().expect("the binary runs")
    };
    let (one, two) = (start(TASK, "one.jsonl"), start(OTHER_TASK, "two.jsonl"));
    let one = Run::from(one.wait_with_output().expect("it ends"));
    let two = Run::from(two.wait_with_output().expect("it ends"));
    one.expect_code(0);
    two.expect_code(0);
    let both = known(&scene.left)
        .union(&known(&scene.others))
        .cloned()
        .collect();
    scene.assert_gone(&both, &one);
    let deleted = |run: &Run| run.json["summary"]["deleted"].as_u64();
    assert_eq!(deleted(&one), deleted(&two), "{one}{two}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sweeps_of_one_task_at_once_both_end_clean() {
    let scene = Scene::new().await;
    let start = || {
        let mut command = scene.place.command(scene.arguments(&["--task", TASK]));
        command
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        command.spawn().expect("the binary runs")
    };
    let (one, two) = (start(), start());
    for sweep in [one, two] {
        let run = Run::from(sweep.wait_with_output().expect("it ends"));
        run.expect_code(0);
        scene.assert_gone(&known(&scene.left), &run);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_tasks_go_in_one_sweep() {
    let scene = Scene::new().await;
    let run = scene.sweep(&["--task", OTHER_TASK]);
    run.expect_code(0);
    let both = known(&scene.left)
        .union(&known(&scene.others))
        .cloned()
        .collect();
    scene.assert_gone(&both, &run);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_tenant_hangs_on_stays_and_is_named() {
    let mut scene = Scene::new().await;
    let (subnet, network) = subnet_of_the_task(&scene);
    let port = scene.cloud.edit(|store| {
        let project = store.text("network.subnet", &subnet, "project_id");
        crate::support::fake_cloud::furnish::port_on(
            store,
            &project,
            &subnet,
            json!({"name": "shop-port"}),
        )
    });
    scene.look();
    let run = scene.sweep(&[]);
    run.expect_code(3);
    assert!(scene.cloud.exists("network.port", &port), "{run}");
    let left: BTreeSet<&str> = run.json["left"]
        .as_array()
        .unwrap()
        .iter()
        .map(|left| left["thing"].as_str().unwrap())
        .collect();
    let subnet = format!("network.subnet/{subnet}");
    let network = format!("network.network/{network}");
    assert!(left.contains(&*subnet) && left.contains(&*network), "{run}");
    let blocked = blocked_by(&run, &network);
    assert!(
        blocked.contains(&format!("network.port/{port}")),
        "{blocked}"
    );
    let stays = |item: &Known| left.contains(&*format!("{}/{}", item.0, item.1));
    let unlisted = |item: &Known| item.0 == "network.port" && item.2.is_empty();
    let gone: BTreeSet<Known> = scene.before.difference(&scene.now()).cloned().collect();
    let kept: BTreeSet<Known> = known(&scene.left).difference(&gone).cloned().collect();
    for item in &kept {
        assert!(
            stays(item) || unlisted(item),
            "{item:?} was not to stay\n{run}"
        );
    }
    assert!(gone.is_subset(&known(&scene.left)));
    assert!(gone.len() * 2 > scene.left.len(), "the rest goes\n{run}");
}

/// A subnet of the task in the project `demo`, and its network.
fn subnet_of_the_task(scene: &Scene) -> (String, String) {
    let demo = scene.cloud.project("demo");
    let subnet = scene
        .left
        .iter()
        .find(|item| item.kind == "network.subnet" && item.project == demo)
        .expect("the task has a subnet");
    let network = scene
        .cloud
        .field("network.subnet", &subnet.id, "network_id");
    (subnet.id.clone(), network)
}

/// What the report says is in the way of a thing.
fn blocked_by(run: &Run, thing: &str) -> String {
    let items = run.json["items"].as_array().expect("a report has items");
    let item = items.iter().find(|item| item["thing"] == thing);
    item.map(|item| item["blocked_by"].to_string())
        .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_two_hide_nothing() {
    let scene = Scene::with(Options {
        page_max: Some(2),
        ..Options::default()
    })
    .await;
    let run = scene.sweep(&[]);
    run.expect_code(0);
    scene.assert_gone(&known(&scene.left), &run);
}

/// Sweeps a cloud with the standard pauses, and returns what a deleted thing has cost in requests as the cloud counts them.
async fn cost(scale: usize, volumes: usize, networks: usize, at_least: usize) -> f64 {
    let cloud = FakeCloud::start(Options {
        latency: Duration::from_millis(2),
        deletion: Duration::from_millis(300),
        ..Options::default()
    })
    .await;
    let demo = cloud.project("demo");
    seed::seed_task(&cloud, TASK, &demo, scale);
    seed::seed_task(&cloud, OTHER_TASK, &demo, 1);
    let name = |i: usize| format!("s_rally_0a1b2c3d_{i:08}");
    bulk_volumes(&cloud, &demo, volumes, name);
    bulk_networks(&cloud, &demo, networks, name);
    bulk(&cloud, "image.image", &demo, networks, name);
    cloud.clear_requests();
    let place = Place::new(&cloud);
    let pack = rule_pack().to_string_lossy();
    let run = place.run(["--guests", &*pack, "--task", TASK, "-f", "json"]);
    run.expect_code(0);
    let summary = &run.json["summary"];
    let deleted = usize::try_from(summary["deleted"].as_u64().unwrap()).unwrap();
    assert!(
        deleted >= at_least,
        "{deleted} things are too few to say anything"
    );
    let requests = cloud.requests().len();
    assert_eq!(
        summary["requests"], requests,
        "the summary is honest about its cost"
    );
    #[expect(clippy::cast_precision_loss, reason = "both are small")]
    let cost = requests as f64 / deleted as f64;
    cost
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_things_cost_little() {
    let cost = cost(5, 0, 0, 300).await;
    assert!(cost <= 1.6, "{cost} requests per deleted thing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_things_cost_less() {
    let cost = cost(1, 500, 150, 1_000).await;
    assert!(cost <= 1.3, "{cost} requests per deleted thing");
}
