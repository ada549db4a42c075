//! The fake cloud's own promises, asked at the wire with nothing but a socket.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::fault::{Effect, Fault, matches};
use super::seed::{Fate, seed_task, seed_tenant};
use super::store::Stuck;
use super::table::{Reach, SERVICES};
use super::{FakeCloud, Options};

/// What came back: status, head, body. Status 0: nothing did.
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

async fn ask(cloud: &FakeCloud, token: &str, request: &str, body: &str, headers: &str) -> Reply {
    let address = cloud.url().trim_start_matches("http://");
    let mut socket = TcpStream::connect(address).await.unwrap();
    let text = format!(
        "{request} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\nx-auth-token: {token}\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _cut = socket.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|s| s.parse().ok())
        .unwrap_or(0);
    Reply {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

async fn get(cloud: &FakeCloud, token: &str, path: &str) -> Reply {
    ask(
        cloud,
        token,
        &format!("GET {path}"),
        "",
        "openstack-api-version: volume 3.71\r\n",
    )
    .await
}

async fn delete(cloud: &FakeCloud, token: &str, path: &str) -> Reply {
    ask(cloud, token, &format!("DELETE {path}"), "", "").await
}

async fn login(cloud: &FakeCloud, user: &str) -> String {
    let domain = json!({"id": "default"});
    let body = json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": {"name": user, "domain": domain, "password": "secret"}}},
        "scope": {"project": {"name": user, "domain": domain}},
    }});
    let reply = ask(
        cloud,
        "",
        "POST /identity/v3/auth/tokens",
        &body.to_string(),
        "",
    )
    .await;
    assert_eq!(reply.status, 201, "{}", reply.body);
    reply
        .head
        .lines()
        .find_map(|l| l.strip_prefix("x-subject-token: "))
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn every_collection_lists_for_an_administrator() {
    let cloud = FakeCloud::start(Options::default()).await;
    let demo = cloud.project("demo");
    seed_task(&cloud, "54990f54-1111-4222-8333-444444444444", &demo, 1);
    let token = login(&cloud, "admin").await;
    for service in SERVICES {
        for row in service.rows {
            let project = if service.endpoint.ends_with("$project") {
                format!("/{}", cloud.project("admin"))
            } else {
                String::new()
            };
            if row.one == "quota_set" || row.kind == "identity.application_credential" {
                continue;
            }
            let reply = get(
                &cloud,
                &token,
                &format!("{}{project}/{}", service.root, row.path),
            )
            .await;
            assert_eq!(reply.status, 200, "{}: {}", row.kind, reply.body);
            assert!(
                reply.json().get(row.many).is_some_and(Value::is_array),
                "{}: {}",
                row.kind,
                reply.body
            );
        }
    }
}

#[tokio::test]
async fn a_member_sees_and_deletes_nothing_of_another_project() {
    let cloud = FakeCloud::start(Options::default()).await;
    let other = cloud.project("other");
    seed_tenant(&cloud, &other, "prod");
    let before = cloud.things();
    let token = login(&cloud, "demo").await;
    for row in SERVICES
        .iter()
        .filter(|s| s.root.contains("network"))
        .flat_map(|s| s.rows)
    {
        for (_, id, _, project) in before.iter().filter(|t| t.0 == row.kind && t.3 == other) {
            let reply = delete(&cloud, &token, &format!("/network/v2.0/{}/{id}", row.path)).await;
            assert!(
                matches!(reply.status, 403 | 404),
                "{} of {project}: {}",
                row.kind,
                reply.status
            );
        }
        if row.reach == Reach::Project {
            let body = get(&cloud, &token, &format!("/network/v2.0/{}", row.path))
                .await
                .body;
            assert!(!body.contains(&other), "{} shows another project", row.kind);
        }
    }
    assert_eq!(cloud.things(), before);
}

#[tokio::test]
async fn pages_hold_everything_once() {
    let cloud = FakeCloud::start(Options {
        page_max: Some(3),
        ..Options::default()
    })
    .await;
    let demo = cloud.project("demo");
    super::seed::bulk_volumes(&cloud, &demo, 10, |n| format!("v{n}"));
    let token = login(&cloud, "demo").await;
    let mut path = format!("/volume/v3/{demo}/volumes");
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let page = get(&cloud, &token, &path).await.json();
        let ids = page["volumes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v["id"].to_string());
        seen.extend(ids);
        pages += 1;
        let Some(next) = page
            .pointer("/volumes_links/0/href")
            .and_then(Value::as_str)
        else {
            break;
        };
        path = next.trim_start_matches(cloud.url()).to_owned();
    }
    seen.sort();
    seen.dedup();
    assert_eq!((seen.len(), pages), (10, 4));
}

#[tokio::test]
async fn a_volume_leaves_after_its_delay_and_a_stuck_one_does_not() {
    let deletion = Duration::from_millis(40);
    let cloud = FakeCloud::start(Options {
        deletion,
        ..Options::default()
    })
    .await;
    let demo = cloud.project("demo");
    let ids = super::seed::bulk_volumes(&cloud, &demo, 3, |n| format!("v{n}"));
    cloud.stick(&ids[1], Stuck::Failed);
    cloud.stick(&ids[2], Stuck::Forever);
    let token = login(&cloud, "demo").await;
    let path = |id: &str| format!("/volume/v3/{demo}/volumes/{id}");
    for id in &ids {
        assert_eq!(delete(&cloud, &token, &path(id)).await.status, 202);
        assert_eq!(
            cloud.field("block_storage.volume", id, "status"),
            "deleting"
        );
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    while cloud.exists("block_storage.volume", &ids[0])
        || cloud.field("block_storage.volume", &ids[1], "status") == "deleting"
    {
        assert!(Instant::now() < deadline, "nothing left");
        tokio::task::yield_now().await;
    }
    assert_eq!(
        cloud.field("block_storage.volume", &ids[1], "status"),
        "error_deleting"
    );
    assert_eq!(
        cloud.field("block_storage.volume", &ids[2], "status"),
        "deleting"
    );
}

#[tokio::test]
async fn faults_do_what_they_say_and_the_record_shows_it() {
    let cloud = FakeCloud::start(Options::default()).await;
    let token = login(&cloud, "admin").await;
    let path = "/network/v2.0/networks";
    let first = |effect| Fault::on("GET", "/network/*", effect).times(1);
    cloud.clear_requests();
    cloud.inject(first(Effect::Throttle {
        status: 429,
        retry_after_s: 2,
    }));
    let reply = get(&cloud, &token, path).await;
    assert!(
        reply.status == 429 && reply.head.contains("retry-after: 2"),
        "{}",
        reply.head
    );
    cloud.inject(first(Effect::Drop));
    assert_eq!(get(&cloud, &token, path).await.status, 0);
    cloud.inject(first(Effect::Truncate));
    let reply = get(&cloud, &token, path).await;
    assert!(
        reply.status == 200 && reply.json().is_null(),
        "{}",
        reply.body
    );
    cloud.inject(first(Effect::Sever));
    let reply = get(&cloud, &token, path).await;
    let promised = reply
        .head
        .lines()
        .find_map(|l| l.strip_prefix("content-length: "))
        .unwrap();
    assert!(promised.parse::<usize>().unwrap() > reply.body.len());
    cloud.inject(first(Effect::Without("id".into())));
    let reply = get(&cloud, &token, path).await;
    assert!(reply.json().pointer("/networks/0/name").is_some() && !reply.body.contains("\"id\""));
    cloud.inject(first(Effect::Slow(Duration::from_millis(1))));
    assert!(
        get(&cloud, &token, path)
            .await
            .json()
            .pointer("/networks/0/id")
            .is_some()
    );
    let html = Effect::Disguise {
        content_type: "text/html",
        body: "<p>".into(),
    };
    cloud.inject(first(html));
    assert!(get(&cloud, &token, path).await.head.contains("text/html"));
    let statuses: Vec<u16> = cloud.requests().iter().map(|r| r.status).collect();
    assert_eq!(statuses, [429, 0, 200, 200, 200, 200, 200]);
    assert!(cloud.mutations().is_empty());
}

#[tokio::test]
async fn work_done_before_a_lost_answer_stays_done() {
    let cloud = FakeCloud::start(Options::default()).await;
    let token = login(&cloud, "demo").await;
    let id = cloud.add("network.address_group", json!({"name": "a"}));
    cloud.inject(Fault::on("DELETE", "*", Effect::DropAfter));
    assert_eq!(
        delete(
            &cloud,
            &token,
            &format!("/network/v2.0/address-groups/{id}")
        )
        .await
        .status,
        0
    );
    assert!(!cloud.exists("network.address_group", &id));
    assert_eq!(cloud.mutations().len(), 1);
}

/// What no server writes of itself.
#[tokio::test]
async fn faults_spoil_answers_at_the_wire() {
    let cloud = FakeCloud::start(Options::default()).await;
    let token = login(&cloud, "admin").await;
    let path = "/network/v2.0/networks";
    let whole = get(&cloud, &token, path).await.json();
    let spoilt = async |effect| {
        cloud.inject(Fault::on("GET", path, effect).times(1));
        get(&cloud, &token, path).await
    };
    assert_eq!(spoilt(Effect::Reset).await.status, 0);
    let reply = spoilt(Effect::ResetAfterHead).await;
    assert_eq!((reply.status, reply.body.as_str()), (200, ""));
    let reply = spoilt(Effect::SaysLess).await;
    let lengths = reply.head.lines();
    let mut lengths = lengths.filter_map(|line| line.strip_prefix("content-length: "));
    let length: usize = lengths.next().unwrap().parse().unwrap();
    assert!(length < reply.body.len() && reply.json() == whole);
    let reply = spoilt(Effect::SlowHead(Duration::from_millis(1))).await;
    assert_eq!((reply.status, reply.json()), (200, whole.clone()));
    let reply = spoilt(Effect::Gzip).await;
    assert!(reply.head.contains("content-encoding: gzip") && reply.json() == whole);
    let reply = spoilt(Effect::Mislabel("text/html")).await;
    assert!(reply.head.contains("content-type: text/html") && reply.json() == whole);
    let reply = spoilt(Effect::ThrottleByDate(-86_400)).await;
    let dates = ["date: ", "retry-after: "];
    assert!(
        dates.iter().all(|it| reply.head.contains(it)),
        "{}",
        reply.head
    );
    assert_eq!(cloud.hits(), 7);
}

#[tokio::test]
async fn faults_sleep_until_their_time_has_come_and_a_cloud_that_vanished_comes_back() {
    let cloud = FakeCloud::start(Options::default()).await;
    let token = login(&cloud, "admin").await;
    let [one, other] = [(); 2].map(|()| cloud.add("image.image", json!({"name": "x"})));
    let image = |id: &str| format!("/image/v2/images/{id}");
    let twice = Fault::on("DELETE", "*/images/*", Effect::Twice).since("DELETE", "*/images/*");
    cloud.inject(twice.times(1));
    cloud.inject(Fault::on("GET", "*", Effect::Vanish).since("DELETE", &image(&other)));
    assert_eq!(get(&cloud, &token, "/image/v2/images").await.status, 200);
    assert_eq!(delete(&cloud, &token, &image(&one)).await.status, 404);
    assert!(!cloud.exists("image.image", &one));
    assert_eq!(get(&cloud, &token, "/image/v2/images").await.status, 200);
    assert_eq!(delete(&cloud, &token, &image(&other)).await.status, 204);
    assert_eq!(get(&cloud, &token, "/image/v2/images").await.status, 0);
    let address = cloud.url().trim_start_matches("http://");
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(address).await.is_ok() {
        assert!(Instant::now() < deadline, "somebody still listens");
        tokio::task::yield_now().await;
    }
    cloud.clear_faults();
    cloud.come_back();
    while TcpStream::connect(address).await.is_err() {
        assert!(Instant::now() < deadline, "nobody listens again");
        tokio::task::yield_now().await;
    }
    assert_eq!(get(&cloud, &token, "/image/v2/images").await.status, 200);
    assert_eq!(cloud.mutations().len(), 2);
}

#[tokio::test]
async fn expired_tokens_are_refused_by_every_service() {
    let cloud = FakeCloud::start(Options::default()).await;
    let token = login(&cloud, "admin").await;
    cloud.expire_tokens();
    for service in SERVICES {
        assert_eq!(
            get(&cloud, &token, &format!("{}/x", service.root))
                .await
                .status,
            401
        );
    }
}

#[tokio::test]
async fn manifests_name_everything_that_is_new() {
    let cloud = FakeCloud::start(Options {
        seed: Some(7),
        ..Options::default()
    })
    .await;
    let demo = cloud.project("demo");
    let before = cloud.things();
    let keep = seed_tenant(&cloud, &demo, "prod");
    let gone = seed_task(&cloud, "2d595a36-0000-4000-8000-000000000000", &demo, 2);
    assert_eq!(cloud.things().len(), before.len() + keep.len() + gone.len());
    assert!(
        keep.iter()
            .all(|i| i.fate == Fate::Keep && !i.name.contains("rally"))
    );
    assert!(
        gone.iter()
            .all(|i| i.fate == Fate::Delete && !i.name.starts_with("prod"))
    );
    for item in &gone {
        cloud.remove(&item.kind, &item.id);
    }
    let left: Vec<_> = cloud
        .things()
        .into_iter()
        .filter(|t| t.2.contains("rally"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn patterns_match_any_text_at_a_star() {
    for (pattern, text, expected) in [
        ("*", "", true),
        ("/a/*/b", "/a/x/y/b", true),
        ("/a/*/b", "/a/b", false),
        ("/a*", "/b", false),
        ("/a", "/a", true),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
    }
}

/// What a deletion takes along in the real services, and so has to here.
#[tokio::test]
async fn deletions_take_along_what_they_take_along_in_openstack() {
    let cloud = FakeCloud::start(Options::default()).await;
    let demo = cloud.project("demo");
    let user = cloud.user("demo");
    let token = login(&cloud, "admin").await;
    let (server, other) = (
        cloud.add("compute.server", json!({"project_id": demo})),
        cloud.add("compute.server", json!({"project_id": demo})),
    );
    let volumes = [(); 2].map(|()| cloud.add("block_storage.volume", json!({"project_id": demo})));
    cloud.edit(|store| {
        super::furnish::attach_for_life(store, &server, &volumes[0]);
        super::furnish::attach(store, &other, &volumes[1]);
    });
    for server in [&server, &other] {
        let path = format!("/compute/v2.1/servers/{server}");
        assert_eq!(delete(&cloud, &token, &path).await.status, 204);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    get(&cloud, &token, "/compute/v2.1/servers").await;
    let stays = volumes.map(|id| cloud.exists("block_storage.volume", &id));
    assert_eq!(stays, [false, true]);

    let role = cloud.add("identity.role", json!({"name": "r"}));
    let credential = json!({"name": "c", "user_id": user, "project_id": demo});
    let credential = cloud.add("identity.application_credential", credential);
    let grant = format!("PUT /identity/v3/projects/{demo}/users/{user}/roles/{role}");
    assert_eq!(ask(&cloud, &token, &grant, "", "").await.status, 204);
    let held = format!("/identity/v3/role_assignments?role.id={role}");
    let held = get(&cloud, &token, &held).await.json();
    let link = held.pointer("/role_assignments/0/links/assignment");
    let link = link.and_then(Value::as_str).unwrap_or_default();
    assert!(
        link.ends_with(&format!("/users/{user}/roles/{role}")),
        "{held}"
    );
    let path = format!("/identity/v3/roles/{role}");
    assert_eq!(delete(&cloud, &token, &path).await.status, 204);
    assert!(!cloud.exists("identity.application_credential", &credential));
}

#[tokio::test]
async fn a_server_that_is_only_hidden_is_shown_to_whoever_asks_by_status() {
    let cloud = FakeCloud::start(Options::default()).await;
    cloud.edit(|store| store.soft_deletes = true);
    let server = cloud.add(
        "compute.server",
        json!({"project_id": cloud.project("demo")}),
    );
    let token = login(&cloud, "demo").await;
    let path = format!("/compute/v2.1/servers/{server}");
    assert_eq!(delete(&cloud, &token, &path).await.status, 204);
    let shown = async |query: &str| {
        let path = format!("/compute/v2.1/servers/detail?{query}");
        get(&cloud, &token, &path).await.body.contains(&server)
    };
    assert!(!shown("limit=10").await);
    assert!(shown("status=SOFT_DELETED&changes-since=1970-01-01T00:00:00Z").await);
}
