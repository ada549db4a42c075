//! The author's tools: a rule is begun, checked, tested against recorded answers, recorded, and measured.

use serde_json::{Value, json};

use crate::sandbox::misbehaving;
use crate::support::fake_cloud::{FakeCloud, Options};
use crate::support::guests::rule_pack;
use crate::support::run::{Place, Run};

const TASK: &str = "0a1b2c3d-1111-4222-8333-444455556666";
const OURS: &str = "s_rally_0a1b2c3d_abcdefgh";

const CLEAN: i32 = 0;
const FAILED: i32 = 1;
const USAGE: i32 = 2;

/// A rule's project with one case.
fn project(case: &Value) -> Place {
    let place = Place::unconnected();
    let rule = rule_pack().join("openstack_image.wasm");
    place.write("image.wasm", std::fs::read(rule).unwrap());
    place.write("tests/listing.json", case.to_string());
    place
}

/// Two images, of which the first is deleted.
fn case() -> Value {
    let image =
        |id: &str, name: &str| json!({"id": id, "name": name, "owner": "p", "status": "active"});
    json!({
        "kind": "image.image",
        "exchanges": [
            {
                "request": "GET /v2/images?limit=1000&visibility=all",
                "status": 200,
                "body": {"images": [image("a", OURS), image("b", "victim")]},
            },
            {
                "request": "GET /v2/images?limit=1000&visibility=all&os_hidden=true",
                "status": 200,
                "body": {"images": []},
            },
            {"request": "DELETE /v2/images/a", "status": 204},
        ],
        "things": [
            {"id": "a", "name": OURS, "project": "p", "delete": "gone"},
            {"id": "b", "name": "victim", "project": "p"},
        ],
    })
}

fn test(place: &Place) -> Run {
    place.run(["rules", "test", "."])
}

#[test]
fn a_case_that_holds_passes() {
    let run = test(&project(&case()));
    run.expect_code(CLEAN);
    assert!(run.stdout.contains("1 case, 0 failed"), "{run}");
}

/// Every part of a case can fail, and what is wrong is shown.
#[test]
fn a_case_that_does_not_hold_fails_with_the_difference() {
    let exchanges = case()["exchanges"].as_array().unwrap().clone();
    for (part, value, words) in [
        (
            "/things/0/name",
            json!("another"),
            vec!["-      \"name\": \"another\"", "+      \"name\": \"s_rally"],
        ),
        (
            "/things/1/project",
            json!("q"),
            vec!["-      \"project\": \"q\""],
        ),
        (
            "/things/0/delete",
            json!("accepted"),
            vec![
                "-      \"delete\": \"accepted\"",
                "+      \"delete\": \"gone\"",
            ],
        ),
        (
            "/things/1/delete",
            json!("gone"),
            vec!["asked, but not recorded: DELETE /v2/images/b"],
        ),
        (
            "/things",
            json!([]),
            vec!["recorded, but not asked: DELETE /v2/images/a"],
        ),
        (
            "/exchanges",
            json!([exchanges[0], exchanges[1]]),
            vec!["asked, but not recorded: DELETE /v2/images/a"],
        ),
        (
            "/exchanges/0/body",
            json!("<html>"),
            vec!["+  \"error\": \"malformed answer"],
        ),
        (
            "/exchanges/0/status",
            json!(403),
            vec!["+  \"error\": \"denied"],
        ),
        (
            "/exchanges/2/status",
            json!(409),
            vec!["\"error\": \"conflict"],
        ),
        (
            "/exchanges/2/status",
            json!(503),
            vec!["\"error\": \"throttled", "to each of 5 attempts"],
        ),
    ] {
        let mut case = case();
        match case.pointer_mut(part) {
            Some(place) => *place = value,
            None => case["things"][1]["delete"] = value,
        }
        let run = test(&project(&case));
        run.expect_code(FAILED);
        assert!(run.stdout.contains("1 case, 1 failed"), "{part}\n{run}");
        for words in words {
            assert!(run.stdout.contains(words), "{part}: {words}\n{run}");
        }
    }
}

