//! What Rally's own cleanup gets wrong, as laws that this one keeps.
//!
//! | # | Rally's cleanup | held by |
//! |---|---|---|
//! | 1 | never finds a zone that Rally named | [`zones_with_dashed_names_are_found`] |
//! | 2 | cannot read a list of queues | [`queues_are_listed_and_deleted_by_name`] |
//! | 3 | cannot delete a secret container or an order | [`secret_containers_and_orders_go_by_their_references`] |
//! | 4 | sees ten secrets | [`secrets_are_listed_beyond_the_first_ten`] |
//! | 5 | never finds an audit | [`audits_go_by_their_names`] |
//! | 6 | deletes the action plans of the whole cloud | [`an_action_plan_goes_only_with_its_audit`] |
//! | 7 | deletes all EC2 credentials of a user | [`ec2_credentials_go_only_with_their_user_or_project`] |
//! | 8 | leaves the quotas of its projects | [`quotas_of_matched_projects_are_reset`] |
//! | 9, 10 | asks for what no API has any more | [`no_kind_is_for_what_no_api_has`] |
//! | 11 | authenticates for every deletion | [`one_token_serves_a_whole_run`] |
//! | 12 | rests a second after every deletion | [`a_deletion_costs_no_pause`] |
//! | 13 | insists at once, and mistakes absence and failure | [`a_404_on_delete_is_success`], [`an_error_state_ends_the_wait`], [`attempts_are_farther_and_farther_apart`] |
//! | 14 | looks for nothing, and does not say so | [`no_rules_or_no_match_is_said`] |
//! | 15 | does not see private flavors | [`private_flavors_are_found`] |
//! | 16 | does not see images in most states | [`images_in_any_state_are_found`] |
//! | 17 | takes load balancers of any project | [`load_balancers_of_other_projects_stay`] |
//! | 18 | asks types to go before what uses them | [`types_go_after_what_uses_them`], [`archive_policies_and_resource_types_go_after_what_uses_them`] |
//! | 19 | waits for a cluster that is gone | [`a_404_with_a_foreign_body_is_gone`] |
//! | 20 | writes another id into the names of Swift's objects | [`swift_objects_that_carry_the_tasks_own_id_are_found`] |
//! | 21 | stumbles over a gateway's port | [`a_gateway_port_goes_with_its_router_without_a_second_try`] |
//!
//! Where the fake cloud has the service, the real binary sweeps it. Where it has not, the rule is played an exchange in the real
//! sandbox, and is held to what it finds, to whom that belongs, and to what comes of deleting it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use runner::engine::{Engine, EngineLimits, Fate, Reachable};
use runner::name::{NameMatcher, OriginFilter, TaskId, built_in};
use runner::plan::{Sieve, SweepScope};
use runner::resource::Relation;
use runner::rule::Cause;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::support::fake_cloud::seed::seed_task;
use crate::support::fake_cloud::{FakeCloud, Options, furnish};
use crate::support::guests::rule_pack;
use crate::support::run::{Place, Run};
use crate::support::scripted_rule::{Call, Scripted, ScriptedCloud, kind, thing};

const TASK: &str = "0a1b2c3d-1111-4222-8333-444455556666";
const OURS: &str = "s_rally_0a1b2c3d_abcdefgh";
const OUR_PROJECT: &str = "c_rally_0a1b2c3d_abcdefgh";

/// Plays one case to the rule of a service. It holds only if the rule asks what is recorded and nothing else, finds just these
/// things, and deletes them with that outcome.
#[track_caller]
fn hold(service: &str, case: &Value) {
    let place = Place::unconnected();
    place.write("tests/case.json", case.to_string());
    let rule = rule_pack().join(format!("openstack_{service}.wasm"));
    let run = place.run(["rules", "test", ".", "--rule", rule.to_str().unwrap()]);
    run.expect_code(0);
    assert!(run.stdout.contains("1 case, 0 failed"), "{run}");
}

/// A request that is answered with 200 and this.
fn get(path: &str, body: &Value) -> Value {
    json!({"request": format!("GET {path}"), "status": 200, "body": body})
}

/// A request that is answered with this status.
fn delete(path: &str, status: u16) -> Value {
    json!({"request": format!("DELETE {path}"), "status": status})
}

/// Whether a name is the task's.
fn is_ours(name: &str) -> bool {
    let tasks = [TaskId::parse(TASK).unwrap()];
    let names = NameMatcher::new(built_in(), &tasks, OriginFilter::All);
    names.find(name).is_some()
}

