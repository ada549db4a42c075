//! Services of the configuration: who we are there, whom we trust, and which way leads to them. Held at the wire, with the rule of
//! the example Kinto.

use std::time::{Duration, Instant};

use crate::support::guests;
use crate::support::run::{Place, Run};

/// Names of other makers.
mod names;
/// Proxies.
mod proxies;
/// What is served.
mod server;

use server::{Asked, Service, Tls, pem};

const CLEAN: i32 = 0;
const USAGE: i32 = 2;
const UNLISTED: i32 = 4;
const REFUSED: i32 = 5;

const TASK: &str = "a1b2c3d4-5e6f-4a7b-8c9d-0e1f2a3b4c5d";

/// Two buckets, of which one is the task's.
const BUCKETS: [&str; 2] = ["ci-a1b2c3d4-7d31f0aa", "website"];

const FORMAT: &str = "[http]\nattempts_max = 2\ncommand_s_max = 2\nrequest_timeout_s = 10\n\
     [[formats]]\nlabel = \"ci\"\nformat = \"ci-XXXXXXXX-XXXXXXXX\"\nalphabet = \"0123456789abcdef\"\n";

/// A place with the rule, where the service's section says this.
fn place(url: &str, keys: &str) -> Place {
    let place = Place::unconnected();
    place.add_rule(&guests::kinto(), "kinto.wasm");
    configure(&place, url, keys);
    place
}

fn configure(place: &Place, url: &str, keys: &str) {
    let section = format!("{FORMAT}[services.kinto]\nurl = \"{url}\"\n{keys}\n");
    place.write("runner.toml", section);
}

fn sweep(place: &Place, more: &[&str]) -> Run {
    let arguments = ["--task", TASK];
    let mut command = place.command(arguments.iter().chain(more));
    command
        .env_remove("OS_CLOUD")
        .env_remove("OS_CLIENT_CONFIG_FILE")
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TOKEN", "t0ken");
    Run::from(command.output().expect("the binary runs"))
}

/// Ended with this code and these words, and showed no secret.
#[track_caller]
fn ended(run: &Run, code: i32, words: &[&str]) {
    run.expect_code(code);
    for words in words {
        assert!(run.stderr.contains(words), "{words}\n{run}");
    }
    assert!(!run.says("t0ken") && !run.says("s3cret"), "{run}");
}

fn all(_: &Asked) -> bool {
    true
}

#[test]
fn a_token_goes_into_the_header_that_the_service_wants_and_the_tasks_things_go() {
    for (keys, header, value) in [
        (
            "token_env = \"TOKEN\"\nheader = \"PRIVATE-TOKEN\"\nscheme = \"\"",
            "private-token",
            "t0ken",
        ),
        (
            "token_env = \"TOKEN\"\nscheme = \"Token\"",
            "authorization",
            "Token t0ken",
        ),
        (
            "bearer_token_env = \"TOKEN\"",
            "authorization",
            "Bearer t0ken",
        ),
        ("token_file = \"token\"", "authorization", "Bearer t0ken"),
        (
            "user = \"ann\"\npassword_command = [\"cat\", \"token\"]",
            "authorization",
            "Basic YW5uOnQwa2Vu",
        ),
    ] {
        let service = Service::start(Tls::No, &BUCKETS, move |asked| {
            asked.header(header) == value
        });
        let place = place(&service.url("127.0.0.1"), keys);
        place.write("token", "t0ken\n");
        ended(&sweep(&place, &[]), CLEAN, &[]);
        assert_eq!(service.buckets(), ["website"], "{keys}");
        let headers =
            ["authorization", "private-token"].map(|it| service.asked()[0].header(it).len());
        assert_eq!(
            headers.iter().filter(|length| **length > 0).count(),
            1,
            "{keys}"
        );
    }
}

