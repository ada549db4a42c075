//! Component files that are refused before anything is begun.

use super::*;

/// Whatever is wrong with a component file, nothing is begun.
pub(super) fn refused_at_load(scene: Scene, words: &[&str]) {
    let aftermath = scene.sweep();
    aftermath.run.expect_code(USAGE);
    assert!(aftermath.scene.cloud.mutations().is_empty());
    for words in words {
        assert!(
            aftermath.run.stderr.contains(words),
            "nobody said {words:?}\n{}",
            aftermath.run
        );
    }
    assert!(!aftermath.run.stderr.contains('\x1b'), "{}", aftermath.run);
}

macro_rules! refusals {
    ($($test:ident: $behavior:literal => [$($words:expr),+];)+) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            refused_at_load(Scene::set($behavior).await, &["misbehave.wasm", $($words),+]);
        }
    )+};
}

refusals! {
    an_endless_loop_in_kinds: "loop-in-kinds" => ["failed to describe its kinds", CPU];
    a_panic_in_kinds: "panic-in-kinds" => ["failed to describe its kinds", "these are the last words"];
    a_request_in_kinds: "get-in-kinds" => ["failed to describe its kinds", "no request may be sent in this function"];
    a_loop_before_the_first_call: "loop-at-start" => [CPU];
    a_sleep_before_the_first_call: "sleep-at-start" => ["call_s_max = 5"];
    a_request_before_the_first_call: "request-at-start" => ["no request may be sent in this function"];
    an_id_from_an_unusual_field: "unusual-id" => ["takes its id from /network_id", "trust = [\"unusual-fields\"]"];
    a_name_from_an_unusual_field: "unusual-name" => ["takes its name from /checksum"];
    a_project_from_an_unusual_field: "unusual-project" => ["takes its project from /visibility"];
    a_project_that_is_another_ones: "project-that-is-another" => ["takes its project from /target_project_id"];
    a_kind_that_passes_for_the_projects: "projects-of-its-own" => ["identity.project", "only of the service \"identity\""];
    a_kind_that_passes_for_the_users: "users-of-its-own" => ["identity.user", "only of the service \"identity\""];
    a_property_that_nobody_knows: "unknown-property" => ["has the property \"trusted\", which this runner does not know"];
    a_template_that_aims_at_the_collection: "template-without-id" => ["DELETE /v2/images"];
    a_template_with_dot_segments: "template-with-dots" => ["DELETE /v2/../{id}"];
    a_template_that_aims_at_another_thing: "template-of-another-kind" => ["DELETE /v2/images/{/base_image_ref}"];
    a_template_that_gives_an_order_to_another_thing: "template-of-an-action" => ["forceDelete", "does not aim at the thing"];
    a_template_that_writes_in_another_collection: "template-of-another-collection" => ["acts in /v2/images/ and /v2/metadefs/", "trust = [\"unusual-fields\"]"];
    a_template_that_says_only_when_filled_in_what_it_does: "template-that-goes-on" => ["goes on behind the thing's id", "trust = [\"unusual-fields\"]"];
    a_template_that_makes_an_administrator: "template-of-a-grant" => ["role assignments and memberships are no rule's business"];
    a_template_that_adds_to_a_group: "template-of-a-membership" => ["role assignments and memberships are no rule's business"];
    a_template_that_takes_from_nobody: "template-that-takes-from-nobody" => ["acts on another thing", "/v2/stores/{/status}/remove", "trust = [\"unusual-fields\"]"];
    a_template_that_gives_to_an_owner: "template-that-gives-to-an-owner" => ["acts on another thing", "trust = [\"unusual-fields\"]"];
    projects_by_another_name: "projects-by-another-name" => ["DELETE /v3/projects/{id}", "are of the kinds identity.project"];
    projects_by_what_an_object_says: "projects-by-what-an-object-says" => ["DELETE /v3/{/name}/{id}", "are of the kinds identity.project"];
    a_kind_that_passes_for_the_domains: "domains-of-another-service" => ["identity.domain", "only of the service \"identity\""];
    a_witness_that_nothing_shows: "witness-without-a-path" => ["declares no path that shows it"];
    a_witness_by_any_field: "witness-by-any-field" => ["takes its id from /checksum", "trust = [\"unusual-fields\"]"];
    a_template_without_end: "template-without-end" => ["declares a request that is longer than any should be"];
    a_template_full_of_places: "template-full-of-places" => ["declares a request that has more than 8 placeholders"];
    a_pointer_without_end: "pointer-without-end" => ["declares a pointer that is longer than any should be"];
    a_state_that_is_not_seen: "state-that-is-not-seen" => ["declares a text that holds a character that is not seen"];
    an_owner_that_is_no_kind: "owner-that-is-no-kind" => ["declares another kind that is no <service>.<resource>"];
    a_path_of_everything: "path-of-everything" => ["is not a valid path to read"];
    a_sight_of_everything: "sight-of-everything" => ["\"/*\" is not a valid pointer to a member: expected /member"];
    a_sight_of_no_pointer: "sight-of-no-pointer" => ["\"size\" is not a valid pointer to a member"];
    a_sight_without_end: "sight-without-end" => ["declares a pointer that is longer than any should be"];
    a_sight_of_too_much: "sight-of-too-much" => ["declares too many members to see"];
    another_kind_each_time: "another-kind-each-time" => ["describes others when it is asked again"];
    a_kind_name_with_control_characters: "odd-kind-name" => ["is no name of a kind"];
    a_kind_described_twice: "same-kind-twice" => ["image.image is described twice"];
    a_rule_without_kinds: "no-kind" => ["at least one"];
    a_rule_of_a_hundred_thousand_kinds: "many-kinds" => ["failed to describe its kinds"];
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_waits_for_itself() {
    refused_at_load(
        Scene::set("circle").await,
        &["wait for each other in a circle", "image.image"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_rules_for_one_kind() {
    let scene = Scene::set("honest").await;
    scene
        .place
        .write("rules/another.wasm", misbehaving("honest"));
    refused_at_load(
        scene,
        &["image.image is claimed by two rules, another and misbehave"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_of_another_rule() {
    refused_at_load(
        Scene::set("kind-of-another-rule").await,
        &["network.network is claimed by two rules, misbehave and openstack_network"],
    );
}

/// A folder with one broken file among the rules.
async fn with_file(content: &[u8], words: &[&str]) {
    let scene = Scene::set("honest").await;
    scene.place.write("rules/broken.wasm", content);
    refused_at_load(scene, &[&["broken.wasm"], words].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file() {
    with_file(b"", &["is no WebAssembly component"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_webassembly() {
    with_file(b"#!/bin/sh\nrm -rf /\n", &["is no WebAssembly component"]).await;
}

/// Native code is run only if the runner has made it itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_precompiled_component() {
    let engine = wasmtime::Engine::default();
    let native = engine.precompile_component(&misbehaving("honest")).unwrap();
    with_file(&native, &["is no WebAssembly component"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_was_cut_off() {
    let bytes = misbehaving("honest");
    with_file(&bytes[..bytes.len() / 2], &["is no WebAssembly component"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_core_module() {
    with_file(
        b"\0asm\x01\0\0\0",
        &["is a core WebAssembly module, not a component"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_is_no_rule() {
    with_file(b"\0asm\x0d\0\x01\0", &["is a component but no rule"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_for_another_version_of_the_contract() {
    let bytes = replaced(&misbehaving("honest"), b"@0.1.0", b"@0.2.0");
    with_file(
        &bytes,
        &["was built for version 0.2.0 of cleanup:rules", "0.1.0"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_is_too_large() {
    let scene = Scene::set("honest").await;
    scene.configure("failures_max = 10", "component_bytes_max = 1000");
    refused_at_load(scene, &["misbehave.wasm", "component_bytes_max = 1000"]);
}

fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn sized(content: &[u8]) -> Vec<u8> {
    [&leb128(content.len()), content].concat()
}

/// A core module of these sections.
fn module(sections: &[(u8, &[u8])]) -> Vec<u8> {
    let sections = sections
        .iter()
        .map(|(id, content)| [&[*id], &*sized(content)].concat());
    let sections: Vec<u8> = sections.flatten().collect();
    [&b"\0asm\x01\0\0\0"[..], &sections].concat()
}

/// An honest rule in which there is this core module besides, and is instantiated so many times.
fn with_module(module: &[u8], instances: usize) -> Vec<u8> {
    let mut component = misbehaving("honest");
    let mut depth = 0;
    let mut modules = 0;
    for payload in wasmparser::Parser::new(0).parse_all(&component) {
        match payload.unwrap() {
            wasmparser::Payload::ModuleSection { .. } => {
                modules += usize::from(depth == 0);
                depth += 1;
            }
            wasmparser::Payload::ComponentSection { .. } => depth += 1,
            wasmparser::Payload::End(_) => depth -= i32::from(depth > 0),
            _ => {}
        }
    }
    component.extend([&[1], &*sized(module)].concat());
    if instances > 0 {
        let instance = [&[0], &*leb128(modules), &[0]].concat();
        let content = [leb128(instances), instance.repeat(instances)].concat();
        component.extend([&[2], &*sized(&content)].concat());
    }
    component
}

/// A rule with a core module of eight functions with so many operations each.
fn with_large_module(operations: usize) -> Vec<u8> {
    const FUNCTIONS: u8 = 8;
    const TYPES: &[u8] = b"\x01\x60\x01\x7f\x01\x7f"; // one: i32 -> i32
    const MULTIPLY_AND_ADD: &[u8] = b"\x20\x00\x6c\x41\x07\x6a";
    let body = [
        b"\x00\x20\x00",
        &*MULTIPLY_AND_ADD.repeat(operations),
        b"\x0b",
    ]
    .concat();
    let code = [&[FUNCTIONS], &*sized(&body).repeat(FUNCTIONS.into())].concat();
    let functions = [&[FUNCTIONS][..], &[0; FUNCTIONS as usize]].concat();
    with_module(&module(&[(1, TYPES), (3, &functions), (10, &code)]), 0)
}

/// One memory with so many pages.
fn memory(pages: usize) -> Vec<u8> {
    module(&[(5, &[&[1, 0], &*leb128(pages)].concat())])
}

/// One table of functions with so many elements.
fn table(elements: usize) -> Vec<u8> {
    module(&[(4, &[&[1, 0x70, 0], &*leb128(elements)].concat())])
}

/// A component that wants too much before anybody has called it.
async fn wants_too_much(component: Vec<u8>, words: &[&str]) {
    let scene = Scene::set("honest").await;
    scene.place.write("rules/misbehave.wasm", component);
    refused_at_load(scene, &[&["misbehave.wasm"], words].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_memories() {
    wants_too_much(with_module(&memory(1), 300), &["resource limit exceeded"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_tables() {
    wants_too_much(with_module(&table(1), 300), &["resource limit exceeded"]).await;
}

/// Each is small enough by itself.
#[tokio::test(flavor = "multi_thread")]
async fn memories_that_are_too_much_together() {
    let words = ["memory_bytes_max = 16777216"];
    wants_too_much(with_module(&memory(64), 10), &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_memory_of_four_gigabytes() {
    let words = ["memory_bytes_max = 16777216"];
    wants_too_much(with_module(&memory(65_536), 1), &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_ten_million() {
    let words = ["table_elements_max = 100000"];
    wants_too_much(with_module(&table(10_000_000), 1), &words).await;
}

/// So it is what they want that is refused, and not that there is a module more.
#[tokio::test(flavor = "multi_thread")]
async fn a_few_memories_and_tables() {
    for module in [memory(1), table(1)] {
        let scene = Scene::set("honest").await;
        let component = with_module(&module, 10);
        scene.place.write("rules/misbehave.wasm", component);
        scene.sweep().is_contained().ended(CLEAN, 0, &[]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_takes_too_long_to_compile() {
    let scene = Scene::set("honest").await;
    scene.configure("failures_max = 10", "compile_cpu_s_max = 1");
    let component = with_large_module(300_000);
    scene.place.write("rules/misbehave.wasm", component);
    refused_at_load(scene, &["misbehave.wasm", "used up compile_cpu_s_max = 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_takes_too_much_memory_to_compile() {
    let scene = Scene::set("honest").await;
    let limit = "compile_memory_bytes_max = 150000000";
    scene.configure("failures_max = 10", limit);
    let component = with_large_module(300_000);
    scene.place.write("rules/misbehave.wasm", component);
    refused_at_load(scene, &["misbehave.wasm", "used up", limit]);
}

/// What is behind the bounds is only their size: the same component compiles, and works, where they are ordinary.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_component_within_its_bounds() {
    let scene = Scene::set("honest").await;
    scene
        .place
        .write("rules/misbehave.wasm", with_large_module(1_000));
    scene.sweep().is_contained().ended(CLEAN, 0, &[]);
}

/// All places of a text replaced by another of the same length.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = bytes.to_vec();
    let places = (0..bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from));
    for at in places {
        replaced[at..at + to.len()].copy_from_slice(to);
    }
    assert_ne!(replaced, bytes);
    replaced
}
