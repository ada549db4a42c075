//! Which way requests take: a proxy is asked for a tunnel, shown no token, and said to be it when it refuses.

use super::server::{Does, ForwardProxy, Service, Tls, pem};
use super::*;

/// A host that no resolver knows: only a proxy leads there.
const HOST: &str = "service.example";

fn through(place: &Place, env: &[(&str, &str)], more: &[&str]) -> Run {
    let mut command = place.command(["--task", TASK].iter().chain(more));
    command
        .env_remove("OS_CLOUD")
        .env_remove("OS_CLIENT_CONFIG_FILE")
        .env("TOKEN", "t0ken")
        .envs(env.iter().copied());
    Run::from(command.output().expect("the binary runs"))
}

/// A service that only a proxy leads to, and a place that asks it.
fn scene() -> (Service, Place) {
    let service = Service::start(Tls::Yes, &BUCKETS, |asked| {
        asked.header("authorization") == "Bearer t0ken"
    });
    let keys = format!(
        "token_env = \"TOKEN\"\ncacert = \"{}\"",
        pem("ca.pem").display()
    );
    let place = place(&service.url(HOST), &keys);
    (service, place)
}

#[test]
fn a_proxy_is_asked_for_a_tunnel_and_shown_nothing() {
    let (service, place) = scene();
    let proxy = ForwardProxy::start(Does::LeadsTo(service.port));
    let with_login = format!("http://ann:s3cret@{}", proxy.address);
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let env = [(variable, with_login.as_str())];
        let run = through(&place, &env, &["--dry-run", "-vvv"]);
        ended(&run, CLEAN, &[]);
        for encoded in ["YW5uOnMzY3JldA", "dDBrZW4"] {
            assert!(!run.says(encoded), "{run}");
        }
    }
    ended(
        &through(&place, &[("HTTPS_PROXY", &with_login)], &[]),
        CLEAN,
        &[],
    );
    assert_eq!(service.buckets(), ["website"]);
    let asked = proxy.asked();
    assert!(asked.len() >= 4, "{asked:?}");
    for asked in asked {
        assert_eq!(asked.method, "CONNECT");
        assert_eq!(asked.target, format!("{HOST}:{}", service.port));
        assert_eq!(
            asked.header("proxy-authorization"),
            "Basic YW5uOnMzY3JldA=="
        );
        assert!(!asked.says("t0ken"), "{asked:?}");
    }
}

#[test]
fn a_proxy_that_refuses_is_named_with_the_cure() {
    let (service, place) = scene();
    for (status, login, words) in [
        (407, "", "wants a login"),
        (407, "ann:s3cret@", "does not accept the user and password"),
        (403, "ann:s3cret@", "refuses to connect us"),
        (502, "", "refuses to connect us"),
    ] {
        let proxy = ForwardProxy::start(Does::Says(status));
        let address = format!("http://{login}{}", proxy.address);
        let run = through(&place, &[("HTTPS_PROXY", &address)], &[]);
        let named = format!("the proxy http://{}", proxy.address);
        ended(&run, UNLISTED, &[words, &named, "HTTPS_PROXY"]);
        // A listing is tried twice, and each of its requests `attempts_max` times; but a login that is wrong stays so.
        let expected = if status == 407 { 2 } else { 4 };
        assert_eq!(proxy.asked().len(), expected, "{run}");
    }
    let run = through(&place, &[("HTTPS_PROXY", "http://127.0.0.1:9")], &[]);
    ended(
        &run,
        UNLISTED,
        &["no connection through the proxy http://127.0.0.1:9"],
    );
    assert!(service.asked().is_empty());
}

#[test]
fn a_proxy_is_left_out_where_it_is_said() {
    let (service, place) = scene();
    let proxy = ForwardProxy::start(Does::LeadsTo(service.port));
    let url = format!("http://{}", proxy.address);
    let ca = format!(
        "token_env = \"TOKEN\"\ncacert = \"{}\"",
        pem("ca.pem").display()
    );
    // Nobody resolves the host, so the run fails and the proxy has seen nothing.
    for no_proxy in [HOST, ".example", "*", "other.example, service.example"] {
        let env = [("HTTPS_PROXY", url.as_str()), ("NO_PROXY", no_proxy)];
        through(&place, &env, &[]).expect_code(UNLISTED);
    }
    configure(
        &place,
        &service.url(HOST),
        &format!("{ca}\nproxy = \"none\""),
    );
    through(&place, &[("HTTPS_PROXY", &url)], &[]).expect_code(UNLISTED);
    configure(&place, &service.url("127.0.0.1"), &ca);
    ended(
        &through(&place, &[("HTTPS_PROXY", &url)], &["--dry-run"]),
        CLEAN,
        &[],
    );
    assert!(proxy.asked().is_empty(), "this machine is reached straight");
    configure(
        &place,
        &service.url("127.0.0.1"),
        &format!("{ca}\nproxy = \"{url}\""),
    );
    ended(&through(&place, &[], &["--dry-run"]), CLEAN, &[]);
    assert!(
        !proxy.asked().is_empty(),
        "unless its section says otherwise"
    );
}

