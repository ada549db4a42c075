//! Lies about what a thing is, whose it is, and what has become of it.

use std::time::Duration;

use super::*;
use crate::support::fake_cloud::fault::{Effect, Fault};

attacks! {
    a_name_of_another_object: "name-of-another-object" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "does not carry the name"];
    an_object_glued_from_two_responses: "glued-from-two-responses" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "does not carry the name"];
    a_part_of_a_name: "part-of-a-name" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "does not carry the name"];
    a_forged_owner: "forged-owner" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "does not carry image.image/00000000"];
    an_owner_of_an_undeclared_kind: "owner-of-an-undeclared-kind" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "does not carry identity.project/"];
    an_order_that_holds_everything_back: "everything-waits-for-the-victim" => LEFT, IMAGES, ["is in the way"];
    a_witness_of_another_collection: "witness-of-another-collection" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "not the collection"];
    a_slice_within_another_one: "things-within-things" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "points twice to \"/tags\""];
    a_listing_of_some_fields: "some-fields-only" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "which the service may read otherwise than the runner"];
    a_deletion_that_never_was: "says-that-all-is-gone" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, NOT_SAID];
    a_deletion_of_what_was_only_looked_at: "says-gone-after-a-look" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, NOT_SAID];
    a_thing_that_is_said_not_to_be_there: "says-not-found" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, NOT_SAID];
    a_hundred_thousand_in_the_way: "blocked-by-a-hundred-thousand" => LEFT, IMAGES, [IN_DELETE, "relations_max = 1000"];
    a_deletion_that_was_never_accepted: "says-that-it-was-accepted" => LEFT, IMAGES, ["it is still there after disappear_s_max"];
    two_kinds_with_one_id: "two-kinds-with-one-id" => CLEAN, 0, ["image.copy"];
}

/// The cloud answers each deletion so, and shows the thing as before.
async fn answered(behavior: &str, status: u16, code: i32, words: &[&str]) {
    let scene = Scene::set(behavior).await;
    let answer = Effect::Answer {
        status,
        content_type: "text/html",
        body: String::new(),
    };
    let fault = Fault::on("DELETE", "/image/v2/images/*", answer);
    scene.cloud.inject(fault);
    scene.sweep().is_contained().ended(code, IMAGES, words);
}

/// What the cloud has refused is not gone because a rule says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_a_rule_calls_success() {
    let words = [IN_DELETE, MISBEHAVED, NOT_SAID];
    answered("says-gone-whatever-the-cloud-says", 409, UNLISTED, &words).await;
}

/// Where the cloud has agreed to delete a thing and shows it for good (a quota), the rule's word counts.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_listed_for_good_counts_as_gone_by_the_rules_word() {
    answered("says-gone-of-what-is-there", 204, CLEAN, &[]).await;
    let words = ["it was deleted and is still listed"];
    answered("honest", 204, LEFT, &words).await;
}

/// A path that the service does not know, or not in this version, is not found either.
#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_of_what_no_service_knows() {
    let words = ["it was deleted and is still listed"];
    answered("says-gone-of-what-is-there", 404, LEFT, &words).await;
}

