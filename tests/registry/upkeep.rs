//! Rules that are there: what has moved, what is fetched anew, what is taken away, and what is carried to where no registry is.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_has_moved_is_said_and_fetched_anew() {
    let scene = Scene::new().await;
    scene.add().expect_code(CLEAN);
    let outdated = ["rules", "outdated", "--detailed-exitcode"];
    let run = scene.place.run(outdated);
    run.expect_code(CLEAN);
    assert!(run.stdout.contains("is as it is pinned"), "{run}");
    let run = scene.place.run(["rules", "update"]);
    run.expect_code(CLEAN);
    assert!(scene.is_there(), "{run}");

    let newer = misbehaving("delete-in-list");
    let moved = scene.registry.publish("rules/image", "1", &newer);
    let run = scene.place.run(outdated);
    run.expect_code(10);
    let words = format!("has moved from {} to {moved}", scene.manifest);
    assert!(run.stdout.contains(&words), "{run}");
    assert!(scene.is_there(), "nothing is fetched by looking: {run}");
    scene.place.run(["rules", "outdated"]).expect_code(CLEAN);

    let run = scene.place.run(["rules", "update", "image"]);
    run.expect_code(CLEAN);
    assert_eq!(std::fs::read(scene.file()).unwrap(), newer);
    assert!(scene.lock().contains(&moved), "{run}");
    scene.place.run(["rules", "diff"]).expect_code(CLEAN);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_do_something_else_is_not_taken_unasked() {
    let scene = Scene::new().await;
    scene.add().expect_code(CLEAN);
    let lock = scene.lock();
    let other = std::fs::read(frozen().join("contract_0_1_0.wasm")).unwrap();
    scene.registry.publish("rules/image", "1", &other);
    let run = scene.place.run(["rules", "update"]);
    run.expect_code(GUARDED);
    assert!(run.stderr.contains("--replace"), "{run}");
    assert!(scene.is_there() && scene.lock() == lock, "{run}");
    scene
        .place
        .run(["rules", "update", "--replace"])
        .expect_code(CLEAN);
    assert_eq!(std::fs::read(scene.file()).unwrap(), other);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_came_from_a_registry_is_looked_for_there() {
    let scene = Scene::new().await;
    let run = scene.place.run(["rules", "outdated"]);
    run.expect_code(USAGE);
    assert!(run.stderr.contains("there is no rules/rules.lock"), "{run}");
    scene.place.write("download/image.wasm", &scene.component);
    let add = ["rules", "add", "download/image.wasm"];
    scene.place.run(add).expect_code(CLEAN);
    for command in ["outdated", "update"] {
        let run = scene.place.run(["rules", command]);
        run.expect_code(CLEAN);
        assert!(run.stdout.contains("no rule here came from a registry"));
    }
    let run = scene.place.run(["rules", "update", "image"]);
    run.expect_code(USAGE);
    assert!(run.stderr.contains("did not come from a registry"), "{run}");
    assert_eq!(scene.registry.seen().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_removed_with_its_signature_and_its_place_in_the_lock() {
    let scene = Scene::new().await;
    let network = frozen().join("contract_0_1_0.wasm");
    scene.place.add_rule(&network, "network.wasm");
    scene.add().expect_code(CLEAN);
    scene.place.write("rules/image.wasm.minisig", "a signature");
    let before = scene.lock();
    // One that is not there leaves the others alone.
    for unknown in ["glance", "../rules/image", "", "image.wasm"] {
        let run = scene.place.run(["rules", "remove", "image", unknown]);
        run.expect_code(USAGE);
        assert!(scene.is_there() && scene.lock() == before, "{run}");
    }
    let run = scene.place.run(["rules", "remove", "image"]);
    run.expect_code(CLEAN);
    assert!(run.stdout.contains("rules/image.wasm is gone"), "{run}");
    assert!(!scene.file().exists());
    assert!(!scene.place.path("rules/image.wasm.minisig").exists());
    assert!(!scene.lock().contains("[rules.image]") && scene.lock().contains("[rules.network]"));
    scene.place.run(["rules", "diff"]).expect_code(CLEAN);
    // What is pinned and whose file somebody has taken away can be settled in the same way.
    std::fs::remove_file(scene.place.path("rules/network.wasm")).unwrap();
    scene
        .place
        .run(["rules", "remove", "network"])
        .expect_code(CLEAN);
    assert!(!scene.lock().contains("[rules.network]"));
}

/// A place with two rules, locked, and packed in `bundle.tar`.
async fn packed() -> Scene {
    let scene = Scene::new().await;
    let network = frozen().join("contract_0_1_0.wasm");
    scene.place.add_rule(&network, "network.wasm");
    scene.add().expect_code(CLEAN);
    let save = ["rules", "save", "bundle.tar"];
    let run = scene.place.run(save);
    run.expect_code(CLEAN);
    assert!(run.stdout.contains("bundle.tar has 2 rules"), "{run}");
    // What is there is not overwritten.
    scene.place.run(save).expect_code(USAGE);
    scene
}

fn load(scene: &Scene, more: &[&str]) -> Run {
    let arguments = ["rules", "load", "bundle.tar", "--guests", "elsewhere"];
    scene.place.run(arguments.iter().chain(more))
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_carried_to_where_no_registry_is() {
    let scene = packed().await;
    let run = load(&scene, &[]);
    run.expect_code(CLEAN);
    assert!(run.stdout.contains("elsewhere has 2 rules"), "{run}");
    for file in ["image.wasm", "network.wasm", "rules.lock"] {
        let read = |folder: &str| std::fs::read(scene.place.path(&format!("{folder}/{file}")));
        assert_eq!(
            read("rules").unwrap(),
            read("elsewhere").unwrap(),
            "{file} is as it was"
        );
    }
    // The same once more changes nothing, and the same rules make the same bytes.
    load(&scene, &[]).expect_code(CLEAN);
    let again = ["rules", "save", "again.tar", "--guests", "elsewhere"];
    scene.place.run(again).expect_code(CLEAN);
    let read = |file: &str| std::fs::read(scene.place.path(file)).unwrap();
    assert_eq!(read("bundle.tar"), read("again.tar"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_way_of_a_bundle_stays() {
    let scene = packed().await;
    scene.place.write("elsewhere/other.wasm", "somebody else's");
    let run = load(&scene, &["--replace"]);
    run.expect_code(GUARDED);
    assert!(
        run.stderr.contains("elsewhere/other.wasm is there"),
        "{run}"
    );
    std::fs::remove_file(scene.place.path("elsewhere/other.wasm")).unwrap();
    scene.place.write("elsewhere/image.wasm", "another one");
    let run = load(&scene, &[]);
    run.expect_code(GUARDED);
    assert!(run.stderr.contains("is another file"), "{run}");
    assert!(
        !scene.place.path("elsewhere/network.wasm").exists(),
        "{run}"
    );
    load(&scene, &["--replace"]).expect_code(CLEAN);
    let locked = ["rules", "diff", "--guests", "elsewhere"];
    scene.place.run(locked).expect_code(CLEAN);
}

/// What is not as it was locked is not packed either.
#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_locked_is_packed() {
    let scene = Scene::new().await;
    scene.place.write("rules/image.wasm", &scene.component);
    let save = ["rules", "save", "bundle.tar"];
    let run = scene.place.run(save);
    run.expect_code(USAGE);
    assert!(
        run.stderr.contains("`runner rules lock` writes it"),
        "{run}"
    );
    scene.place.run(["rules", "lock"]).expect_code(CLEAN);
    let other = misbehaving("delete-in-list");
    scene.place.write("rules/image.wasm", other);
    let run = scene.place.run(save);
    run.expect_code(GUARDED);
    assert!(!scene.place.path("bundle.tar").exists(), "{run}");
}

/// A file's name and content.
type File<'a> = (&'a str, &'a [u8]);

/// An archive of these files.
fn archive(files: &[File]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        // The library would refuse some of these names, so they are written as a hostile one would.
        let field = &mut header.as_old_mut().name;
        field[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        archive.append(&header, *content).unwrap();
    }
    archive.into_inner().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_is_not_what_its_lock_says_is_refused_whole() {
    let scene = packed().await;
    let network = std::fs::read(frozen().join("contract_0_1_0.wasm")).unwrap();
    let (lock, image) = (scene.lock(), scene.component.clone());
    let lock = ("rules.lock", lock.as_bytes());
    let image = ("image.wasm", image.as_slice());
    let network = ("network.wasm", network.as_slice());
    let changed = misbehaving("delete-in-list");
    let cases: &[(&[File], &str)] = &[
        (&[image, network], "it has no rules.lock"),
        (
            &[("rules.lock", b"nonsense"), image, network],
            "a lock file that is no lock file",
        ),
        (&[lock, image], "lacks network"),
        (
            &[lock, image, network, ("more.wasm", image.1)],
            "has more.wasm, which its lock file has not",
        ),
        (
            &[lock, image, network, ("more.wasm.minisig", b"s")],
            "has more.wasm.minisig, which its lock file has not",
        ),
        (
            &[lock, image, network, ("notes.txt", b"s")],
            "has notes.txt, which its lock file has not",
        ),
        (
            &[lock, network, ("image.wasm", &changed)],
            "has another image.wasm than its lock file says",
        ),
        (&[lock, image, network, image], "has image.wasm twice"),
        (
            &[lock, image, network, ("../evil.wasm", image.1)],
            "it has ../evil.wasm",
        ),
        (
            &[lock, image, network, ("/tmp/evil.wasm", image.1)],
            "it has /tmp/evil.wasm",
        ),
    ];
    for (files, words) in cases {
        scene.place.write("bundle.tar", archive(files));
        let run = load(&scene, &[]);
        run.expect_code(GUARDED);
        assert!(run.stderr.contains(words), "{words}\n{run}");
        assert!(!scene.place.path("elsewhere").exists(), "{words}\n{run}");
    }
    scene.place.write("bundle.tar", "no archive at all");
    load(&scene, &[]).expect_code(USAGE);
    std::fs::remove_file(scene.place.path("bundle.tar")).unwrap();
    load(&scene, &[]).expect_code(USAGE);
    assert!(!scene.place.path("elsewhere").exists());
}

/// A lock file that grants its own rules more than they declare is no way in: what they declare is compared.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_file_does_not_vouch_for_what_a_rule_is_not() {
    let scene = packed().await;
    let network = std::fs::read(frozen().join("contract_0_1_0.wasm")).unwrap();
    let lock = scene
        .lock()
        .replace("DELETE /v2/images/{id}", "DELETE /v2/image/{id}");
    let files: &[File] = &[
        ("rules.lock", lock.as_bytes()),
        ("image.wasm", &scene.component),
        ("network.wasm", &network),
    ];
    scene.place.write("bundle.tar", archive(files));
    let run = load(&scene, &[]);
    run.expect_code(GUARDED);
    assert!(
        run.stderr.contains("is not what its lock file says"),
        "{run}"
    );
    assert!(!scene.place.path("elsewhere").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_in_a_bundle_is_refused() {
    let scene = packed().await;
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    archive
        .append_link(&mut header, "image.wasm", "/etc/passwd")
        .unwrap();
    scene
        .place
        .write("bundle.tar", archive.into_inner().unwrap());
    load(&scene, &[]).expect_code(GUARDED);
    assert!(!scene.place.path("elsewhere").exists());
}