/// Sweeps a cloud for the task, with short pauses.
fn sweep(cloud: &FakeCloud, further: &[&str]) -> Run {
    run(cloud, &[&["--task", TASK], further].concat())
}

fn run(cloud: &FakeCloud, arguments: &[&str]) -> Run {
    let place = Place::new(cloud);
    place.write(
        "runner.toml",
        "[sweep]\npause_ms_min = 20\npause_ms_max = 200\n",
    );
    let pack = rule_pack().to_string_lossy();
    let common = ["--guests", &*pack, "-f", "json"];
    cloud.clear_requests();
    place.run([arguments, &common].concat())
}

/// What a sweep of a scripted cloud came to, in tokio's time.
struct Swept {
    fates: BTreeMap<String, Fate>,
    took: Duration,
}

/// Sweeps a scripted cloud for the task, as an administrator, in one project or in all.
async fn purge(cloud: &ScriptedCloud, kinds: &[&str], project: Option<&str>) -> Swept {
    let rule = cloud.rule("scripted", kinds.iter().map(|name| kind(name)));
    let projects: Option<BTreeSet<Arc<str>>> = project.map(|it| BTreeSet::from([it.into()]));
    let reachable = Reachable {
        is_admin: true,
        projects: projects.clone(),
        user: Some("me".into()),
    };
    let scope = SweepScope {
        tasks: vec![TASK.to_owned()],
        projectless: projects.is_none(),
        projects,
        ..SweepScope::default()
    };
    let tasks = [TaskId::parse(TASK).unwrap()];
    let sieve = Sieve::new(
        scope,
        NameMatcher::new(built_in(), &tasks, OriginFilter::All),
    );
    let engine = Engine::new(
        vec![rule],
        reachable,
        EngineLimits::default(),
        Arc::new(()),
        CancellationToken::new(),
    )
    .unwrap();
    let survey = engine.survey(&sieve).await;
    assert_eq!(survey.failures, []);
    let (plan, _) = engine.plan(survey, &sieve);
    cloud.forget_calls();
    let start = Instant::now();
    let fates = engine.purge(&plan, &sieve, &|_, _| ()).await;
    let things = plan.items.iter().map(|item| item.thing.to_string());
    Swept {
        fates: things.zip(fates).collect(),
        took: start.elapsed(),
    }
}

fn ours(text: &str) -> Scripted {
    thing(text).named(OURS)
}

/// Rally names its zones with dashes, for Designate takes no underscores, and then looks for names with underscores.
#[test]
fn zones_with_dashed_names_are_found() {
    for (name, expected) in [
        ("s-rally-0a1b2c3d-WDDTwfbe.name.", true),
        ("s_rally_0a1b2c3d_zPr4Ed82.example.", true),
        ("s-rally-0a1b2c3e-WDDTwfbe.name.", false),
        ("shop-rally-0a1b2c3d-WDDTwfbe.name.", false),
    ] {
        assert_eq!(is_ours(name), expected, "{name}");
    }
    let list = "/v2/zones?limit=max&all_projects=true";
    let zone = |id: &str, name: &str| json!({"id": id, "name": name, "project_id": "p", "status": "ACTIVE"});
    let dashed = "s-rally-0a1b2c3d-WDDTwfbe.name.";
    hold(
        "dns",
        &json!({
            "kind": "dns.zone",
            "exchanges": [
                get(list, &json!({"zones": [zone("a", dashed), zone("b", "shop.example.")]})),
                get(&format!("{list}&marker=b"), &json!({"zones": []})),
                delete("/v2/zones/a?all_projects=true", 202),
            ],
            "things": [
                {"id": "a", "name": dashed, "project": "p", "delete": "accepted"},
                {"id": "b", "name": "shop.example.", "project": "p"},
            ],
        }),
    );
}

/// Zaqar's client returns the queues together with something else, and Rally takes these two for two queues.
#[test]
fn queues_are_listed_and_deleted_by_name() {
    let queue = |name: &str| json!({"href": format!("/v2/queues/{name}"), "name": name});
    let next = "/v2/queues?limit=20&marker=web";
    let pages = [
        json!({
            "queues": [queue(OURS), queue("web")],
            "links": [{"rel": "next", "href": next}],
        }),
        json!({"queues": [], "links": []}),
    ];
    hold(
        "messaging",
        &json!({
            "kind": "messaging.queue",
            "scope": {"project": "p"},
            "exchanges": [
                get("/v2/queues?limit=20", &pages[0]),
                get(next, &pages[1]),
                delete(&format!("/v2/queues/{OURS}"), 204),
            ],
            "things": [
                {"id": OURS, "name": OURS, "project": "p", "delete": "gone"},
                {"id": "web", "name": "web", "project": "p"},
            ],
        }),
    );
}

