//! Wrong input: one paragraph with the cause and the cure, the right exit code, nothing on standard output, and nothing changed.

use std::path::Path;

use super::{TASK, one_image, stable};
use crate::support::fake_cloud::FakeCloud;
use crate::support::fake_cloud::fault::{Effect, Fault};
use crate::support::guests::rule_pack;
use crate::support::run::{Place, Run};

/// Checks what all refusals have in common, and compares the words with the snapshot of this name.
#[track_caller]
fn refuses(name: &str, code: i32, run: &Run, place: &Place, cloud: &FakeCloud) {
    run.expect_code(code);
    assert_eq!(run.stdout, "", "data is all that belongs here: {run}");
    assert!(
        run.stderr.starts_with("error: ") || run.stderr.contains("\nerror: "),
        "{run}"
    );
    assert!(
        run.stderr.lines().count() <= 3,
        "more than a paragraph: {run}"
    );
    assert!(cloud.mutations().is_empty(), "{run}");
    insta::assert_snapshot!(format!("refusal_{name}"), stable(&run.stderr, place));
}

/// A component with one text in place of another of the same length.
fn altered(component: &str, old: &str, new: &str) -> Vec<u8> {
    assert_eq!(old.len(), new.len(), "lengths are part of the format");
    let mut bytes = std::fs::read(rule_pack().join(component)).expect("a component");
    let places: Vec<usize> = bytes
        .windows(old.len())
        .enumerate()
        .filter(|(_, window)| *window == old.as_bytes())
        .map(|(place, _)| place)
        .collect();
    assert!(!places.is_empty(), "{component} holds {old}");
    for place in places {
        bytes[place..place + old.len()].copy_from_slice(new.as_bytes());
    }
    bytes
}

