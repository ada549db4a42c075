//! What `runner rules new` writes builds and passes its own test, as it is written and by the commands of its own page.

use libtest_mimic::Trial;

use crate::example::{EXAMPLES, Example, PATIENT, sources};
use crate::support::run::Place;

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    EXAMPLES.iter().map(|example| {
        let name = format!("templates::{}", example.name());
        example.toolkit.trial(name, || builds_and_passes(example))
    })
}

fn builds_and_passes(example: &'static Example) {
    let place = Place::unconnected();
    place.write("runner.toml", PATIENT);
    let new = ["rules", "new", example.name(), "my-zones"];
    let of = [
        "--kind",
        "dns.zone",
        "--service",
        "dns",
        "--path",
        "/v2/zones",
    ];
    place.run(new.iter().chain(&of)).expect_code(0);
    let written = sources(&place.path("my-zones"));
    let component = example.build(&format!("{}-template", example.name()), &written);
    let component = component.to_string_lossy();
    let run = place.run(["rules", "check", &*component]);
    run.expect_code(0);
    assert!(run.says("DELETE /v2/zones/{id}"), "{run}");
    let folder = place.path("my-zones");
    let test = [
        "rules",
        "test",
        &*folder.to_string_lossy(),
        "--rule",
        &*component,
    ];
    place.run(test).expect_code(0);
}