/// Rally deletes what Barbican has by an `id`, and containers and orders have none: they are known by a reference.
#[test]
fn secret_containers_and_orders_go_by_their_references() {
    let at = |what: &str| format!("https://key-manager.example/v1/{what}");
    let made = "key_manager.secret/5";
    hold(
        "key_manager",
        &json!({
            "kind": "key_manager.container",
            "scope": {"project": "p"},
            "exchanges": [
                get("/v1/containers?limit=100", &json!({"total": 1, "containers": [{
                    "container_ref": at("containers/c"), "name": OURS, "type": "generic",
                    "secret_refs": [{"name": "x", "secret_ref": at("secrets/5")}],
                }]})),
                delete("/v1/containers/c", 204),
            ],
            "things": [{
                "id": "c", "name": OURS, "project": "p", "owners": [format!("named-by {made}")],
                "order": [format!("before {made}")], "delete": "gone",
            }],
        }),
    );
    hold(
        "key_manager",
        &json!({
            "kind": "key_manager.order",
            "scope": {"project": "p"},
            "exchanges": [
                get("/v1/orders?limit=100", &json!({"total": 1, "orders": [{
                    "order_ref": at("orders/o"), "type": "key", "status": "ACTIVE",
                    "meta": {"name": OURS}, "secret_ref": at("secrets/5"),
                }]})),
                delete("/v1/orders/o", 204),
            ],
            // It has no name of its own; what it made speaks for it.
            "things": [{
                "id": "o", "project": "p", "owners": [format!("named-by {made}")],
                "order": [format!("after {made}")], "delete": "gone",
            }],
        }),
    );
}

/// Rally asks for secrets once, and Barbican answers with ten of them.
#[test]
fn secrets_are_listed_beyond_the_first_ten() {
    let name = |n: usize| {
        if n == 111 {
            OURS.to_owned()
        } else {
            format!("web-{n}")
        }
    };
    let secret = |n: usize| {
        let reference = format!("https://key-manager.example/v1/secrets/{n}");
        json!({"secret_ref": reference, "name": name(n), "status": "ACTIVE"})
    };
    let secrets: Vec<Value> = (0..112).map(secret).collect();
    let things = (0..112).map(|n| {
        let mut found = json!({"id": n.to_string(), "name": name(n), "project": "p"});
        if n == 111 {
            found["delete"] = json!("gone");
        }
        found
    });
    let next = "/v1/secrets?limit=100&offset=100";
    let first = json!({
        "total": 112, "secrets": secrets[..100],
        "next": format!("https://key-manager.example{next}"),
    });
    hold(
        "key_manager",
        &json!({
            "kind": "key_manager.secret",
            "scope": {"project": "p"},
            "exchanges": [
                get("/v1/secrets?limit=100", &first),
                get(next, &json!({"total": 112, "secrets": secrets[100..]})),
                delete("/v1/secrets/111", 204),
            ],
            "things": things.collect::<Vec<_>>(),
        }),
    );
}

/// Rally compares the uuid of an audit with the pattern of its names.
#[test]
fn audits_go_by_their_names() {
    let audit = |uuid: &str, name: &str| json!({"uuid": uuid, "name": name, "state": "SUCCEEDED", "audit_type": "ONESHOT"});
    hold(
        "infra_optim",
        &json!({
            "kind": "infra_optim.audit",
            "exchanges": [
                get("/v1/audits/detail?limit=1000", &json!({"audits": [audit("a", OURS), audit("b", "weekly")]})),
                delete("/v1/audits/a", 204),
            ],
            "things": [
                {"id": "a", "name": OURS, "delete": "gone"},
                {"id": "b", "name": "weekly"},
            ],
        }),
    );
}

