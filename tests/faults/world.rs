//! The cloud that is swept: small, but with a thing of each sort. What goes at once, what takes its time, what has no name, what is
//! part of something, and what all that lies in; and beside it what another task and two tenants have.

use std::collections::BTreeSet;
use std::net::TcpListener;

use serde_json::json;
use tokio::sync::OnceCell;

use crate::support::fake_cloud::serve::Request;
use crate::support::fake_cloud::{FakeCloud, Known, Options};
use crate::support::guests::rule_pack;
use crate::support::run::Place;

pub(super) const TASK: &str = "0a1b2c3d-1111-4222-8333-444455556666";

/// The rules at work, each with the kinds that it is left: the more there are, the longer it takes.
const RULES: [(&str, &[&str]); 3] = [
    (
        "openstack_block_storage",
        &["block_storage.volume", "block_storage.snapshot"],
    ),
    ("openstack_identity", &["identity.project", "identity.user"]),
    ("openstack_image", &["image.image"]),
];

/// One seed for all, so that what was asked of one cloud can be compared with what was asked of another.
const SEED: u64 = 7;

/// A cloud, a place to sweep it from, and what is expected of that.
pub(super) struct World {
    pub(super) cloud: FakeCloud,
    pub(super) place: Place,
    /// What a run without a fault deletes.
    pub(super) task: BTreeSet<Known>,
    /// Whether the operator names no task and is asked. Then there is no other task's.
    pub(super) is_asked: bool,
    before: BTreeSet<Known>,
    /// Where nobody is to go, whoever may say so.
    elsewhere: TcpListener,
}

/// How long an attempt at a request may take where nothing hangs. It is not to be met, however busy the machine.
const NO_TIMEOUT_S: u64 = 120;

/// The same where something hangs.
const TIMEOUT_S: u64 = 3;

impl World {
    pub(super) async fn new(is_asked: bool, hangs: bool) -> Self {
        let options = Options {
            seed: Some(SEED),
            ..Options::default()
        };
        let cloud = FakeCloud::start(options).await;
        furnish(&cloud, "other", "db");
        furnish(&cloud, "demo", "web");
        let tenants: BTreeSet<Known> = cloud.things().into_iter().collect();
        leave(&cloud);
        let now: BTreeSet<Known> = cloud.things().into_iter().collect();
        let task = now.difference(&tenants).cloned().collect();
        if !is_asked {
            furnish(&cloud, "demo", "s_rally_9f8e7d6c_abcdefgh");
        }
        let place = Place::new(&cloud);
        for (rule, _) in RULES {
            let file = format!("{rule}.wasm");
            place.add_rule(&rule_pack().join(&file), &file);
        }
        place.write("runner.toml", limits(hangs));
        let elsewhere = TcpListener::bind("127.0.0.1:0").expect("there is a port");
        elsewhere
            .set_nonblocking(true)
            .expect("a listener can be asked without waiting");
        let before = cloud.things().into_iter().collect();
        cloud.clear_requests();
        Self {
            cloud,
            place,
            task,
            is_asked,
            before,
            elsewhere,
        }
    }

    /// The command line of the sweep.
    pub(super) fn arguments(&self) -> Vec<&'static str> {
        if self.is_asked {
            vec!["-f", "json"]
        } else {
            vec!["--task", TASK, "-f", "json"]
        }
    }

    /// What is not there any more.
    pub(super) fn gone(&self) -> BTreeSet<Known> {
        self.before.difference(&self.now()).cloned().collect()
    }

    /// What was not there before.
    pub(super) fn appeared(&self) -> BTreeSet<Known> {
        self.now().difference(&self.before).cloned().collect()
    }

    /// What the task still has.
    pub(super) fn left(&self) -> BTreeSet<Known> {
        self.task.intersection(&self.now()).cloned().collect()
    }

    fn now(&self) -> BTreeSet<Known> {
        self.cloud.things().into_iter().collect()
    }

    /// The address where nobody is to go.
    pub(super) fn elsewhere(&self) -> String {
        let address = self.elsewhere.local_addr().expect("it listens");
        format!("http://{address}")
    }

    pub(super) fn has_gone_elsewhere(&self) -> bool {
        self.elsewhere.accept().is_ok()
    }
}

