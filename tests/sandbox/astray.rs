//! Requests that are to end somewhere else, or to be something else, than they look like.

use super::*;
use crate::support::fake_cloud::fault::{Effect, Fault};

const IMAGES_PATH: &str = "/image/v2/images";

attacks! {
    a_header_with_a_forwarded_host: "forwarded-host-header" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "X-Forwarded-Host"];
    a_header_with_another_override: "other-override-header" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "X-Method-Override"];
    a_header_with_a_length: "length-header" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "Content-Length"];
    a_header_that_says_chunked: "chunked-header" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "Transfer-Encoding"];
    a_header_that_takes_the_token_off: "connection-header" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "Connection"];
    a_header_for_another_project: "project-header" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "X-Auth-Sudo-Project-Id"];
    a_nul_in_a_header: "nul-in-header" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "may not be set"];
    a_wide_character_in_a_header: "wide-character-in-header" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "may not be set"];
    a_line_break_in_a_header_name: "header-name-with-a-line-break" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "may not be set"];

    a_nul_in_a_path: "nul-in-path" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "must be percent-encoded"];
    an_encoded_nul: "encoded-nul" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "control character"];
    an_encoded_line_break: "encoded-line-break" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "control character"];
    an_encoded_backslash: "encoded-backslash" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "encoded separator"];
    dots_behind_a_matrix_parameter: "dots-behind-a-parameter" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "dot segment"];
    an_overlong_path: "overlong-path" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "is longer than"];
    a_broken_encoding: "broken-encoding" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "broken percent-encoding"];
    a_look_at_another_collection: "look-at-another-collection" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "/v2/tasks", "declares by `reads`"];
    a_look_at_the_whole_service: "look-at-the-whole-service" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "declares by `reads`"];
    a_metadata_address: "metadata-address" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "169.254.169.254"];

    a_delete_by_an_encoded_slash: "delete-by-encoded-slash" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, "%2f..%2f"];
    a_delete_by_encoded_dots: "delete-by-encoded-dots" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, "%2e%2e"];
    a_delete_by_a_backslash: "delete-by-backslash" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, NO_TEMPLATE];
    a_delete_with_a_fragment: "delete-with-a-fragment" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, NO_TEMPLATE];
    a_delete_with_a_matrix_parameter: "delete-with-a-parameter" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, ";id="];
    a_delete_with_the_id_in_the_query: "delete-behind-a-query" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, "?x=/"];
    a_delete_with_a_second_request_in_it: "delete-with-a-line-break" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, NO_TEMPLATE];
    a_delete_with_a_nul: "delete-with-a-nul" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, NO_TEMPLATE];
    a_delete_in_lookalike_letters: "delete-lookalike-letters" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, NO_TEMPLATE];
    a_delete_in_capitals: "delete-in-capitals" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, "/V2/IMAGES/"];
    a_delete_with_an_empty_segment: "delete-with-an-empty-segment" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, "/v2/images//"];
    a_delete_with_a_slash_behind: "delete-with-a-slash-behind" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, NO_TEMPLATE];
    a_delete_without_the_version: "delete-without-the-version" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, "DELETE /images/"];
    a_delete_of_an_overlong_path: "delete-an-overlong-path" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, NO_TEMPLATE];
    a_delete_of_an_absolute_url: "delete-an-absolute-url" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, "127.0.0.1:9"];
    a_delete_on_a_network_path: "delete-on-a-network-path" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, "//127.0.0.1:9"];
    a_delete_by_another_kinds_path: "delete-by-another-kinds-path" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, "/v2/metadefs/namespaces/"];
    a_delete_with_an_override_header: "delete-with-an-override-header" => UNLISTED, IMAGES, [IN_DELETE, MISBEHAVED, "X-HTTP-Method-Override"];

    a_link_to_another_port: "next-link-to-another-port" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "http://127.0.0.1:9"];
    a_link_with_a_user: "next-link-with-a-user" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "the link to the next page leads elsewhere"];
    a_link_to_a_file: "next-link-to-a-file" => UNLISTED, IMAGES, [IN_LIST, MISBEHAVED, "the link to the next page leads elsewhere"];
}

const NO_TEMPLATE: &str = "none of the request templates";

/// A query means what the service takes it for, and OpenStack's services take none for a method: it leaves as what it is, a GET.
#[tokio::test(flavor = "multi_thread")]
async fn a_method_in_a_query_is_only_a_query() {
    let aftermath = Scene::set("override-in-the-query").await.sweep();
    aftermath.is_contained().ended(CLEAN, 0, &[]);
    let asked = aftermath.scene.cloud.requests();
    let mut overriding = asked.iter().filter(|it| it.query.contains("=DELETE"));
    assert!(overriding.clone().count() >= 2, "{}", aftermath.run);
    assert!(overriding.all(|it| it.method == "GET"));
}