/// Rally deletes every action plan of the cloud, whichever audit made it, since plans have no names.
#[tokio::test(start_paused = true)]
async fn an_action_plan_goes_only_with_its_audit() {
    let plan = |uuid: &str, audit: &str| json!({"uuid": uuid, "audit_uuid": audit, "state": "RECOMMENDED"});
    let found = |id: &str, audit: &str| json!({"id": id, "owners": [format!("part-of infra_optim.audit/{audit}")]});
    let orphan = json!({"uuid": "3", "audit_uuid": null, "state": "RECOMMENDED"});
    hold(
        "infra_optim",
        &json!({
            "kind": "infra_optim.action_plan",
            "exchanges": [
                get(
                    "/v1/action_plans/detail?limit=1000",
                    &json!({"action_plans": [plan("1", "a"), plan("2", "b"), orphan]}),
                ),
            ],
            "things": [found("1", "a"), found("2", "b"), {"id": "3"}],
        }),
    );
    let (plans, audits) = ("infra_optim.action_plan", "infra_optim.audit");
    let owned = |n: u8, audit: &str| {
        thing(&format!("{plans}/{n}"))
            .of_project(None)
            .owned(Relation::PartOf, &format!("{audits}/{audit}"))
    };
    let audit = |id: &str, name: &str| {
        thing(&format!("{audits}/{id}"))
            .of_project(None)
            .named(name)
    };
    let cloud = ScriptedCloud::with([
        audit("a", OURS),
        audit("b", "weekly"),
        owned(1, "a"),
        owned(2, "b"),
        thing(&format!("{plans}/3")).of_project(None),
    ]);
    let swept = purge(&cloud, &[plans, audits], None).await;
    let expected = [format!("{plans}/1"), format!("{audits}/a")];
    assert_eq!(
        swept.fates,
        expected.map(|it| (it, Fate::Gone)).into_iter().collect()
    );
}

/// Rally deletes every EC2 credential of the user whom it works as, whoever made it, since credentials have no names.
#[tokio::test(flavor = "multi_thread")]
async fn ec2_credentials_go_only_with_their_user_or_project() {
    let cloud = FakeCloud::start(Options::default()).await;
    let (project, user) = cloud.add_tenant(OUR_PROJECT);
    let kind = "identity.ec2_credential";
    let add = |user: &str, project: &str| {
        cloud.add(kind, json!({"user_id": user, "project_id": project}))
    };
    let with_both = add(&user, &project);
    let with_user = add(&user, &cloud.project("demo"));
    let with_project = add(&cloud.user("demo"), &project);
    let foreign = add(&cloud.user("demo"), &cloud.project("demo"));
    let of_admin = add(&cloud.user("admin"), &cloud.project("admin"));
    let run = sweep(&cloud, &[]);
    run.expect_code(0);
    for id in [with_both, with_user, with_project] {
        assert!(!cloud.exists(kind, &id), "{id}\n{run}");
    }
    for id in [foreign, of_admin] {
        assert!(cloud.exists(kind, &id), "{id}\n{run}");
    }
}

/// Rally looks for a scenario's name on projects that its contexts have named, so no quota is ever set back.
#[tokio::test(flavor = "multi_thread")]
async fn quotas_of_matched_projects_are_reset() {
    let cloud = FakeCloud::start(Options::default()).await;
    let (project, _) = cloud.add_tenant(OUR_PROJECT);
    let demo = cloud.project("demo");
    let kinds = ["compute.quota", "network.quota", "block_storage.quota"];
    for kind in kinds {
        for id in [&project, &demo] {
            cloud.add(kind, json!({"_id": id, "project_id": id}));
            assert!(cloud.exists(kind, id), "{kind}");
        }
    }
    let run = sweep(&cloud, &[]);
    run.expect_code(0);
    for kind in kinds {
        assert!(!cloud.exists(kind, &project), "{kind}\n{run}");
        assert!(cloud.exists(kind, &demo), "{kind}\n{run}");
    }
    let mutations = cloud.mutations();
    let position = |path: &str| {
        mutations
            .iter()
            .position(|request| request.method == "DELETE" && request.path.contains(path))
    };
    let last = position(&format!("/projects/{project}")).expect("the project goes");
    let quotas = mutations
        .iter()
        .filter(|it| it.method == "DELETE" && it.path.contains("quota"));
    assert_eq!(quotas.count(), 3, "{run}");
    let first = position("quota").expect("a quota is reset");
    assert!(
        first < last,
        "the project is there while its quotas are reset\n{run}"
    );
}

