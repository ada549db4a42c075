//! Detached signatures: a trusted one is said, any other refused before the component is looked into.

use base64::prelude::{BASE64_STANDARD, Engine};
use minisign::KeyPair;

use super::*;

/// What no compiler takes: were it looked into, something else would be said.
const NO_COMPONENT: &[u8] = b"\0asm and then nothing that compiles";

struct Signer(KeyPair);

impl Signer {
    fn new() -> Self {
        Self(KeyPair::generate_unencrypted_keypair().unwrap())
    }

    fn key(&self) -> String {
        self.0.pk.to_base64()
    }

    fn sign(&self, component: &[u8]) -> String {
        self.signed(component, None)
    }

    fn sign_saying(&self, component: &[u8], trusted_comment: &str) -> String {
        self.signed(component, Some(trusted_comment))
    }

    fn signed(&self, component: &[u8], trusted_comment: Option<&str>) -> String {
        let Self(KeyPair { pk, sk }) = self;
        let signed = minisign::sign(Some(pk), sk, component, trusted_comment, None);
        signed.unwrap().into_string()
    }
}

impl Scene {
    /// Trusts these, and publishes the rule with this for a signature.
    fn signed(&self, trusted: &[&Signer], signature: &str) {
        self.trust(trusted, false);
        self.publish_signed(&self.component, signature);
    }

    fn trust(&self, trusted: &[&Signer], required: bool) {
        let keys: Vec<String> = trusted.iter().map(|it| it.key()).collect();
        self.configure(&format!(
            "[signatures]\nkeys = {keys:?}\nrequired = {required}\n"
        ));
    }

