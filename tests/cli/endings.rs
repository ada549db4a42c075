//! How a command ends: the code, the document that it leaves, and what a signal makes of it.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{TASK, one_image};
use crate::support::fake_cloud::FakeCloud;
use crate::support::fake_cloud::fault::{Effect, Fault};
use crate::support::run::{Place, Run};

/// What is said on standard output as one document, whichever of the two forms it is in.
#[track_caller]
fn document(run: &Run, format: &str) -> Value {
    let read = if format == "json" {
        serde_json::from_str(&run.stdout).map_err(|error| error.to_string())
    } else {
        serde_saphyr::from_str(&run.stdout).map_err(|error| error.to_string())
    };
    read.unwrap_or_else(|error| panic!("one document ({error}): {run}"))
}

fn start(place: &Place, arguments: &[&str]) -> Child {
    let mut command = place.hearing_command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the binary runs")
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(sent.expect("kill runs").success());
}

/// Waits until a request has arrived that begins so.
async fn until_asked(cloud: &FakeCloud, method: &str, path: &str) {
    let patience = Instant::now() + Duration::from_secs(300);
    let has_arrived = || {
        let mut requests = cloud.requests().into_iter();
        requests.any(|it| it.method == method && it.path.contains(path))
    };
    while !has_arrived() {
        assert!(Instant::now() < patience, "no {method} {path}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_exit_leaves_one_document() {
    let (cloud, place, _) = one_image().await;
    let broken = place.write("broken.json", "{");
    let broken = broken.to_string_lossy();
    let cases: &[(i32, &[&str])] = &[
        (2, &["--tusk", "x"]),
        (2, &["--task", TASK, "--os-cloud", "nowhere"]),
        (2, &["apply", &broken]),
        (2, &["explain", "image", "--task", TASK]),
        (5, &["--task", TASK, "--os-password", "hunter2"]),
        (6, &["--task", TASK, "--max-deletions", "0"]),
        (6, &[]),
        (0, &["--task", TASK, "--dry-run"]),
        (0, &["explain", "image.image/x", "--task", TASK]),
        (0, &["doctor"]),
    ];
    for (code, arguments) in cases {
        for format in ["json", "yaml"] {
            let run = place.run([*arguments, &["-f", format]].concat());
            run.expect_code(*code);
            let document = document(&run, format);
            if *code != 0 {
                assert_eq!(document["exit_code"], *code, "{run}");
                let error = document["error"].as_str().expect("it says why");
                assert!(!error.is_empty() && !error.starts_with("error"), "{run}");
                assert!(run.stderr.contains("error: "), "{run}");
            }
        }
    }
    assert!(cloud.mutations().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_leaves_what_is_known() {
    let (_cloud, place, image) = one_image().await;
    let run = place.run(["--task", TASK, "--max-deletions", "0", "-f", "json"]);
    run.expect_code(6);
    let thing = format!("image.image/{image}");
    assert_eq!(run.json["items"][0]["thing"], thing, "{run}");
    assert_eq!(run.json["items"][0]["result"], "untried", "{run}");
    assert_eq!(run.json["changed"], false, "{run}");
    // People are told in a line.
    let run = place.run(["--task", TASK, "--max-deletions", "0"]);
    assert_eq!(run.expect_code(6).stdout, "", "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_exclude_each_other_or_do_nothing_are_refused() {
    let (cloud, place, _) = one_image().await;
    let cases: &[(&str, &[&str])] = &[
        (
            "--unmatched",
            &["--origin", "context", "--unmatched", "--project", "demo"],
        ),
        ("--shared", &["--task", TASK, "--shared"]),
        (
            "rubber-plants",
            &["--task", TASK, "--unlooked", "rubber-plants"],
        ),
    ];
    for (word, arguments) in cases {
        let run = place.run(*arguments);
        run.expect_code(2);
        assert!(run.stderr.contains(word), "{run}");
    }
    assert!(cloud.mutations().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_word_is_in_the_report() {
    let (_cloud, place, _) = one_image().await;
    let run = place.run([
        "--task",
        TASK,
        "--dry-run",
        "--unlooked",
        "compute",
        "-f",
        "json",
    ]);
    run.expect_code(0);
    let unlooked = run.json["unlooked"].as_array().expect("a list");
    let by_word: Vec<(&Value, &Value)> = unlooked
        .iter()
        .map(|it| (&it["service"], &it["by_word"]))
        .collect();
    assert!(
        by_word.contains(&(&json!("compute"), &json!(true))),
        "{run}"
    );
    assert!(
        by_word.contains(&(&json!("network"), &json!(false))),
        "{run}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_before_the_plan_is_whole_changes_nothing() {
    for name in ["-INT", "-TERM", "-HUP"] {
        let (cloud, place, _) = one_image().await;
        cloud.inject(Fault::on(
            "GET",
            "*/images*",
            Effect::Delay(Duration::from_secs(30)),
        ));
        let sweep = start(&place, &["--task", TASK, "-f", "json", "-o", "plan.json"]);
        until_asked(&cloud, "GET", "/images").await;
        signal(&sweep, name);
        let run = Run::from(sweep.wait_with_output().expect("it ends"));
        run.expect_code(130);
        assert_eq!(run.json["interrupted"], true, "{name}: {run}");
        assert_eq!(run.json["exit_code"], 130, "{name}: {run}");
        assert_eq!(run.json["surveyed"], false, "{name}: {run}");
        assert_eq!(run.json["listing_failures"], json!([]), "{name}: {run}");
        assert!(
            !place.path("plan.json").exists(),
            "a plan that is not whole is none"
        );
        assert!(cloud.mutations().is_empty(), "{name}: {run}");
        let log = place.audit();
        assert_eq!(log.last().expect("a log")["exit_code"], 130, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_before_anything_was_listed_leaves_a_document_too() {
    let (cloud, place, _) = one_image().await;
    let never = Effect::Delay(Duration::from_secs(300));
    cloud.inject(Fault::on("POST", "*/auth/tokens", never));
    let sweep = start(&place, &["--task", TASK, "-f", "json"]);
    until_asked(&cloud, "POST", "/auth/tokens").await;
    signal(&sweep, "-TERM");
    let run = Run::from(sweep.wait_with_output().expect("it ends"));
    run.expect_code(130);
    assert_eq!(run.json["exit_code"], 130, "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_leaves_at_once() {
    let (cloud, place, _) = one_image().await;
    cloud.inject(Fault::on(
        "DELETE",
        "*",
        Effect::Delay(Duration::from_secs(300)),
    ));
    let mut sweep = start(&place, &["--task", TASK]);
    until_asked(&cloud, "DELETE", "/images").await;
    signal(&sweep, "-TERM");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(
        sweep.try_wait().expect("it can be asked").is_none(),
        "it waits for the deletion"
    );
    signal(&sweep, "-HUP");
    let run = Run::from(sweep.wait_with_output().expect("it ends"));
    run.expect_code(130);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_that_is_ignored_stays_ignored() {
    let (cloud, place, _) = one_image().await;
    cloud.inject(Fault::on("GET", "*/images*", Effect::Delay(Duration::from_secs(2))).times(1));
    let runner = place.command(["--task", TASK]);
    let mut under_nohup = Command::new("sh");
    under_nohup.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]);
    under_nohup
        .arg(runner.get_program())
        .args(runner.get_args());
    under_nohup.current_dir(place.path(""));
    under_nohup.env_clear();
    under_nohup.envs(
        runner
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    under_nohup.stdout(Stdio::piped()).stderr(Stdio::piped());
    let sweep = under_nohup.spawn().expect("sh runs");
    until_asked(&cloud, "GET", "/images").await;
    signal(&sweep, "-HUP");
    let run = Run::from(sweep.wait_with_output().expect("it ends"));
    run.expect_code(0);
}

#[test]
fn the_readme_and_the_help_have_every_exit_code() {
    use runner::exit::Exit;
    let readme = include_str!("../../README.md");
    let help = Place::unconnected()
        .run(["--help"])
        .stdout
        .replace('\n', " ");
    for exit in Exit::ALL {
        let code = exit.code();
        assert!(
            readme.contains(&format!("\n| {code} | ")),
            "README has {code}"
        );
        assert!(help.contains(&format!("{code} ")), "the help has {code}");
    }
    let order: Vec<String> = Exit::ALL
        .iter()
        .rev()
        .map(|it| it.code().to_string())
        .collect();
    assert_eq!(order.join(", "), "130, 1, 2, 5, 6, 4, 3, 10, 0");
    assert!(
        readme.contains(&order.join(", ")),
        "README has the order of precedence"
    );
}
