//! Templates: what they make, what they say of a name, and what a sweep takes by them.

use super::*;

const TEMPLATES: &str = "[[formats]]\nlabel = \"pipeline\"\ntemplate = \"ci-{task:number}-*\"\n\
     [[formats]]\npreset = \"kubernetes\"\n";

fn scene(buckets: &[&str]) -> (Service, Place) {
    let service = Service::start(Tls::No, buckets, all);
    let place = Place::unconnected();
    place.add_rule(&guests::kinto(), "kinto.wasm");
    let url = service.url("127.0.0.1");
    place.write(
        "runner.toml",
        format!("{TEMPLATES}[services.kinto]\nurl = \"{url}\"\n"),
    );
    (service, place)
}

#[test]
fn by_a_template_the_tasks_things_go_and_no_others() {
    let buckets = [
        "ci-4711-web",
        "ci-47110-web",
        "ci-4712-web",
        "my-ci-4711-web",
        "ci-4711",
        "ci-471-web",
    ];
    let (service, place) = scene(&buckets);
    let run = place.run(["--task", "4711", "--show-kept"]);
    run.expect_code(CLEAN);
    assert_eq!(service.buckets(), buckets[1..], "{run}");
}

#[test]
fn without_a_task_a_template_takes_nothing() {
    let (service, place) = scene(&["ci-4711-web"]);
    place.run(["--yes"]).expect_code(CLEAN);
    assert_eq!(service.buckets(), ["ci-4711-web"]);
}

#[test]
fn an_id_that_names_cannot_carry_is_said() {
    let (service, place) = scene(&["ci-47-web"]);
    let run = place.run(["--task", "47", "--dry-run"]);
    run.expect_code(CLEAN);
    assert!(
        run.stderr.contains("\"pipeline\" finds nothing") && run.stderr.contains("too few"),
        "{run}"
    );
    assert_eq!(service.buckets().len(), 1);
    let run = place.run(["names", "--task", "prod", "--label", "pipeline"]);
    run.expect_code(USAGE);
    assert!(
        run.stderr
            .contains("cannot carry the task id prod: it is no number"),
        "{run}"
    );
}

#[test]
fn names_are_made_and_told() {
    let (_service, place) = scene(&[]);
    let run = place.run(["names", "--task", "4711", "--label", "pipeline", "-n", "3"]);
    run.expect_code(CLEAN);
    let made: Vec<&str> = run.stdout.lines().collect();
    assert!(
        made.len() == 3 && made.iter().all(|it| it.starts_with("ci-4711-")),
        "{run}"
    );
    let all = place.run(["names", "--task", "prod-7", "--all"]);
    assert!(
        all.stdout.contains("kubernetes\tkube_service_prod-7_"),
        "{all}"
    );
    assert!(!all.stdout.contains("pipeline"), "{all}");
    let names = [
        made[0],
        "ci-4712-web",
        "kube_service_prod-7_a_b",
        "s_rally_0569492e_AbCdEf12",
        "website",
    ];
    let check = ["names", "check", "--task", "4711", "-f", "json"];
    let run = place.run(check.iter().chain(&names));
    run.expect_code(CLEAN);
    let told: Vec<String> = run
        .json
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| {
            let word = |key: &str| it[key].as_str().unwrap_or("-").to_owned();
            format!("{} {} {}", word("format"), word("carries"), word("task"))
        })
        .collect();
    let expected = [
        "pipeline 4711 4711",
        "pipeline 4712 -",
        "kubernetes prod-7 -",
        "rally scenario 0569492e -",
        "- - -",
    ];
    assert_eq!(told, expected, "{run}");
    let run = place.run([
        "names",
        "check",
        "--kind",
        "dns.zone",
        "kube_service_prod-7_a_b",
    ]);
    run.expect_code(CLEAN);
    assert!(
        run.stdout.contains("count for other kinds than dns.zone"),
        "{run}"
    );
    let run = place.run(["names", "check", "ci-4711-web"]);
    assert!(run.stdout.contains("it has the form ci-…-…"), "{run}");
}

#[test]
fn a_template_that_would_take_anything_is_refused() {
    let (service, place) = scene(&["website"]);
    for (template, words) in [
        ("*", "places for the task's id"),
        ("{task}-*", "names of any maker"),
        ("ci-{task}*", "nothing says where"),
        ("s_rally_{task}_*", "built in and matched to the letter"),
    ] {
        place.write(
            "runner.toml",
            format!("[[formats]]\nlabel = \"x\"\ntemplate = \"{template}\"\n"),
        );
        let run = place.run(["--task", "4711"]);
        run.expect_code(USAGE);
        assert!(run.stderr.contains(words), "{words}\n{run}");
    }
    assert!(service.asked().is_empty());
}
