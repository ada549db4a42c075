//! What a rule must do, whatever it is written in: the rule for ports runs beside the rule pack's other rules, which are
//! in Rust, against a cloud on loopback that is compared before and after.
//!
//! A task has left a network behind a router, a server and some ports, and a tenant has the same. Pages hold three things, so
//! that every listing takes several.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::example::{EXAMPLES, Example};
use crate::support::fake_cloud::fault::{Effect, Fault};
use crate::support::fake_cloud::furnish::{self, ServerPlan, fields};
use crate::support::fake_cloud::store::Store;
use crate::support::fake_cloud::{FakeCloud, Known, Options};
use crate::support::run::{Place, Run};

const TASK: &str = "0a1b2c3d-1111-4222-8333-444455556666";

/// Exit codes, as the command line's help has them.
const CLEAN: i32 = 0;
const LEFT: i32 = 3;
const UNLISTED: i32 = 4;

/// The pack leaves ports to the rule under test. Pauses are short, for the cloud on loopback does in milliseconds what a
/// real one does in seconds.
pub(crate) const CONFIG: &str = r#"
[sweep]
pause_ms_min = 20
pause_ms_max = 200
idle_attempts_max = 3

[http]
attempts_max = 2

[rules.openstack_network]
except = ["network.port"]
"#;

const LISTING: &str = "/network/v2.0/ports";

