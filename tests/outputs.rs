//! What a run writes beside its report: the stream of its events, its metrics, its JUnit report; and the audit log, looked at.
//!
//! All is tried through the real binary. The stream is replayed and compared with the report, in every way that a run ends.

use std::path::Path;

use runner::event::{Dated, Tally};
use serde_json::{Value, json};

use crate::support::fake_cloud::fault::{Effect, Fault};
use crate::support::fake_cloud::seed::{seed_task, seed_tenant};
use crate::support::fake_cloud::{FakeCloud, Options};
use crate::support::guests::rule_pack;
use crate::support::run::{Place, Run};

const TASK: &str = "0a1b2c3d-1111-4222-8333-444455556666";

/// A cloud in which the task and a tenant have left things, and a guarded image that no deletion moves.
async fn scene() -> (FakeCloud, Place) {
    let cloud = FakeCloud::start(Options::default()).await;
    let demo = cloud.project("demo");
    seed_task(&cloud, TASK, &demo, 1);
    seed_tenant(&cloud, &demo, "shop");
    let guarded = json!({"name": "s_rally_0a1b2c3d_guarded1", "protected": true});
    cloud.add("image.image", guarded);
    let place = Place::new(&cloud);
    place.write(
        "runner.toml",
        "[sweep]\npause_ms_min = 20\npause_ms_max = 200\n",
    );
    place.add_rules(rule_pack());
    (cloud, place)
}

fn lines(text: &str) -> Vec<Value> {
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("a line is JSON"))
        .collect()
}

/// The figures of a stream that was replayed.
fn replayed(text: &str) -> Tally {
    let mut tally = Tally::default();
    for line in text.lines().skip(1) {
        let dated: Dated = serde_json::from_str(line).expect("an event");
        tally.take(&dated.event);
    }
    tally
}