/// That the cloud has changed something about a thing does not mean that it has agreed to delete it.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_passes_for_a_deletion() {
    let scene = Scene::set("says-gone-after-another-change").await;
    let done = Effect::Answer {
        status: 204,
        content_type: "application/json",
        body: String::new(),
    };
    let path = "/image/v2/images/*/actions/deactivate";
    scene.cloud.inject(Fault::on("POST", path, done));
    let words = ["it was deleted and is still listed"];
    scene.sweep().ended(LEFT, IMAGES, &words);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_loop_in_gone() {
    let words = ["rule misbehave, gone of image.image/", CPU];
    answered("loop-in-gone", 204, LEFT, &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_in_gone() {
    let words = [
        "rule misbehave, gone of image.image/",
        MISBEHAVED,
        "only GET and HEAD may be sent outside delete",
    ];
    answered("delete-in-gone", 204, UNLISTED, &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_to_be_in_the_way_is_one_line_of_bounded_length() {
    let aftermath = Scene::set("blocked-by-control-characters").await.sweep();
    aftermath
        .is_contained()
        .ended(LEFT, IMAGES, &["in the way: "]);
    let Run { stdout, stderr, .. } = &aftermath.run;
    assert!(!stdout.contains('\x1b') && !stderr.contains('\x1b'));
    assert!(!stderr.contains("\nerror: forged"), "{stderr}");
    let said = stdout.len() + stderr.len();
    assert!(said < 100_000, "{said} bytes");
}

/// The task's own image mentions the victim: a snapshot its base, or whatever a tenant has written into it.
async fn mentioned(behavior: &str, mention: &str, more: serde_json::Value, words: &[&str]) {
    let mut scene = Scene::set(behavior).await.trusting(&BY_NAME);
    let mut image = more;
    image[mention] = scene.victim.clone().into();
    scene.add("image.image", image);
    scene.sweep().is_contained().ended(UNLISTED, IMAGES, words);
}

const NAMED: &str = "s_rally_5e1f0a3c_dddddddd";
const GOES_BY_ITS_ID: &str = "goes by the id";

/// Where images go by names, whoever has one for an owner is refused unless he is trusted.
const BY_NAME: [&str; 3] = [
    "misbehave",
    "openstack_block_storage",
    "openstack_key_manager",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_by_another_id() {
    let scene = Scene::set("witness-by-another-id").await.trusting(&BY_NAME);
    let words = [IN_LIST, MISBEHAVED, GOES_BY_ITS_ID];
    scene.sweep().is_contained().ended(UNLISTED, IMAGES, &words);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_victims_id_in_a_reference() {
    let image = json!({ "name": NAMED });
    let words = [IN_LIST, MISBEHAVED, GOES_BY_ITS_ID];
    mentioned("id-from-a-reference", "base_image_ref", image, &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_victims_id_in_a_name() {
    let image = json!({ "description": NAMED });
    let words = [IN_LIST, MISBEHAVED, GOES_BY_ITS_ID];
    mentioned("id-from-a-name", "name", image, &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_victims_id_in_a_second_id() {
    let image = json!({ "name": NAMED });
    let words = [IN_LIST, MISBEHAVED, GOES_BY_ITS_ID];
    mentioned("id-from-a-second-id", "uuid", image, &words).await;
}

/// Where a name is the id, no rule can call the thing nameless and have somebody else speak for it.
#[tokio::test(flavor = "multi_thread")]
async fn the_victims_id_in_a_name_that_is_kept_silent() {
    let scene = Scene::set("id-from-a-name-and-no-name").await;
    let mut scene = scene.trusting(&BY_NAME);
    let base = scene.images.first().unwrap();
    let image = json!({"name": scene.victim, "base_image_ref": base});
    scene.add("image.image", image);
    let words = [IN_LIST, MISBEHAVED, GOES_BY_ITS_ID];
    scene.sweep().is_contained().ended(UNLISTED, IMAGES, &words);
}

/// Whom a mentioned id makes an owner is for the rule to say, and the plan says it to whoever reads it.
#[tokio::test(flavor = "multi_thread")]
async fn a_false_owner_is_shown_before_anything_goes() {
    let mut scene = Scene::set("part-of-what-it-mentions").await;
    let base = scene.images.first().unwrap().clone();
    let derived = json!({"name": "web", "base_image_ref": base});
    let derived = scene.add("image.image", derived);
    scene.place.run(["rules", "lock"]).expect_code(CLEAN);
    let lock = std::fs::read_to_string(scene.place.path("rules/rules.lock")).unwrap();
    assert!(lock.contains("image.image at /base_image_ref"), "{lock}");
    let aftermath = scene.sweep_with(&["--dry-run"]);
    aftermath.ended(
        CLEAN,
        IMAGES,
        &[&derived, &format!("part of image.image/{base}")],
    );
    assert_eq!(aftermath.scene.cloud.mutations().len(), 0);
}

/// A rule that lists all there is, whatever it is asked for, under a project that goes.
async fn all_under_a_project(behavior: &str) {
    let mut scene = Scene::set(behavior).await;
    let project = json!({"name": "c_rally_5e1f0a3c_abcdefgh"});
    let project = scene.add("identity.project", project);
    // Its quotas go in any case, by the rule pack.
    scene.optional.insert(project);
    let words = [
        "list of image.junk: ",
        MISBEHAVED,
        "does not show that it is under",
    ];
    scene.sweep().is_contained().ended(UNLISTED, IMAGES, &words);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_things_under_one_project() {
    all_under_a_project("all-under-a-project").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_things_under_one_project_by_a_query() {
    all_under_a_project("all-under-a-project-by-query").await;
}

/// The objects have nothing but names, and the query is one that the service ignores.
#[tokio::test(flavor = "multi_thread")]
async fn all_names_under_one_project_by_a_query() {
    let mut scene = Scene::set("all-names-under-a-project-by-query").await;
    let project = json!({"name": "c_rally_5e1f0a3c_abcdefgh"});
    let project = scene.add("identity.project", project);
    scene.add("image.metadef_namespace", json!({}));
    scene.optional.insert(project);
    let words = [
        "list of image.junk: ",
        MISBEHAVED,
        "does not show that it is under",
    ];
    scene.sweep().is_contained().ended(UNLISTED, IMAGES, &words);
}

/// Whatever a rule declares, an image says itself whose it is.
#[tokio::test(flavor = "multi_thread")]
async fn all_things_in_no_project() {
    let scene = Scene::set("all-in-no-project").await;
    let aftermath = scene.sweep_with(&["--project", "admin"]);
    aftermath.changed_nothing_unapproved();
    aftermath.ended(CLEAN, IMAGES, &["outside the project"]);
    assert_eq!(aftermath.scene.cloud.mutations().len(), 0);
}

/// A kind of which each network has one takes its id from the network, and its name from where the rule points.
#[tokio::test(flavor = "multi_thread")]
async fn another_networks_name_under_each_network() {
    let scene = Scene::set("another-name-under-each").await;
    let scene = scene.trusting(&["misbehave"]);
    let words = ["list of image.under_network: ", "has no objects"];
    // What is said to be under networks and cannot be listed holds them.
    let after = scene.sweep();
    after.changed_nothing_unapproved();
    after.ended(UNLISTED, IMAGES, &words);
}

/// The token is for one project, an administrator's, and shows all projects' images: each says itself whose it is.
#[tokio::test(flavor = "multi_thread")]
async fn all_things_in_the_project_of_the_token() {
    let scene = Scene::set("all-in-each-project").await;
    let aftermath = scene.sweep_with(&["--project", "admin"]);
    aftermath.changed_nothing_unapproved();
    aftermath.ended(CLEAN, IMAGES, &["outside the project"]);
    assert_eq!(aftermath.scene.cloud.mutations().len(), 0);
}

/// The cloud answers a listing of images with this.
async fn shown(body: String, code: i32, words: &[&str]) -> Aftermath {
    let scene = Scene::set("honest").await;
    let answer = Effect::Answer {
        status: 200,
        content_type: "application/json",
        body,
    };
    scene
        .cloud
        .inject(Fault::on("GET", "/image/v2/images", answer));
    let aftermath = scene.sweep();
    aftermath.is_contained().ended(code, IMAGES, words);
    aftermath
}

/// A tenant may make a thing that no reader of JSON takes. It is named, and no rule is blamed.
#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_cannot_be_read() {
    let body = r#"{"images": [{"id": "a", "size": 1}, {"id": "b", "size": 1e999}]}"#;
    let words = [
        IN_LIST,
        "cannot be read: number out of range",
        "in what calls itself \"b\"",
    ];
    let aftermath = shown(body.to_owned(), UNLISTED, &words).await;
    assert!(!aftermath.run.says(MISBEHAVED), "{}", aftermath.run);
}

/// Whoever gives a thing a name that makes another path of its deletion keeps it, and makes no liar of the rule.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_no_path_can_hold() {
    let body = json!({"images": [{"id": "..", "name": NAMED, "owner": "p"}]});
    let words = [IN_DELETE, "no path can hold its name"];
    let aftermath = shown(body.to_string(), LEFT, &words).await;
    assert!(!aftermath.run.says(MISBEHAVED), "{}", aftermath.run);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_only_an_error_shows() {
    let scene = Scene::set("things-out-of-an-error").await;
    let image = json!({"id": scene.victim, "name": NAMED});
    let conflict = Effect::Answer {
        status: 409,
        content_type: "application/json",
        body: json!({"images": [image]}).to_string(),
    };
    let fault = Fault::on("GET", "/image/v2/images/in-use", conflict);
    scene.cloud.inject(fault);
    let words = [IN_LIST, "has no objects"];
    scene.sweep().is_contained().ended(UNLISTED, IMAGES, &words);
}

/// What counts is the name that the cloud shows, not which id had an approved one before.
#[tokio::test(flavor = "multi_thread")]
async fn an_approved_id_with_a_strangers_name() {
    let scene = Scene::set("honest").await;
    let id = scene.images.first().unwrap().clone();
    scene.rename(&id, "web");
    let Aftermath { scene, run } = scene.sweep();
    run.expect_code(CLEAN);
    assert!(scene.cloud.exists("image.image", &id), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_turns_at_the_hundredth_thing() {
    let mut scene = Scene::set("turn-at-the-hundredth").await;
    for number in IMAGES..100 {
        let name = format!("s_rally_5e1f0a3c_{number:08}");
        let id = scene.cloud.add("image.image", json!({ "name": name }));
        scene.images.insert(id);
    }
    scene.look();
    scene.configure("things_max = 30", "things_max = 200");
    let words = [IN_DELETE, MISBEHAVED, "none of the request templates"];
    scene.sweep().is_contained().ended(UNLISTED, 1, &words);
}

/// A sweep goes by the plan that it has just made: whoever gives a doomed thing another name meanwhile comes too late. A plan
/// that was saved is compared once more before it is executed.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_changes_after_the_plan() {
    let scene = Scene::set("honest").await;
    let slow = Effect::Delay(Duration::from_millis(1_500));
    let fault = Fault::on("DELETE", "/image/v2/images/*", slow);
    scene.cloud.inject(fault.times(1));
    let command = scene.place.command(["--task", TASK]).spawn().unwrap();
    let deleting = || {
        let mutations = scene.cloud.mutations();
        mutations.iter().any(|it| it.path.contains("/image/"))
    };
    while !deleting() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for id in &scene.images {
        scene.rename(id, "web");
    }
    let run = Run::from(command.wait_with_output().unwrap());
    Aftermath { scene, run }.is_contained().ended(CLEAN, 0, &[]);
}
