//! Saved plans as people look at them: shown, drawn, compared. Nothing is asked of any cloud.

use serde_json::{Value, json};

use super::{OTHER_TASK, Scene, TASK, known};
use crate::support::fake_cloud::FakeCloud;
use crate::support::fake_cloud::Options;
use crate::support::guests::rule_pack;
use crate::support::run::{Place, Run};

/// Runs a command where there is neither a cloud nor a rule.
fn alone(scene: &Place, files: &[&str], arguments: &[&str]) -> Run {
    let place = Place::unconnected();
    for file in files {
        place.write(file, std::fs::read(scene.path(file)).expect("a plan"));
    }
    place.run(arguments)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_is_shown_in_every_form() {
    let scene = Scene::new().await;
    let dry = scene.sweep(&[
        "--dry-run",
        "-o",
        "plan.json",
        "--created-before",
        "2030-01-01T00:00:00Z",
        "--except",
        "compute.server",
    ]);
    dry.expect_code(0);
    let items = dry.json["items"].as_array().unwrap();
    let show = |form: &str| {
        let run = alone(
            &scene.place,
            &["plan.json"],
            &["plan", "show", "plan.json", "-f", form],
        );
        run.expect_code(0);
        run
    };
    let table = show("table").stdout;
    for words in [
        "on cloud admin, as admin (",
        TASK,
        "without kinds compute.server",
        "only what is made before 2030-01-01T00:00:00Z",
    ] {
        assert!(table.contains(words), "{words}\n{table}");
    }
    assert!(
        items
            .iter()
            .all(|item| table.contains(item["thing"].as_str().unwrap().split_once('/').unwrap().1))
    );
    let csv = show("csv").stdout;
    assert_eq!(csv.lines().count(), items.len() + 1);
    assert!(
        csv.starts_with("#,Kind,ID,Name,Project,Reason,After,Held by\n1,"),
        "{csv}"
    );
    assert_eq!(show("value").stdout.lines().count(), items.len());
    let saved: Value =
        serde_json::from_slice(&std::fs::read(scene.place.path("plan.json")).unwrap()).unwrap();
    assert_eq!(show("json").json, saved);
    let yaml: Value = serde_saphyr::from_str(&show("yaml").stdout).expect("YAML");
    assert_eq!(yaml["items"], saved["items"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_is_drawn_with_its_edges_and_hostile_names_stay_in_their_labels() {
    let cloud = FakeCloud::start(Options::default()).await;
    let place = Place::new(&cloud);
    let network = cloud.add("network.network", json!({"name": "\\"}));
    let evil = "web\"];\nn0 -> n0 [label=\"\\\"";
    cloud.add("network.port", json!({"name": evil, "network_id": network}));
    // The task's port is spared, and holds the network.
    let port = cloud.add(
        "network.port",
        json!({"name": "s_rally_0a1b2c3d_abcdefgh", "network_id": network}),
    );
    let pack = rule_pack().to_string_lossy().into_owned();
    let arguments = [
        "--task",
        TASK,
        "--unmatched",
        "--project",
        "demo",
        "--dry-run",
        "-o",
        "plan.json",
        "--guests",
        &pack,
    ];
    place.run(arguments).expect_code(0);
    let saved: Value =
        serde_json::from_slice(&std::fs::read(place.path("plan.json")).unwrap()).unwrap();
    let saved = saved["items"].as_array().unwrap();
    let waiting: usize = saved
        .iter()
        .map(|item| item["waits_for"].as_array().map_or(0, Vec::len))
        .sum();
    assert!(waiting > 0, "the network waits for the port");
    for (form, arrow, is_held) in [
        ("dot", " -> ", "color=red"),
        ("mermaid", " --> ", "== holds ==>"),
    ] {
        let arguments = ["plan", "graph", "plan.json", "--format", form];
        let run = alone(&place, &["plan.json"], &arguments);
        run.expect_code(0);
        let again = alone(&place, &["plan.json"], &arguments);
        assert_eq!(run.stdout, again.stdout);
        let lines: Vec<&str> = run.stdout.lines().map(str::trim).collect();
        let nodes = lines
            .iter()
            .filter(|line| line.contains("network."))
            .count();
        assert_eq!(
            nodes,
            saved.len() + 1,
            "the spared port is drawn too: {run}"
        );
        let edges: Vec<&&str> = lines
            .iter()
            .filter(|line| {
                line.starts_with('n') && line.contains(arrow) && !line.contains("network.")
            })
            .collect();
        assert!(!edges.is_empty(), "{run}");
        assert!(edges.iter().all(|line| !line.contains("n0 -> n0")), "{run}");
        assert!(
            run.stdout.contains(is_held) && run.stdout.contains("s_rally_0a1b2c3d_abcdefgh"),
            "{run}"
        );
    }
    assert!(cloud.exists("network.port", &port) && cloud.mutations().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_plans_are_compared() {
    let scene = Scene::new().await;
    let save = |file: &str| {
        scene.sweep(&["--dry-run", "-o", file]).expect_code(0);
    };
    save("old.json");
    let diff = |form: &str| {
        let files = ["old.json", "new.json"];
        let run = alone(
            &scene.place,
            &files,
            &["plan", "diff", "old.json", "new.json", "-f", form],
        );
        run.expect_code(0);
        run
    };
    save("new.json");
    let none = diff("json");
    assert_eq!(none.json, json!({"came": [], "went": [], "changed": []}));
    assert_eq!(diff("table").stdout, "no difference\n");
    let left = known(&scene.left);
    let image = left.iter().find(|it| it.0 == "image.image");
    let gone = &image.expect("the task left an image").1;
    scene.cloud.remove("image.image", gone);
    let come = scene
        .cloud
        .add("image.image", json!({"name": "s_rally_0a1b2c3d_latecome"}));
    save("new.json");
    let run = diff("json");
    assert_eq!(run.json["came"].as_array().unwrap().len(), 1, "{run}");
    assert_eq!(run.json["came"][0]["thing"], format!("image.image/{come}"));
    assert_eq!(run.json["went"][0]["thing"], format!("image.image/{gone}"));
    assert_eq!(run.json["changed"], json!([]), "{run}");
    let csv = diff("csv").stdout;
    assert!(
        csv.contains(&format!(
            "came,image.image,{come},s_rally_0a1b2c3d_latecome,,name matches"
        )),
        "{csv}"
    );
    scene
        .run(&["--task", OTHER_TASK, "--dry-run", "-o", "new.json"])
        .expect_code(0);
    let other = diff("table");
    assert!(
        other
            .stdout
            .contains("made in different places: its task was"),
        "{other}"
    );
}

#[test]
fn what_is_no_plan_is_refused() {
    let place = Place::unconnected();
    place.write("text.json", "plan\n");
    place.write("old.json", "{\"version\": 3}");
    place.write("half.json", "{\"version\": 4, \"items\": []}");
    for file in ["absent.json", "text.json", "old.json", "half.json"] {
        for arguments in [
            &["plan", "show", file][..],
            &["plan", "graph", file],
            &["plan", "diff", file, file],
        ] {
            let run = place.run(arguments);
            run.expect_code(2);
            assert!(run.stdout.is_empty() && run.stderr.contains(file), "{run}");
        }
    }
}