#[test]
fn a_command_is_asked_again_once_when_its_token_is_refused() {
    let script = "echo run >> runs; if [ $(wc -l < runs) = 1 ]; then echo old; else echo t0ken; fi";
    let keys = format!("token_command = [\"sh\", \"-c\", '{script}']");
    let service = Service::start(Tls::No, &BUCKETS, |asked| {
        asked.header("authorization") == "Bearer t0ken"
    });
    let place = place(&service.url("127.0.0.1"), &keys);
    let runs = || {
        std::fs::read_to_string(place.path("runs"))
            .unwrap()
            .lines()
            .count()
    };
    ended(&sweep(&place, &[]), CLEAN, &[]);
    assert_eq!(
        (runs(), service.buckets().as_slice()),
        (2, &["website".to_owned()][..])
    );
    let never = Service::start(Tls::No, &BUCKETS, |_| false);
    configure(&place, &never.url("127.0.0.1"), &keys);
    std::fs::remove_file(place.path("runs")).unwrap();
    ended(&sweep(&place, &[]), UNLISTED, &["401"]);
    assert_eq!(
        runs(),
        2,
        "a fresh token that is refused is not asked for again"
    );
    assert_eq!(never.buckets(), BUCKETS);
}

#[test]
fn a_source_that_gives_no_secret_ends_it_before_anything_is_asked() {
    let service = Service::start(Tls::No, &BUCKETS, all);
    let begun = Instant::now();
    for (keys, words) in [
        (
            "token_command = [\"sh\", \"-c\", \"sleep 60; echo s3cret\"]",
            "within 2 s",
        ),
        ("token_command = [\"true\"]", "nothing comes from it"),
        (
            "token_command = [\"printf\", 's3cret\\ns3cret\\n']",
            "2 lines come from it",
        ),
        (
            "token_command = [\"sh\", \"-c\", \"echo s3cret; exit 7\"]",
            "exit status: 7",
        ),
        ("token_command = [\"/nowhere/at/all\"]", "does not start"),
        ("token_file = \"absent\"", "cannot be read"),
        (
            "user = \"ann\"\npassword_file = \"absent\"",
            "the password of [services.kinto]",
        ),
        ("token_env = \"UNSET\"", "UNSET is not set"),
        (
            "token_env = \"TOKEN\"\nuser = \"ann\"",
            "by token_env, and by user",
        ),
        ("header = \"X-Api-Key\"", "gives header and no token"),
        ("insecure = true", "insecure, which would do nothing"),
        ("tokn_env = \"TOKEN\"", "unknown field `tokn_env`"),
    ] {
        let place = place(&service.url("127.0.0.1"), keys);
        ended(&sweep(&place, &[]), USAGE, &[words]);
    }
    assert!(
        begun.elapsed() < Duration::from_secs(50),
        "a command that hangs is ended"
    );
    assert!(service.asked().is_empty());
}

#[test]
fn client_credentials_get_the_token() {
    let known = |asked: &Asked| match asked.target.as_str() {
        "/token" => {
            asked.header("authorization") == "Basic cnVubmVyOnQwa2Vu"
                && asked.body == "grant_type=client_credentials&scope=api"
        }
        _ => asked.header("authorization") == "Bearer granted",
    };
    let service = Service::start(Tls::No, &BUCKETS, known);
    let url = service.url("127.0.0.1");
    let oauth2 = |client: &str| {
        format!(
            "[services.kinto.oauth2]\ntoken_url = \"{url}/token\"\nclient_id = \"{client}\"\nclient_secret_env = \"TOKEN\"\nscope = \"api\""
        )
    };
    let place = place(&url, &oauth2("runner"));
    ended(&sweep(&place, &[]), CLEAN, &[]);
    assert_eq!(service.buckets(), ["website"]);
    let for_tokens = service
        .asked()
        .iter()
        .filter(|it| it.target == "/token")
        .count();
    assert_eq!(for_tokens, 1);
    configure(&place, &url, &oauth2("nobody"));
    let words = ["it says: invalid_client", "check [services.kinto]"];
    ended(&sweep(&place, &[]), REFUSED, &words);
}

#[test]
fn whom_to_trust_is_said_for_each_service() {
    let service = Service::start(Tls::Yes, &BUCKETS, all);
    let url = service.url("127.0.0.1");
    let (ca, cert, key) = (pem("ca.pem"), pem("client.pem"), pem("client.key"));
    let place = place(&url, "");
    ended(&sweep(&place, &[]), UNLISTED, &["`cacert`"]);
    assert!(service.asked().is_empty());
    configure(&place, &url, &format!("cacert = \"{}\"", ca.display()));
    ended(&sweep(&place, &["--dry-run"]), CLEAN, &[]);
    configure(&place, &url, "insecure = true");
    ended(&sweep(&place, &["--dry-run"]), CLEAN, &[]);
    configure(&place, &url, "cacert = \"absent.pem\"");
    ended(
        &sweep(&place, &[]),
        USAGE,
        &["service `kinto`", "absent.pem"],
    );
    let both = Service::start(Tls::OfBoth, &BUCKETS, all);
    let url = both.url("127.0.0.1");
    configure(&place, &url, &format!("cacert = \"{}\"", ca.display()));
    sweep(&place, &[]).expect_code(UNLISTED);
    let keys = format!(
        "cacert = \"{}\"\ncert = \"{}\"\nkey = \"{}\"",
        ca.display(),
        cert.display(),
        key.display()
    );
    configure(&place, &url, &keys);
    ended(&sweep(&place, &[]), CLEAN, &[]);
    assert_eq!(both.buckets(), ["website"]);
}

