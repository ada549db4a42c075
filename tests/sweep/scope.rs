//! What narrows a sweep, and the guards that refuse one.

use std::collections::BTreeSet;

use serde_json::json;

use super::{IMPATIENT, Scene, TASK, known};
use crate::support::fake_cloud::Known;
use crate::support::run::Run;

/// The task's things in one project.
fn in_project(scene: &Scene, project: &str) -> BTreeSet<Known> {
    let all = known(&scene.left);
    all.into_iter().filter(|item| item.3 == project).collect()
}

/// Ids of what a report says was or would be deleted.
fn ids(run: &Run) -> BTreeSet<String> {
    let items = run.json["items"].as_array().expect("a report has items");
    let thing = |item: &serde_json::Value| item["thing"].as_str().unwrap_or_default().to_owned();
    items
        .iter()
        .map(|item| thing(item).split_once('/').unwrap().1.to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_another_project_is_touched() {
    let scene = Scene::new().await;
    let demo = scene.cloud.project("demo");
    let run = scene.sweep(&["--project", "demo"]);
    run.expect_code(0);
    let now = scene.now();
    let gone: Vec<&Known> = scene.before.difference(&now).collect();
    assert!(gone.len() > 20, "{run}");
    for item in gone {
        // A floating IP's own port has no project; it goes with the floating IP.
        let is_part = item.3.is_empty() && item.0 == "network.port";
        assert!(
            item.3 == demo || is_part,
            "{item:?} is outside the project\n{run}"
        );
    }
    let left: Vec<Known> = in_project(&scene, &demo)
        .intersection(&now)
        .filter(|item| item.0 != "compute.keypair")
        .cloned()
        .collect();
    assert!(left.is_empty(), "{left:#?}\n{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_are_known_by_name_and_by_id() {
    let scene = Scene::new().await;
    let by_name = scene.sweep(&["--project", "demo", "--dry-run"]);
    let by_id = scene.sweep(&["--project", &scene.cloud.project("demo"), "--dry-run"]);
    assert_eq!(ids(&by_name), ids(&by_id));
    assert!(!ids(&by_name).is_empty());
    let absent = scene.sweep(&["--project", "nowhere"]);
    absent.expect_code(2);
    assert!(absent.stderr.contains("nowhere"), "{absent}");
    let both = scene.sweep(&["--project", "demo", "--project", "other", "--dry-run"]);
    assert_eq!(
        ids(&both),
        ids(&by_name),
        "the task left nothing in the other one"
    );
    assert!(scene.cloud.mutations().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_fits_two_projects_is_refused_with_both() {
    let mut scene = Scene::new().await;
    let demo = scene.cloud.project("demo");
    // Whoever may create projects can call one by another's id.
    let trap = scene.cloud.add("identity.project", json!({"name": demo}));
    scene.look();
    let protect = format!("{IMPATIENT}[protect]\nprojects = [\"{demo}\"]\n");
    for (config, flags) in [
        (IMPATIENT.to_owned(), vec!["--project", &*demo]),
        (protect, vec![]),
    ] {
        scene.place.write("runner.toml", config);
        let run = scene.sweep(&flags);
        run.expect_code(2);
        assert!(
            run.stderr.contains(&demo) && run.stderr.contains(&trap),
            "{run}"
        );
    }
    assert!(scene.cloud.mutations().is_empty());
    scene.place.write("runner.toml", IMPATIENT);
    scene
        .sweep(&["--project", "demo", "--dry-run"])
        .expect_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_cleans_the_own_project_and_no_other() {
    let scene = Scene::new().await;
    let demo = scene.cloud.project("demo");
    let refused = scene.sweep(&["--os-cloud", "demo", "--project", "other"]);
    refused.expect_code(5);
    assert!(refused.stderr.contains("other"), "{refused}");
    assert!(scene.cloud.mutations().is_empty());
    let run = scene.sweep(&["--os-cloud", "demo"]);
    run.expect_code(0);
    let gone: BTreeSet<Known> = scene.before.difference(&scene.now()).cloned().collect();
    assert!(
        gone.len() > 20 && gone.is_subset(&known(&scene.left)),
        "{run}"
    );
    let elsewhere = |item: &&Known| item.3 != demo && !item.3.is_empty();
    assert_eq!(gone.iter().find(elsewhere), None, "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_of_every_task_wants_a_yes() {
    let scene = Scene::new().await;
    let refused = scene.run(&[]);
    refused.expect_code(6);
    assert!(refused.stderr.contains("--yes"), "{refused}");
    assert!(scene.cloud.mutations().is_empty());
    let run = scene.run(&["--yes"]);
    run.expect_code(0);
    let both = known(&scene.left)
        .union(&known(&scene.others))
        .cloned()
        .collect();
    let now = scene.now();
    let gone: BTreeSet<Known> = scene.before.difference(&now).cloned().collect();
    assert!(gone.is_superset(&both), "{run}");
    // Of the near misses those go that are in Rally's form, with any task's digits.
    let others: BTreeSet<&str> = gone.difference(&both).map(|item| &*item.2).collect();
    let near = BTreeSet::from(["s_rally_0a1b2c3e_abcdefgh", "s_rally_0A1B2C3D_abcdefgh"]);
    assert_eq!(others, near);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_deletions_than_allowed_are_none_at_all() {
    let scene = Scene::new().await;
    let refused = scene.sweep(&["--max-deletions", "3"]);
    refused.expect_code(6);
    assert!(refused.stderr.contains("--max-deletions 3"), "{refused}");
    assert!(scene.cloud.mutations().is_empty());
    let enough = scene.left.len().to_string();
    scene.sweep(&["--max-deletions", &enough]).expect_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configured_guard_holds_whatever_the_flags_say() {
    let scene = Scene::new().await;
    let found = scene.before.len();
    let share = scene.left.len() * 100 / found;
    assert!(
        (5..90).contains(&share),
        "a part of the cloud is the task's"
    );
    for (guard, flags, words) in [
        ("max_deletions = 3", &[][..], "more than --max-deletions 3"),
        (
            "max_deletions = 3",
            &["--max-deletions", "99999"],
            "more than --max-deletions 3",
        ),
        ("max_percent = 2", &[], "more than --max-percent 2"),
        (
            "max_percent = 100",
            &["--max-percent", "1"],
            "more than --max-percent 1",
        ),
        ("", &["--max-percent", "0"], "more than --max-percent 0"),
    ] {
        scene
            .place
            .write("runner.toml", format!("{IMPATIENT}[guard]\n{guard}\n"));
        let refused = scene.sweep(flags);
        refused.expect_code(6);
        assert!(
            refused.stderr.contains(words) && refused.stderr.contains("under [guard]"),
            "{refused}"
        );
        // A dry run may always be looked at.
        scene.sweep(&["--dry-run"]).expect_code(0);
    }
    assert!(scene.cloud.mutations().is_empty());
    let enough = "[guard]\nmax_percent = 100\nmax_deletions = 99999\n";
    scene
        .place
        .write("runner.toml", format!("{IMPATIENT}{enough}"));
    let run = scene.sweep(&[]);
    run.expect_code(0);
    scene.assert_gone(&known(&scene.left), &run);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_percentage_is_of_what_the_sweep_may_touch() {
    let scene = Scene::new().await;
    // What lies in other projects makes the part no smaller.
    let dry = scene.sweep(&["--project", "demo", "--dry-run"]);
    let summary = &dry.json["summary"];
    let number = |value: &serde_json::Value| value.as_u64().expect("a number");
    let (matched, found) = (number(&summary["matched"]), number(&summary["found"]));
    let part = matched * 100 / (found - number(&summary["kept"]["outside the project"]));
    assert!(matched * 100 / found + 2 < part, "{dry}");
    let refused = scene.sweep(&[
        "--project",
        "demo",
        "--max-percent",
        &(part - 1).to_string(),
    ]);
    refused.expect_code(6);
    assert!(scene.cloud.mutations().is_empty());
    for (guard, words) in [
        ("max_percent = 0", "max_percent under [guard] is 0"),
        ("max_percent = 101", "max_percent under [guard] is 101"),
        ("max_deletions = 0", "max_deletions under [guard] is 0"),
        (
            "blocked_words = [\" \"]",
            "blocked_words under [guard] holds an empty text",
        ),
        ("max_deletion = 1", "max_deletion"),
    ] {
        scene
            .place
            .write("runner.toml", format!("[guard]\n{guard}\n"));
        let refused = scene.sweep(&["--dry-run"]);
        refused.expect_code(2);
        assert!(refused.stderr.contains(words), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_in_its_name_keeps_a_project_and_all_that_is_in_it() {
    let scene = Scene::new().await;
    let demo = scene.cloud.project("demo");
    scene.place.write(
        "runner.toml",
        format!("{IMPATIENT}[guard]\nblocked_words = [\"DEM\", \"prod\"]\n"),
    );
    for flags in [&["--dry-run"][..], &[]] {
        let run = scene.sweep(flags);
        assert!(run.code == Some(0) || run.code == Some(3), "{run}");
        assert!(
            run.json["summary"]["kept"]["protected"].as_u64() > Some(10),
            "{run}"
        );
    }
    let now = scene.now();
    // A key pair is its user's, and says nothing of a project.
    let gone = scene.before.difference(&now);
    let gone: Vec<&Known> = gone.filter(|it| it.0 != "compute.keypair").collect();
    assert!(!gone.is_empty());
    assert!(gone.iter().all(|item| item.3 != demo), "{gone:#?}");
    // Whoever sees the own project alone is kept from it all the same.
    let run = scene.sweep(&["--os-cloud", "demo", "--dry-run"]);
    assert!(ids(&run).is_empty(), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn origins_divide_the_tasks_things() {
    let scene = Scene::new().await;
    let named = |run: &Run| {
        let items = run.json["items"].as_array().unwrap();
        // A part goes with its whole, whoever gave its name.
        let named = items
            .iter()
            .filter(|item| item["reason"]["because"] == "name");
        let names = named.filter_map(|item| item["name"].as_str());
        names.map(str::to_owned).collect::<BTreeSet<String>>()
    };
    let all = named(&scene.sweep(&["--dry-run"]));
    let scenario = named(&scene.sweep(&["--dry-run", "--origin", "scenario"]));
    let context = named(&scene.sweep(&["--dry-run", "--origin", "context"]));
    let is_scenario = |name: &String| name.starts_with("s_rally_");
    assert!(scenario.iter().all(is_scenario) && !scenario.is_empty());
    assert!(context.iter().all(|name| name.starts_with("c_rally_")) && !context.is_empty());
    let united: BTreeSet<String> = scenario.union(&context).cloned().collect();
    assert_eq!(united, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn protected_tags_and_projects_are_kept() {
    let mut scene = Scene::new().await;
    let tagged = json!({"name": "s_rally_0a1b2c3d_protect1", "tags": ["keep"]});
    let one = scene.cloud.add("image.image", tagged);
    let tagged = json!({"name": "s_rally_0a1b2c3d_protect2", "tags": ["golden"]});
    let two = scene.cloud.add("image.image", tagged);
    let theirs = json!({
        "name": "s_rally_0a1b2c3d_protect3", "project_id": scene.cloud.project("other"),
    });
    let three = scene.cloud.add("image.image", theirs);
    let protect = "[protect]\ntags = [\"golden\"]\nprojects = [\"other\"]\n";
    scene
        .place
        .write("runner.toml", format!("{IMPATIENT}{protect}"));
    scene.look();
    let run = scene.sweep(&["--protect-tag", "keep"]);
    run.expect_code(0);
    scene.assert_gone(&known(&scene.left), &run);
    let kept = run.json["summary"]["kept"]["protected"].as_u64();
    assert!(kept >= Some(3), "{run}");
    scene.place.write("runner.toml", IMPATIENT);
    scene.sweep(&[]).expect_code(0);
    for id in [one, two, three] {
        assert!(
            !scene.cloud.exists("image.image", &id),
            "only the guard kept it"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ages_bound_a_sweep() {
    let scene = Scene::new().await;
    let add = |name: &str, at: &str| {
        let image = json!({"name": format!("s_rally_0a1b2c3d_{name}"), "created_at": at});
        scene.cloud.add("image.image", image)
    };
    let old = add("aaaaaaaa", "2020-01-01T00:00:00Z");
    let edge = add("bbbbbbbb", "2020-06-01T00:00:00Z");
    let end = add("cccccccc", "2020-07-01T00:00:00Z");
    let run = scene.sweep(&[
        "--dry-run",
        "--created-after",
        "2020-06-01T00:00:00Z",
        "--created-before",
        "2020-07-01T00:00:00Z",
    ]);
    run.expect_code(0);
    assert_eq!(ids(&run), BTreeSet::from([edge.clone()]), "{run}");
    let run = scene.sweep(&["--dry-run", "--created-before", "2020-07-01T00:00:00Z"]);
    assert_eq!(ids(&run), BTreeSet::from([old, edge]), "{run}");
    let run = scene.sweep(&["--dry-run", "--created-after", "2020-07-01T00:00:00Z"]);
    assert!(ids(&run).contains(&end), "{run}");
    scene
        .sweep(&["--created-after", "yesterday"])
        .expect_code(2);
    assert!(scene.cloud.mutations().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_id_in_capitals_is_remarked_upon() {
    let scene = Scene::new().await;
    let run = scene.run(&["--task", &TASK.to_uppercase(), "--dry-run"]);
    run.expect_code(0);
    assert!(run.stderr.contains("capital"), "{run}");
}
