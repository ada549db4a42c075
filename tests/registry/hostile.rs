//! A registry that answers what it should not, and what is said of it.

use super::*;

/// Content of the size that the manifest says, and of another digest.
fn forged(component: &[u8]) -> Vec<u8> {
    let mut forged = component.to_vec();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    forged
}

fn manifest_path() -> String {
    "/v2/rules/image/manifests/1".to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_of_another_digest() {
    let scene = Scene::new().await;
    // The registry itself says that it is another one.
    let body = manifest(&scene.component).to_string();
    let answer = Answer::ok(MANIFEST_TYPE, body).with("docker-content-digest", digest(b"other"));
    scene.registry.put(&manifest_path(), answer);
    scene.is_refused(GUARDED, "the manifest has the digest sha256:");
    // It was asked for by its digest, and another one came.
    let asked = digest(b"asked for");
    let answer = Answer::ok(MANIFEST_TYPE, manifest(&scene.component).to_string());
    scene
        .registry
        .put(&format!("/v2/rules/image/manifests/{asked}"), answer);
    let reference = scene.reference(&format!("@{asked}"));
    let run = scene.place.run(["rules", "add", &reference]);
    run.expect_code(GUARDED);
    assert!(run.stderr.contains(&format!("not {asked}")), "{run}");
    assert!(!scene.place.path("rules").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_of_another_digest() {
    let scene = Scene::new().await;
    let answer = Answer::ok("application/wasm", forged(&scene.component));
    scene.registry.put(&scene.blob(), answer);
    scene.is_refused(GUARDED, "the component has the digest sha256:");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_of_another_size() {
    let scene = Scene::new().await;
    let size = scene.component.len();
    let cut = &scene.component[..size - 1];
    let longer = [&scene.component[..], b"x"].concat();
    let words = format!("the component has {} bytes, not {size}", size - 1);
    for (body, words) in [
        (Content::Bytes(cut.to_vec()), words.as_str()),
        (Content::Bytes(longer), "the component has more bytes, not"),
        (Content::Endless, "the component has more bytes, not"),
    ] {
        let answer = Answer::status(200).saying(body);
        scene.registry.put(&scene.blob(), answer);
        scene.is_refused(GUARDED, words);
    }
}

/// What is too large by its own word is not even asked for.
#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_is_larger_than_a_rule_may_be() {
    let scene = Scene::new().await;
    scene.say("/layers/0/size", json!(1_u64 << 40));
    let run = scene.is_refused(
        USAGE,
        "has 1099511627776 bytes, more than the limit component_bytes_max",
    );
    assert!(run.stderr.contains("[limits]"), "{run}");
    let blobs = scene.registry.seen().into_iter();
    assert_eq!(
        blobs.filter(|seen| seen.path.contains("/blobs/")).count(),
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_without_end() {
    let scene = Scene::new().await;
    for body in [Content::Bytes(vec![b' '; 70_000]), Content::Endless] {
        let answer = Answer::ok(MANIFEST_TYPE, "").saying(body);
        scene.registry.put(&manifest_path(), answer);
        let run = scene.is_refused(USAGE, "the answer is too large: more than 65536 bytes");
        assert!(run.stderr.contains("response_bytes_max"), "{run}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_wasm_artifact() {
    let scene = Scene::new().await;
    let layer = manifest(&scene.component)["layers"][0].clone();
    for (pointer, value, words) in [
        (
            "/mediaType",
            json!("application/vnd.docker.distribution.manifest.v2+json"),
            "its manifest is of the type",
        ),
        (
            "/config/mediaType",
            json!("application/vnd.oci.image.config.v1+json"),
            "its config is of the type",
        ),
        (
            "/layers/0/mediaType",
            json!("application/vnd.oci.image.layer.v1.tar"),
            "its layer is of the type",
        ),
        ("/layers", json!([layer, layer]), "it has 2 layers, not one"),
        (
            "/layers/0/digest",
            json!("sha256:../../../etc/passwd"),
            "no manifest that can be read",
        ),
    ] {
        scene.say(pointer, value);
        let run = scene.is_refused(USAGE, words);
        assert!(run.stderr.contains("wkg oci push"), "{run}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_in_the_place_of_a_manifest() {
    let scene = Scene::new().await;
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{"mediaType": MANIFEST_TYPE, "digest": scene.manifest, "size": 7}],
    });
    let content_type = "application/vnd.oci.image.index.v1+json";
    let answer = Answer::ok(content_type, index.to_string());
    scene.registry.put(&manifest_path(), answer);
    let run = scene.is_refused(USAGE, "is an index of manifests, and a rule is one");
    assert!(run.stderr.contains(&scene.manifest), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_for_people() {
    let scene = Scene::new().await;
    for path in [manifest_path(), scene.blob()] {
        scene
            .registry
            .put(&path, Answer::ok("text/html", "<html>Welcome</html>"));
    }
    let run = scene.is_refused(USAGE, "has no manifest that can be read");
    assert!(run.stderr.contains("\"text/html\""), "{run}");
    scene.registry.publish("rules/image", "1", &scene.component);
    scene.registry.put(
        &scene.blob(),
        Answer::ok("text/html", "<html>Welcome</html>"),
    );
    scene.is_refused(GUARDED, "the component has 20 bytes, not");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_is_not_200() {
    let scene = Scene::new().await;
    for (status, code, words) in [
        (
            401,
            REFUSED,
            "is not given to us: the registry answered 401",
        ),
        (
            403,
            REFUSED,
            "is not given to us: the registry answered 403",
        ),
        (404, USAGE, "is not there: the registry answered 404"),
        (429, UNEXPECTED, "answered 429 to each of 2 attempts"),
        (
            500,
            UNEXPECTED,
            "the registry answered 500 to GET /v2/rules/image/",
        ),
        (503, UNEXPECTED, "answered 503 to each of 2 attempts"),
        (204, UNEXPECTED, "the registry answered 204"),
        (206, UNEXPECTED, "the registry answered 206"),
    ] {
        for path in [scene.blob(), manifest_path()] {
            let before = Answer::status(status).saying(Content::Bytes(b"<b>no</b>".to_vec()));
            scene.registry.put(&path, before);
            let run = scene.is_refused(code, words);
            assert!(run.stderr.contains("hint: "), "{run}");
        }
        scene.registry.publish("rules/image", "1", &scene.component);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_nowhere_or_without_end() {
    let scene = Scene::new().await;
    let path = manifest_path();
    scene.registry.put(&path, Answer::redirect(path.clone()));
    scene.is_refused(UNEXPECTED, "the registry redirects without end");
    for location in ["http://", "//[", "http://127.0.0.1:99999/"] {
        scene.registry.put(&path, Answer::redirect(location));
        scene.is_refused(UNEXPECTED, "the registry redirects to nowhere");
    }
    scene.registry.put(&path, Answer::status(302));
    scene.is_refused(UNEXPECTED, "the registry redirects to nowhere");
    for location in [
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "https://other.example.org/",
    ] {
        scene.registry.put(&path, Answer::redirect(location));
        scene.is_refused(GUARDED, "the registry sends us to ");
    }
}

/// The password is for the registry, and for whom the operator names.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_service_elsewhere() {
    let scene = Scene::new().await;
    let thief = FakeRegistry::start().await;
    let origin = format!("http://{}", thief.address);
    let docker = json!({"auths": {&scene.registry.address: {"auth": "dTpw"}}});
    scene
        .place
        .write("home/.docker/config.json", docker.to_string());
    scene
        .registry
        .ask_for("Bearer t", &format!("Bearer realm=\"{origin}/token\""));
    scene.is_refused(GUARDED, &format!("sends us to {origin} for a token"));
    assert_eq!(thief.seen().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_or_a_token_that_makes_no_sense() {
    let scene = Scene::new().await;
    for challenge in [
        "",
        "Bearer",
        "Bearer realm=\"",
        "Negotiate",
        "Bearer realm=\"not a url\"",
        ",,,=,",
    ] {
        scene.registry.ask_for("Bearer t", challenge);
        let run = scene.add();
        assert!(
            matches!(run.code, Some(UNEXPECTED | REFUSED)),
            "{challenge}: {run}"
        );
        assert!(run.stderr.contains("hint: "), "{run}");
    }
    let realm = format!("Bearer realm=\"http://{}/token\"", scene.registry.address);
    scene.registry.ask_for("Bearer t", &realm);
    for (token, code, words) in [
        (
            Answer::ok("application/json", "{}"),
            UNEXPECTED,
            "gives a token that cannot be read",
        ),
        (
            Answer::ok("text/html", "<html>"),
            UNEXPECTED,
            "gives a token that cannot be read",
        ),
        (
            Answer::ok(
                "application/json",
                json!({"token": "a\r\nb: c"}).to_string(),
            ),
            USAGE,
            "characters that headers cannot carry",
        ),
        (
            Answer::ok("application/json", "").saying(Content::Endless),
            USAGE,
            "the answer is too large",
        ),
        (Answer::status(401), REFUSED, "the registry answered 401"),
        (
            Answer::status(500),
            UNEXPECTED,
            "the registry answered 500 to GET /token",
        ),
        (
            Answer::redirect("http://other.example.org/"),
            UNEXPECTED,
            "the registry answered 307 to GET /token",
        ),
    ] {
        scene.registry.put("/token", token);
        scene.is_refused(code, words);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_at_all() {
    let scene = Scene::new().await;
    let reference = "oci://127.0.0.1:1/rules/image:1";
    let run = scene.place.run(["rules", "add", reference]);
    run.expect_code(UNEXPECTED);
    assert!(
        run.stderr.contains("cannot connect") && run.stderr.contains("plain_http"),
        "{run}"
    );
}

/// A reference is read as it is written, or not at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_reference_that_leads_astray() {
    let scene = Scene::new().await;
    let address = &scene.registry.address;
    for reference in [
        format!("oci://{address}/../rules/image:1"),
        format!("oci://{address}/rules/..%2fimage:1"),
        format!("oci://{address}/rules/image:1?x=y"),
        format!("oci://user@{address}/rules/image:1"),
        "oci://rules/image:1".to_owned(),
    ] {
        let run = scene.place.run(["rules", "add", &reference]);
        run.expect_code(USAGE);
        assert!(
            run.stderr.contains("names no component in a registry"),
            "{run}"
        );
    }
    assert_eq!(scene.registry.seen().len(), 0);
}

/// What has all its digests right may still be no rule.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_rule() {
    let scene = Scene::new().await;
    for (component, words) in [
        (b"<html>".to_vec(), "no WebAssembly"),
        (b"\0asm\x01\0\0\0".to_vec(), "component"),
        (
            misbehaving("unusual-name"),
            "asks for more than a rule is given by default",
        ),
    ] {
        scene.registry.publish("rules/image", "1", &component);
        let run = scene.is_refused(USAGE, words);
        // It is called by where it comes from, and not by where it was looked at.
        assert!(run.stderr.contains(&scene.reference(":1")), "{run}");
    }
}
