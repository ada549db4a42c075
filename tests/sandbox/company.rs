//! Hostile rules beside the whole rule pack, all at once: what goes is what the rule pack alone would have taken.

use super::*;
use crate::support::fake_cloud::seed;

/// Misdeeds of every sort: in listing, describing, deleting and looking again.
const COMPANY: &[&str] = &[
    "absolute-url",
    "cursor-never-ends",
    "deep-recursion",
    "delete-another-id",
    "delete-another-id-in-a-batch",
    "delete-by-dot-segments",
    "delete-in-list",
    "delete-the-collection",
    "glued-from-two-responses",
    "id-from-a-name",
    "log-flood",
    "loop-in-delete",
    "loop-in-list",
    "loop-of-requests",
    "many-steps",
    "memory-bomb",
    "name-of-another-object",
    "next-link-to-another-origin",
    "owner-not-carried",
    "panic-in-delete",
    "says-that-all-is-gone",
    "sleep",
    "token-header",
];

/// Those that do nothing but what is allowed, only too much of it or not at all.
const UNNAMED: &[&str] = &["log-flood", "says-that-all-is-gone"];

/// The same cloud each time, to the id.
async fn cloud() -> FakeCloud {
    let options = Options {
        seed: Some(7),
        ..Options::default()
    };
    let cloud = FakeCloud::start(options).await;
    let demo = cloud.project("demo");
    seed::seed_task(&cloud, TASK, &demo, 1);
    seed::seed_task(&cloud, "0b5e77aa-7c0e-4b7e-9c55-0d3b1d0d9a11", &demo, 1);
    seed::seed_tenant(&cloud, &demo, "shop");
    let victim = cloud.add("image.image", json!({"name": "victim"}));
    let mention = json!({"name": victim, "description": "s_rally_5e1f0a3c_dddddddd"});
    cloud.add("image.image", mention);
    cloud
}

/// Sweeps one project. (Of the whole cloud less would go: where a listing has failed, no project does.)
fn sweep(cloud: &FakeCloud, company: &[&str]) -> Run {
    let place = Place::new(cloud);
    place.add_rules(rule_pack());
    let mut config = "[sweep]\npause_ms_min = 10\npause_ms_max = 50\n".to_owned();
    let limits = CONFIG.split_once("[rules.misbehave.limits]").unwrap().1;
    for (number, behavior) in company.iter().enumerate() {
        let marker = format!("{behavior} as image.hostile_{number}");
        let file = format!("rules/{behavior}.wasm");
        place.write(&file, misbehaving(&marker));
        config.push_str(&format!("[rules.{behavior}.limits]{limits}"));
    }
    place.write("runner.toml", config);
    place.run(["--task", TASK, "--project", "demo", "--show-kept"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_company_takes_nothing_and_stops_nothing() {
    let (quiet, besieged) = (cloud().await, cloud().await);
    assert_eq!(quiet.things(), besieged.things());
    let before = quiet.things().len();
    sweep(&quiet, &[]).expect_code(CLEAN);
    let run = sweep(&besieged, COMPANY);
    run.expect_code(UNLISTED);
    assert!(quiet.things().len() < before);
    assert_eq!(quiet.things(), besieged.things(), "{run}");
    for behavior in COMPANY.iter().filter(|it| !UNNAMED.contains(it)) {
        let rule = format!("rule {behavior}, ");
        assert!(run.says(&rule), "nobody spoke of {rule:?}\n{run}");
    }
    // Whatever was aimed at a thing was aimed by the kinds' own templates at what has gone.
    let there = besieged.things();
    for request in besieged.mutations() {
        let end = request.path.rsplit('/').next().unwrap_or_default();
        assert!(
            !there.iter().any(|(_, id, ..)| id == end),
            "{} {}\n{run}",
            request.method,
            request.path
        );
    }
}
