//! What an operator chooses of a task's things: exactly that goes, and the plan, the report and `explain` say so.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Scene, TASK, known};
use crate::support::fake_cloud::Known;
use crate::support::run::Run;

/// An image of the task's, by the end of its name.
fn image(scene: &Scene, end: &str, fields: Value) -> String {
    let mut image = json!({"name": format!("s_rally_0a1b2c3d_{end}")});
    let further = fields.as_object().cloned().unwrap_or_default();
    image.as_object_mut().unwrap().extend(further);
    scene.cloud.add("image.image", image)
}

/// Ids of what a report would delete or has deleted.
fn ids(run: &Run) -> BTreeSet<String> {
    let items = run.json["items"].as_array().expect("a report has items");
    let thing = |item: &Value| item["thing"].as_str().unwrap_or_default().to_owned();
    items
        .iter()
        .map(|item| thing(item).split_once('/').unwrap().1.to_owned())
        .collect()
}

fn these<const N: usize>(all: [&String; N]) -> BTreeSet<String> {
    all.into_iter().cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn ages_are_counted_back_from_when_the_run_started() {
    let scene = Scene::new().await;
    let ago = |hours: i64| {
        let at = Timestamp::now() - SignedDuration::from_hours(hours);
        json!({"created_at": at.to_string()})
    };
    let old = image(&scene, "aaaaaaaa", ago(8 * 24));
    let middle = image(&scene, "bbbbbbbb", ago(48));
    let dry = ["--dry-run", "-o", "plan.json", "--only", "image.*"];
    let run = scene.sweep(&[&dry[..], &["--created-before", "7d"]].concat());
    run.expect_code(0);
    assert_eq!(ids(&run), these([&old]), "{run}");
    let plan = std::fs::read_to_string(scene.place.path("plan.json")).unwrap();
    let plan: Value = serde_json::from_str(&plan).unwrap();
    let bound = &run.json["narrowed"]["created_before"];
    assert_eq!(bound, &plan["scope"]["created_until"], "{run}");
    let bound: Timestamp = bound.as_str().expect("a time").parse().unwrap();
    let off = (Timestamp::now() - SignedDuration::from_hours(7 * 24)).duration_since(bound);
    assert!(off.as_secs() < 600, "{bound}");
    let run = scene.sweep(
        &[
            &dry[..],
            &["--created-after", "72h", "--created-before", "1d"],
        ]
        .concat(),
    );
    assert_eq!(ids(&run), these([&middle]), "{run}");
    scene.cloud.clear_requests();
    for text in ["-1d", "0", "0d", "9000y", "7", "2026-01-02", ""] {
        let run = scene.place.run(["--task", TASK, "--created-before", text]);
        run.expect_code(2);
        assert!(run.stdout.is_empty(), "{run}");
    }
    scene
        .sweep(&["--created-after", "1d", "--created-before", "1d"])
        .expect_code(2);
    assert!(scene.cloud.requests().is_empty(), "nothing was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_called_so_stays() {
    let mut scene = Scene::new().await;
    let one = image(&scene, "webwebaa", json!({}));
    let two = image(&scene, "webwebbb", json!({}));
    scene.look();
    let names =
        |flags: &[&str]| scene.sweep(&[flags, &["--dry-run", "--only", "image.*"]].concat());
    for (flags, expected) in [
        (&["--name", "*_webweb??"][..], these([&one, &two])),
        (
            &["--name", "*_webweb??", "--not-name", "*bb"],
            these([&one]),
        ),
        (&["--name", "regex:webweb(a+)$"], these([&one])),
        (
            &["--name", "exact:s_rally_0a1b2c3d_webwebbb"],
            these([&two]),
        ),
        (
            &["--name", "*aa", "--name", "*bb", "--name", "x"],
            these([&one, &two]),
        ),
        (&["--name", "webweb"], BTreeSet::new()),
    ] {
        let run = names(flags);
        run.expect_code(0);
        assert_eq!(ids(&run), expected, "{flags:?}\n{run}");
    }
    for pattern in ["", "regex:(", "a\\"] {
        names(&["--name", pattern]).expect_code(2);
    }
    // Nothing that was not chosen is said to be left.
    let run = scene.sweep(&["--name", "*_webweb??"]);
    run.expect_code(0);
    let gone: BTreeSet<Known> = scene.before.difference(&scene.now()).cloned().collect();
    let gone: BTreeSet<String> = gone.into_iter().map(|item| item.1).collect();
    assert_eq!(gone, these([&one, &two]), "{run}");
    assert_eq!(run.json["narrowed"]["names"], json!([["*_webweb??"]]));
    assert!(
        run.json["summary"]["kept"]["not selected"].as_u64() > Some(10),
        "{run}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chosen_thing_goes_with_what_hangs_on_it_and_explain_says_what_is_not_chosen() {
    let scene = Scene::new().await;
    let servers: Vec<&Known> = scene
        .before
        .iter()
        .filter(|it| it.0 == "compute.server" && it.2.starts_with("s_rally_0a1b2c3d"))
        .collect();
    let [server, other, ..] = servers.as_slice() else {
        panic!("the task has left two servers: {servers:?}");
    };
    let (server, other) = (
        format!("compute.server/{}", server.1),
        format!("compute.server/{}", other.1),
    );
    let dry = scene.sweep(&["--id", &server, "--dry-run"]);
    dry.expect_code(0);
    let items = dry.json["items"].as_array().unwrap();
    let by_name: Vec<&Value> = items
        .iter()
        .filter(|it| it["reason"]["because"] == "name")
        .collect();
    assert_eq!(by_name.len(), 1, "{dry}");
    assert_eq!(by_name[0]["thing"], server.as_str());
    assert!(items.len() > 1, "its ports go with it: {dry}");
    let whole = scene.sweep(&["--dry-run"]);
    assert!(ids(&dry).is_subset(&ids(&whole)));
    let why = scene.run(&["explain", &other, "--task", TASK, "--id", &server]);
    assert_eq!(
        why.json["why"], "kept: not selected: its id is none of those given by --id",
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_fit_nothing_are_said_and_those_of_no_kind_refused() {
    let mut scene = Scene::new().await;
    let one = image(&scene, "aaaaaaaa", json!({}));
    let two = image(&scene, "bbbbbbbb", json!({}));
    scene.look();
    scene.place.write(
        "ids",
        format!("# two images\n\n{one}\n  image.image/{two}\nnetwork.port/{one}\n"),
    );
    let run = scene.sweep(&["--id-file", "ids", "--id", "nowhere"]);
    run.expect_code(0);
    assert_eq!(ids(&run), these([&one, &two]), "{run}");
    assert!(!scene.cloud.exists("image.image", &one) && !scene.cloud.exists("image.image", &two));
    let absent = format!("network.port/{one}");
    assert_eq!(
        run.json["narrowed"]["ids_not_found"],
        json!(["nowhere", absent]),
        "{run}"
    );
    assert!(
        run.stderr.contains("nowhere") && run.stderr.contains(&absent),
        "{run}"
    );
    scene.cloud.clear_requests();
    scene.place.write("empty", "# none\n");
    scene.place.write("odd", "network.port/\n");
    for flags in [
        &["--id", "network.prot/1"][..],
        &["--id", ""],
        &["--id-file", "empty"],
        &["--id-file", "odd"],
        &["--id-file", "absent"],
    ] {
        scene.sweep(flags).expect_code(2);
    }
    assert!(scene.cloud.requests().is_empty(), "nothing was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_choose_among_what_shows_them() {
    let scene = Scene::new().await;
    let one = image(&scene, "aaaaaaaa", json!({"tags": ["nightly", "owner=ci"]}));
    image(&scene, "bbbbbbbb", json!({"tags": ["nightly"]}));
    let run = scene.sweep(&["--tag", "nightly", "--tag", "owner", "--dry-run"]);
    run.expect_code(0);
    assert_eq!(ids(&run), these([&one]), "{run}");
    assert_eq!(
        ids(&scene.sweep(&["--tag", "daily", "--dry-run"])),
        BTreeSet::new()
    );
    scene.sweep(&["--tag", "=x", "--dry-run"]).expect_code(2);
    assert_eq!(known(&scene.left).difference(&scene.now()).count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_remembers_what_was_chosen() {
    let mut scene = Scene::new().await;
    let one = image(&scene, "aaaaaaaa", json!({}));
    scene.look();
    scene
        .sweep(&["--id", &one, "--dry-run", "-o", "plan.json"])
        .expect_code(0);
    let run = scene.run(&["apply", "plan.json"]);
    run.expect_code(0);
    let gone: Vec<Known> = scene.before.difference(&scene.now()).cloned().collect();
    assert_eq!(gone.len(), 1, "{run}");
    assert_eq!(gone[0].1, one);
    assert_eq!(run.json["narrowed"]["ids"], json!([[one]]), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_read_what_narrowed_a_sweep() {
    let scene = Scene::new().await;
    let pack = crate::support::guests::rule_pack();
    let run = scene.place.run([
        "--task",
        TASK,
        "--dry-run",
        "--guests",
        &*pack.to_string_lossy(),
        "--created-before",
        "2030-01-01T00:00:00Z",
        "--name",
        "a*",
        "--not-name",
        "b",
        "--tag",
        "k=v",
        "--id",
        "x",
    ]);
    run.expect_code(0);
    let expected = "only what is made before 2030-01-01T00:00:00Z, and called a*, and not called b, and of id x, and tagged k=v\n";
    assert!(run.stdout.contains(expected), "{run}");
    assert!(
        run.stderr.contains("nothing that was found has the id x"),
        "{run}"
    );
}
