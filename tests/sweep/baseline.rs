//! A baseline: what was there before stays, whatever it is called.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{IMPATIENT, Scene, TASK, known};
use crate::support::fake_cloud::Known;
use crate::support::fake_cloud::fault::{Effect, Fault};
use crate::support::guests::rule_pack;
use crate::support::run::Run;

fn snapshot(scene: &Scene, further: &[&str]) -> Run {
    let pack = rule_pack().to_string_lossy().into_owned();
    let arguments = ["snapshot", "-o", "baseline.json", "--guests", &pack];
    scene.place.run([&arguments[..], further].concat())
}

fn gone(scene: &Scene) -> BTreeSet<String> {
    let now = scene.now();
    let gone: BTreeSet<Known> = scene.before.difference(&now).cloned().collect();
    gone.into_iter().map(|item| item.1).collect()
}

fn image(scene: &Scene, name: &str) -> String {
    scene.cloud.add("image.image", json!({"name": name}))
}

#[expect(
    clippy::too_many_lines,
    reason = "one cloud before and after, told in order"
)]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_baseline_stays_and_what_has_come_since_goes() {
    let mut scene = Scene::new().await;
    let run = snapshot(&scene, &[]);
    run.expect_code(0);
    assert_eq!(run.stdout, "");
    assert!(scene.cloud.mutations().is_empty());
    let written: Value =
        serde_json::from_slice(&std::fs::read(scene.place.path("baseline.json")).unwrap()).unwrap();
    assert_eq!(written["version"], 1);
    let images: BTreeSet<&str> = written["things"]["image.image"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let there: BTreeSet<&str> = scene
        .before
        .iter()
        .filter(|it| it.0 == "image.image")
        .map(|it| &*it.1)
        .collect();
    assert_eq!(images, there);
    let ours = image(&scene, "s_rally_0a1b2c3d_aaaaaaaa");
    let others = image(&scene, "s_rally_9f8e7d6c_aaaaaaaa");
    let tenants = image(&scene, "shop");
    scene.look();
    let old = known(&scene.left)
        .into_iter()
        .find(|it| it.0 == "image.image")
        .expect("the task left an image")
        .1;
    let why = scene.run(&[
        "explain",
        &format!("image.image/{old}"),
        "--task",
        TASK,
        "--keep-from",
        "baseline.json",
    ]);
    assert!(
        why.json["why"]
            .as_str()
            .unwrap()
            .starts_with("kept: protected by the baseline of "),
        "{why}"
    );
    let run = scene.sweep(&["--keep-from", "baseline.json"]);
    run.expect_code(0);
    assert_eq!(gone(&scene), BTreeSet::from([ours.clone()]), "{run}");
    assert_eq!(
        run.json["narrowed"]["kept_from"].as_array().map(Vec::len),
        Some(1),
        "{run}"
    );
    // Of every task, by way of a saved plan.
    scene
        .run(&[
            "--keep-from",
            "baseline.json",
            "--dry-run",
            "-o",
            "plan.json",
        ])
        .expect_code(0);
    let run = scene.run(&["apply", "plan.json"]);
    run.expect_code(0);
    assert_eq!(
        gone(&scene),
        BTreeSet::from([ours.clone(), others.clone()]),
        "{run}"
    );
    // And what bears no name of a task.
    let unmatched = [
        "--unmatched",
        "--project",
        "demo",
        "--keep-from",
        "baseline.json",
        "--yes",
    ];
    let run = scene.run(&unmatched);
    run.expect_code(0);
    assert_eq!(
        gone(&scene),
        BTreeSet::from([ours, others, tenants]),
        "{run}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_baseline_of_another_place_or_of_no_place_is_refused() {
    let scene = Scene::new().await;
    snapshot(&scene, &["--os-cloud", "demo"]).expect_code(0);
    scene.cloud.clear_requests();
    for flags in [
        &["--keep-from", "baseline.json"][..],
        &["--keep-from", "baseline.json", "--dry-run"],
    ] {
        let run = scene.sweep(flags);
        run.expect_code(6);
        assert!(
            run.stderr
                .contains("was made in another place: its user was demo"),
            "{run}"
        );
    }
    assert!(scene.cloud.mutations().is_empty());
    let listed = scene
        .cloud
        .requests()
        .into_iter()
        .filter(|it| it.path.contains("images"));
    assert_eq!(listed.count(), 0, "nothing was listed");
    scene.place.write("text.json", "{");
    scene.place.write("other.json", "{\"version\": 2}");
    scene.place.write(
        "odd.json",
        "{\"version\": 1, \"place\": {}, \"things\": {}}",
    );
    for file in ["absent.json", "text.json", "other.json", "odd.json"] {
        let run = scene.sweep(&["--keep-from", file]);
        run.expect_code(2);
        assert!(
            run.stderr.contains(file) && run.stderr.contains("runner snapshot"),
            "{run}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_baseline_that_is_not_whole_is_not_written_and_kinds_it_does_not_know_stay() {
    let mut scene = Scene::new().await;
    let answer = Effect::Answer {
        status: 500,
        content_type: "application/json",
        body: "{}".to_owned(),
    };
    scene
        .cloud
        .inject(Fault::on("GET", "/image/v2/images", answer));
    let run = snapshot(&scene, &[]);
    run.expect_code(4);
    assert!(
        run.stderr.contains("image.image") && run.stderr.contains("nothing was written"),
        "{run}"
    );
    assert!(!scene.place.path("baseline.json").exists());
    scene.cloud.clear_faults();
    scene.place.write(
        "runner.toml",
        format!("{IMPATIENT}[rules.openstack_image]\nexcept = [\"image.image\"]\n"),
    );
    snapshot(&scene, &[]).expect_code(0);
    scene.place.write("runner.toml", IMPATIENT);
    let new = image(&scene, "s_rally_0a1b2c3d_aaaaaaaa");
    let network = scene.cloud.add(
        "network.network",
        json!({"name": "s_rally_0a1b2c3d_aaaaaaaa"}),
    );
    scene.look();
    let run = scene.sweep(&["--keep-from", "baseline.json"]);
    run.expect_code(0);
    assert_eq!(gone(&scene), BTreeSet::from([network]), "{run}");
    assert!(scene.cloud.exists("image.image", &new));
}

#[expect(clippy::too_many_lines, reason = "a table of presets and flags")]
#[tokio::test(flavor = "multi_thread")]
async fn a_preset_narrows_and_flags_narrow_it_further() {
    let scene = Scene::new().await;
    let add = |end: &str, tag: &str| {
        let image = json!({"name": format!("s_rally_0a1b2c3d_{end}"), "tags": [tag], "created_at": "2020-01-01T00:00:00Z"});
        scene.cloud.add("image.image", image)
    };
    let (one, two, three) = (
        add("aaaaaaaa", "ci"),
        add("bbbbbbbb", "ci"),
        add("cccccccc", "me"),
    );
    let preset = "[presets.nightly]\norigin = \"scenario\"\nonly = [\"image.*\", \"network.*\"]\ncreated_before = \"7d\"\ntag = [\"ci\"]\n\
                  name = [\"s_*\"]\nproject = [\"demo\", \"other\"]\n[presets.\"all of it\"]\n";
    scene
        .place
        .write("runner.toml", format!("{IMPATIENT}{preset}"));
    let ids = |flags: &[&str]| {
        let run = scene.sweep(&[&["--dry-run"], flags].concat());
        run.expect_code(0);
        let items = run.json["items"].as_array().unwrap().clone();
        let ids = items.iter().map(|it| {
            it["thing"]
                .as_str()
                .unwrap()
                .split_once('/')
                .unwrap()
                .1
                .to_owned()
        });
        ids.collect::<BTreeSet<String>>()
    };
    let whole = ids(&[]);
    assert_eq!(ids(&["--preset", "all of it"]), whole);
    let nightly = ids(&["--preset", "nightly"]);
    assert_eq!(nightly, BTreeSet::from([one.clone(), two]));
    assert!(whole.contains(&three) && nightly.is_subset(&whole));
    for (flags, expected) in [
        (&["--name", "*aaaaaaaa"][..], BTreeSet::from([one.clone()])),
        (&["--id", &one], BTreeSet::from([one.clone()])),
        (&["--id", &three], BTreeSet::new()),
        (&["--only", "network.*"], BTreeSet::new()),
        (&["--except", "image.*"], BTreeSet::new()),
        (&["--created-before", "30y"], BTreeSet::new()),
        (&["--project", "other"], BTreeSet::new()),
        (&["--origin", "scenario", "--tag", "me"], BTreeSet::new()),
    ] {
        assert_eq!(
            ids(&[&["--preset", "nightly"], flags].concat()),
            expected,
            "{flags:?}"
        );
    }
    scene.cloud.clear_requests();
    for (flags, words) in [
        (
            &["--preset", "nightley"][..],
            "known are: all of it, nightly",
        ),
        (
            &["--preset", "nightly", "--origin", "context"],
            "another origin",
        ),
        (
            &["--preset", "nightly", "--project", "admin"],
            "demo, other",
        ),
        (
            &["--preset", "nightly", "--unmatched", "--project", "demo"],
            "--unmatched",
        ),
        (
            &["--preset", "nightly", "--created-after", "1d"],
            "nothing is made from",
        ),
    ] {
        let run = scene.sweep(flags);
        run.expect_code(2);
        assert!(run.stderr.contains(words), "{run}");
    }
    for line in [
        "tags = [\"ci\"]",
        "unmatched = true",
        "created_before = \"-1d\"",
        "name = [\"\"]",
        "only = [\"Image\"]",
        "protect_tag = [\"\"]",
        "id = [\"\"]",
    ] {
        scene
            .place
            .write("runner.toml", format!("[presets.nightly]\n{line}\n"));
        let run = scene.sweep(&["--dry-run"]);
        run.expect_code(2);
        assert!(run.stderr.contains("runner.toml"), "{run}");
    }
    assert!(scene.cloud.requests().is_empty(), "nothing was asked");
}