fn sweep(place: &Place, further: &[&str]) -> Run {
    place.run([&["--task", TASK], further].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_cloud() {
    let (cloud, place, _) = one_image().await;
    let run = sweep(&place, &["--os-cloud", "admim"]);
    refuses("unknown_cloud", 2, &run, &place, &cloud);
    assert!(cloud.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_configuration() {
    let (cloud, place, _) = one_image().await;
    place.write("clouds.yaml", "clouds:\n  admin: {auth: [\n");
    refuses("broken_yaml", 2, &sweep(&place, &[]), &place, &cloud);
    place.write("clouds.yaml", cloud.clouds_yaml());
    place.write("runner.toml", "[sweep]\ndeadlines = 1\n");
    let run = sweep(&place, &[]);
    run.expect_code(2);
    assert!(
        run.stderr.contains("deadlines") && run.stderr.contains("line 2"),
        "{run}"
    );
    assert!(cloud.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_cloud_at_all() {
    let (cloud, place, _) = one_image().await;
    let mut command = place.command(["--task", TASK]);
    command
        .env_remove("OS_CLOUD")
        .env_remove("OS_CLIENT_CONFIG_FILE");
    std::fs::remove_file(place.path("clouds.yaml")).expect("it was there");
    let run = Run::from(command.output().expect("the binary runs"));
    run.expect_code(2);
    assert!(
        run.stderr.contains("clouds.yaml") && run.stderr.contains("OS_AUTH_URL"),
        "{run}"
    );
    assert!(cloud.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_variable() {
    let (cloud, place, _) = one_image().await;
    let mut command = place.command(["--task", TASK]);
    command
        .env_remove("OS_CLOUD")
        .env_remove("OS_CLIENT_CONFIG_FILE")
        .env("OS_AUTH_URL", cloud.auth_url())
        .env("OS_USERNAME", "admin");
    std::fs::remove_file(place.path("clouds.yaml")).expect("it was there");
    let run = Run::from(command.output().expect("the binary runs"));
    refuses("missing_variable", 2, &run, &place, &cloud);
    place.write("clouds.yaml", cloud.clouds_yaml());
    let service = "[services.registry]\nurl = \"http://127.0.0.1:1\"\nbearer_token_env = \"REGISTRY_TOKEN\"\n";
    place.write("runner.toml", service);
    refuses(
        "missing_service_variable",
        2,
        &sweep(&place, &[]),
        &place,
        &cloud,
    );
    assert!(cloud.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password() {
    let (cloud, place, _) = one_image().await;
    let run = sweep(&place, &["--os-password", "hunter2"]);
    refuses("wrong_password", 5, &run, &place, &cloud);
    assert!(!run.says("hunter2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_passcode_a_missing_one_and_one_that_is_misspelled() {
    let (cloud, place, _) = one_image().await;
    let yaml = |more: &str| {
        format!(
            "clouds:\n  admin:\n    auth_type: v3totp\n    auth: {{auth_url: {}, username: admin, {more}project_name: admin}}\n",
            cloud.auth_url()
        )
    };
    place.write("clouds.yaml", yaml(""));
    let run = sweep(&place, &["--os-passcode", "999999"]);
    refuses("wrong_passcode", 5, &run, &place, &cloud);
    assert!(!run.says("999999"));
    assert_eq!(cloud.requests().len(), 1, "it is not tried again: {run}");
    refuses("missing_passcode", 2, &sweep(&place, &[]), &place, &cloud);
    place.write("clouds.yaml", yaml("passcode: 012345, projct_id: x, "));
    refuses("misspelled_key", 2, &sweep(&place, &[]), &place, &cloud);
    assert_eq!(cloud.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trust_that_does_not_exist() {
    let (cloud, place, _) = one_image().await;
    let run = sweep(&place, &["--os-cloud", "demo", "--os-trust-id", "0000"]);
    refuses("no_trust", 5, &run, &place, &cloud);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_role_in_the_project() {
    let (cloud, place, _) = one_image().await;
    let run = sweep(
        &place,
        &["--os-cloud", "demo", "--os-project-name", "other"],
    );
    refuses("no_role", 5, &run, &place, &cloud);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token() {
    let (cloud, place, _) = one_image().await;
    let yaml = format!(
        "clouds:\n  admin:\n    auth_type: token\n    auth: {{auth_url: {}, token: gAAAAAstale, project_name: admin, project_domain_id: default}}\n",
        cloud.auth_url()
    );
    place.write("clouds.yaml", yaml);
    let run = sweep(&place, &[]);
    refuses("expired_token", 5, &run, &place, &cloud);
    assert!(!run.says("gAAAAAstale"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_that_is_not_there() {
    let (cloud, place, _) = one_image().await;
    let run = sweep(&place, &["--os-auth-url", "http://127.0.0.1:9/v3"]);
    run.expect_code(4);
    assert!(
        run.stderr
            .contains("auth_url, which is http://127.0.0.1:9/"),
        "{run}"
    );
    assert!(cloud.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_region() {
    let (cloud, place, _) = one_image().await;
    let run = sweep(&place, &["--os-region-name", "RegionTwo"]);
    refuses("unknown_region", 2, &run, &place, &cloud);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_for_a_service_that_the_cloud_does_not_have() {
    let (cloud, place, _) = one_image().await;
    let strange = altered(
        "openstack_load_balancer.wasm",
        "load-balancer",
        "rubber-plants",
    );
    place.write("rules/image.wasm", strange);
    refuses("unknown_service", 2, &sweep(&place, &[]), &place, &cloud);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_are_not_there_or_no_rules() {
    let (cloud, place, _) = one_image().await;
    let guests = |path: &str| sweep(&place, &["--guests", path]);
    refuses("guests_absent", 2, &guests("nowhere"), &place, &cloud);
    std::fs::create_dir(place.path("empty")).expect("a folder");
    refuses("guests_empty", 2, &guests("empty"), &place, &cloud);
    place.write("text/note.wasm", "#!/bin/sh\n");
    refuses("guests_text", 2, &guests("text"), &place, &cloud);
    place.write("module/core.wasm", b"\0asm\x01\0\0\0");
    refuses("guests_core_module", 2, &guests("module"), &place, &cloud);
    place.write("other/plain.wasm", b"\0asm\x0d\0\x01\0");
    refuses("guests_no_rule", 2, &guests("other"), &place, &cloud);
    assert!(cloud.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_do_not_fit() {
    let (cloud, place, _) = one_image().await;
    let image = "openstack_image.wasm";
    let newer = altered(image, "@0.1.0", "@0.2.0");
    place.write("newer/image.wasm", newer);
    let run = sweep(&place, &["--guests", "newer"]);
    refuses("other_contract", 2, &run, &place, &cloud);
    assert!(
        run.stderr.contains("0.2.0") && run.stderr.contains("0.1.0"),
        "both versions: {run}"
    );
    let greedy = altered(image, "cleanup:rules/http@", "cleanup:rules/exec@");
    place.write("greedy/image.wasm", greedy);
    let run = sweep(&place, &["--guests", "greedy"]);
    refuses("unknown_import", 2, &run, &place, &cloud);
    assert!(cloud.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_rules_for_one_kind() {
    let (cloud, place, _) = one_image().await;
    let image = rule_pack().join(Path::new("openstack_image.wasm"));
    place.add_rule(&image, "pictures.wasm");
    let run = sweep(&place, &[]);
    refuses("two_rules", 2, &run, &place, &cloud);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_of_a_key_is_shown_to_nobody() {
    const SECRET: &str = "MC4CAQAwBQYDK2VwBCIEIHNlY3JldHNl";
    let (cloud, place, _) = one_image().await;
    let broken = [
        format!("-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----\n"),
        format!("-----BEGIN PRIVATE KEY-----\n{SECRET}"),
        format!("-----BEGIN {SECRET}"),
        format!("{SECRET}\n{SECRET}"),
    ];
    for text in &broken {
        let yaml = cloud.clouds_yaml();
        for key in ["cacert", "cert", "key"] {
            let flag = format!("--os-{key}");
            let mut command = place.command(["--task", TASK, &flag, text, "-vv"]);
            if key == "key" {
                command.args(["--os-cert", text]);
            }
            let run = Run::from(command.output().expect("the binary runs"));
            run.expect_code(2);
            assert!(!run.says(SECRET), "{run}");
            let block = text.replace('\n', "\n      ");
            place.write(
                "clouds.yaml",
                yaml.replacen(
                    "  admin:\n",
                    &format!("  admin:\n    {key}: |\n      {block}\n"),
                    1,
                ),
            );
            let run = sweep(&place, &[]);
            run.expect_code(2);
            assert!(
                !run.says(SECRET) && run.stderr.starts_with("error: "),
                "{run}"
            );
            place.write("clouds.yaml", &yaml);
        }
    }
    let log = place.path("state/runner/audit.jsonl");
    assert!(
        !std::fs::read_to_string(log)
            .unwrap_or_default()
            .contains(SECRET)
    );
    assert!(cloud.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_leads_elsewhere() {
    let (cloud, place, _) = one_image().await;
    let there = Effect::Redirect("https://keystone.example.org/v3/auth/tokens".to_owned());
    cloud.inject(Fault::on("POST", "/identity/v3/auth/tokens", there));
    let run = sweep(&place, &[]);
    run.expect_code(2);
    assert!(
        run.stderr.contains("to https://keystone.example.org/v3:")
            && run.stderr.contains("auth_url"),
        "{run}"
    );
    assert_eq!(
        cloud.requests().len(),
        1,
        "a credential goes nowhere else: {run}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_fits_nothing_or_stops_everything() {
    let (cloud, place, _) = one_image().await;
    for (text, words) in [
        (
            "[rules.imagee]\nexcept = [\"image.image\"]\n",
            ["[rules.imagee]", "did you mean `image`"],
        ),
        (
            "[sweep]\nlistings_max = 0\n",
            ["listings_max under [sweep] is 0", "from 1 to"],
        ),
        (
            "[sweep]\ndeadline_s = 9223372036854775807\n",
            ["deadline_s under [sweep]", "from 1 to"],
        ),
        (
            "[limits]\npages_max = 0\n",
            ["pages_max under [limits] is 0", "from 1 to"],
        ),
    ] {
        place.write("runner.toml", text);
        let run = sweep(&place, &[]);
        run.expect_code(2);
        assert!(words.iter().all(|it| run.stderr.contains(it)), "{run}");
    }
    assert!(cloud.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_no_uuid_is_taken_and_said_so() {
    let (cloud, place, _) = one_image().await;
    let run = place.run(["--task", "nightly-7", "--dry-run"]);
    run.expect_code(0);
    assert!(
        run.stderr.contains("nightly-7") && run.stderr.contains("no UUID"),
        "{run}"
    );
    assert!(cloud.mutations().is_empty());
    let run = place.run(["--task", "", "--dry-run"]);
    run.expect_code(2);
}