/// Rally has managers for the servers of Designate's first API and for the alarms of Ceilometer, which no cloud has any more.
#[test]
fn no_kind_is_for_what_no_api_has() {
    let place = Place::unconnected();
    let pack = rule_pack().to_string_lossy();
    let run = place.run(["rules", "list", "-f", "json", "--guests", &*pack]);
    run.expect_code(0);
    let kinds = run.json.as_array().unwrap();
    let of = |prefix: &str| {
        let kinds = kinds.iter().filter(move |kind| {
            let name = kind["kind"].as_str();
            name.is_some_and(|name| name.starts_with(prefix))
        });
        kinds.collect::<Vec<_>>()
    };
    // Designate has had its second API only for years; name servers are a matter of its configuration there.
    assert!(of("dns.").len() > 5, "{run}");
    for kind in of("dns.") {
        let requests = kind["requests"].to_string();
        assert!(!requests.contains(" /v1/"), "{kind}");
        assert!(!requests.contains("/servers"), "{kind}");
    }
    // Alarms have moved to Aodh.
    assert_eq!(of("telemetry.").len() + of("metering.").len(), 0, "{run}");
    assert_eq!(of("alarming.alarm").len(), 1, "{run}");
    let list = "/v2/alarms?limit=1000&sort=alarm_id&q.field=all_projects&q.op=eq&q.value=true";
    let alarm = |id: &str, name: &str| json!({"alarm_id": id, "name": name, "project_id": "p"});
    hold(
        "alarming",
        &json!({
            "kind": "alarming.alarm",
            "exchanges": [
                get(list, &json!([alarm("a", OURS), alarm("b", "web")])),
                get(&format!("{list}&marker=b"), &json!([])),
                delete("/v2/alarms/a", 204),
            ],
            "things": [
                {"id": "a", "name": OURS, "project": "p", "delete": "gone"},
                {"id": "b", "name": "web", "project": "p"},
            ],
        }),
    );
}

/// Rally means to share its clients and does not: each deletion opens a session and asks for a token of its own.
#[tokio::test(flavor = "multi_thread")]
async fn one_token_serves_a_whole_run() {
    let cloud = FakeCloud::start(Options::default()).await;
    let left = seed_task(&cloud, TASK, &cloud.project("demo"), 2);
    let run = sweep(&cloud, &[]);
    run.expect_code(0);
    let deletions = cloud.mutations().len();
    assert!(left.len() > 50 && deletions > 50, "{deletions}\n{run}");
    let requests = cloud.requests();
    let tokens = requests
        .iter()
        .filter(|it| it.method == "POST" && it.path.ends_with("/auth/tokens"));
    assert_eq!(tokens.count(), 1, "{run}");
}

/// Rally sleeps a second after each deletion, also after it has seen that the thing is gone.
#[tokio::test(start_paused = true)]
async fn a_deletion_costs_no_pause() {
    // One after the other, so that nothing is hidden by what runs beside it.
    let chain = (0..50_u8).map(|n| {
        let link = ours(&format!("a.x/{n:02}")).latency_ms(10);
        if n == 0 {
            link
        } else {
            link.after(&format!("a.x/{:02}", n - 1))
        }
    });
    let cloud = ScriptedCloud::with(chain);
    let swept = purge(&cloud, &["a.x"], None).await;
    assert_eq!(swept.fates.len(), 50);
    assert!(swept.fates.values().all(|fate| *fate == Fate::Gone));
    assert_eq!(swept.took, Duration::from_millis(500));
    assert_eq!(
        cloud.listed("a.x"),
        Vec::<String>::new(),
        "nothing is looked for"
    );
}

/// Rally takes it for a failure if the thing has gone before it asks, and asks again.
#[test]
fn a_404_on_delete_is_success() {
    let list = "/v2/images?limit=1000&visibility=all";
    let image = json!({"id": "a", "name": OURS, "owner": "p", "status": "active"});
    hold(
        "image",
        &json!({
            "kind": "image.image",
            "exchanges": [
                get(list, &json!({"images": [image]})),
                get(&format!("{list}&os_hidden=true"), &json!({"images": []})),
                delete("/v2/images/a", 404),
            ],
            "things": [{"id": "a", "name": OURS, "project": "p", "delete": "gone"}],
        }),
    );
}

/// Rally waits ten minutes for a thing to go that has already failed to.
#[tokio::test(start_paused = true)]
async fn an_error_state_ends_the_wait() {
    let cloud = ScriptedCloud::with([
        ours("a.x/1").stays_in("ERROR"),
        ours("a.x/2").lingers_ms(2_000),
        ours("b.y/1").answers(Err(Cause::NotFound), 1),
    ]);
    let swept = purge(&cloud, &["a.x", "b.y"], None).await;
    let why = "the cloud could not delete it: its status is ERROR".to_owned();
    assert_eq!(swept.fates["a.x/1"], Fate::Failed(why));
    assert_eq!(swept.fates["a.x/2"], Fate::Gone);
    assert_eq!(swept.fates["b.y/1"], Fate::Gone);
    assert!(swept.took < Duration::from_secs(10), "{:?}", swept.took);
    assert_eq!(cloud.deleted().len(), 3, "each was asked to go once");
}

