//! Using up what a rule is given: time, memory, and what may cross the boundary.

use super::*;
use crate::support::fake_cloud::fault::{Effect, Fault};

attacks! {
    a_rule_that_waits_by_the_clock: "wait-by-the-clock" => UNLISTED, IMAGES, [IN_LIST, CPU];
    memory_that_is_kept_from_call_to_call: "memory-kept-over-calls" => LEFT, 1, [IN_DELETE, "memory_bytes_max = 16777216"];
}

/// What was too much is asked for no more, whatever the rule makes of the error.
#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_asks_on_after_too_much() {
    let scene = Scene::set("ask-on-after-too-much").await;
    scene.configure(
        "requests_max = 20",
        "requests_max = 20\nanswers_bytes_max = 1024",
    );
    let aftermath = scene.sweep();
    let words = [IN_LIST, "answers_bytes_max"];
    aftermath.is_contained().ended(UNLISTED, IMAGES, &words);
    let asked = aftermath.requests("GET", "/image/v2/images");
    assert!((1..=2).contains(&asked), "{asked}\n{}", aftermath.run);
}

/// So much memory and time that other limits are met first.
fn make_room(scene: &Scene) {
    scene.configure(
        "memory_bytes_max = 16777216",
        "memory_bytes_max = 3221225472",
    );
    scene.configure("cpu_ms_max = 400", "cpu_ms_max = 60000");
    scene.configure("call_s_max = 5", "call_s_max = 120");
}

/// With memory enough to make it, what stops it is the size of what may cross the boundary.
async fn hands_over_too_much(behavior: &str) {
    let scene = Scene::set(behavior).await;
    make_room(&scene);
    let words = [IN_LIST, "the rule used up handover_bytes_max = 16777216"];
    scene.sweep().is_contained().ended(UNLISTED, IMAGES, &words);
}

#[tokio::test(flavor = "multi_thread")]
async fn strings_of_megabytes() {
    hands_over_too_much("long-strings").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_a_million() {
    hands_over_too_much("long-list").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_of_too_many_things_is_given_up() {
    let scene = Scene::set("things-never-end").await;
    scene.configure("things_max = 30", "things_max = 2");
    let words = [IN_LIST, "things_max = 2"];
    scene.sweep().is_contained().ended(UNLISTED, IMAGES, &words);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_string_of_two_gigabytes() {
    hands_over_too_much("string-of-two-gigabytes").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_ten_million() {
    hands_over_too_much("list-of-ten-million").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_sleeps_in_delete() {
    let scene = Scene::set("sleep-in-delete").await;
    scene.configure("call_s_max = 5", "call_s_max = 1");
    let words = [IN_DELETE, "call_s_max = 1"];
    scene.sweep().is_contained().ended(LEFT, IMAGES, &words);
}

/// The rule is honest; it is the answer that has more in it than anybody should be handed.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_hundred_thousand() {
    let scene = Scene::set("honest").await;
    let images: Vec<_> = (0..100_000).map(|id| json!({"id": id})).collect();
    let answer = Effect::Answer {
        status: 200,
        content_type: "application/json",
        body: json!({ "images": images }).to_string(),
    };
    let fault = Fault::on("GET", "/image/v2/images", answer);
    scene.cloud.inject(fault);
    make_room(&scene);
    let words = [IN_LIST, "page_things_max = 20000"];
    scene.sweep().is_contained().ended(UNLISTED, IMAGES, &words);
}
