//! Bad days: the cloud throttles, hangs up, answers nonsense, or will not let go.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::{IMPATIENT, Scene, TASK, known, wait_until};
use crate::support::fake_cloud::Options;
use crate::support::fake_cloud::fault::{Effect, Fault};
use crate::support::fake_cloud::store::Stuck;
use crate::support::run::Run;

fn answer(status: u16, content_type: &'static str, body: &str) -> Effect {
    Effect::Answer {
        status,
        content_type,
        body: body.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn passing_trouble_is_ridden_out() {
    let throttle = |status| Effect::Throttle {
        status,
        retry_after_s: 1,
    };
    let troubles = [
        (
            "429 on DELETE",
            Fault::on("DELETE", "*", throttle(429)).every(9).times(3),
        ),
        (
            "429 on GET",
            Fault::on("GET", "*", throttle(429)).every(7).times(3),
        ),
        (
            "503 on GET",
            Fault::on("GET", "*", throttle(503)).every(7).times(3),
        ),
        (
            "413 on DELETE",
            Fault::on("DELETE", "*", throttle(413)).every(9).times(3),
        ),
        (
            "413 on GET",
            Fault::on("GET", "*", throttle(413)).every(7).times(3),
        ),
        (
            "502 on GET",
            Fault::on(
                "GET",
                "*",
                answer(502, "text/html", "<html>Bad Gateway</html>"),
            )
            .every(7)
            .times(3),
        ),
        (
            "504 on GET",
            Fault::on("GET", "*", answer(504, "text/html", "<html>Timeout</html>"))
                .every(7)
                .times(3),
        ),
        (
            "GET cut off",
            Fault::on("GET", "*", Effect::Drop).every(5).times(5),
        ),
        (
            "DELETE cut off",
            Fault::on("DELETE", "*", Effect::Drop).every(9).times(3),
        ),
        (
            "DELETE without an answer",
            Fault::on("DELETE", "*", Effect::DropAfter)
                .every(9)
                .times(3),
        ),
        (
            "GET cut in the middle",
            Fault::on("GET", "*", Effect::Sever).every(9).times(2),
        ),
    ];
    for (what, trouble) in troubles {
        let scene = Scene::new().await;
        scene.cloud.inject(trouble);
        let run = scene.sweep(&[]);
        assert_eq!(run.code, Some(0), "{what}: {run}");
        scene.assert_gone(&known(&scene.left), &run);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_for_a_pause_gets_it() {
    let scene = Scene::new().await;
    let throttle = Effect::Throttle {
        status: 429,
        retry_after_s: 2,
    };
    scene
        .cloud
        .inject(Fault::on("GET", "/network/v2.0/routers", throttle).times(1));
    let run = scene.sweep(&["--dry-run"]);
    run.expect_code(0);
    assert!(
        run.json["summary"]["seconds"].as_f64() >= Some(2.0),
        "{run}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_cloud_is_waited_for() {
    let scene = Scene::with(Options {
        latency: Duration::from_millis(50),
        deletion: Duration::from_millis(400),
        ..Options::default()
    })
    .await;
    let run = scene.sweep(&[]);
    run.expect_code(0);
    scene.assert_gone(&known(&scene.left), &run);
}

/// Begins a sweep, and waits until so many changes were asked for.
async fn under_way(scene: &Scene, mut command: Command, changes: usize) -> Child {
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let sweep = command.spawn().expect("the binary runs");
    wait_until("something is deleted", || {
        scene.cloud.mutations().len() >= changes
    })
    .await;
    sweep
}

/// Interrupts a sweep, and waits for its end.
fn interrupted(sweep: Child) -> Run {
    let id = sweep.id().to_string();
    let killed = Command::new("kill").args(["-INT", &id]).status();
    assert!(killed.expect("kill runs").success());
    Run::from(sweep.wait_with_output().expect("it ends"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ends_in_mid_run_is_renewed() {
    let scene = Scene::with(Options {
        latency: Duration::from_millis(20),
        ..Options::default()
    })
    .await;
    let command = scene.place.command(scene.arguments(&["--task", TASK]));
    let sweep = under_way(&scene, command, 1).await;
    scene.cloud.expire_tokens();
    let run = Run::from(sweep.wait_with_output().expect("it ends"));
    run.expect_code(0);
    scene.assert_gone(&known(&scene.left), &run);
    let tokens = scene
        .cloud
        .requests()
        .iter()
        .filter(|request| request.method == "POST" && request.path.ends_with("/auth/tokens"))
        .count();
    assert_eq!(
        tokens, 2,
        "one token, and one renewal however many were refused at once"
    );
}

/// Breaks the listing of images, sweeps, and expects that all but images and projects goes and that somebody is told.
async fn a_broken_listing(what: &str, effect: Effect, says: &str) {
    let scene = Scene::new().await;
    scene
        .cloud
        .inject(Fault::on("GET", "/image/v2/images", effect));
    let run = scene.sweep(&[]);
    assert_eq!(run.code, Some(4), "{what}: {run}");
    let failures = run.json["listing_failures"].as_array().expect("failures");
    let told = failures.iter().any(|failure| {
        failure["kind"] == "image.image" && failure["why"].to_string().contains(says)
    });
    assert!(told, "{what} is told as {says:?}: {run}");
    let gone = scene.before.difference(&scene.now()).cloned().collect();
    let left = known(&scene.left);
    let stays: Vec<_> = left.difference(&gone).collect();
    assert!(gone.is_subset(&left), "{what}: {run}");
    assert!(
        stays.iter().any(|item| item.0 == "image.image")
            && stays.iter().all(|item| may_stay(&item.0)),
        "{what}: {stays:#?}\n{run}"
    );
}

/// Without images nobody can say whether a project is empty, and a project holds on to what is part of it.
fn may_stay(kind: &str) -> bool {
    kind == "image.image"
        || kind == "network.security_group"
        || kind == "network.security_group_rule"
        || kind.starts_with("identity.")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_listing_stops_nothing_else() {
    a_broken_listing("403", answer(403, "text/html", "<h1>403</h1>"), "403").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crashing_listing_stops_nothing_else() {
    a_broken_listing("500", answer(500, "text/plain", "oops"), "500").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_in_html_stops_nothing_else() {
    let page = Effect::Disguise {
        content_type: "text/html",
        body: "<html>maintenance</html>".to_owned(),
    };
    a_broken_listing("HTML", page, "JSON").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_listing_stops_nothing_else() {
    a_broken_listing("truncated JSON", Effect::Truncate, "JSON").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_without_ids_stops_nothing_else() {
    a_broken_listing("no ids", Effect::Without("id".to_owned()), "id").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_without_its_list_stops_nothing_else() {
    a_broken_listing("no list", answer(200, "application/json", "{}"), "images").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_links_to_itself_stops_nothing_else() {
    let page = json!({"images": [], "next": "/v2/images?marker=again"}).to_string();
    a_broken_listing(
        "a loop",
        answer(200, "application/json", &page),
        "does not end",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_another_host_leads_back_to_this_one() {
    let page = json!({"images": [], "next": "http://203.0.113.1/v2/images?marker=1"}).to_string();
    a_broken_listing(
        "another host",
        answer(200, "application/json", &page),
        "does not end",
    )
    .await;
}

fn id_of(scene: &Scene, kind: &str) -> String {
    let found = scene.left.iter().find(|item| item.kind == kind);
    found.expect("the task has one").id.clone()
}

/// Sweeps with a thing that will not go, and returns what the report says of it.
fn what_is_left(scene: &Scene, kind: &str, id: &str) -> (Run, String) {
    let run = scene.sweep(&[]);
    run.expect_code(3);
    assert!(scene.cloud.exists(kind, id));
    let thing = format!("{kind}/{id}");
    let left = run.json["left"].as_array().expect("leftovers");
    let why = left
        .iter()
        .find(|left| left["thing"] == thing)
        .map(|left| left["why"].to_string());
    let why = why.unwrap_or_else(|| panic!("{thing} is not told of\n{run}"));
    (run, why)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_goes_is_given_up_at_the_limit() {
    let scene = Scene::new().await;
    scene
        .place
        .write("runner.toml", format!("{IMPATIENT}disappear_s_max = 1\n"));
    let server = id_of(&scene, "compute.server");
    scene.cloud.stick(&server, Stuck::Forever);
    let (run, why) = what_is_left(&scene, "compute.server", &server);
    assert!(why.contains("disappear_s_max"), "{why}");
    let gone = scene.before.difference(&scene.now()).count();
    assert!(gone > 20, "the rest goes\n{run}");
    scene.cloud.unstick(&server);
    let again = scene.sweep(&[]);
    again.expect_code(0);
    scene.assert_gone(&known(&scene.left), &again);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_ends_in_error_is_not_waited_for() {
    let scene = Scene::new().await;
    let volume = id_of(&scene, "block_storage.volume");
    scene.cloud.stick(&volume, Stuck::Failed);
    let (run, why) = what_is_left(&scene, "block_storage.volume", &volume);
    assert!(why.contains("error_deleting"), "{why}");
    assert!(
        run.json["summary"]["seconds"].as_f64() < Some(30.0),
        "{run}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_server_is_unlocked() {
    let scene = Scene::new().await;
    let server = id_of(&scene, "compute.server");
    scene.cloud.edit(|store| {
        let locked = json!({"locked": true}).as_object().cloned().unwrap();
        store.set("compute.server", &server, locked);
    });
    let run = scene.sweep(&[]);
    run.expect_code(0);
    scene.assert_gone(&known(&scene.left), &run);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protected_image_is_left_and_told() {
    let mut scene = Scene::new().await;
    let image = json!({"name": "s_rally_0a1b2c3d_guarded1", "protected": true});
    let image = scene.cloud.add("image.image", image);
    scene.look();
    let (run, why) = what_is_left(&scene, "image.image", &image);
    assert!(why.contains("protected"), "{why}");
    scene.assert_gone(&known(&scene.left), &run);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_sweep_says_so_and_leaves_a_complete_log() {
    let scene = Scene::with(Options {
        latency: Duration::from_millis(30),
        deletion: Duration::from_secs(30),
        ..Options::default()
    })
    .await;
    let command = scene
        .place
        .hearing_command(scene.arguments(&["--task", TASK]));
    let sweep = under_way(&scene, command, 4).await;
    let run = interrupted(sweep);
    run.expect_code(130);
    assert!(run.stderr.contains("interrupted"), "{run}");
    let log = scene.place.audit();
    let ids = |record: &str| -> Vec<&Value> {
        let entries = log.iter().filter(|entry| entry["record"] == record);
        entries.map(|entry| &entry["intention"]).collect()
    };
    let (mut intentions, mut outcomes) = (ids("intention"), ids("outcome"));
    intentions.sort_by_key(|id| id.as_u64());
    outcomes.sort_by_key(|id| id.as_u64());
    assert_eq!(intentions, outcomes, "every change has its outcome");
    assert_eq!(intentions.len(), scene.cloud.mutations().len());
    let last = log.last().expect("a log");
    assert_eq!(last["exit_code"], 130, "{last}");
}

/// What is still waiting for an instance of its rule is not under way.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_begins_after_a_signal() {
    let scene = Scene::with(Options {
        latency: Duration::from_millis(400),
        ..Options::default()
    })
    .await;
    scene
        .place
        .write("runner.toml", "[limits]\ninstances_max = 1\n");
    let arguments = scene.arguments(&["--task", TASK, "--only", "network.*"]);
    let command = scene.place.hearing_command(arguments);
    let sweep = under_way(&scene, command, 1).await;
    let run = interrupted(sweep);
    run.expect_code(130);
    let doomed = run.json["items"].as_array().map_or(0, Vec::len);
    assert!(doomed > 6, "{run}");
    assert!(scene.cloud.mutations().len() <= 3, "{run}");
}