/// Rally tries three times within one moment, so that what is in the way is still there each time.
#[tokio::test(start_paused = true)]
async fn attempts_are_farther_and_farther_apart() {
    let cloud = ScriptedCloud::with([
        ours("a.x/1").held_by("b.y/1"),
        ours("b.y/1").latency_ms(5_000),
    ]);
    let swept = purge(&cloud, &["a.x", "b.y"], None).await;
    assert!(swept.fates.values().all(|fate| *fate == Fate::Gone));
    let calls = cloud.calls().into_iter();
    let attempts = calls.filter(|(_, call)| *call == Call::Delete("a.x/1".to_owned()));
    let times: Vec<Instant> = attempts.map(|(time, _)| time).collect();
    let gaps: Vec<Duration> = times.windows(2).map(|two| two[1] - two[0]).collect();
    assert!(gaps.len() >= 3, "{gaps:?}");
    assert!(gaps.iter().all(|gap| !gap.is_zero()), "{gaps:?}");
    assert!(gaps.windows(2).all(|two| two[0] < two[1]), "{gaps:?}");
}

/// Rally finds nothing and is content if it is told of no kinds, and warns in its log of kinds that it does not have.
#[tokio::test(flavor = "multi_thread")]
async fn no_rules_or_no_match_is_said() {
    let cloud = FakeCloud::start(Options::default()).await;
    let other = "9f8e7d6c-1111-4222-8333-444455556666";
    seed_task(&cloud, other, &cloud.project("demo"), 1);
    let place = Place::new(&cloud);
    std::fs::create_dir(place.path("empty")).unwrap();
    let without = place.run(["--guests", "empty", "--task", TASK]);
    without.expect_code(2);
    assert!(without.stderr.contains("there is no rule"), "{without}");
    let misnamed = sweep(&cloud, &["--only", "zaqar.queues"]);
    misnamed.expect_code(2);
    assert!(
        misnamed.stderr.contains("no kind fits zaqar.queues"),
        "{misnamed}"
    );

    let pack = rule_pack().to_string_lossy();
    let unmatched = place.run(["--guests", &*pack, "--task", TASK]);
    unmatched.expect_code(0);
    assert!(unmatched.says("nothing to delete"), "{unmatched}");
    assert!(cloud.mutations().is_empty());

    // Without a task every name that Rally gives is meant, which wants a yes.
    let refused = run(&cloud, &[]);
    refused.expect_code(6);
    assert!(refused.stderr.contains("--yes"), "{refused}");
    let matched = |run: &Run| run.json["summary"]["matched"].as_u64();
    let all = run(&cloud, &["--dry-run"]);
    let others = run(&cloud, &["--task", other, "--dry-run"]);
    assert_eq!(matched(&all), matched(&others), "{all}");
    assert!(matched(&all) > Some(20), "{all}");
}

/// Rally lists flavors without asking for private ones, which some of its scenarios make.
#[tokio::test(flavor = "multi_thread")]
async fn private_flavors_are_found() {
    let cloud = FakeCloud::start(Options::default()).await;
    let private = |name: &str| {
        let flavor = json!({"name": name, "os-flavor-access:is_public": false});
        cloud.add("compute.flavor", flavor)
    };
    let (own, foreign) = (private(OURS), private("gold"));
    let run = sweep(&cloud, &[]);
    run.expect_code(0);
    assert!(!cloud.exists("compute.flavor", &own), "{run}");
    assert!(cloud.exists("compute.flavor", &foreign), "{run}");
}

/// Rally asks for images that are active or deactivated, and leaves those whose upload never ended.
#[tokio::test(flavor = "multi_thread")]
async fn images_in_any_state_are_found() {
    let cloud = FakeCloud::start(Options::default()).await;
    let image = |name: &str, fields: Value| {
        let mut image = fields;
        image["name"] = json!(name);
        cloud.add("image.image", image)
    };
    let states = [
        "active",
        "deactivated",
        "importing",
        "killed",
        "queued",
        "saving",
        "uploading",
    ];
    let mut left: Vec<String> = states
        .map(|state| image(OURS, json!({"status": state})))
        .to_vec();
    left.push(image(OURS, json!({"os_hidden": true})));
    left.push(image(OURS, json!({"visibility": "community"})));
    let foreign = image("web", json!({"status": "queued"}));
    let run = sweep(&cloud, &[]);
    run.expect_code(0);
    for id in left {
        assert!(!cloud.exists("image.image", &id), "{id}\n{run}");
    }
    assert!(cloud.exists("image.image", &foreign), "{run}");
}

