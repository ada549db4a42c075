//! Sweeps as somebody who shows more, or less, than a password.

use serde_json::Value;

use super::{TASK, one_image};
use crate::support::fake_cloud::FakeCloud;
use crate::support::run::Run;

/// Requests for tokens whose factors include this one.
fn shown(cloud: &FakeCloud, method: &str) -> usize {
    let requests = cloud.requests();
    let factors = requests
        .iter()
        .map(|it| it.body.pointer("/auth/identity/methods"));
    let has = |methods: &Value| {
        methods
            .as_array()
            .is_some_and(|it| it.iter().any(|it| it == method))
    };
    factors.flatten().filter(|it| has(it)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_by_password_and_passcode_shows_the_passcode_once_and_says_when_it_ends() {
    let (cloud, place, image) = one_image().await;
    let yaml = format!(
        "clouds:\n  admin:\n    auth_type: v3multifactor\n    auth:\n      auth_url: {}\n      auth_methods: [v3password, v3totp]\n      \
         username: admin\n      password: secret\n      project_name: admin\n",
        cloud.auth_url()
    );
    place.write("clouds.yaml", yaml);
    let mut command = place.command(["--task", TASK]);
    command.env("OS_PASSCODE", "012345");
    let run = Run::from(command.output().expect("the binary runs"));
    run.expect_code(0);
    assert!(!cloud.exists("image.image", &image), "{run}");
    assert!(
        run.stderr.contains("the token ends at")
            && run.stderr.contains("a passcode is good for one login"),
        "{run}"
    );
    assert_eq!(
        (shown(&cloud, "totp"), shown(&cloud, "password")),
        (1, 1),
        "{run}"
    );
    assert!(!run.says("012345"), "{run}");
    let log = std::fs::read_to_string(place.path("state/runner/audit.jsonl")).expect("a log");
    assert!(!log.contains("012345"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_by_a_trust_reaches_its_project_and_no_other() {
    let (cloud, place, image) = one_image().await;
    let elsewhere = serde_json::json!({"name": "s_rally_0a1b2c3d_ijklmnop", "project_id": cloud.project("other")});
    let elsewhere = cloud.add("image.image", elsewhere);
    let trust = cloud.add_trust("demo", "other", "demo");
    let flags = [
        "--os-cloud",
        "other",
        "--os-trust-id",
        &trust,
        "--task",
        TASK,
        "-v",
    ];
    let run = place.run(flags);
    run.expect_code(0);
    assert!(run.stderr.contains("token for project demo"), "{run}");
    assert!(
        run.stderr.contains(&format!("by the trust {trust}")),
        "{run}"
    );
    assert!(
        !run.stderr.contains("the token ends at"),
        "a password renews it: {run}"
    );
    assert!(
        !cloud.exists("image.image", &image) && cloud.exists("image.image", &elsewhere),
        "{run}"
    );
    let refused = place.run([&flags[..], &["--project", "other"]].concat());
    refused.expect_code(5);
}