/// Replays a run's stream, and compares it with its report.
#[track_caller]
fn expect_same_figures(place: &Place, run: &Run) {
    let text = std::fs::read_to_string(place.path("events.jsonl")).expect("a stream");
    let all = lines(&text);
    assert_eq!(all[0]["form"], "runner-events/1", "{run}");
    assert_eq!(all[0]["run"], run.json["run"], "{run}");
    assert!(
        all.iter().all(|line| line["run"] == run.json["run"]),
        "{run}"
    );
    assert_eq!(all.last().expect("a line")["event"], "ended", "{run}");
    let tally = replayed(&text);
    let figures = json!({
        "found": tally.found, "matched": tally.matched, "kept": tally.kept, "deleted": tally.deleted,
        "failed": tally.failed, "asked": tally.asked, "blocked": tally.blocked, "left": tally.left,
        "requests": tally.requests, "seconds": (tally.ms / 10) as f64 / 100.0,
    });
    let mut summary = run.json["summary"].clone();
    summary
        .as_object_mut()
        .expect("figures")
        .remove("requests_per_deleted");
    // The report rounds to hundredths.
    let seconds = summary["seconds"].as_f64().expect("a number");
    assert!((seconds * 1000.0 - tally.ms as f64).abs() <= 5.1, "{run}");
    summary["seconds"] = figures["seconds"].clone();
    assert_eq!(figures, summary, "{run}");
    let count = |field: &str| run.json[field].as_array().expect("a list").len();
    assert_eq!(tally.unlisted.len(), count("listing_failures"), "{run}");
    let unserved = run.json["unlooked"].as_array().expect("a list").iter();
    assert_eq!(
        tally.unserved,
        unserved.filter(|it| it["is_failure"] == true).count()
    );
    assert_eq!(tally.exit_code.map(i32::from), run.code, "{run}");
    let matched = all.iter().filter(|line| line["event"] == "matched").count();
    assert_eq!(matched, count("items"), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_replayed_gives_the_figures_of_the_report() {
    let (cloud, place) = scene().await;
    let with_events = |arguments: &[&str]| {
        let run = place.run([arguments, &["--events", "events.jsonl", "-f", "json"]].concat());
        expect_same_figures(&place, &run);
        run
    };
    with_events(&["--task", TASK, "--dry-run", "-o", "plan.json"]).expect_code(0);
    with_events(&["--task", TASK, "--max-deletions", "1"]).expect_code(6);
    // One listing fails, one thing is refused for good, and what hangs on these stays.
    cloud.inject(Fault::on("GET", "*/snapshots/detail*", Effect::Truncate));
    cloud.inject(Fault::on("DELETE", "*/networks/*", Effect::Drop).times(3));
    let run = with_events(&["--task", TASK]);
    assert!(matches!(run.code, Some(3 | 4)), "{run}");
    cloud.clear_faults();
    with_events(&["apply", "plan.json"]);
    with_events(&["--task", TASK]).expect_code(3);
    with_events(&["--task", TASK, "--force"]).expect_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_on_standard_output_send_the_report_to_standard_error() {
    let (_cloud, place) = scene().await;
    let run = place.run(["--task", TASK, "--dry-run", "--events", "-"]);
    run.expect_code(0);
    let events = lines(&run.stdout);
    assert_eq!(events[0]["form"], "runner-events/1", "{run}");
    assert_eq!(events.last().expect("a line")["event"], "ended", "{run}");
    assert!(run.stderr.contains("would be deleted"), "{run}");
    let quiet = place.run(["--task", TASK, "--dry-run", "--events", "-", "-q"]);
    assert_eq!(quiet.expect_code(0).stderr, "", "{quiet}");
    let both = place.run(["--task", TASK, "--events", "-", "-f", "csv"]);
    both.expect_code(2);
    assert!(
        both.stderr.contains("--events") && both.stdout.is_empty(),
        "{both}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_written_ends_the_run_before_it_begins() {
    let (cloud, place) = scene().await;
    cloud.clear_requests();
    place.write("notes.txt", "my notes\n");
    std::fs::create_dir(place.path("folder")).expect("a folder");
    let log = place.path("state/runner/audit.jsonl");
    let log = log.to_string_lossy();
    for (arguments, word) in [
        (
            &["--events", "absent/events.jsonl"][..],
            "absent/events.jsonl",
        ),
        (&["--events", "notes.txt"], "something else"),
        (&["--events", "folder"], "folder"),
        (&["--metrics", "absent/x.prom"], "absent/x.prom"),
        (&["--metrics", "folder"], "folder"),
        (&["--junit", "absent/x.xml"], "absent/x.xml"),
        (&["--plan-out", "absent/plan.json"], "absent/plan.json"),
        (&["--junit", "x", "--metrics", "./x"], "one file"),
        (&["--plan-out", "x", "--metrics", "folder/../x"], "one file"),
        (
            &["--metrics", "log.jsonl", "--audit-log", "log.jsonl"],
            "one file",
        ),
    ] {
        let run = place.run([&["--task", TASK], arguments].concat());
        run.expect_code(2);
        assert!(run.stderr.contains(word), "{arguments:?}: {run}");
    }
    place.run(["--task", TASK, "--dry-run"]).expect_code(0);
    place.write("state/runner/audit.jsonl", "");
    let own = place.run(["--task", TASK, "--metrics", &log]);
    assert!(own.expect_code(2).stderr.contains("the audit log"), "{own}");
    assert_eq!(
        std::fs::read_to_string(place.path("notes.txt"))
            .ok()
            .as_deref(),
        Some("my notes\n")
    );
    assert!(cloud.mutations().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_fails_on_the_way_stops_nothing_and_is_said() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let (cloud, place) = scene().await;
    let images = || {
        cloud
            .things()
            .into_iter()
            .filter(|it| it.0 == "block_storage.volume")
            .count()
    };
    let before = images();
    let run = place.run(["--task", TASK, "--events", "/dev/full", "-f", "json"]);
    run.expect_code(1);
    assert!(
        run.stderr
            .contains("the events of the run cannot be written"),
        "{run}"
    );
    assert_eq!(run.json["exit_code"], 1, "{run}");
    assert!(images() < before, "the sweep went on: {run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_and_junit_say_what_the_report_says() {
    let (_cloud, place) = scene().await;
    let files = [
        "--metrics",
        "runner.prom",
        "--junit",
        "junit.xml",
        "-f",
        "json",
    ];
    let run = place.run([&["--task", TASK], &files[..]].concat());
    run.expect_code(3);
    let metrics = std::fs::read_to_string(place.path("runner.prom")).expect("metrics");
    let says = |line: &str| metrics.lines().any(|it| it == line);
    assert!(says("runner_exit_code{cloud=\"admin\"} 3"), "{metrics}");
    assert!(
        says("runner_things_left{cloud=\"admin\",kind=\"image.image\"} 1"),
        "{metrics}"
    );
    let deleted = metrics
        .lines()
        .filter(|line| line.starts_with("runner_things_deleted{"));
    let deleted: usize = deleted
        .filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok())
        .sum();
    assert_eq!(json!(deleted), run.json["summary"]["deleted"], "{metrics}");
    let junit = std::fs::read_to_string(place.path("junit.xml")).expect("a report");
    assert!(junit.contains("s_rally_0a1b2c3d_guarded1"), "{junit}");
    assert_eq!(junit.matches("<failure").count(), 1, "{junit}");
    let leftovers: Vec<_> = std::fs::read_dir(place.path(""))
        .expect("a folder")
        .filter_map(|it| Some(it.ok()?.file_name().to_string_lossy().into_owned()))
        .filter(|name| name.starts_with(".tmp"))
        .collect();
    assert!(leftovers.is_empty(), "written as a whole: {leftovers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_fails_before_it_begins_leaves_no_old_success() {
    let (_cloud, place) = scene().await;
    let files = ["--metrics", "runner.prom", "--events", "events.jsonl"];
    let dry = ["--task", TASK, "--dry-run"];
    place.run([&dry[..], &files].concat()).expect_code(0);
    let failed = [&dry[..], &files, &["--os-password", "hunter2"]].concat();
    place.run(failed).expect_code(5);
    let metrics = std::fs::read_to_string(place.path("runner.prom")).expect("metrics");
    assert!(metrics.contains("\nrunner_exit_code 5\n"), "{metrics}");
    let events = std::fs::read_to_string(place.path("events.jsonl")).expect("a stream");
    let events = lines(&events);
    assert_eq!(events.len(), 2, "{events:?}");
    assert_eq!(events[1]["exit_code"], 5, "{events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn off_a_terminal_a_line_says_how_far_the_run_is() {
    let (cloud, place) = scene().await;
    let slow = || Effect::Delay(std::time::Duration::from_millis(2_500));
    cloud.inject(Fault::on("GET", "*/images*", slow()).times(1));
    cloud.inject(Fault::on("DELETE", "*/volumes/*", slow()).times(1));
    let beating = ["--task", TASK, "--heartbeat", "1", "-f", "json"];
    let run = place.run(beating);
    let beats = |phase: &str| run.stderr.lines().any(|line| line.starts_with(phase));
    assert!(beats("survey, 1 s: ") || beats("survey, 2 s: "), "{run}");
    assert!(
        run.stderr.contains("waits for a listing of image.image"),
        "{run}"
    );
    assert!(beats("purge, "), "{run}");
    assert!(run.json.is_object(), "{run}");
    cloud.inject(Fault::on("GET", "*/images*", slow()).times(1));
    let quiet = place.run(["--task", TASK, "--heartbeat", "1", "--dry-run", "-q"]);
    assert_eq!(quiet.stderr, "", "{quiet}");
    place
        .run(["--task", TASK, "--heartbeat", "0"])
        .expect_code(2);
}

/// `script` gives a program a terminal; where there is none, nothing is tried.
#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_no_color_is_obeyed() {
    let (_cloud, place) = scene().await;
    let on_a_terminal = |no_color: &str| {
        let runner = place.command(["--task", TASK, "--dry-run", "-v"]);
        let mut script = std::process::Command::new("script");
        let words = runner.get_args().map(|word| word.to_string_lossy());
        let command = words.fold(env!("CARGO_BIN_EXE_runner").to_owned(), |all, word| {
            all + " " + &*word
        });
        script.args(["--quiet", "--return", "--command", &command, "/dev/null"]);
        script.current_dir(place.path("")).env_clear();
        script.envs(
            runner
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        script
            .env("TERM", "xterm-256color")
            .env("NO_COLOR", no_color);
        script.stdin(std::process::Stdio::null()).output()
    };
    let (Ok(plain), Ok(colored)) = (on_a_terminal("1"), on_a_terminal("")) else {
        return;
    };
    let colors = regex::bytes::Regex::new("\u{1b}\\[[0-9;]*m").expect("a pattern");
    let is_colored = |output: &std::process::Output| {
        colors
            .captures_iter(&output.stdout)
            .any(|it| &it[0] != b"\x1b[0m")
    };
    assert!(
        is_colored(&colored),
        "{}",
        String::from_utf8_lossy(&colored.stdout)
    );
    assert!(
        !is_colored(&plain),
        "{}",
        String::from_utf8_lossy(&plain.stdout)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_log_is_verified_and_left_as_it_is() {
    let (_cloud, place) = scene().await;
    let two = [
        place.command(["--task", TASK]).spawn().expect("it runs"),
        place.command(["--task", TASK]).spawn().expect("it runs"),
    ];
    for child in two {
        child.wait_with_output().expect("it ends");
    }
    let log = place.path("state/runner/audit.jsonl");
    let written = std::fs::read_to_string(&log).expect("a log");
    let whole = place.run(["audit", "verify", "-f", "json"]);
    whole.expect_code(0);
    assert_eq!(
        (&whole.json["runs"], &whole.json["broken"]),
        (&json!(2), &Value::Null),
        "{whole}"
    );
    let head = whole.json["head"].as_str().expect("a hash");
    place
        .run(["audit", "verify", "--contains", head])
        .expect_code(0);
    assert_eq!(std::fs::read_to_string(&log).ok(), Some(written.clone()));

    let path = log.to_string_lossy();
    place.write(
        "state/runner/audit.jsonl",
        written.replacen("DELETE", "GET", 1),
    );
    let broken = place.run(["audit", "verify", &path]);
    assert!(
        broken.expect_code(6).stdout.contains("is broken at line "),
        "{broken}"
    );
    let shorter: String = written
        .lines()
        .take(3)
        .map(|line| format!("{line}\n"))
        .collect();
    place.write("state/runner/audit.jsonl", shorter);
    place.run(["audit", "verify"]).expect_code(0);
    place
        .run(["audit", "verify", "--contains", head])
        .expect_code(6);
    place.write("state/runner/audit.jsonl", &written[..written.len() - 9]);
    let torn = place.run(["audit", "verify"]);
    assert!(
        torn.expect_code(0).stdout.contains("its last line is torn"),
        "{torn}"
    );
    place
        .run(["audit", "verify", "nowhere.jsonl"])
        .expect_code(2);
    place
        .run(["audit", "verify", "--contains", "abc"])
        .expect_code(2);
}
