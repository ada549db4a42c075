//! The command line itself: help, streams, forms of output, exit codes, and what is said when something is wrong.
//!
//! Texts are snapshots (`INSTA_UPDATE=always` writes them anew), with ids, times and paths replaced, so that a change of any word
//! shows in review.

/// How a command ends: codes, documents, signals.
mod endings;
/// Ways of authenticating, through the whole program.
mod logins;
/// What is said about wrong input: the cause, the cure, and the exit code.
mod refusals;

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::fake_cloud::fault::{Effect, Fault};
use crate::support::fake_cloud::{FakeCloud, Options};
use crate::support::guests::rule_pack;
use crate::support::run::{Place, Run};

const TASK: &str = "0a1b2c3d-1111-4222-8333-444455556666";

/// Replaces what differs from run to run.
fn stable(text: &str, place: &Place) -> String {
    let mut text = text.replace(&*place.path("").to_string_lossy(), "<place>/");
    text = text.replace(&*rule_pack().to_string_lossy(), "<rules>");
    for (pattern, name) in [
        // Said only where it takes long.
        (r"compiling \S+, once: later runs find it done\n", ""),
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uuid>"),
        (r"\b[0-9a-f]{64}\b", "<sha256>"),
        (r"\b[0-9a-f]{32}\b", "<id>"),
        (r"http://127\.0\.0\.1:\d+", "<cloud>"),
        (r"req-<uuid>", "<request>"),
        (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "<time>"),
        (r"\b\d+ bytes", "<n> bytes"),
        (r"\b[0-9.]+ s(\n|,)", "<n> s$1"),
    ] {
        let pattern = regex::Regex::new(pattern).expect("a pattern");
        text = pattern.replace_all(&text, name).into_owned();
    }
    text
}

/// A cloud with one thing of the task, an image.
async fn one_image() -> (FakeCloud, Place, String) {
    let cloud = FakeCloud::start(Options::default()).await;
    let image = cloud.add("image.image", json!({"name": "s_rally_0a1b2c3d_abcdefgh"}));
    let place = Place::new(&cloud);
    place.add_rule(&rule_pack().join("openstack_image.wasm"), "image.wasm");
    (cloud, place, image)
}

fn dry(place: &Place, format: &str) -> Run {
    place.run(["--task", TASK, "--dry-run", "-f", format])
}

#[test]
fn every_command_has_a_manual_page() {
    let place = Place::unconnected();
    place.run(["man-pages", "pages"]).expect_code(2);
    std::fs::create_dir(place.path("pages")).expect("a folder can be made");
    place.run(["man-pages", "pages"]).expect_code(0);
    for (page, words) in [
        ("runner.1", "Exit codes"),
        ("runner-apply.1", "plan"),
        ("runner-rules-check.1", "contract"),
    ] {
        let text = std::fs::read_to_string(place.path(&format!("pages/{page}")));
        assert!(text.expect("it is there").contains(words), "{page}");
    }
    assert!(!place.path("pages/runner-compile-component.1").exists());
}

#[test]
fn a_build_says_what_it_is() {
    let place = Place::unconnected();
    let run = place.run(["--version"]);
    run.expect_code(0);
    for words in [
        "runner ",
        "commit: ",
        "contract: cleanup:rules@",
        "rule pack: ",
    ] {
        assert!(run.stdout.contains(words), "{words}\n{run}");
    }
    let short = place.run(["-V"]);
    assert_eq!(short.stdout.lines().count(), 1, "{short}");
}

#[test]
fn help_is_complete() {
    let place = Place::unconnected();
    for arguments in [
        &["--help"][..],
        &["-h"],
        &["apply", "-h"],
        &["plan", "-h"],
        &["plan", "show", "-h"],
        &["plan", "graph", "-h"],
        &["plan", "diff", "-h"],
        &["snapshot", "-h"],
        &["explain", "-h"],
        &["names", "-h"],
        &["names", "check", "-h"],
        &["rules", "-h"],
        &["rules", "list", "-h"],
        &["rules", "check", "-h"],
        &["rules", "add", "-h"],
        &["rules", "outdated", "-h"],
        &["rules", "update", "-h"],
        &["rules", "remove", "-h"],
        &["rules", "save", "-h"],
        &["rules", "load", "-h"],
        &["rules", "new", "-h"],
        &["rules", "test", "-h"],
        &["rules", "bench", "-h"],
        &["audit", "-h"],
        &["audit", "verify", "-h"],
        &["doctor", "-h"],
        &["completions", "-h"],
        &["man-pages", "-h"],
    ] {
        let run = place.run(arguments);
        run.expect_code(0);
        assert!(run.stderr.is_empty(), "help is what was asked for: {run}");
        let name = format!("help {}", arguments.join(" ")).replace([' ', '-'], "_");
        insta::assert_snapshot!(name, run.stdout);
    }
}