#[test]
fn flags_of_a_cloud_are_refused_where_there_is_none() {
    let service = Service::start(Tls::Yes, &BUCKETS, all);
    let place = place(&service.url("127.0.0.1"), "insecure = true");
    let ca = pem("ca.pem").to_string_lossy().into_owned();
    for flags in [
        &["--insecure"][..],
        &["--os-cacert", &ca],
        &["--os-cert", &ca, "--os-region-name", "r"],
        &["--os-cloud", "prod"],
    ] {
        let words = [flags[0], "would do nothing", "cacert, cert, key, insecure"];
        ended(&sweep(&place, flags), USAGE, &words);
    }
    assert!(service.asked().is_empty());
}

#[test]
fn a_rule_and_a_section_that_miss_each_other_are_told_so() {
    let service = Service::start(Tls::No, &BUCKETS, all);
    let place = place(&service.url("127.0.0.1"), "");
    let url = service.url("127.0.0.1");
    let more = format!("[services.gitlab]\nurl = \"{url}\"\n");
    let text = std::fs::read_to_string(place.path("runner.toml")).unwrap();
    place.write("runner.toml", format!("{text}{more}"));
    let words = [
        "[services.gitlab]",
        "no rule here asks for",
        "ask for: kinto",
    ];
    ended(&sweep(&place, &[]), USAGE, &words);
    place.write(
        "runner.toml",
        text.replace("[services.kinto]", "[services.kintoo]"),
    );
    ended(&sweep(&place, &[]), USAGE, &["[services.kintoo]"]);
    place.write("runner.toml", FORMAT);
    let words = [
        "the rule kinto asks for the service `kinto`",
        "write [services.kinto]",
    ];
    ended(&sweep(&place, &[]), USAGE, &words);
    assert!(service.asked().is_empty());
}

#[test]
fn rules_beside_the_program_count_where_nobody_says_which() {
    let service = Service::start(Tls::No, &BUCKETS, all);
    let place = place(&service.url("127.0.0.1"), "");
    std::fs::rename(place.path("rules"), place.path("elsewhere")).expect("they were there");
    let none = sweep(&place, &[]);
    ended(
        &none,
        USAGE,
        &["there are no rules: no folder ./rules", "rules add oci://"],
    );
    std::fs::create_dir(place.path("bin")).expect("a folder");
    let program = place.path("bin/runner");
    std::fs::copy(env!("CARGO_BIN_EXE_runner"), &program).expect("a copy");
    let beside = place.path("bin/rules");
    std::fs::rename(place.path("elsewhere"), &beside).expect("they were there");
    let link = place.path("runner-by-link");
    std::os::unix::fs::symlink(&program, &link).expect("a link");
    let run = |mode: u32, more: &[&str]| {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&beside, mode).expect("they are ours");
        let command = place.command::<_, &str>([]);
        let vars = command
            .get_envs()
            .filter_map(|(key, value)| Some((key, value?)));
        let mut moved = std::process::Command::new(&link);
        moved.env_clear().envs(vars).current_dir(place.path(""));
        moved.args(["--task", TASK, "--dry-run"]).args(more);
        Run::from(moved.output().expect("the copy runs"))
    };
    ended(
        &run(0o755, &[]),
        CLEAN,
        &["the rules that came with the program, in", "bin/rules"],
    );
    ended(
        &run(0o777, &[]),
        USAGE,
        &[
            "others than who may replace the program",
            "there are no rules",
        ],
    );
    ended(
        &run(0o755, &["--guests", "rules"]),
        USAGE,
        &["rules cannot be read from rules"],
    );
}