/// What one has in a project, named like this or more.
fn furnish(cloud: &FakeCloud, project: &str, name: &str) {
    let project = cloud.project(project);
    let own = || json!({"name": name, "project_id": project});
    cloud.add("image.image", own());
    let volume = cloud.add("block_storage.volume", own());
    let snapshot = json!({"name": name, "project_id": project, "volume_id": volume});
    cloud.add("block_storage.snapshot", snapshot);
}

/// What the task leaves: a project and a user of its own with what is in it, and things in a tenant's project.
fn leave(cloud: &FakeCloud) {
    let (own, _) = cloud.add_tenant("c_rally_0a1b2c3d_AbCdEfGh");
    let name = |random: &str| format!("s_rally_0a1b2c3d_{random}");
    for random in ["anImage0", "anImage1"] {
        let image = json!({"name": name(random), "project_id": own});
        cloud.add("image.image", image);
    }
    let nameless = json!({"name": "", "project_id": own});
    cloud.add("block_storage.volume", nameless);
    for (project, shot) in [(own, ""), (cloud.project("demo"), &*name("snapshot"))] {
        let volume = json!({"name": name("aVolume0"), "project_id": project});
        let volume = cloud.add("block_storage.volume", volume);
        let shot = json!({"name": shot, "project_id": project, "volume_id": volume});
        cloud.add("block_storage.snapshot", shot);
    }
}

/// Short pauses, for the fake cloud does in milliseconds what a real one does in seconds.
fn limits(hangs: bool) -> String {
    let timeout_s = if hangs { TIMEOUT_S } else { NO_TIMEOUT_S };
    let only = |(rule, kinds): &(&str, &[&str])| format!("[rules.{rule}]\nonly = {kinds:?}\n");
    let rules: String = RULES.iter().map(only).collect();
    format!(
        "[sweep]\npause_ms_min = 5\npause_ms_max = 40\ndisappear_s_max = 60\nunlooked = [\"block-storage\", \"compute\", \"identity\", \"image\", \"network\"]\n\
         [http]\nrequest_timeout_s = {timeout_s}\nresponse_bytes_max = 200000\nattempts_max = 2\nretry_after_s_max = 2\n{rules}"
    )
}

/// What was looked at, as paths with their queries.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Looked {
    /// Before the first change.
    pub(super) first: BTreeSet<String>,
    /// After the last one.
    pub(super) last: BTreeSet<String>,
}

impl Looked {
    /// What these requests have shown. Whatever a fault hit, has shown nothing, unless it did no harm.
    pub(super) fn of(requests: &[Request], is_harmless: bool) -> Self {
        let first = requests.iter().position(Request::mutates);
        let last = requests.iter().rposition(Request::mutates);
        let shown = |requests: &[Request]| {
            let shown = requests.iter().filter(|it| {
                it.method == "GET" && (200..300).contains(&it.status) && (is_harmless || !it.is_hit)
            });
            shown.map(listing).collect()
        };
        Self {
            first: shown(
                requests
                    .get(..first.unwrap_or(requests.len()))
                    .unwrap_or_default(),
            ),
            last: shown(requests.get(last.unwrap_or(0)..).unwrap_or_default()),
        }
    }
}

/// What a request lists. A page may be asked for with less in it.
fn listing(request: &Request) -> String {
    let query = request.query.split('&');
    let query: Vec<&str> = query.filter(|it| !it.starts_with("limit=")).collect();
    format!("{}?{}", request.path, query.join("&"))
}

static HEALTHY: OnceCell<Looked> = OnceCell::const_new();

/// What a run without a fault looks at. It deletes exactly the task's, and says so.
pub(super) async fn healthy() -> &'static Looked {
    HEALTHY
        .get_or_init(async || {
            let world = World::new(false, false).await;
            let run = world.place.run(world.arguments());
            run.expect_code(0);
            assert_eq!(world.gone(), world.task, "{run}");
            assert_eq!(world.appeared(), BTreeSet::new(), "{run}");
            Looked::of(&world.cloud.requests(), false)
        })
        .await
}