#[test]
fn no_help_line_is_wider_than_a_hundred_columns() {
    let run = Place::unconnected().run(["--help"]);
    let wide: Vec<&str> = run
        .stdout
        .lines()
        .filter(|line| line.chars().count() > 100)
        .collect();
    assert!(wide.is_empty(), "{wide:#?}");
}

#[test]
fn what_is_no_command_is_refused_on_standard_error() {
    let place = Place::unconnected();
    for arguments in [
        &["--tusk", "x"][..],
        &["purge"],
        &["--task"],
        &["-f", "xml"],
    ] {
        let run = place.run(arguments);
        run.expect_code(2);
        assert!(
            run.stdout.is_empty() && run.stderr.contains("--help"),
            "{run}"
        );
    }
    let run = place.run(["--tasc", "x"]);
    assert!(
        run.stderr.contains("--task"),
        "the nearest flag is named: {run}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_shown_in_every_form() {
    let (_cloud, place, image) = one_image().await;
    for format in ["table", "csv", "value"] {
        let run = dry(&place, format);
        run.expect_code(0);
        assert!(run.stdout.contains(&image), "{run}");
        insta::assert_snapshot!(format!("plan_{format}"), stable(&run.stdout, &place));
    }
    let run = dry(&place, "json");
    let report = run.json.as_object().expect("one object");
    let keys: Vec<&str> = report.keys().map(String::as_str).collect();
    insta::assert_snapshot!("plan_json_keys", keys.join("\n"));
    let yaml: Value = serde_saphyr::from_str(&dry(&place, "yaml").stdout).expect("YAML");
    assert_eq!(yaml["items"], run.json["items"], "both say the same");
    assert_eq!(yaml["items"][0]["thing"], format!("image.image/{image}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_shows_what_has_gone_and_what_has_not() {
    let (cloud, place, _) = one_image().await;
    let guarded = json!({"name": "s_rally_0a1b2c3d_guarded1", "protected": true});
    cloud.add("image.image", guarded);
    let run = place.run(["--task", TASK]);
    run.expect_code(3);
    insta::assert_snapshot!("left_table", stable(&run.stdout, &place));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_cannot_move_the_cursor() {
    let (cloud, place, _) = one_image().await;
    cloud.add(
        "image.image",
        json!({"name": "s_rally_0a1b2c3d_abcdefgh\u{1b}[2J\r"}),
    );
    for format in ["table", "csv", "value"] {
        let run = dry(&place, format);
        run.expect_code(0);
        let controls = run.stdout.chars().filter(|c| c.is_control() && *c != '\n');
        assert_eq!(controls.count(), 0, "{run}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn data_goes_to_standard_output_and_all_else_to_standard_error() {
    let (_cloud, place, _) = one_image().await;
    let run = place.run(["--task", TASK, "--dry-run", "-f", "json", "-vv"]);
    run.expect_code(0);
    assert!(
        run.json.is_object(),
        "only the report is on standard output: {run}"
    );
    assert!(run.stderr.contains("cloud admin"), "{run}");
    let quiet = place.run(["--task", TASK, "--dry-run", "--quiet"]);
    assert!(
        quiet.stderr.is_empty() && !quiet.stdout.is_empty(),
        "{quiet}"
    );
    // Neither stream is a terminal here, so there is nothing to color in the first place.
    assert!(!run.says("\u{1b}["), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_seen_enough_is_no_failure() {
    let (cloud, place, _) = one_image().await;
    for i in 0..2_000 {
        cloud.add(
            "image.image",
            json!({"name": format!("s_rally_0a1b2c3d_{i:08}")}),
        );
    }
    let mut command = place.command(["--task", TASK, "--dry-run", "-f", "json"]);
    let mut run = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut first = String::new();
    let mut reader = BufReader::with_capacity(16, run.stdout.take().expect("a pipe"));
    reader.read_line(&mut first).expect("a line");
    drop(reader);
    let mut said = String::new();
    let mut stderr = run.stderr.take().expect("a pipe");
    stderr.read_to_string(&mut said).expect("text");
    assert_eq!(run.wait().expect("it ends").code(), Some(0), "{said}");
    assert_eq!(stable(&said, &place), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_says_why() {
    let (cloud, place, image) = one_image().await;
    let explain = |thing: &str| place.run(["explain", thing, "--task", TASK]);
    let deleted = explain(&format!("image.image/{image}"));
    deleted.expect_code(0);
    insta::assert_snapshot!("explain_deleted", stable(&deleted.stdout, &place));
    let tenants = cloud.add("image.image", json!({"name": "shop"}));
    let kept = explain(&format!("image.image/{tenants}"));
    insta::assert_snapshot!("explain_kept", stable(&kept.stdout, &place));
    let absent = explain("image.image/nowhere");
    absent.expect_code(0);
    insta::assert_snapshot!("explain_absent", absent.stdout);
    explain("image").expect_code(2);
    explain("image.picture/1").expect_code(2);
    assert!(cloud.mutations().is_empty());
}

#[test]
fn names_are_the_tasks_own() {
    let place = Place::unconnected();
    let run = place.run(["names", "--task", TASK, "-n", "20"]);
    run.expect_code(0);
    let names: Vec<&str> = run.stdout.lines().collect();
    let conforms = regex::Regex::new("^s_rally_0a1b2c3d_[A-Za-z0-9]{8}$").expect("a pattern");
    assert_eq!(names.len(), 20);
    assert!(names.iter().all(|name| conforms.is_match(name)), "{run}");
    let all = place.run(["names", "--task", TASK, "--all"]);
    let labels: Vec<&str> = all
        .stdout
        .lines()
        .filter_map(|line| line.split('\t').next())
        .collect();
    insta::assert_snapshot!("names_labels", labels.join("\n"));
    let unknown = place.run(["names", "--task", TASK, "--label", "rally scenaro"]);
    unknown.expect_code(2);
    insta::assert_snapshot!("names_unknown_label", unknown.stderr);
}

#[test]
fn rules_are_listed_and_checked_without_a_cloud() {
    let place = Place::unconnected();
    place.add_rule(&rule_pack().join("openstack_image.wasm"), "image.wasm");
    let list = place.run(["rules", "list"]);
    list.expect_code(0);
    insta::assert_snapshot!("rules_list", list.stdout);
    let json = place.run(["rules", "list", "-f", "json"]);
    assert_eq!(json.json[0]["kind"], "image.image", "{json}");
    let check = place.run(["rules", "check", "rules/image.wasm"]);
    check.expect_code(0);
    insta::assert_snapshot!("rules_check", stable(&check.stdout, &place));
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_says_how_far_the_clocks_are_apart() {
    let (cloud, place, _) = one_image().await;
    for (ahead, words) in [
        (300, "s ahead of this machine's"),
        (-300, "s behind this machine's"),
    ] {
        cloud.inject(Fault::on("*", "*", Effect::Skew(ahead)));
        let run = place.run(["doctor", "-f", "json"]);
        run.expect_code(0);
        let said = run.json["clock_ahead_s"].as_i64().expect("a number");
        assert!((said - ahead).abs() < 30, "{run}");
        assert!(
            run.stderr.contains("the cloud's clock is") && run.stderr.contains(words),
            "{run}"
        );
        cloud.clear_faults();
    }
    let run = place.run(["doctor"]);
    assert!(
        run.stdout.contains("as this machine's, within a minute"),
        "{run}"
    );
    assert!(!run.stderr.contains("clock"), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_says_who_and_where() {
    let (_cloud, place, _) = one_image().await;
    let admin = place.run(["doctor"]);
    admin.expect_code(0);
    insta::assert_snapshot!("doctor", stable(&admin.stdout, &place));
    let place = place.with_cloud("demo");
    let user = place.run(["doctor", "-f", "json"]);
    assert_eq!(user.json["administrator"], false, "{user}");
    assert_eq!(user.json["user"], "demo");
}

#[test]
fn completions_know_the_flags() {
    for shell in ["bash", "zsh", "fish"] {
        let run = Place::unconnected().run(["completions", shell]);
        run.expect_code(0);
        assert!(
            run.stdout.contains("dry-run") && run.stdout.contains("explain"),
            "{run}"
        );
    }
}
