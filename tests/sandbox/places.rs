//! Where requests lead, and to whom things are tied: what a template must say itself, and no name of a tenant's.

use std::time::{Duration, Instant};

use super::loading::refused_at_load;
use super::*;
use crate::support::fake_cloud::fault::{Effect, Fault};

macro_rules! refusals {
    ($($test:ident: $behavior:literal => [$($words:expr),+];)+) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            refused_at_load(Scene::set($behavior).await, &["misbehave", $($words),+]);
        }
    )+};
}

const TRUST: &str = "trust = [\"unusual-fields\"]";
const LITERAL: &str = "behind the version a path begins with a literal segment";
const SAID: &str = "acts in a collection that only a thing says";

refusals! {
    projects_by_an_alias_of_their_service: "projects-by-an-alias" => ["DELETE /v3/projects/{id}", "are of the kinds identity.project"];
    users_by_an_alias_of_their_service: "users-by-an-alias" => ["PATCH /v3/users/{id}", "are of the kinds identity.project"];
    everything_by_an_alias_of_its_service: "everything-by-an-alias" => ["DELETE /v3/{/x}/{id}"];
    a_parent_that_is_called_like_a_collection: "parent-as-the-collection" => ["DELETE /{parent}/{id}", LITERAL];
    a_parent_that_is_called_like_a_collection_of_a_version: "parent-as-the-collection-of-a-version" => ["DELETE /v2/{parent}/{id}", LITERAL];
    a_parent_that_is_called_like_a_part: "parent-as-the-last-segment" => [SAID, TRUST];
    a_parent_that_is_called_like_a_thing_of_another_collection: "parent-where-it-is-not" => ["leads through a parent, and not where that is", TRUST];
    a_thing_that_goes_by_the_name_of_its_parent: "one-thing-of-a-name" => ["goes by the id of a compute.keypair", TRUST];
    collections_that_tags_say: "collections-by-tags" => ["DELETE /v2/{/tags/0}/{id}", LITERAL];
    a_collection_that_no_service_knows: "collection-that-nobody-knows" => [SAID, "acts in /v2/images/ and ", TRUST];
    another_collection_with_the_same_end: "the-same-end" => [SAID, "acts in /v2/images/ and ", TRUST];
    a_parameter_that_the_object_says: "query-by-an-object" => ["sets a parameter that only the object says", TRUST];
    a_template_that_deletes_another_thing: "template-that-deletes-another" => ["acts on another thing", "/delete", TRUST];
    a_request_that_is_declared_twice: "the-same-request-twice" => ["declares a request that is declared twice"];
    an_effect_that_is_declared_twice: "the-same-effect-twice" => ["declares a kind that it takes along that is declared twice"];
    an_owner_that_is_called_like_a_state: "owner-by-its-state" => ["takes its compute.keypair from /status", TRUST];
    an_owner_that_is_called_like_a_project: "owner-by-its-project" => ["takes its compute.keypair from /owner", TRUST];
    an_owner_that_is_called_like_the_thing: "owner-by-its-name" => ["takes its compute.keypair from /name", TRUST];
    an_owner_that_is_called_like_anything: "owner-that-goes-by-a-name" => ["takes its compute.keypair from /flavor_id", "go by names", TRUST];
}

attacks! {
    fields_behind_a_semicolon: "fields-behind-a-semicolon" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "which the service may read otherwise than the runner"];
    slices_that_are_nothing_but_slashes: "slices-of-slashes" => UNLISTED, IMAGES, [IN_LIST, "has no objects at"];
}

/// What an exception takes away is not in the lock, nor on the sheet, and so not in what the rule may read.
#[tokio::test(flavor = "multi_thread")]
async fn a_look_where_only_an_excepted_kind_may_read() {
    let scene = Scene::set("reads-of-a-kind-that-it-is-not-left").await;
    scene.configure(
        "[rules.misbehave.limits]",
        "[rules.misbehave]\nexcept = [\"image.spy\"]\n[rules.misbehave.limits]",
    );
    let words = [
        IN_LIST,
        MISBEHAVED,
        "GET /v2/tasks",
        "what one of them declares by `reads`",
    ];
    scene.sweep().is_contained().ended(UNLISTED, IMAGES, &words);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_lines_without_words_is_cut_off() {
    let aftermath = Scene::set("lines-without-words").await.sweep();
    let lines = aftermath.run.stderr.lines().count();
    assert!(lines < 200, "{lines} lines");
    aftermath.is_contained();
}

/// Nothing of it is copied, however many templates and values there are to compare it with.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_for_many_templates() {
    let scene = Scene::set("a-large-body-for-many-templates").await;
    let hosts = serde_json::to_string(&vec!["h"; 10_000]).unwrap();
    scene.cloud.edit(|store| {
        for id in &scene.images {
            store.set("image.image", id, json_fields(&[("hosts", &hosts)]));
        }
    });
    let begin = Instant::now();
    let words = [IN_DELETE, MISBEHAVED, "none of the request templates"];
    scene.sweep().is_contained().ended(UNLISTED, IMAGES, &words);
    assert!(
        begin.elapsed() < Duration::from_secs(60),
        "{:?}",
        begin.elapsed()
    );
}

/// An honest rule in a cloud where a tenant has made this of his own image: it is looked at like any other.
async fn written_by_a_tenant(image: serde_json::Value) {
    let mut scene = Scene::set("honest").await;
    scene.add("image.image", image);
    let aftermath = scene.sweep();
    aftermath.is_contained().ended(CLEAN, 0, &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_mark_of_what_cannot_be_read() {
    let forged = "the service answered nonsense";
    written_by_a_tenant(json!({"name": "web", "runner:unreadable": forged})).await;
    let metadata = json!({"runner:unreadable": forged});
    written_by_a_tenant(json!({"name": "web", "metadata": metadata})).await;
}

/// The pack's rule for ports reads free text for the id of an owner.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_tenant_writes_for_an_owners_id_switches_no_rule_off() {
    let long = format!("x://{}/", "y".repeat(5_000));
    for id in ["x://y/", "://", " x ", "x\n", long.as_str()] {
        let mut scene = Scene::set("honest").await;
        let port = json!({"device_owner": "compute:nova", "device_id": id});
        scene.add("network.port", port);
        let aftermath = scene.sweep();
        aftermath.is_contained().ended(CLEAN, 0, &[]);
        assert!(!aftermath.run.says(MISBEHAVED), "{id:?}: {}", aftermath.run);
    }
}

/// A rule may call its service otherwise: it is that service, and what holds for it holds.
#[tokio::test(flavor = "multi_thread")]
async fn an_alias_is_the_service() {
    let scene = Scene::set("service-by-an-alias").await;
    let answer = Effect::Answer {
        status: 200,
        content_type: "application/json",
        body: json!({"credentials": []}).to_string(),
    };
    scene
        .cloud
        .inject(Fault::on("GET", "/identity/v3/credentials", answer));
    scene.sweep().is_contained().ended(CLEAN, IMAGES, &[]);
}