#[test]
fn what_was_found_can_be_written_into_the_case() {
    let mut wrong = case();
    wrong["things"][0]["name"] = json!("another");
    let place = project(&wrong);
    place
        .run(["rules", "test", ".", "--update"])
        .expect_code(CLEAN);
    test(&place).expect_code(CLEAN);
    let text = std::fs::read_to_string(place.path("tests/listing.json")).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&text).unwrap()["things"],
        case()["things"]
    );
    // Where a request is not recorded, what was found is not what is to be expected.
    wrong["exchanges"] = json!([]);
    let place = project(&wrong);
    place
        .run(["rules", "test", ".", "--update"])
        .expect_code(FAILED);
    let text = std::fs::read_to_string(place.path("tests/listing.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), wrong);
}

#[test]
fn what_is_no_case_is_refused_with_file_and_reason() {
    for (part, value, words) in [
        (
            "kind",
            json!("image.picture"),
            "the rule has no kind image.picture; its kinds are: ",
        ),
        ("thing", json!([]), "unknown field `thing`"),
        ("scope", json!("some"), "unknown variant `some`"),
        (
            "exchanges",
            json!([{"request": "LOOK /", "status": 200}]),
            "method",
        ),
        (
            "exchanges",
            json!([{"request": "GET /"}]),
            "either a `status` or an `error`",
        ),
    ] {
        let mut case = case();
        case[part] = value;
        let run = test(&project(&case));
        run.expect_code(USAGE);
        assert!(
            run.says("tests/listing.json") && run.says(words),
            "{words}\n{run}"
        );
    }
    let place = project(&case());
    std::fs::remove_file(place.path("tests/listing.json")).unwrap();
    assert!(test(&place).expect_code(USAGE).says("--record"));
    place.write("another.wasm", "");
    assert!(test(&place).expect_code(USAGE).says("--rule FILE"));
}

/// A test is no way around the sandbox: what a sweep would not let pass, it shows.
#[test]
fn a_rule_that_lies_fails_its_test() {
    for (behavior, words) in [
        ("name-not-carried", "the rule misbehaved: "),
        (
            "delete-in-list",
            "only GET and HEAD may be sent outside delete",
        ),
        ("panic-in-list", "the rule crashed"),
    ] {
        let mut case = case();
        for (at, limit) in [(0, 2), (1, 100)] {
            case["exchanges"][at]["body"] = case["exchanges"][0]["body"].clone();
            let request = format!("GET /v2/images?limit={limit}&visibility=all");
            case["exchanges"][at]["request"] = json!(request);
        }
        let place = project(&case);
        place.write("image.wasm", misbehaving(behavior));
        let run = test(&place);
        run.expect_code(FAILED);
        assert!(run.says(words), "{behavior}\n{run}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_plays_without_the_cloud_and_holds_no_secret() {
    let cloud = FakeCloud::start(Options {
        page_max: Some(2),
        ..Options::default()
    })
    .await;
    for name in [OURS, "victim", "s_rally_0a1b2c3e_abcdefgh"] {
        cloud.add("network.network", json!({ "name": name }));
    }
    cloud.clear_requests();
    let place = Place::new(&cloud);
    let rule = rule_pack().join("openstack_network.wasm");
    let rule = rule.to_str().unwrap();
    let record = [
        "rules",
        "test",
        ".",
        "--rule",
        rule,
        "--record",
        "--kind",
        "network.*work",
    ];
    let run = place.run(record);
    run.expect_code(CLEAN);
    assert_eq!(cloud.mutations().len(), 0, "{run}");
    let file = place.path("tests/network.network.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let url = cloud.url().trim_start_matches("http://");
    assert!(!text.contains(url) && !text.contains("127.0.0.1"), "{text}");
    assert!(
        text.contains("https://network.example/v2.0/networks"),
        "{text}"
    );
    assert!(
        !text.to_lowercase().contains("token") && !text.contains("secret"),
        "{text}"
    );
    // What is there is not written over.
    assert!(
        place
            .run(record)
            .expect_code(USAGE)
            .says("network.network.json is there already")
    );
    drop(cloud);
    let offline = Place::unconnected();
    offline.write("tests/network.network.json", &text);
    let run = offline.run(["rules", "test", ".", "--rule", rule]);
    run.expect_code(CLEAN);
    let case: Value = serde_json::from_str(&text).unwrap();
    assert!(
        case["exchanges"].as_array().unwrap().len() >= 2,
        "it has pages: {text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_deletes_what_bears_the_tasks_name_and_nothing_else() {
    let cloud = FakeCloud::start(Options::default()).await;
    let ours = cloud.add("network.network", json!({ "name": OURS }));
    let tagged = cloud.add("network.network", json!({ "name": OURS, "tags": ["keep"] }));
    cloud.add("network.network", json!({ "name": "victim" }));
    cloud.add(
        "network.network",
        json!({ "name": "s_rally_0a1b2c3e_abcdefgh" }),
    );
    let before = cloud.things();
    let place = Place::new(&cloud);
    place.write("runner.toml", "[protect]\ntags = [\"keep\"]\n");
    let rule = rule_pack().join("openstack_network.wasm");
    let rule = rule.to_str().unwrap();
    let run = place.run([
        "rules",
        "test",
        ".",
        "--rule",
        rule,
        "--record",
        "--kind",
        "network.network",
        "--delete-task",
        TASK,
    ]);
    run.expect_code(CLEAN);
    let after = cloud.things();
    let gone: Vec<_> = before
        .iter()
        .filter(|thing| !after.contains(thing))
        .collect();
    assert_eq!(gone.len(), 1, "{gone:?}");
    assert!(!cloud.exists("network.network", &ours) && cloud.exists("network.network", &tagged));
    let text = std::fs::read_to_string(place.path("tests/network.network.json")).unwrap();
    let case: Value = serde_json::from_str(&text).unwrap();
    let deleted = case["things"].as_array().unwrap().iter();
    let deleted = deleted.filter(|thing| thing["delete"] == "gone");
    assert_eq!(deleted.count(), 1, "{text}");
    assert!(
        text.contains(&format!("DELETE /v2.0/networks/{ours}")),
        "{text}"
    );
    assert!(
        place
            .audit()
            .iter()
            .any(|entry| entry.to_string().contains(&ours)),
        "it is on record"
    );
    place
        .run(["rules", "test", ".", "--rule", rule])
        .expect_code(CLEAN);
}

#[test]
fn nothing_is_recorded_where_nothing_is_reached() {
    let place = project(&case());
    let run = place.run([
        "rules",
        "test",
        ".",
        "--record",
        "--os-auth-url",
        "http://127.0.0.1:1/v3",
        "--os-username",
        "u",
        "--os-password",
        "p",
        "--os-project-name",
        "p",
        "--os-user-domain-name",
        "d",
        "--os-project-domain-name",
        "d",
    ]);
    assert_ne!(run.code, Some(CLEAN), "{run}");
    assert!(!place.path("tests/image.image.json").exists());
}

#[test]
fn a_bench_measures_what_there_is() {
    let place = project(&case());
    let run = place.run(["rules", "bench", "image.wasm", "--cases", ".", "-f", "json"]);
    run.expect_code(CLEAN);
    let row = &run.json[0];
    for figure in [
        "bytes",
        "compile_us",
        "load_us",
        "start_us",
        "memory_bytes",
        "list_us",
        "name_us",
        "delete_us",
    ] {
        assert!(
            row[figure].as_f64().is_some_and(|it| it > 0.0),
            "{figure}\n{run}"
        );
    }
    assert_eq!(row["things"], 2, "{run}");
    let alone = place.run(["rules", "bench", "image.wasm", "-f", "json"]);
    assert!(
        alone.expect_code(CLEAN).json[0]["list_us"].is_null(),
        "{alone}"
    );
}

#[test]
fn a_check_says_what_a_rule_is_and_may_do() {
    let place = project(&case());
    let run = place.run(["rules", "check", "image.wasm"]);
    run.expect_code(CLEAN);
    for words in [
        "for contract 0.1.0",
        "compiled ",
        "sha256",
        "DELETE /v2/images/{id}",
    ] {
        assert!(run.stdout.contains(words), "{words}\n{run}");
    }
    assert!(!run.stdout.contains("advice"), "the pack needs none\n{run}");
}

#[test]
fn a_project_is_made_only_where_nothing_is() {
    let place = Place::unconnected();
    let new = |more: &[&str]| {
        let arguments = [
            "rules",
            "new",
            "python",
            "my-zones",
            "--service",
            "dns",
            "--path",
            "/v2/zones",
        ];
        place.run(arguments.iter().chain(more))
    };
    new(&[]).expect_code(CLEAN);
    let rule = std::fs::read_to_string(place.path("my-zones/rule.py")).unwrap();
    assert!(
        rule.contains("name=\"dns.my_zones\"") && rule.contains("/v2/zones/{id}"),
        "{rule}"
    );
    assert!(!rule.contains("{{"), "{rule}");
    assert!(
        place.path("my-zones/.gitignore").is_file()
            && place.path("my-zones/wit/rule.wit").is_file()
    );
    place.write("my-zones/rule.py", "mine");
    assert!(
        new(&[])
            .expect_code(USAGE)
            .says("my-zones is there already")
    );
    assert_eq!(
        std::fs::read_to_string(place.path("my-zones/rule.py")).unwrap(),
        "mine"
    );
    for wrong in [
        ["--into", "my-zones/rule.py"],
        ["--kind", "Zone"],
        ["--kind", "dns.zone.record"],
        ["--path", "zones"],
        ["--path", "/v2/zones?all=1"],
        ["--at", "a\"b"],
        ["--service", "http://dns"],
    ] {
        let at = format!("my-{}", wrong[0].trim_start_matches('-'));
        let mut more = wrong.to_vec();
        if wrong[0] != "--into" {
            more.extend(["--into", &at]);
        }
        let run = new(&more);
        run.expect_code(USAGE);
        assert!(!place.path(&at).exists(), "{wrong:?}\n{run}");
    }
}

/// What is compiled is run as native code, so it is kept only where nobody else can have put it.
#[test]
fn a_cache_that_others_may_write_to_is_not_used() {
    use std::os::unix::fs::PermissionsExt;
    let place = project(&case());
    let cache = place.path("cache");
    let folder = cache.join("runner/components");
    std::fs::create_dir_all(&folder).unwrap();
    let check = |mode| {
        std::fs::set_permissions(&folder, PermissionsExt::from_mode(mode)).unwrap();
        let mut command = place.command(["rules", "test", "."]);
        let run = Run::from(command.env("XDG_CACHE_HOME", &cache).output().unwrap());
        run.expect_code(CLEAN);
        (run, std::fs::read_dir(&folder).unwrap().count())
    };
    // It is compiled within its bounds all the same.
    place.write(
        "runner.toml",
        "[limits]\ncompile_memory_bytes_max = 1000000\n",
    );
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o777)).unwrap();
    let mut command = place.command(["rules", "test", "."]);
    let run = Run::from(command.env("XDG_CACHE_HOME", &cache).output().unwrap());
    assert!(
        run.expect_code(USAGE)
            .says("used up compile_memory_bytes_max"),
        "{run}"
    );
    place.write("runner.toml", "");
    let (run, files) = check(0o777);
    assert!(run.says("others may write there") && files == 0, "{run}");
    let (run, files) = check(0o700);
    assert!(!run.says("others may write there") && files > 0, "{run}");
}

/// Where a second compilation could not succeed, a second run does: it finds the first one's.
#[test]
fn a_rule_is_compiled_once() {
    let place = project(&case());
    let cache = place.path("cache");
    let test = || {
        let mut command = place.command(["rules", "test", "."]);
        Run::from(command.env("XDG_CACHE_HOME", &cache).output().unwrap())
    };
    place.write(
        "runner.toml",
        "[limits]\ncompile_memory_bytes_max = 1000000\n",
    );
    let run = test();
    assert!(
        run.expect_code(USAGE)
            .says("used up compile_memory_bytes_max = 1000000"),
        "{run}"
    );
    place.write("runner.toml", "");
    test().expect_code(CLEAN);
    place.write(
        "runner.toml",
        "[limits]\ncompile_memory_bytes_max = 1000000\n",
    );
    test().expect_code(CLEAN);
}

/// The rule is tested that was built, not the one that was written since.
#[test]
fn a_component_older_than_its_source_is_spoken_of() {
    let place = project(&case());
    assert!(
        !test(&place)
            .expect_code(CLEAN)
            .stderr
            .contains("is older than")
    );
    std::thread::sleep(std::time::Duration::from_millis(20));
    place.write("rule.py", "# changed\n");
    let run = test(&place);
    assert!(
        run.expect_code(CLEAN)
            .says("image.wasm is older than ./rule.py: build it again?"),
        "{run}"
    );
}

/// A field that is nowhere is a slip as often as not.
#[test]
fn what_no_object_has_is_noted() {
    let mut case = case();
    for image in case["exchanges"][0]["body"]["images"]
        .as_array_mut()
        .unwrap()
    {
        image.as_object_mut().unwrap().remove("owner");
    }
    for thing in case["things"].as_array_mut().unwrap() {
        thing.as_object_mut().unwrap().remove("project");
    }
    let run = test(&project(&case));
    run.expect_code(CLEAN);
    assert!(
        run.stdout
            .contains("note: no object has /owner, a field of image.image"),
        "{run}"
    );
}