    fn publish_signed(&self, component: &[u8], signature: &str) {
        let mut manifest = manifest(component);
        manifest["annotations"] =
            json!({"cleanup.rules.minisig": BASE64_STANDARD.encode(signature)});
        self.registry
            .publish_as("rules/image", "1", component, manifest);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signed_a_rule_is_said_everywhere() {
    let scene = Scene::new().await;
    let (signer, other) = (Signer::new(), Signer::new());
    let signature = signer.sign(&scene.component);
    scene.signed(&[&other, &signer], &signature);
    let signed = format!("signed by {}", signer.key());
    let run = scene.add();
    assert!(run.expect_code(CLEAN).stdout.contains(&signed), "{run}");
    let beside = std::fs::read_to_string(scene.place.path("rules/image.wasm.minisig"));
    assert_eq!(beside.unwrap(), signature);
    assert!(
        scene
            .lock()
            .contains(&format!("signed_by = \"{}\"", signer.key()))
    );
    let check = scene.place.run(["rules", "check", "rules/image.wasm"]);
    assert!(check.expect_code(CLEAN).stdout.contains(&signed), "{check}");
    let list = scene.place.run(["rules", "list", "-f", "json"]);
    assert_eq!(list.expect_code(CLEAN).json[0]["signed_by"], signer.key());
    scene.trust(&[&signer], true);
    scene.place.run(["rules", "list"]).expect_code(CLEAN);
}

/// Whoever takes the signature away, or puts another one there, has changed the rule.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_holds_the_signer_too() {
    let scene = Scene::new().await;
    let (signer, other) = (Signer::new(), Signer::new());
    scene.signed(&[&signer, &other], &signer.sign(&scene.component));
    scene.add().expect_code(CLEAN);
    let file = "rules/image.wasm.minisig";
    scene.place.write(file, other.sign(&scene.component));
    let run = scene.place.run(["rules", "list"]);
    let words = format!("signed by {}, not by {}", other.key(), signer.key());
    assert!(run.expect_code(GUARDED).stderr.contains(&words), "{run}");
    std::fs::remove_file(scene.place.path(file)).unwrap();
    let run = scene.place.run(["rules", "list"]);
    let words = format!("no longer signed by {}", signer.key());
    assert!(run.expect_code(GUARDED).stderr.contains(&words), "{run}");
    let diff = scene.place.run(["rules", "diff"]);
    assert!(diff.expect_code(GUARDED).stdout.contains(&words), "{diff}");
    // Nor does a registry get rid of it by leaving it out.
    scene.registry.publish("rules/image", "1", &scene.component);
    let run = scene.add();
    assert!(run.expect_code(GUARDED).stderr.contains(&words), "{run}");
    scene.add_with(&["--replace"]).expect_code(CLEAN);
    assert!(!scene.lock().contains("signed_by"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_that_does_not_hold_is_not_taken_for_none() {
    let scene = Scene::new().await;
    let (signer, stranger) = (Signer::new(), Signer::new());
    let good = signer.sign(NO_COMPONENT);
    let trusted_comment = good.replace("trusted comment: ", "trusted comment: x");
    let legacy = good.replacen("RU", "RW", 1);
    for (signature, words) in [
        (
            signer.sign(b"something else"),
            format!("is not what {} has signed", signer.key()),
        ),
        (
            stranger.sign(NO_COMPONENT),
            "is signed by none of the keys under [signatures]".to_owned(),
        ),
        (String::new(), "has a signature that is none".to_owned()),
        (
            "-----BEGIN PGP SIGNATURE-----".to_owned(),
            "has a signature that is none".to_owned(),
        ),
        (
            "x".repeat(20_000),
            "no signature has more than 16384".to_owned(),
        ),
        (
            trusted_comment,
            format!("is not what {} has signed", signer.key()),
        ),
        (legacy, "has a signature that is none".to_owned()),
        (
            good[..good.len() / 2].to_owned(),
            "has a signature that is none".to_owned(),
        ),
    ] {
        scene.trust(&[&signer], false);
        scene.publish_signed(NO_COMPONENT, &signature);
        scene.is_refused(GUARDED, &words);
    }
    // Nor is what cannot be read at all.
    let mut unreadable = manifest(NO_COMPONENT);
    unreadable["annotations"] = json!({"cleanup.rules.minisig": good});
    scene
        .registry
        .publish_as("rules/image", "1", NO_COMPONENT, unreadable);
    scene.is_refused(GUARDED, "is no base64");
    // With nobody to trust, nobody's signature is worth anything.
    scene.trust(&[], false);
    scene.publish_signed(NO_COMPONENT, &good);
    scene.is_refused(GUARDED, "is signed by none of the keys");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_signatures_are_required_an_unsigned_rule_is_refused() {
    let scene = Scene::new().await;
    let signer = Signer::new();
    scene.trust(&[&signer], true);
    scene.registry.publish("rules/image", "1", NO_COMPONENT);
    scene.is_refused(GUARDED, "is not signed, and `required = true`");
    // And one that is in the folder already does not run.
    scene.place.write("rules/image.wasm", NO_COMPONENT);
    let run = scene.place.run(["rules", "list"]);
    assert!(
        run.expect_code(GUARDED).stderr.contains("is not signed"),
        "{run}"
    );
    scene.place.write("rules/image.wasm", &scene.component);
    let signature = signer.sign(&scene.component);
    scene.place.write("rules/image.wasm.minisig", signature);
    scene.place.run(["rules", "list"]).expect_code(CLEAN);
}

/// A file that was signed brings its signature along.
#[tokio::test(flavor = "multi_thread")]
async fn a_files_signature_goes_with_it() {
    let scene = Scene::new().await;
    let signer = Signer::new();
    scene.trust(&[&signer], true);
    scene.place.write("download/image.wasm", &scene.component);
    let add = ["rules", "add", "download/image.wasm"];
    scene.place.run(add).expect_code(GUARDED);
    let signature = signer.sign(&scene.component);
    scene.place.write("download/image.wasm.minisig", signature);
    scene.place.run(add).expect_code(CLEAN);
    assert!(scene.place.path("rules/image.wasm.minisig").exists());
    assert!(scene.lock().contains(&signer.key()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_key_is_said_with_its_place() {
    let scene = Scene::new().await;
    scene.configure("[signatures]\nkeys = [\"minisign.pub\"]\n");
    let run = scene.add();
    run.expect_code(USAGE);
    assert!(
        run.says("is no public key of minisign") && run.says("line"),
        "{run}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_of_the_keys_must_have_signed() {
    let scene = Scene::new().await;
    let (first, second, stranger) = (Signer::new(), Signer::new(), Signer::new());
    scene.configure(&format!(
        "[signatures]\nkeys = [{:?}, {:?}]\nrequired = true\nthreshold = 2\n",
        first.key(),
        second.key()
    ));
    let by = |signers: &[&Signer]| -> String {
        signers.iter().map(|it| it.sign(&scene.component)).collect()
    };
    for (signature, words) in [
        (by(&[&first]), "`threshold = 2`"),
        (by(&[&first, &first]), "`threshold = 2`"),
        (by(&[&second, &stranger]), "`threshold = 2`"),
        (by(&[&stranger]), "is signed by none of the keys"),
        (
            by(&[&first]) + &second.sign(b"something else"),
            "is not what",
        ),
        (by(&[&first, &second]) + "untrusted comment: x\n", "none"),
        ("x\n".to_owned() + &by(&[&first, &second]), "none"),
    ] {
        scene.publish_signed(&scene.component, &signature);
        scene.is_refused(GUARDED, words);
    }
    // A third one's signature does no harm.
    scene.publish_signed(&scene.component, &by(&[&second, &stranger, &first]));
    let run = scene.add();
    let words = format!("signed by {}, {}", first.key(), second.key());
    assert!(run.expect_code(CLEAN).stdout.contains(&words), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_named_twice_signs_once() {
    let scene = Scene::new().await;
    let (first, second) = (Signer::new(), Signer::new());
    let key = first.key();
    scene.configure(&format!(
        "[signatures]\nkeys = [{key:?}, \" {key} \", {:?}]\nrequired = true\nthreshold = 2\n",
        second.key()
    ));
    for signature in [
        first.sign(&scene.component),
        first.sign(&scene.component) + &first.sign(&scene.component),
    ] {
        scene.publish_signed(&scene.component, &signature);
        scene.is_refused(GUARDED, "`threshold = 2`");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_revoked_runs_no_more_whoever_else_vouches_for_it() {
    let scene = Scene::new().await;
    let (signer, lost) = (Signer::new(), Signer::new());
    let keys = format!("keys = [{:?}, {:?}]", signer.key(), lost.key());
    let digest = digest(&scene.component);
    let shouted = digest.to_uppercase().replace("SHA256", "sha256");
    for (signers, revoked) in [
        (vec![&lost], lost.key()),
        (vec![&signer, &lost], lost.key()),
        (vec![&signer], digest),
        (vec![], shouted),
    ] {
        scene.configure(&format!("[signatures]\n{keys}\nrevoked = [{revoked:?}]\n"));
        let signature: String = signers.iter().map(|it| it.sign(&scene.component)).collect();
        if signers.is_empty() {
            scene.registry.publish("rules/image", "1", &scene.component);
        } else {
            scene.publish_signed(&scene.component, &signature);
        }
        scene.is_refused(GUARDED, "is revoked");
    }
}

/// Whoever keeps the lock file speaks for all who use it.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_revokes_too_and_goes_on_to() {
    let scene = Scene::new().await;
    let signer = Signer::new();
    scene.signed(&[&signer], &signer.sign(&scene.component));
    scene.add().expect_code(CLEAN);
    let lock = scene.lock();
    for revoked in [signer.key(), digest(&scene.component)] {
        let revoking = lock.replace(
            "version = 1\n",
            &format!("version = 1\nrevoked = [{revoked:?}]\n"),
        );
        scene.place.write("rules/rules.lock", &revoking);
        let words = format!("image: {revoked} is revoked");
        let run = scene.place.run(["rules", "list"]);
        assert!(run.expect_code(GUARDED).stderr.contains(&words), "{run}");
        let run = scene.add_with(&["--replace"]);
        assert!(run.expect_code(GUARDED).stderr.contains(&words), "{run}");
        scene.place.run(["rules", "lock"]).expect_code(CLEAN);
        assert!(scene.lock().contains(&revoked));
        scene.place.run(["rules", "list"]).expect_code(GUARDED);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_section_that_cannot_be_meant_is_refused() {
    let scene = Scene::new().await;
    let key = Signer::new().key();
    for (section, words) in [
        (
            format!("keys = [{key:?}]\nthreshold = 0"),
            "`threshold` is 0",
        ),
        (
            format!("keys = [{key:?}, {key:?}]\nrequired = true\nthreshold = 2"),
            "only 1 `keys`",
        ),
        (
            format!("keys = [{key:?}, {:?}]\nthreshold = 2", Signer::new().key()),
            "`required` is not true",
        ),
        (
            "revoked = [\"sha256:12\"]".to_owned(),
            "is not a valid digest",
        ),
    ] {
        scene.configure(&format!("[signatures]\n{section}\n"));
        let run = scene.add();
        run.expect_code(USAGE);
        assert!(run.says(words), "{run}");
    }
}

/// An empty list of what is trusted trusts nobody.
#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_is_trusted_nothing_signed_runs() {
    let scene = Scene::new().await;
    let signature = Signer::new().sign(&scene.component);
    scene.trust(&[], true);
    scene.publish_signed(&scene.component, &signature);
    scene.is_refused(GUARDED, "is signed by none of the keys");
    scene.registry.publish("rules/image", "1", &scene.component);
    scene.is_refused(GUARDED, "is not signed");
}

/// Whoever signs may say what was reviewed, not only which bytes.
#[tokio::test(flavor = "multi_thread")]
async fn a_signature_holds_for_the_permissions_that_it_states() {
    let scene = Scene::new().await;
    let (signer, other) = (Signer::new(), Signer::new());
    scene.place.write("download/image.wasm", &scene.component);
    let check = ["rules", "check", "download/image.wasm"];
    let sheet = scene.place.run(check).expect_code(CLEAN).stdout.clone();
    let stated = sheet
        .split_once("permissions sha256:")
        .map(|(_, rest)| &rest[..64]);
    let stated = format!(
        "reviewed; permissions sha256:{}, all of it",
        stated.unwrap()
    );
    let false_one = format!("permissions sha256:{}", "0".repeat(64));
    let keys = format!(
        "keys = [{:?}, {:?}]\nrequired = true\n",
        signer.key(),
        other.key()
    );
    let plain = |signer: &Signer| signer.sign(&scene.component);
    let stating = |signer: &Signer, comment: &str| signer.sign_saying(&scene.component, comment);
    let needed = "permissions = true\n";
    for (config, signature, refusal) in [
        ("", stating(&signer, &stated), None),
        ("", stating(&signer, &false_one), Some("declares what")),
        (
            "",
            stating(&signer, "permissions sha256:"),
            Some("declares what"),
        ),
        (
            "",
            stating(&signer, &stated) + &stating(&other, &false_one),
            Some("declares what"),
        ),
        (needed, plain(&signer), Some("state no permissions")),
        (needed, stating(&signer, &stated), None),
        (needed, plain(&signer) + &stating(&signer, &stated), None),
        (
            "permissions = true\nthreshold = 2\n",
            plain(&other) + &stating(&signer, &stated),
            Some("`threshold = 2`"),
        ),
    ] {
        scene.configure(&format!("[signatures]\n{keys}{config}"));
        scene.publish_signed(&scene.component, &signature);
        if let Some(words) = refusal {
            scene.is_refused(GUARDED, words);
        } else {
            scene.add().expect_code(CLEAN);
            std::fs::remove_dir_all(scene.place.path("rules")).expect("a rule was put there");
        }
    }
    scene.configure(&format!(
        "[signatures]\nkeys = [{:?}]\npermissions = true\n",
        signer.key()
    ));
    assert!(
        scene
            .add()
            .expect_code(USAGE)
            .says("`permissions` is true, and `required` is not")
    );
}
