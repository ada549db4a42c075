//! A run that did not come to its end, and the same run once more.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{OTHER_TASK, Scene, TASK};
use crate::support::fake_cloud::fault::{Effect, Fault};
use crate::support::fake_cloud::furnish;

const OURS: &str = "s_rally_0a1b2c3d_abcdefgh";

/// A task's server with a nameless volume, of which nothing says whose it is when the server has gone.
async fn server_with_volume() -> (Scene, String) {
    let mut scene = Scene::new().await;
    let server = scene.cloud.add("compute.server", json!({"name": OURS}));
    let volume = scene.cloud.add("block_storage.volume", json!({"name": ""}));
    let attach = |store: &mut _| furnish::attach(store, &server, &volume);
    scene.cloud.edit(attach);
    scene.look();
    (scene, volume)
}

/// Begins a sweep and kills it when the cloud has been asked to delete the volume, which it does not.
async fn killed_at(scene: &Scene, volume: &str) {
    let path = format!("*/volumes/{volume}");
    let never = Effect::Delay(Duration::from_secs(300));
    scene.cloud.inject(Fault::on("DELETE", &path, never));
    let mut command = scene.place.command(scene.arguments(&["--task", TASK]));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut sweep = command.spawn().expect("the binary runs");
    let patience = Instant::now() + Duration::from_secs(120);
    let is_asked = || {
        let mut changes = scene.cloud.mutations().into_iter();
        changes.any(|it| it.method == "DELETE" && it.path.ends_with(volume))
    };
    while !is_asked() {
        assert!(Instant::now() < patience, "it is not asked for");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    sweep.kill().expect("it is killed");
    sweep.wait().expect("it ends");
    scene.cloud.clear_faults();
    assert!(scene.cloud.exists("block_storage.volume", volume));
}

/// What is on record of runs that have not come to their end.
fn records(scene: &Scene) -> usize {
    let folder = scene.place.path("state/runner/runs");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_record = |name: &std::ffi::OsString| name.to_string_lossy().ends_with(".json");
    let names = entries.map(|entry| entry.file_name());
    names.filter(is_record).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_killed_is_finished_by_the_next() {
    let (scene, volume) = server_with_volume().await;
    killed_at(&scene, &volume).await;
    assert_eq!(records(&scene), 1);
    // What a dry run shows is what the run does.
    let plan = scene.sweep(&["--dry-run"]);
    plan.expect_code(0);
    assert!(plan.says(&volume), "{plan}");
    let run = scene.sweep(&[]);
    run.expect_code(0);
    assert!(run.says("\"because\": \"remembered\""), "{run}");
    assert!(!scene.cloud.exists("block_storage.volume", &volume));
    assert_eq!(records(&scene), 0, "nothing is left to be remembered");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_has_taken_up_since_stays() {
    let (scene, volume) = server_with_volume().await;
    killed_at(&scene, &volume).await;
    let renamed = |store: &mut crate::support::fake_cloud::store::Store| {
        let name = furnish::fields(json!({"name": "mine"}));
        store.set("block_storage.volume", &volume, name);
    };
    scene.cloud.edit(renamed);
    scene.sweep(&[]).expect_code(0);
    assert!(scene.cloud.exists("block_storage.volume", &volume));
    assert_eq!(records(&scene), 0, "it is nobody's remnant any more");
}

/// Without the record nobody can know whose the volume was; another task's run is none of its business.
#[tokio::test(flavor = "multi_thread")]
async fn another_tasks_run_and_another_machine_know_nothing_of_it() {
    let (scene, volume) = server_with_volume().await;
    killed_at(&scene, &volume).await;
    scene.run(&["--task", OTHER_TASK]).expect_code(0);
    assert!(scene.cloud.exists("block_storage.volume", &volume));
    assert_eq!(records(&scene), 1);
    let folder = scene.place.path("state/runner/runs");
    std::fs::remove_dir_all(folder).expect("it is removed");
    scene.sweep(&[]).expect_code(0);
    assert!(scene.cloud.exists("block_storage.volume", &volume));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_read_ends_the_run_before_it_begins() {
    let (scene, volume) = server_with_volume().await;
    for (record, why) in [
        ("{", "EOF while parsing"),
        (r#"{"version": 9}"#, "it has version 9"),
    ] {
        scene.place.write("state/runner/runs/broken.json", record);
        let run = scene.sweep(&[]);
        run.expect_code(2);
        assert!(run.stderr.contains("broken.json"), "{run}");
        assert!(run.stderr.contains(why), "{run}");
        assert!(run.stderr.contains("move it away"), "{run}");
    }
    assert!(scene.cloud.mutations().is_empty());
    assert!(scene.cloud.exists("block_storage.volume", &volume));
}

/// What cannot be put on record is not deleted.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_place_for_the_record_nothing_is_deleted() {
    let (scene, _) = server_with_volume().await;
    scene.place.write("state/runner/runs", "a file, no folder");
    let run = scene.sweep(&[]);
    run.expect_code(2);
    assert!(scene.cloud.mutations().is_empty(), "{run}");
}
