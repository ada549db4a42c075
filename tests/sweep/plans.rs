//! Plans as values: a dry run shows what the real run does, a saved plan is executed as it is or not at all.

use serde_json::{Value, json};

use super::{OTHER_TASK, Scene, TASK, known};
use crate::support::run::Run;

/// Things of a report, in its order, each with its reason.
fn items(run: &Run) -> Vec<(Value, Value)> {
    let items = run.json["items"].as_array().expect("a report has items");
    items
        .iter()
        .map(|item| (item["thing"].clone(), item["why"].clone()))
        .collect()
}

fn edit_plan(scene: &Scene, edit: impl FnOnce(&mut Value)) {
    let path = scene.place.path("plan.json");
    let mut plan = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    edit(&mut plan);
    std::fs::write(path, plan.to_string()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_changes_nothing_and_shows_what_the_real_run_does() {
    let scene = Scene::new().await;
    let dry = scene.sweep(&["--dry-run"]);
    dry.expect_code(0);
    assert!(scene.cloud.mutations().is_empty());
    assert!(scene.place.audit().is_empty(), "nothing was to be changed");
    let real = scene.sweep(&[]);
    real.expect_code(0);
    assert!(!items(&dry).is_empty());
    assert_eq!(items(&dry), items(&real));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detailed_exit_code_tells_whether_there_is_work() {
    let scene = Scene::new().await;
    scene
        .sweep(&["--dry-run", "--detailed-exitcode"])
        .expect_code(10);
    scene.sweep(&[]).expect_code(0);
    scene
        .sweep(&["--dry-run", "--detailed-exitcode"])
        .expect_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_is_executed() {
    let scene = Scene::new().await;
    let dry = scene.sweep(&["--dry-run", "-o", "plan.json"]);
    let run = scene.run(&["apply", "plan.json"]);
    run.expect_code(0);
    assert_eq!(items(&dry), items(&run));
    scene.assert_gone(&known(&scene.left), &run);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_saved_plan_does_not_name_stays() {
    let mut scene = Scene::new().await;
    scene
        .sweep(&["--dry-run", "-o", "plan.json"])
        .expect_code(0);
    let late = scene
        .cloud
        .add("image.image", json!({"name": "s_rally_0a1b2c3d_latecome"}));
    scene.look();
    let run = scene.run(&["apply", "plan.json"]);
    scene.assert_gone(&known(&scene.left), &run);
    run.expect_code(3);
    assert!(run.json["left"].to_string().contains(&late), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_gone_since_the_plan_is_no_drift() {
    let mut scene = Scene::new().await;
    scene
        .sweep(&["--dry-run", "-o", "plan.json"])
        .expect_code(0);
    let image = scene
        .left
        .iter()
        .position(|item| item.kind == "image.image")
        .expect("the task has an image");
    let image = scene.left.remove(image);
    scene.cloud.remove("image.image", &image.id);
    scene.look();
    let run = scene.run(&["apply", "plan.json"]);
    run.expect_code(0);
    scene.assert_gone(&known(&scene.left), &run);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thing_with_a_new_name_stays_and_is_said() {
    for name in ["shop-image", "s_rally_0a1b2c3d_newname1"] {
        let mut scene = Scene::new().await;
        scene
            .sweep(&["--dry-run", "-o", "plan.json"])
            .expect_code(0);
        // One of a tenant's project: the task's own would stay, with all that goes only because it goes.
        let demo = scene.cloud.project("demo");
        let image = scene
            .left
            .iter()
            .position(|item| item.kind == "image.image" && item.project == demo)
            .expect("the task has an image there");
        let image = scene.left.remove(image);
        scene.cloud.edit(|store| {
            let name = json!({ "name": name }).as_object().cloned().unwrap();
            store.set("image.image", &image.id, name);
        });
        scene.look();
        let run = scene.run(&["apply", "plan.json"]);
        run.expect_code(3);
        scene.assert_gone(&known(&scene.left), &run);
        let left = run.json["left"].to_string();
        assert!(left.contains(&image.id), "{run}");
        assert!(left.contains("changed since the plan was made"), "{run}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_forged_into_a_plan_stays() {
    let scene = Scene::new().await;
    scene
        .sweep(&["--dry-run", "-o", "plan.json"])
        .expect_code(0);
    let stranger = scene
        .others
        .iter()
        .find(|item| item.kind == "image.image")
        .expect("the other task has an image");
    edit_plan(&scene, |plan| {
        let mut item = plan["items"][0].clone();
        item["thing"] = format!("image.image/{}", stranger.id).into();
        item["name"] = stranger.name.clone().into();
        plan["items"].as_array_mut().unwrap().push(item);
    });
    let run = scene.run(&["apply", "plan.json"]);
    run.expect_code(3);
    scene.assert_gone(&known(&scene.left), &run);
    assert!(run.json["left"].to_string().contains(&stranger.id), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_good_for_its_place_and_for_a_day() {
    let scene = Scene::new().await;
    scene
        .sweep(&["--dry-run", "-o", "plan.json"])
        .expect_code(0);
    scene.cloud.clear_requests();
    let elsewhere = scene.run(&["apply", "plan.json", "--os-cloud", "demo"]);
    elsewhere.expect_code(6);
    assert!(elsewhere.stderr.contains("another place"), "{elsewhere}");
    assert!(
        elsewhere.stderr.contains("--dry-run"),
        "the cure\n{elsewhere}"
    );
    assert_eq!(elsewhere.json["exit_code"], 6, "{elsewhere}");
    edit_plan(&scene, |plan| {
        plan["place"]["made_at"] = "2020-01-01T00:00:00Z".into();
    });
    let old = scene.run(&["apply", "plan.json"]);
    old.expect_code(6);
    assert!(old.stderr.contains("--plan-max-age"), "the cure\n{old}");
    scene
        .run(&["apply", "plan.json", "--plan-max-age", "soon"])
        .expect_code(2);
    assert!(scene.cloud.mutations().is_empty());
    let run = scene.run(&["apply", "plan.json", "--plan-max-age", "36500d"]);
    run.expect_code(0);
    scene.assert_gone(&known(&scene.left), &run);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_cannot_be_read_is_refused_before_anything_is_asked() {
    let scene = Scene::new().await;
    scene
        .sweep(&["--dry-run", "-o", "plan.json"])
        .expect_code(0);
    scene.cloud.clear_requests();
    edit_plan(&scene, |plan| plan["version"] = 99.into());
    let newer = scene.run(&["apply", "plan.json"]);
    newer.expect_code(2);
    assert!(newer.stderr.contains("99"), "{newer}");
    edit_plan(&scene, |plan| plan["version"] = 1.into());
    let older = scene.run(&["apply", "plan.json"]);
    older.expect_code(2);
    assert!(older.stderr.contains("make the plan anew"), "{older}");
    for garbage in ["", "{", "[]", "{\"version\": 2}", "\u{0}\u{1}"] {
        scene.place.write("plan.json", garbage);
        let run = scene.run(&["apply", "plan.json"]);
        run.expect_code(2);
        assert!(run.stderr.contains("plan.json"), "{run}");
    }
    scene.run(&["apply", "absent.json"]).expect_code(2);
    assert!(scene.cloud.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_can_save_the_plan_that_it_executes() {
    let scene = Scene::new().await;
    let run = scene.sweep(&["-o", "plan.json"]);
    run.expect_code(0);
    let plan: Value =
        serde_json::from_slice(&std::fs::read(scene.place.path("plan.json")).unwrap()).unwrap();
    let planned: Vec<&Value> = plan["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["thing"])
        .collect();
    let shown = items(&run);
    assert_eq!(
        planned,
        shown.iter().map(|(thing, _)| thing).collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_things_are_shown_with_their_reasons() {
    let scene = Scene::new().await;
    let run = scene.sweep(&["--dry-run", "--show-kept"]);
    run.expect_code(0);
    let kept = run.json["kept"].as_array().expect("kept things");
    let found = usize::try_from(run.json["summary"]["found"].as_u64().unwrap()).unwrap();
    assert_eq!(kept.len() + items(&run).len(), found);
    let other = scene
        .others
        .iter()
        .find(|item| item.kind == "network.router")
        .expect("the other task has a router");
    let row = kept
        .iter()
        .find(|kept| kept["thing"] == format!("network.router/{}", other.id));
    assert_eq!(row.expect("it is kept")["reason"]["because"], "other-task");
    let explained = scene.place.run([
        "explain".to_owned(),
        format!("network.router/{}", other.id),
        "--guests".to_owned(),
        crate::support::guests::rule_pack().display().to_string(),
        "--task".to_owned(),
        TASK.to_owned(),
    ]);
    explained.expect_code(0);
    assert!(explained.stdout.contains("kept: other task"), "{explained}");
    let explained = scene.place.run([
        "explain".to_owned(),
        format!("network.router/{}", other.id),
        "--guests".to_owned(),
        crate::support::guests::rule_pack().display().to_string(),
        "--task".to_owned(),
        OTHER_TASK.to_owned(),
    ]);
    assert!(
        explained.stdout.contains("would be deleted: name matches"),
        "{explained}"
    );
    assert!(scene.cloud.mutations().is_empty());
}
