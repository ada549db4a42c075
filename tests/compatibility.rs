//! The promise to whoever has written a rule: within a minor version the contract only grows.
//!
//! `guests/contract-<version>` holds a rule and the contract as both were then. The rule is built as it is and run by today's
//! runner; of its contract nothing may be missing or otherwise today. That a rule for another minor version is refused, with both
//! versions named, is the command line's business: `cli/refusals.rs`.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use crate::reference::signature::{self, interface_name, interfaces};
use crate::support::fake_cloud::store::Stuck;
use crate::support::fake_cloud::{FakeCloud, Options};
use crate::support::guests::frozen;
use crate::support::run::Place;

const TASK: &str = "0569492e-7c1d-4b52-9f0e-2a6d3c8b1e47";

/// One of the task's networks, with a subnet that has no name, and one of somebody else's with another.
async fn scene() -> (FakeCloud, Place, [String; 4]) {
    let cloud = FakeCloud::start(Options::default()).await;
    let add = |name: &str| {
        let network = cloud.add("network.network", json!({ "name": name }));
        let of = json!({ "name": "", "network_id": network, "cidr": "10.1.0.0/24" });
        [network, cloud.add("network.subnet", of)]
    };
    let [network, subnet] = add("s_rally_0569492e_vfUAVvFR");
    let [shop, shop_subnet] = add("shop");
    let place = Place::new(&cloud);
    place.write(
        "runner.toml",
        "[sweep]\npause_ms_min = 10\npause_ms_max = 50\n",
    );
    (cloud, place, [network, subnet, shop, shop_subnet])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_for_an_earlier_contract_runs() {
    let (cloud, place, [network, subnet, shop, shop_subnet]) = scene().await;
    place.add_rules(frozen());
    // The cloud goes on listing the network, so that the rule is asked whether it is gone.
    cloud.edit(|store| store.stick(&network, Stuck::Forever));
    let run = place.run(["--task", TASK, "-vv"]);
    run.expect_code(0);
    let changes = cloud.mutations();
    let changes = changes
        .iter()
        .map(|it| format!("{} {}", it.method, it.path));
    let expected = [
        format!("DELETE /network/v2.0/subnets/{subnet}"),
        format!("DELETE /network/v2.0/networks/{network}"),
    ];
    assert_eq!(changes.collect::<Vec<_>>(), expected, "{run}");
    assert!(cloud.exists("network.network", &shop) && cloud.exists("network.subnet", &shop_subnet));
    assert!(
        run.says(&format!("deletes network.subnet/{subnet}")),
        "{run}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_for_a_later_patch_runs_while_it_uses_nothing_new() {
    let (cloud, place, [network, subnet, ..]) = scene().await;
    let rule = std::fs::read(frozen().join("contract_0_1_0.wasm")).unwrap();
    place.write("rules/later.wasm", replaced(rule, b"@0.1.0", b"@0.1.9"));
    let run = place.run(["--task", TASK]);
    run.expect_code(0);
    assert!(!cloud.exists("network.network", &network), "{run}");
    assert!(!cloud.exists("network.subnet", &subnet), "{run}");
}

#[test]
fn the_contract_has_only_grown() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let then = signature::files(&root.join("tests/guests/contract-0.1.0/wit"));
    let now = signature::files(&root.join("wit"));
    let broken = broken_promises(then, now);
    assert!(
        broken.is_empty(),
        "rules built for 0.1.0 would break; a change like this needs a new minor version:\n{}",
        broken.join("\n")
    );
}

#[test]
fn what_would_break_old_rules_is_named() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let then = signature::files(&root.join("tests/guests/contract-0.1.0/wit"));
    for (old, new, named) in [
        (
            "    tags: string,\n",
            "    tags: string,\n    region: string,\n",
            "record model.fields was",
        ),
        (
            "    not-found,\n",
            "    not-found,\n    gone,\n",
            "variant model.rule-error was",
        ),
        ("    patch,\n", "", "enum http.method was"),
        (
            "  log: func(",
            "  write: func(",
            "function logging.log is missing",
        ),
        (
            "gone: func(kind: ",
            "gone: func(of: ",
            "function presence.gone was",
        ),
        (
            "  name: func(",
            "  title: func() -> string;\n  name: func(",
            "exported interface rule was",
        ),
        ("  export owners;", "", "world guest-owners was"),
    ] {
        let changed = then
            .iter()
            .map(|(file, text)| (file.clone(), text.replace(old, new)));
        let broken = broken_promises(then.clone(), changed.collect());
        assert!(
            broken.iter().any(|it| it.starts_with(named)),
            "{named}: {broken:#?}"
        );
    }
}

#[test]
fn the_contract_may_grow() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let then = signature::files(&root.join("tests/guests/contract-0.1.0/wit"));
    let more = "package cleanup:rules@0.1.0;
        interface quotas { used: func(kind: string) -> u32; }
        world guest-quotas { include guest-full; export quotas; }";
    let mut now = then.clone();
    now.insert("more.wit".to_owned(), more.to_owned());
    assert_eq!(broken_promises(then, now), Vec::<String>::new());
}

/// What of the earlier contract is missing today, or is something else.
fn broken_promises(then: BTreeMap<String, String>, now: BTreeMap<String, String>) -> Vec<String> {
    let (then, now) = (promises(then), promises(now));
    let broken = |(item, was): (&String, &String)| match now.get(item) {
        Some(is) if is == was => None,
        Some(is) => Some(format!("{item} was\n{was}\nand is\n{is}")),
        None => Some(format!("{item} is missing; it was\n{was}")),
    };
    then.iter().filter_map(broken).collect()
}

/// What a contract promises, by the name of each item.
fn promises(files: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let (resolve, package) = signature::package(files);
    let package = &resolve.packages[package];
    let mut promises = BTreeMap::new();
    for (name, id) in &package.worlds {
        let world = &resolve.worlds[*id];
        promises.insert(format!("world {name}"), signature::world(&resolve, world));
        // A rule has no function that came later, so what it exports may not grow either.
        for id in interfaces(world.exports.values()) {
            let functions = resolve.interfaces[id].functions.keys().cloned();
            let functions: Vec<String> = functions.collect();
            let name = format!("exported interface {}", interface_name(&resolve, id));
            promises.insert(name, functions.join(", "));
        }
    }
    for (within, id) in &package.interfaces {
        let interface = &resolve.interfaces[*id];
        for (name, id) in &interface.types {
            let def = &resolve.types[*id];
            let text = signature::definition(&resolve, def);
            promises.insert(format!("{} {within}.{name}", def.kind.as_str()), text);
        }
        for (name, function) in &interface.functions {
            let text = signature::function(&resolve, function);
            promises.insert(format!("function {within}.{name}"), text);
        }
    }
    promises
}

fn replaced(bytes: Vec<u8>, old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut bytes = bytes;
    let places: Vec<usize> = bytes
        .windows(old.len())
        .enumerate()
        .filter(|(_, window)| *window == old)
        .map(|(at, _)| at)
        .collect();
    assert!(!places.is_empty() && old.len() == new.len());
    for at in places {
        bytes[at..at + new.len()].copy_from_slice(new);
    }
    bytes
}