/// Rally cleans one project after another, and is shown the load balancers of all of them each time.
#[tokio::test(start_paused = true)]
async fn load_balancers_of_other_projects_stay() {
    let balancer = |id: &str, project: &str| {
        json!({
            "id": id, "name": OURS, "project_id": project, "provisioning_status": "ACTIVE",
            "vip_network_id": null, "vip_subnet_id": null,
        })
    };
    hold(
        "load_balancer",
        &json!({
            "kind": "load_balancer.load_balancer",
            "exchanges": [
                get(
                    "/v2.0/lbaas/loadbalancers?limit=1000",
                    &json!({"loadbalancers": [balancer("a", "demo"), balancer("b", "other")]}),
                ),
                delete("/v2.0/lbaas/loadbalancers/a?cascade=true", 204),
            ],
            // Each says whose it is, so that the plan can tell them apart.
            "things": [
                {"id": "a", "name": OURS, "project": "demo", "delete": "accepted"},
                {"id": "b", "name": OURS, "project": "other"},
            ],
        }),
    );
    let kind = "load_balancer.load_balancer";
    let in_project = |id: &str, project| ours(&format!("{kind}/{id}")).of_project(Some(project));
    let cloud = ScriptedCloud::with([in_project("a", "demo"), in_project("b", "other")]);
    purge(&cloud, &[kind], Some("demo")).await;
    assert_eq!(cloud.deleted(), [format!("{kind}/a")]);
    assert!(cloud.exists(&format!("{kind}/b")));
}

/// Rally deletes volume types before the volumes that are of them, and Cinder refuses.
#[tokio::test(flavor = "multi_thread")]
async fn types_go_after_what_uses_them() {
    let cloud = FakeCloud::start(Options {
        deletion: Duration::from_millis(300),
        ..Options::default()
    })
    .await;
    let of_type = cloud.add("block_storage.type", json!({"name": OURS}));
    let volume = json!({"name": OURS, "volume_type": OURS, "_type": of_type});
    let volume = cloud.add("block_storage.volume", volume);
    let run = sweep(&cloud, &[]);
    run.expect_code(0);
    assert!(!cloud.exists("block_storage.type", &of_type), "{run}");
    assert!(!cloud.exists("block_storage.volume", &volume), "{run}");
    let deleted = cloud.mutations();
    let taken = |path: &str| {
        let request = deleted
            .iter()
            .find(|it| it.path.ends_with(path) && it.status < 300);
        request.expect("it was asked to go").number
    };
    assert!(taken(&volume) < taken(&of_type), "{run}");
}

/// Rally deletes archive policies and resource types before the metrics and resources that are of them, and Gnocchi refuses.
#[test]
fn archive_policies_and_resource_types_go_after_what_uses_them() {
    let listing = "?limit=1000&sort=id:asc";
    let metric = json!({
        "id": "m", "name": OURS, "created_by_project_id": "p", "resource_id": null,
        "archive_policy": {"name": OURS},
    });
    let resource = json!({
        "id": "r", "original_resource_id": OURS, "created_by_project_id": "p", "type": OURS,
    });
    for (kind, path, of, object) in [
        (
            "metric.metric",
            "/v1/metric",
            "metric.archive_policy",
            metric,
        ),
        (
            "metric.resource",
            "/v1/resource/generic",
            "metric.resource_type",
            resource,
        ),
    ] {
        let id = &object["id"];
        let id = id.as_str().unwrap();
        hold(
            "metric",
            &json!({
                "kind": kind,
                "exchanges": [
                    get(&format!("{path}{listing}"), &json!([object])),
                    get(&format!("{path}{listing}&marker={id}"), &json!([])),
                    delete(&format!("{path}/{id}"), 204),
                ],
                "things": [{
                    "id": id, "name": OURS, "project": "p", "order": [format!("before {of}/{OURS}")],
                    "delete": "gone",
                }],
            }),
        );
    }
    // What is still in use is tried again, and is no failure yet.
    for (kind, path) in [
        ("metric.archive_policy", "/v1/archive_policy"),
        ("metric.resource_type", "/v1/resource_type"),
    ] {
        let mut refusal = delete(&format!("{path}/{OURS}"), 400);
        refusal["body"] = json!({"code": 400, "title": "Bad Request", "description": "in use"});
        hold(
            "metric",
            &json!({
                "kind": kind,
                "exchanges": [get(path, &json!([{"name": OURS}])), refusal],
                "things": [
                    {"id": OURS, "name": OURS, "delete": {"error": "conflict: 400: in use"}},
                ],
            }),
        );
    }
}

