//! Every example is built, says what it is, and asks for nothing out of the ordinary.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use runner::guest::{Component, Grants, Sandbox};
use serde_json::Value;

use crate::support::guests::rule_pack;
use crate::support::run::Place;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folders of the rule pack, by service.
fn folders() -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(root().join("guest-examples/openstack")).unwrap();
    let folders = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir());
    let named = |path: PathBuf| {
        (
            path.file_name().unwrap().to_string_lossy().into_owned(),
            path,
        )
    };
    let mut folders: Vec<_> = folders.map(named).collect();
    folders.sort();
    folders
}

fn file_of(service: &str) -> String {
    format!("openstack_{}.wasm", service.replace('-', "_"))
}

#[test]
fn each_folder_is_a_component_of_the_pack_with_a_page_about_it() {
    let folders = folders();
    assert!(folders.len() >= 5, "{folders:?}");
    for (service, folder) in &folders {
        assert!(
            rule_pack().join(file_of(service)).is_file(),
            "{service} is not in the pack"
        );
        let page = std::fs::read_to_string(folder.join("README.md")).unwrap_or_default();
        assert!(
            page.starts_with("# ") && page.lines().count() > 5,
            "{service} has no README.md"
        );
    }
    let expected: BTreeSet<String> = folders
        .iter()
        .map(|(service, _)| file_of(service))
        .collect();
    let there = std::fs::read_dir(rule_pack()).unwrap();
    let there = there.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    assert_eq!(
        there.collect::<BTreeSet<_>>(),
        expected,
        "the pack is what the folders say"
    );
}

#[tokio::test]
async fn each_component_is_taken_without_special_trust() {
    let sandbox = Sandbox::new(None).unwrap();
    for (service, _) in folders() {
        let file = rule_pack().join(file_of(&service));
        let component = Component::load(&sandbox, &file, &Grants::default()).await;
        let component = component.unwrap_or_else(|error| panic!("{service}: {error}"));
        assert!(!component.kinds().is_empty(), "{service} has no kinds");
        for kind in component.kinds() {
            assert_eq!(kind.check(), Ok(()), "{}", kind.name);
            assert_eq!(kind.unusual(), Vec::<String>::new(), "{}", kind.name);
        }
    }
}

#[test]
fn rules_list_shows_kinds_of_every_component() {
    let place = Place::unconnected();
    place.add_rules(rule_pack());
    let run = place.run(["rules", "list", "-f", "json"]);
    run.expect_code(0);
    let kinds = run.json.as_array().unwrap();
    let shown: BTreeSet<&str> = kinds
        .iter()
        .filter_map(|kind| kind["rule"].as_str())
        .collect();
    for (service, _) in folders() {
        let rule = file_of(&service).replace(".wasm", "");
        assert!(shown.contains(rule.as_str()), "no kind of {service}\n{run}");
    }
    for kind in kinds {
        let requests = kind["requests"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        // An assignment goes with whose it is.
        let is_witness = kind["kind"] == "identity.role_assignment";
        let is_template = |request: &Value| request.as_str().is_some_and(|it| it.contains(" /"));
        assert!(
            requests.iter().all(is_template) && (!requests.is_empty() || is_witness),
            "{kind}"
        );
    }
}

/// Rules whose service runs in no test here are held to what it was recorded to say.
#[test]
fn recorded_cases_of_the_pack_pass() {
    let place = Place::unconnected();
    let mut played = 0;
    for (service, folder) in folders() {
        if !folder.join("tests").is_dir() {
            continue;
        }
        let rule = rule_pack().join(file_of(&service));
        let run = place.run([
            "rules".as_ref(),
            "test".as_ref(),
            folder.as_os_str(),
            "--rule".as_ref(),
            rule.as_os_str(),
        ]);
        run.expect_code(0);
        played += run
            .stdout
            .lines()
            .filter(|line| line.starts_with("ok "))
            .count();
    }
    assert!(played >= 25, "{played} cases");
}

#[test]
fn no_component_is_tracked() {
    let listed = Command::new("git")
        .args(["ls-files"])
        .current_dir(root())
        .output();
    let Some(listed) = listed.ok().filter(|listed| listed.status.success()) else {
        return; // Not a checkout: nothing is tracked.
    };
    let tracked = String::from_utf8_lossy(&listed.stdout);
    assert!(
        tracked.lines().any(|file| file == "Cargo.toml"),
        "the list is of this project"
    );
    let built: Vec<&str> = tracked
        .lines()
        .filter(|file| file.ends_with(".wasm") || file.ends_with(".cwasm"))
        .collect();
    assert!(built.is_empty(), "{built:?}");
}
