//! What a deletion takes along, hides, or needs more than one look for: with the real rules, against services that do as OpenStack's do.

use serde_json::{Value, json};

use super::Scene;
use crate::support::fake_cloud::furnish;
use crate::support::run::Run;

const OURS: &str = "s_rally_0a1b2c3d_abcdefgh";

fn reason(run: &Run, id: &str) -> String {
    let left = run.json["left"].as_array().cloned().unwrap_or_default();
    let of_thing = left.iter().find(|it| it["id"] == id);
    of_thing.map_or_else(|| format!("{id} is not left: {run}"), Value::to_string)
}

/// A role would take the application credentials of its holders along, those for other roles too.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_a_kept_user_holds_stays_with_his_credentials() {
    let mut scene = Scene::new().await;
    let (demo, user) = (scene.cloud.project("demo"), scene.cloud.user("demo"));
    let held = scene.cloud.add("identity.role", json!({"name": OURS}));
    let free = scene.cloud.add(
        "identity.role",
        json!({"name": "s_rally_0a1b2c3d_ABCDEFGH"}),
    );
    scene.cloud.grant(&user, &held, &demo);
    let credential = json!({"name": "prod-ci", "user_id": user, "project_id": demo});
    let credential = scene
        .cloud
        .add("identity.application_credential", credential);
    scene.look();
    let run = scene.sweep(&["--only", "identity.*"]);
    run.expect_code(3);
    assert!(scene.cloud.exists("identity.role", &held), "{run}");
    assert!(!scene.cloud.exists("identity.role", &free), "{run}");
    assert!(
        scene
            .cloud
            .exists("identity.application_credential", &credential),
        "{run}"
    );
}

/// To an administrator of another project Cinder refuses nothing.
#[tokio::test(flavor = "multi_thread")]
async fn the_base_of_a_tenants_increment_stays() {
    let mut scene = Scene::new().await;
    let volume = scene
        .cloud
        .add("block_storage.volume", json!({"name": "prod"}));
    let base = json!({"name": OURS, "volume_id": volume});
    let base = scene.cloud.add("block_storage.backup", base);
    let increment = json!({"name": "prod-increment", "volume_id": volume, "_parent": base});
    scene.cloud.add("block_storage.backup", increment);
    scene.place.write(
        "runner.toml",
        "[sweep]\npause_ms_min = 5\npause_ms_max = 20\n",
    );
    scene.look();
    let run = scene.sweep(&["--only", "block_storage.backup"]);
    run.expect_code(3);
    assert!(scene.cloud.exists("block_storage.backup", &base), "{run}");
    let why = reason(&run, &base);
    assert!(why.contains("increments are built on it"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_volume_that_would_go_with_a_server_holds_it() {
    let mut scene = Scene::new().await;
    let server = scene.cloud.add("compute.server", json!({"name": OURS}));
    let volume = scene
        .cloud
        .add("block_storage.volume", json!({"name": "prod-precious"}));
    scene
        .cloud
        .edit(|store| furnish::attach_for_life(store, &server, &volume));
    scene.look();
    let run = scene.sweep(&[]);
    run.expect_code(3);
    assert!(scene.cloud.exists("compute.server", &server), "{run}");
    assert!(scene.cloud.exists("block_storage.volume", &volume), "{run}");
}

/// With the task's group would go the rule of a tenant's group that names it.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_a_tenants_rule_names_stays() {
    let mut scene = Scene::new().await;
    let ours = scene
        .cloud
        .add("network.security_group", json!({"name": OURS}));
    let theirs = scene
        .cloud
        .add("network.security_group", json!({"name": "prod-group"}));
    let rule =
        json!({"security_group_id": theirs, "remote_group_id": ours, "direction": "ingress"});
    scene.cloud.add("network.security_group_rule", rule);
    scene.look();
    let run = scene.sweep(&["--only", "network.security_group"]);
    run.expect_code(3);
    assert!(scene.cloud.exists("network.security_group", &ours), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_only_hidden_is_not_gone() {
    let mut scene = Scene::new().await;
    scene.cloud.edit(|store| store.soft_deletes = true);
    let server = scene.cloud.add("compute.server", json!({"name": OURS}));
    scene.look();
    let run = scene.sweep(&[]);
    run.expect_code(3);
    assert_eq!(
        scene.cloud.field("compute.server", &server, "status"),
        "SOFT_DELETED"
    );
    scene.sweep(&["--force"]).expect_code(0);
    assert!(!scene.cloud.exists("compute.server", &server));
}

/// 600 servers with all the user data that Nova takes are more than an answer may hold.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_too_large_is_asked_for_in_smaller_pages() {
    let mut scene = Scene::new().await;
    let filler = "x".repeat(16 * 1024);
    for number in 0..600 {
        let data = json!({"name": format!("prod-{number}"), "OS-EXT-SRV-ATTR:user_data": filler});
        scene.cloud.add("compute.server", data);
    }
    scene.look();
    let run = scene.sweep(&[]);
    run.expect_code(0);
    let asked = scene.cloud.requests().into_iter();
    let asked = asked.filter(|it| it.path.contains("/servers/detail") && it.method == "GET");
    assert!(asked.count() < 40, "{run}");
    assert!(
        scene
            .left
            .iter()
            .all(|it| !scene.cloud.exists(&it.kind, &it.id)),
        "{run}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_begins_again_and_again_ends_as_failed() {
    let mut scene = Scene::new().await;
    scene
        .cloud
        .add("compute.server_group", json!({"name": OURS}));
    scene.cloud.edit(|store| store.ignores_offset = true);
    scene.look();
    let run = scene.sweep(&["--only", "compute.server_group", "--dry-run"]);
    run.expect_code(4);
    let asked = scene.cloud.requests().into_iter();
    let asked = asked.filter(|it| it.path.contains("os-server-groups"));
    assert!(asked.count() < 10, "{run}");
}

/// A kind that the configuration leaves to no rule is not looked at, so nobody can say that a project is empty of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_to_no_rule_holds_projects() {
    let mut scene = Scene::new().await;
    let name = "c_rally_0a1b2c3d_abcdefgh";
    let project = scene.cloud.add("identity.project", json!({"name": name}));
    let server = json!({"name": "web", "project_id": project});
    let server = scene.cloud.add("compute.server", server);
    let except = "[rules.openstack_compute]\nexcept = [\"compute.server\"]\n";
    scene.place.write("runner.toml", except);
    scene.look();
    let run = scene.sweep(&[]);
    run.expect_code(3);
    assert!(scene.cloud.exists("identity.project", &project), "{run}");
    assert!(scene.cloud.exists("compute.server", &server), "{run}");
    let why = reason(&run, &project);
    assert!(why.contains("compute.server was not looked at"), "{why}");
    // Whose word it is that nothing is there gets it.
    let run = scene.sweep(&["--unlooked", "compute.server"]);
    assert!(!scene.cloud.exists("identity.project", &project), "{run}");
}