/// Rally knows an absent cluster by the form of Magnum's errors; a 404 of whatever stands before Magnum costs the whole patience.
#[test]
fn a_404_with_a_foreign_body_is_gone() {
    let cluster = |id: &str| json!({"uuid": id, "name": OURS, "project_id": "p", "status": "CREATE_COMPLETE"});
    let found = |id: &str, outcome: &str| json!({"id": id, "name": OURS, "project": "p", "delete": outcome});
    let mut absent = delete("/v1/clusters/b", 404);
    absent["headers"] = json!({"content-type": "text/html"});
    absent["body"] = json!("<html><h1>404 Not Found</h1></html>");
    hold(
        "container_infra",
        &json!({
            "kind": "container_infra.cluster",
            "exchanges": [
                get("/v1/clusters/detail?limit=1000", &json!({"clusters": [cluster("a"), cluster("b")]})),
                delete("/v1/clusters/a", 204),
                absent,
            ],
            "things": [found("a", "accepted"), found("b", "gone")],
        }),
    );
}

/// Rally writes a workload's id into all names but those that its Swift context gives, which carry the id of the task.
#[tokio::test(flavor = "multi_thread")]
async fn swift_objects_that_carry_the_tasks_own_id_are_found() {
    let cloud = FakeCloud::start(Options::default()).await;
    let image = |name: &str| cloud.add("image.image", json!({"name": name}));
    let (of_task, of_workload) = (
        image("c_rally_5e6f7a8b_abcdefgh"),
        image("s_rally_0a1b2c3d_abcdefgh"),
    );
    let foreign = image("c_rally_5e6f7a8c_abcdefgh");
    let place = Place::new(&cloud);
    let report = json!({"tasks": [{
        "uuid": "5e6f7a8b-1111-4222-8333-444455556666",
        "subtasks": [{"uuid": "33333333-1111-4222-8333-444455556666", "workloads": [{"uuid": TASK}]}],
    }]});
    let report = place.write("report.json", report.to_string());
    let run = run(&cloud, &["--rally-report", report.to_str().unwrap()]);
    run.expect_code(0);
    for id in [of_task, of_workload] {
        assert!(!cloud.exists("image.image", &id), "{id}\n{run}");
    }
    assert!(cloud.exists("image.image", &foreign), "{run}");

    // A name is a name in Swift as well, and a container takes its objects along, whatever they are called.
    let name = "c_rally_5e6f7a8b_abcdefgh";
    let objects = format!("/{name}?format=json&limit=10000");
    hold(
        "object_store",
        &json!({
            "kind": "object_store.container",
            "scope": {"project": "p"},
            "exchanges": [
                get("/?format=json&limit=10000", &json!([{"name": name}])),
                get(&format!("/?format=json&limit=10000&marker={name}"), &json!([])),
                delete(&format!("/{name}"), 204),
            ],
            "things": [{"id": name, "name": name, "project": "p", "delete": "gone"}],
        }),
    );
    hold(
        "object_store",
        &json!({
            "kind": "object_store.object",
            "scope": {"under": format!("object_store.container/{name}")},
            "exchanges": [
                get(&objects, &json!([{"name": "holiday"}])),
                get(&format!("{objects}&marker=holiday"), &json!([])),
                delete(&format!("/{name}/holiday"), 204),
            ],
            "things": [{
                "id": "holiday", "delete": "gone",
                "owners": [format!("part-of object_store.container/{name}")],
            }],
        }),
    );
}

/// Rally clears a router's gateway and then takes away the port that went with it as if it were an interface, which is a 404.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_port_goes_with_its_router_without_a_second_try() {
    let cloud = FakeCloud::start(Options::default()).await;
    let demo = cloud.project("demo");
    let (router, gateways) = cloud.edit(|store| {
        let net = furnish::network(store, &demo, OURS, OURS);
        let router = furnish::router(store, &demo, OURS, &[&net.subnet]);
        let ports = store.users("network.port", "device_id", &router);
        let is_gateway = |id: &String| {
            store.text("network.port", id, "device_owner") == "network:router_gateway"
        };
        let gateways: Vec<String> = ports.into_iter().filter(is_gateway).collect();
        (router, gateways)
    });
    assert_eq!(gateways.len(), 1);
    let run = sweep(&cloud, &[]);
    run.expect_code(0);
    assert!(!cloud.exists("network.router", &router), "{run}");
    assert!(!cloud.exists("network.port", &gateways[0]), "{run}");
    let mutations = cloud.mutations();
    assert!(!mutations.is_empty());
    for request in &mutations {
        let said = format!("{} {} {}", request.method, request.path, request.body);
        assert!(request.status < 300, "{said}: {}\n{run}", request.status);
        assert!(!said.contains(&gateways[0]), "{said}\n{run}");
    }
}