#[test]
fn the_configuration_comes_before_the_variables() {
    let (service, place) = scene();
    let ours = ForwardProxy::start(Does::LeadsTo(service.port));
    let theirs = ForwardProxy::start(Does::Says(403));
    let text = std::fs::read_to_string(place.path("runner.toml")).unwrap();
    let http = format!("[http]\nproxy = \"{}\"\nno_proxy = []\n", ours.address);
    place.write("runner.toml", text.replace("[http]\n", &http));
    let theirs_url = format!("http://{}", theirs.address);
    let env = [("HTTPS_PROXY", theirs_url.as_str()), ("NO_PROXY", "*")];
    ended(&through(&place, &env, &["--dry-run"]), CLEAN, &[]);
    assert!(!ours.asked().is_empty() && theirs.asked().is_empty());
    place.write(
        "runner.toml",
        text.replace("[http]\n", "[http]\nproxy = \"socks5://ann:s3cret@p\"\n"),
    );
    ended(
        &through(&place, &[], &[]),
        USAGE,
        &["`proxy` under [http]", "http and https proxies only"],
    );
}

#[test]
fn plain_http_goes_through_no_proxy_unless_the_operator_says_so() {
    let place = place(&format!("http://{HOST}:8888"), "token_env = \"TOKEN\"");
    let proxy = ForwardProxy::start(Does::LeadsTo(0));
    let url = format!("http://{}", proxy.address);
    let env = [("HTTP_PROXY", url.as_str())];
    let words = [
        url.as_str(),
        "HTTP_PROXY",
        "tokens included",
        "plain_http_through_proxy",
    ];
    ended(&through(&place, &env, &[]), USAGE, &words);
    assert!(
        proxy.asked().is_empty(),
        "it is refused before anything is asked"
    );
    let text = std::fs::read_to_string(place.path("runner.toml")).unwrap();
    let allowed = text.replace("[http]\n", "[http]\nplain_http_through_proxy = true\n");
    place.write("runner.toml", allowed);
    ended(&through(&place, &env, &["--dry-run"]), CLEAN, &[]);
    let asked = proxy.asked();
    assert!(
        asked
            .iter()
            .all(|it| it.target.starts_with("http://service.example:8888/v1/"))
    );
    assert_eq!(asked[0].header("authorization"), "Bearer t0ken");
    // What a web server has made of a header is no variable of the operator's.
    let cgi = [("HTTP_PROXY", url.as_str()), ("REQUEST_METHOD", "GET")];
    let before = proxy.asked().len();
    through(&place, &cgi, &[]).expect_code(UNLISTED);
    assert_eq!(proxy.asked().len(), before);
}

#[test]
fn a_variable_that_cannot_be_used_is_an_error_only_where_it_is_needed() {
    let (service, place) = scene();
    let env = [("ALL_PROXY", "socks5://ann:s3cret@proxy.example")];
    ended(
        &through(&place, &env, &[]),
        USAGE,
        &["service `kinto`", "ALL_PROXY", "NO_PROXY"],
    );
    let ca = format!(
        "token_env = \"TOKEN\"\ncacert = \"{}\"",
        pem("ca.pem").display()
    );
    configure(&place, &service.url("127.0.0.1"), &ca);
    ended(&through(&place, &env, &["--dry-run"]), CLEAN, &[]);
}

#[test]
fn keystone_is_reached_through_the_proxy_too() {
    let place = Place::unconnected();
    place.add_rule(&guests::kinto(), "kinto.wasm");
    let proxy = ForwardProxy::start(Does::Says(407));
    let url = format!("http://{}", proxy.address);
    let ask = |auth_url: &str, variable: &str| {
        let mut command = place.command(["doctor"]);
        command
            .env_remove("OS_CLOUD")
            .env_remove("OS_CLIENT_CONFIG_FILE")
            .env("OS_AUTH_URL", auth_url)
            .env("OS_USERNAME", "ann")
            .env("OS_PASSWORD", "s3cret")
            .env("OS_USER_DOMAIN_ID", "default")
            .env("OS_PROJECT_ID", "p")
            .env(variable, &url);
        Run::from(command.output().expect("the binary runs"))
    };
    ended(
        &ask("https://keystone.example/v3", "HTTPS_PROXY"),
        UNLISTED,
        &["wants a login"],
    );
    assert_eq!(proxy.asked()[0].target, "keystone.example:443");
    let words = ["over plain HTTP", "keystone.example"];
    ended(
        &ask("http://keystone.example/v3", "HTTP_PROXY"),
        USAGE,
        &words,
    );
    assert_eq!(proxy.asked().len(), 1, "a password is not shown to it");
}