macro_rules! cases {
    ($($case:ident),+ $(,)?) => {
        [$((stringify!($case), $case as fn(&'static Example))),+]
    };
}

/// Every case in every language: case after case, so that languages that have to be built are built side by side.
pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let cases = cases![
        accepted,
        recorded_cases,
        pages,
        nameless_things,
        owners_of_other_rules,
        what_goes_with_a_router,
        a_route_through_an_interface,
        conflict,
        not_found,
        denied_listing,
        denied_deletion,
        throttled,
        unavailable,
        malformed,
        crash,
    ];
    let trial = |name: &str, case: fn(&'static Example), example: &'static Example| {
        let name = format!("{}::{name}", example.name());
        example.toolkit.trial(name, move || case(example))
    };
    cases.into_iter().flat_map(move |(name, case)| {
        EXAMPLES
            .iter()
            .map(move |example| trial(name, case, example))
    })
}

/// The ports of a network, by what they show.
pub(crate) struct Ports {
    pub(crate) named: Vec<String>,
    /// Without a name, of a router.
    interface: String,
    /// Without a name, of a server.
    bound: String,
    /// Without a name, and nobody speaks for it: the network takes it along.
    dhcp: String,
}

pub(crate) struct Scene {
    pub(crate) cloud: FakeCloud,
    pub(crate) place: Place,
    rules: PathBuf,
    pub(crate) ports: Ports,
    before: BTreeSet<Known>,
    /// What the task left.
    left: BTreeSet<Known>,
    /// The cloud answers on its threads.
    _runtime: Runtime,
}

impl Scene {
    fn of(example: &Example) -> Self {
        Self::with(example.rules(), None)
    }

    pub(crate) fn with(rules: &Path, seed: Option<u64>) -> Self {
        let runtime = Runtime::new().expect("a runtime starts");
        let options = Options {
            page_max: Some(3),
            seed,
            ..Options::default()
        };
        let cloud = runtime.block_on(FakeCloud::start(options));
        let (demo, user) = (cloud.project("demo"), cloud.user("demo"));
        let furnish =
            |name: &dyn Fn(&str) -> String| cloud.edit(|store| furnish(store, &demo, &user, name));
        furnish(&|what| format!("shop-{what}"));
        let tenants = known(&cloud);
        let ports = furnish(&|what| format!("s_rally_{}_{what:x<8}", &TASK[..8]));
        let before = known(&cloud);
        let place = Place::new(&cloud);
        place.write("runner.toml", CONFIG);
        Self {
            left: before.difference(&tenants).cloned().collect(),
            before,
            rules: rules.to_owned(),
            ports,
            place,
            cloud,
            _runtime: runtime,
        }
    }

    /// A further port that is expected to go.
    fn add_port(&mut self, port: Value) {
        let id = self.cloud.add("network.port", port);
        let added = known(&self.cloud).into_iter().find(|thing| thing.1 == id);
        let added = added.expect("the port");
        self.before.insert(added.clone());
        self.left.insert(added);
    }

    pub(crate) fn sweep(&self, further: &[&str]) -> Run {
        let rules = self.rules.to_string_lossy();
        let arguments = ["--task", TASK, "--guests", &*rules];
        self.place.run(arguments.iter().chain(further))
    }

    /// Sweeps, and fails unless exactly what the task left is gone, but for these things.
    #[track_caller]
    fn sweep_leaving(&self, code: i32, stays: &[&str]) -> Run {
        let run = self.sweep(&["-f", "json"]);
        run.expect_code(code);
        let now = known(&self.cloud);
        let stays = |thing: &&Known| stays.contains(&&*thing.1);
        let gone: BTreeSet<Known> = self.before.difference(&now).cloned().collect();
        let due: BTreeSet<Known> = self.left.iter().filter(|it| !stays(it)).cloned().collect();
        assert_eq!(gone, due, "what is gone, and what should be\n{run}");
        assert!(now.is_subset(&self.before), "something is new\n{run}");
        run
    }

    /// The ids of a kind among what the task left.
    fn ids(&self, kind: &str) -> Vec<&str> {
        let things = self.left.iter().filter(|thing| thing.0 == kind);
        things.map(|thing| &*thing.1).collect()
    }

    /// What the task left of the network service, and what stays when nobody knows its ports. A server takes its own along.
    fn held_by_ports(&self) -> Vec<&str> {
        let things = self.left.iter().filter(|it| it.0.starts_with("network."));
        let ids = things.map(|it| &*it.1);
        ids.filter(|id| *id != self.ports.bound).collect()
    }

    /// A port that stays, and what then stays with it.
    fn network_with<'a>(&'a self, port: &'a str) -> [&'a str; 4] {
        let [network, subnet] = ["network.network", "network.subnet"].map(|kind| self.ids(kind)[0]);
        [port, &self.ports.dhcp, network, subnet]
    }

    /// The statuses of the answers to all requests like this one.
    fn answers(&self, method: &str, path: &str) -> Vec<u16> {
        let requests = self.cloud.requests().into_iter();
        let like = requests.filter(|it| it.method == method && it.path == path);
        like.map(|request| request.status).collect()
    }

    /// Answers every request to delete a port with this.
    pub(crate) fn refuse_deletion(&self, port: &str, refusal: Effect) {
        self.inject("DELETE", &deletion_of(port), refusal, u32::MAX);
    }

    fn inject(&self, method: &str, path: &str, effect: Effect, times: u32) {
        let fault = Fault::on(method, path, effect).times(times);
        self.cloud.inject(fault);
    }
}

fn known(cloud: &FakeCloud) -> BTreeSet<Known> {
    cloud.things().into_iter().collect()
}

/// A network behind a router, with a server and four ports on it, and an image.
fn furnish(store: &mut Store, project: &str, user: &str, name: &dyn Fn(&str) -> String) -> Ports {
    let net = furnish::network(store, project, &name("net"), &name("subnet"));
    let router = furnish::router(store, project, &name("router"), &[&net.subnet]);
    let port = |n: usize| {
        let port = json!({"name": name(&format!("port{n}"))});
        furnish::port_on(store, project, &net.subnet, port)
    };
    let named = (1..=4).map(port).collect();
    let plan = ServerPlan {
        name: &name("server"),
        user,
        subnets: &[&net.subnet],
        ..ServerPlan::default()
    };
    let server = furnish::server(store, project, &plan);
    store.insert(
        "image.image",
        project,
        fields(json!({"name": name("image")})),
    );
    // Its gateway port is on another network: a case of its own.
    for gateway in store.users("network.port", "device_id", &router) {
        if store.text("network.port", &gateway, "device_owner") == "network:router_gateway" {
            store.remove("network.port", &gateway);
        }
    }
    let used_by = |device: &str, by: &str| {
        let ports = store.users("network.port", "device_id", device);
        let mut ports = ports.into_iter();
        ports
            .find(|port| store.text("network.port", port, "device_owner") == by)
            .expect("a port")
    };
    Ports {
        dhcp: net.dhcp.clone(),
        interface: used_by(&router, "network:router_interface"),
        bound: used_by(&server, "compute:nova"),
        named,
    }
}

/// An answer as Neutron words its refusals.
pub(crate) fn refusal(status: u16, message: &str) -> Effect {
    let body = json!({"NeutronError": {"type": "Refusal", "message": message, "detail": ""}});
    Effect::Answer {
        status,
        content_type: "application/json",
        body: body.to_string(),
    }
}

fn deletion_of(port: &str) -> String {
    format!("{LISTING}/{port}")
}

/// What a report says of a port of the plan.
#[track_caller]
fn about<'a>(run: &'a Run, port: &str) -> &'a Value {
    let items = run.json["items"].as_array().expect("items");
    let thing = format!("network.port/{port}");
    let item = items.iter().find(|item| item["thing"] == *thing);
    item.unwrap_or_else(|| panic!("nothing is said of {thing}\n{run}"))
}

/// What a report says of the listing of ports that failed.
#[track_caller]
fn unlisted(run: &Run) -> &str {
    let failures = run.json["listing_failures"].as_array().expect("failures");
    assert_eq!(failures.len(), 1, "{run}");
    assert_eq!(failures[0]["kind"], "network.port", "{run}");
    failures[0]["why"].as_str().expect("a reason")
}

fn accepted(example: &'static Example) {
    let component = example.component();
    let run = Place::unconnected().run(["rules", "check", &*component.to_string_lossy()]);
    run.expect_code(0);
    for request in [
        "PUT /v2.0/routers/{/device_id}/remove_router_interface {\"port_id\":\"{id}\"}",
        "DELETE /v2.0/ports/{id}",
    ] {
        assert!(run.says(request), "{run}");
    }
}

fn recorded_cases(example: &'static Example) {
    let run = Place::unconnected().run(["rules", "test", &*example.folder().to_string_lossy()]);
    run.expect_code(0);
}

fn pages(example: &'static Example) {
    let scene = Scene::of(example);
    let run = scene.sweep_leaving(CLEAN, &[]);
    let requests = scene.cloud.requests();
    let pages: Vec<&str> = requests
        .iter()
        .filter(|it| it.method == "GET" && it.path == LISTING)
        .map(|it| &*it.query)
        .collect();
    assert!(pages.contains(&"limit=500"), "{pages:?}");
    let ports = scene
        .before
        .iter()
        .filter(|thing| thing.0 == "network.port");
    let further = pages.iter().filter(|it| it.contains("marker=")).count();
    assert!(further >= ports.count() / 3, "{pages:?}\n{run}");
}

fn nameless_things(example: &'static Example) {
    let scene = Scene::of(example);
    let run = scene.sweep_leaving(CLEAN, &[]);
    // Neutron refuses to delete an interface: it has to be taken out of its router.
    assert_eq!(
        scene.answers("DELETE", &deletion_of(&scene.ports.interface)),
        [0; 0]
    );
    let requests = scene.cloud.mutations().into_iter();
    let removals: Vec<Value> = requests
        .filter(|it| it.method == "PUT" && it.path.ends_with("/remove_router_interface"))
        .map(|it| it.body)
        .collect();
    assert_eq!(
        removals,
        [json!({"port_id": scene.ports.interface})],
        "{run}"
    );
}

fn owners_of_other_rules(example: &'static Example) {
    let scene = Scene::of(example);
    let run = scene.sweep_leaving(CLEAN, &[]);
    for (port, kind) in [
        (&scene.ports.interface, "network.router"),
        (&scene.ports.bound, "compute.server"),
    ] {
        let owner = format!("{kind}/{}", scene.ids(kind)[0]);
        let reason = about(&run, port)["reason"].to_string();
        assert!(reason.contains(&owner), "{reason}\n{run}");
    }
}

fn what_goes_with_a_router(example: &'static Example) {
    let mut scene = Scene::of(example);
    let router = scene.ids("network.router")[0].to_owned();
    let gateway = json!({
        "device_owner": "network:router_gateway", "device_id": router, "project_id": "",
    });
    scene.add_port(gateway);
    scene.sweep_leaving(CLEAN, &[]);
}

/// The interface cannot go before the route, which goes with the router, which waits for the interface.
fn a_route_through_an_interface(example: &'static Example) {
    let scene = Scene::of(example);
    let [router, subnet] = ["network.router", "network.subnet"].map(|kind| scene.ids(kind)[0]);
    scene.cloud.edit(|store| {
        let next_hop = store.text("network.subnet", subnet, "gateway_ip");
        let route = json!({"destination": "192.168.77.0/24", "nexthop": next_hop});
        store.set("network.router", router, fields(json!({"routes": [route]})));
    });
    scene.sweep_leaving(CLEAN, &[]);
}

fn conflict(example: &'static Example) {
    let scene = Scene::of(example);
    let [passing, lasting, ..] = &*scene.ports.named else {
        panic!("two ports");
    };
    let passing = deletion_of(passing);
    scene.inject("DELETE", &passing, refusal(409, "It is busy."), 2);
    scene.refuse_deletion(lasting, refusal(409, "It is in use."));
    let run = scene.sweep_leaving(LEFT, &scene.network_with(lasting));
    assert_eq!(scene.answers("DELETE", &passing), [409, 409, 204]);
    let detail = about(&run, lasting)["detail"].to_string();
    let path = format!("DELETE /v2.0/ports/{lasting}: 409 It is in use.");
    assert!(detail.contains(&path), "{detail}\n{run}");
}

fn not_found(example: &'static Example) {
    let scene = Scene::of(example);
    let path = deletion_of(&scene.ports.named[0]);
    // It goes, but the answer is lost, so that the runner asks again.
    scene.inject("DELETE", &path, Effect::DropAfter, 1);
    let run = scene.sweep_leaving(CLEAN, &[]);
    assert_eq!(scene.answers("DELETE", &path).last(), Some(&404), "{run}");
}

fn denied_listing(example: &'static Example) {
    let scene = Scene::of(example);
    scene.inject("GET", LISTING, refusal(403, "Not for you."), u32::MAX);
    let run = scene.sweep_leaving(UNLISTED, &scene.held_by_ports());
    let why = unlisted(&run);
    assert!(
        why.contains("denied: GET /v2.0/ports?limit=500: 403 Not for you."),
        "{why}"
    );
}

fn denied_deletion(example: &'static Example) {
    let scene = Scene::of(example);
    let port = &scene.ports.named[0];
    let path = deletion_of(port);
    scene.inject("DELETE", &path, refusal(403, "Not for you."), u32::MAX);
    let run = scene.sweep_leaving(LEFT, &scene.network_with(port));
    let answers = scene.answers("DELETE", &path);
    let is_believed_in_the_end = (2..=5).contains(&answers.len());
    assert!(is_believed_in_the_end, "{answers:?}\n{run}");
    assert!(answers.iter().all(|it| *it == 403), "{answers:?}\n{run}");
    let detail = about(&run, port)["detail"].to_string();
    let said = format!("denied: DELETE /v2.0/ports/{port}: 403 Not for you.");
    assert!(detail.contains(&said), "{detail}\n{run}");
}

fn throttled(example: &'static Example) {
    let scene = Scene::of(example);
    // The network, which has to wait for the port, must not be given up meanwhile.
    let patient = CONFIG.replace("idle_attempts_max = 3", "idle_attempts_max = 20");
    scene.place.write("runner.toml", patient);
    let path = deletion_of(&scene.ports.named[0]);
    let throttle = Effect::Throttle {
        status: 429,
        retry_after_s: 1,
    };
    // Once more than the runner repeats a request by itself: the rule must say that it was throttled, and is asked again.
    scene.inject("DELETE", &path, throttle, 3);
    scene.sweep_leaving(CLEAN, &[]);
    assert_eq!(scene.answers("DELETE", &path), [429, 429, 429, 204]);
}

fn unavailable(example: &'static Example) {
    let scene = Scene::of(example);
    let path = deletion_of(&scene.ports.named[0]);
    scene.inject("DELETE", &path, refusal(500, "Out of order."), 1);
    scene.sweep_leaving(CLEAN, &[]);
    assert_eq!(scene.answers("DELETE", &path), [500, 204]);
}

fn malformed(example: &'static Example) {
    for (content_type, body) in [
        ("text/html", "<html>maintenance</html>"),
        ("application/json", "{}"),
        ("application/json", r#"{"ports": {"id": "x"}}"#),
        ("application/json", "[]"),
        ("application/json", ""),
    ] {
        let scene = Scene::of(example);
        let answer = Effect::Disguise {
            content_type,
            body: body.to_owned(),
        };
        scene.inject("GET", LISTING, answer, u32::MAX);
        let run = scene.sweep_leaving(UNLISTED, &scene.held_by_ports());
        let said = "malformed answer: GET /v2.0/ports?limit=500 shows no list of ports";
        assert!(unlisted(&run).contains(said), "{body:?}\n{run}");
    }
}

fn crash(example: &'static Example) {
    let scene = Scene::with(example.slipped(), None);
    let port = &*scene.ports.interface;
    let router = scene.ids("network.router")[0];
    let run = scene.sweep_leaving(LEFT, &[&scene.network_with(port)[..], &[router]].concat());
    let detail = about(&run, port)["detail"].as_str().expect("a reason");
    let where_it_was = format!("rule port, delete of network.port/{port}: ");
    for words in [&*where_it_was].iter().chain(example.slip.words) {
        assert!(detail.contains(words), "nobody said {words:?}\n{run}");
    }
}