/// A redirect is an answer like any other: nobody goes where it points to, with the token or without.
async fn redirected(behavior: &str, method: &str, code: i32, words: &[&str]) {
    let elsewhere = FakeCloud::start(Options::default()).await;
    let scene = Scene::set(behavior).await;
    let location = format!("{}{IMAGES_PATH}", elsewhere.url());
    let effect = Effect::Redirect(location);
    scene
        .cloud
        .inject(Fault::on(method, &format!("{IMAGES_PATH}*"), effect));
    let aftermath = scene.sweep();
    aftermath.is_contained().ended(code, IMAGES, words);
    assert_eq!(elsewhere.connections(), 0, "{}", aftermath.run);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_another_origin() {
    redirected("honest", "GET", UNLISTED, &[IN_LIST, "has no objects"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_that_the_rule_follows() {
    let words = [IN_LIST, MISBEHAVED, "must begin with one `/`"];
    redirected("follow-redirects", "GET", UNLISTED, &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_of_a_deletion_to_another_origin() {
    redirected("honest", "DELETE", LEFT, &[IN_DELETE, "status 307"]).await;
}

/// Within the service it would be the token of an administrator that deletes what the service points to.
#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_of_a_deletion_to_another_thing() {
    let scene = Scene::set("honest").await;
    let location = format!("{IMAGES_PATH}/{}", scene.victim);
    let pattern = format!("{IMAGES_PATH}/*");
    let fault = Fault::on("DELETE", &pattern, Effect::Redirect(location));
    scene.cloud.inject(fault);
    let aftermath = scene.sweep();
    aftermath
        .is_contained()
        .ended(LEFT, IMAGES, &[IN_DELETE, "status 307"]);
    assert_eq!(aftermath.requests("DELETE", &aftermath.scene.victim), 0);
}

/// An honest rule hands on the link that it is given. The service itself may have been led astray.
async fn linked_by_the_service(link: &str, words: &[&str]) {
    let scene = Scene::set("honest").await;
    let link = link.replace("$cloud", scene.cloud.url());
    let body = json!({"images": [], "next": link}).to_string();
    let answer = Effect::Answer {
        status: 200,
        content_type: "application/json",
        body,
    };
    scene.cloud.inject(Fault::on("GET", IMAGES_PATH, answer));
    let identity = |it: &Aftermath| it.requests("GET", "/identity/v3/users");
    let aftermath = scene.sweep();
    aftermath.is_contained().ended(UNLISTED, IMAGES, words);
    let honest = Scene::set("honest").await.sweep();
    assert_eq!(identity(&aftermath), identity(&honest), "{}", aftermath.run);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_services_link_to_a_metadata_address() {
    let words = [IN_LIST, "leads elsewhere", "169.254.169.254"];
    linked_by_the_service("http://169.254.169.254/image/v2/images", &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_services_link_to_another_service() {
    let words = [IN_LIST, "leads out of the service's endpoint"];
    linked_by_the_service("$cloud/identity/v3/users", &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_services_link_by_dot_segments() {
    let words = [IN_LIST, "leads elsewhere", "dot segment"];
    linked_by_the_service("$cloud/image/../identity/v3/users", &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_services_link_without_an_origin() {
    let words = [IN_LIST, MISBEHAVED, "//169.254.169.254"];
    linked_by_the_service("//169.254.169.254/image/v2/images", &words).await;
}

/// What OpenStack's services show where they show secrets at all.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_shown() {
    const SECRET: &str = "hunter2";
    let scene = Scene::set("tell-all").await;
    let shown = json!({
        "server": {"adminPass": SECRET, "OS-EXT-SRV-ATTR:user_data": SECRET, "user_data": SECRET},
        "keypair": {"name": "k", "private_key": SECRET},
        "credential": {"access": "a", "secret": SECRET, "blob": SECRET},
        "application_credential": {"id": "i", "secret": SECRET},
        "auth": {"token": SECRET, "password": SECRET, "original_password": SECRET, "passcode": SECRET},
        "attachment": {"connection_info": {"auth_password": SECRET, "auth_key": SECRET}},
        "share_access": {"access_key": SECRET},
        "ipsec_site_connection": {"psk": SECRET},
        "tsig_key": {"secret": SECRET},
        "list": [{"deep": {"password": SECRET}}],
        "instance": {"users": [{"password": SECRET}], "root_password": SECRET},
        "config": {"kubeconfig": SECRET, "api_key": SECRET},
        "numbers": {"token": [SECRET], "credentials": {"user": SECRET}, "secret": {"a": {"b": SECRET}}},
        "env": [{"name": "DB_PASSWORD", "value": SECRET}, {"output_key": "apiKey", "output_value": [SECRET]}],
        "metadata": {"config": json!({"password": SECRET}).to_string(), "db_pass": SECRET, "pwd": SECRET},
        "links": [format!("https://user:{SECRET}@example.org/x"), format!("https://example.org/x?temp_url_sig={SECRET}")],
    });
    let answer = |content_type: &'static str, body: String| Effect::Answer {
        status: 200,
        content_type,
        body,
    };
    let secrets = answer("application/json", shown.to_string());
    let payload = answer("text/plain; charset=UTF-8", SECRET.to_owned());
    for (name, effect) in [("secrets", secrets), ("payload", payload)] {
        let path = format!("{IMAGES_PATH}/{name}");
        scene.cloud.inject(Fault::on("GET", &path, effect));
    }
    let aftermath = scene.sweep_with(&["-vv"]);
    let words = [IN_LIST, "/secrets: ", "[blanked]", "/payload: "];
    aftermath.is_contained().ended(UNLISTED, IMAGES, &words);
    assert!(!aftermath.run.says(SECRET), "{}", aftermath.run);
}
