//! A cloud at the wire: Keystone, Nova, Neutron, Cinder and Glance on one loopback port, with state.
//!
//! It answers as the real services do, from tables ([`table`]), and forgets everything when it is dropped. It knows
//! nothing of the program under test. What was asked of it is in [`FakeCloud::requests`].
//!
//! The modules name their files, so that this file can be included from a test binary and, by path, from an example.

#[path = "fake_cloud/auth.rs"]
mod auth;
#[path = "fake_cloud/block_storage.rs"]
mod block_storage;
#[path = "fake_cloud/compute.rs"]
mod compute;
#[path = "fake_cloud/fault.rs"]
pub(crate) mod fault;
#[path = "fake_cloud/furnish.rs"]
pub(crate) mod furnish;
#[path = "fake_cloud/generic.rs"]
mod generic;
#[path = "fake_cloud/identity.rs"]
mod identity;
#[path = "fake_cloud/image.rs"]
mod image;
#[path = "fake_cloud/line.rs"]
mod line;
#[path = "fake_cloud/listing.rs"]
mod listing;
#[path = "fake_cloud/network.rs"]
mod network;
#[path = "fake_cloud/quota.rs"]
mod quota;
#[path = "fake_cloud/router.rs"]
mod router;
#[path = "fake_cloud/seed.rs"]
pub(crate) mod seed;
#[path = "fake_cloud/serve.rs"]
pub(crate) mod serve;
#[path = "fake_cloud/shape.rs"]
mod shape;
#[path = "fake_cloud/spoil.rs"]
mod spoil;
#[path = "fake_cloud/store.rs"]
pub(crate) mod store;
#[path = "fake_cloud/table.rs"]
pub(crate) mod table;
#[cfg(test)]
#[path = "fake_cloud/tests.rs"]
mod tests;
#[path = "fake_cloud/wire.rs"]
mod wire;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use fault::Fault;
use serve::{Request, Shared, lock};
use store::{Store, Stuck};

/// How a cloud behaves.
pub(crate) struct Options {
    /// Where it listens; port 0 takes a free one.
    pub(crate) port: u16,
    /// Makes ids and names repeatable.
    pub(crate) seed: Option<u64>,
    /// Added to every answer.
    pub(crate) latency: Duration,
    /// How long an asynchronous DELETE takes.
    pub(crate) deletion: Duration,
    /// The same for single kinds.
    pub(crate) deletions: HashMap<String, Duration>,
    /// Things in a page at most, in every service; without it each has its own maximum.
    pub(crate) page_max: Option<usize>,
    pub(crate) token_life: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            port: 0,
            seed: None,
            latency: Duration::ZERO,
            deletion: Duration::from_millis(30),
            deletions: HashMap::new(),
            page_max: None,
            token_life: Duration::from_secs(86_400),
        }
    }
}

/// A thing as a comparison of whole states needs it: kind, id, name, project.
pub(crate) type Known = (String, String, String, String);

/// A running cloud. It stops when dropped.
pub(crate) struct FakeCloud {
    shared: Arc<Shared>,
    projects: HashMap<String, (String, String)>,
    _server: JoinSet<io::Result<()>>,
}

impl FakeCloud {
    /// Starts a cloud with the projects and users `admin`, `demo` and `other` (password `secret`) and the basics.
    /// Panics where no socket is to be had, for nothing can be tested then.
    #[expect(clippy::panic, reason = "a test cannot go on without its cloud")]
    pub(crate) async fn start(options: Options) -> FakeCloud {
        match FakeCloud::open(options).await {
            Ok(cloud) => cloud,
            Err(e) => panic!("the fake cloud does not start: {e}"),
        }
    }

    async fn open(options: Options) -> io::Result<FakeCloud> {
        let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let mut store = Store::new(options.seed).map_err(io::Error::other)?;
        store.delay = options.deletion;
        store.delays = options.deletions;
        store.page_max = options.page_max;
        store.keystone.life = options.token_life;
        let projects = populate(&mut store, &base);
        let shared = Arc::new(Shared::new(base, store, options.latency));
        let mut server = JoinSet::new();
        server.spawn(serve::serve(listener, shared.clone()));
        Ok(FakeCloud {
            shared,
            projects,
            _server: server,
        })
    }

    /// `http://127.0.0.1:<port>`.
    pub(crate) fn url(&self) -> &str {
        &self.shared.base
    }

    pub(crate) fn auth_url(&self) -> String {
        format!("{}/identity/v3", self.shared.base)
    }

    /// A `clouds.yaml` with `admin`, `demo`, `other` and `system-admin`.
    pub(crate) fn clouds_yaml(&self) -> String {
        let auth_url = self.auth_url();
        let cloud = |cloud: &str, user: &str, scope: &str| {
            format!(
                "  {cloud}:\n    auth: {{auth_url: {auth_url}, username: {user}, password: secret, \
                 user_domain_id: default, {scope}}}\n    region_name: RegionOne\n    identity_api_version: 3\n"
            )
        };
        let mut text = "clouds:\n".to_owned();
        for user in ["admin", "demo", "other"] {
            text.push_str(&cloud(
                user,
                user,
                &format!("project_name: {user}, project_domain_id: default"),
            ));
        }
        text + &cloud("system-admin", "admin", "system_scope: all")
    }

    /// The id of a project that the cloud started with.
    pub(crate) fn project(&self, name: &str) -> String {
        self.projects
            .get(name)
            .map(|(project, _)| project.clone())
            .unwrap_or_default()
    }

    /// The id of a user that the cloud started with.
    pub(crate) fn user(&self, name: &str) -> String {
        self.projects
            .get(name)
            .map(|(_, user)| user.clone())
            .unwrap_or_default()
    }

    /// A further project with a member of the same name, password `secret`. Returns both ids.
    pub(crate) fn add_tenant(&self, name: &str) -> (String, String) {
        self.edit(|store| auth::tenant(store, name, &["member", "reader"]))
    }

    /// Adds a thing: any kind, any fields. `project_id` is its project, without it `demo`. Returns the id.
    pub(crate) fn add(&self, kind: &str, value: Value) -> String {
        let mut fields = furnish::fields(value);
        let project = fields
            .get("project_id")
            .map_or_else(|| self.project("demo"), shape::text);
        if kind == "compute.keypair" {
            let user = fields
                .get("user_id")
                .map_or_else(|| self.user("demo"), shape::text);
            let name = fields.get("name").map(shape::text).unwrap_or_default();
            fields.insert("_id".into(), format!("{user}/{name}").into());
            fields.insert("user_id".into(), user.into());
        }
        self.edit(|store| {
            let shaped = store
                .shelf(kind)
                .is_some_and(|s| s.shape.iter().any(|slot| slot.name == "project_id"));
            if !shaped {
                fields.remove("project_id");
            }
            store.insert(kind, &project, fields)
        })
    }

    /// Gives a user a role on a project.
    pub(crate) fn grant(&self, user: &str, role: &str, project: &str) {
        let grant = auth::Grant {
            user: user.to_owned(),
            role: role.to_owned(),
            scope: auth::Scope::Project(project.to_owned()),
        };
        self.edit(|store| store.keystone.grants.push(grant));
    }

    /// Lets one user act for another in a project. Returns the trust's id.
    pub(crate) fn add_trust(&self, trustor: &str, trustee: &str, project: &str) -> String {
        let trust = auth::Trust {
            trustor: self.user(trustor),
            trustee: self.user(trustee),
            project: self.project(project),
        };
        self.edit(|store| {
            let id = store.uuid(table::Ids::Hex);
            store.keystone.trusts.insert(id.clone(), trust);
            id
        })
    }

    /// Takes a thing away without a request, with all that goes with it. A keypair goes by its name.
    pub(crate) fn remove(&self, kind: &str, id: &str) {
        self.edit(|store| {
            let named = |t: &&store::Thing| t.fields.get("name").is_some_and(|n| n == id);
            let shelf = store.shelf(kind).filter(|s| s.row.nested);
            let found = shelf
                .and_then(|s| s.things.values().find(named))
                .map(|t| t.id.to_string());
            store.remove(kind, found.as_deref().unwrap_or(id));
        });
    }

    /// A field of a thing as text, empty if there is none.
    pub(crate) fn field(&self, kind: &str, id: &str, field: &str) -> String {
        self.edit(|store| store.text(kind, id, field))
    }

    pub(crate) fn exists(&self, kind: &str, id: &str) -> bool {
        self.edit(|store| store.thing(kind, id).is_some())
    }

    /// Works on the store under its lock.
    pub(crate) fn edit<T>(&self, work: impl FnOnce(&mut Store) -> T) -> T {
        let mut store = lock(&self.shared.store);
        store.reap();
        work(&mut store)
    }

    /// Everything that exists, in a fixed order.
    pub(crate) fn things(&self) -> Vec<Known> {
        let mut all = self.edit(|store| {
            let shelves = store.shelves.iter();
            let known = shelves.flat_map(|shelf| {
                shelf.things.values().map(|thing| {
                    let name = thing
                        .fields
                        .get("name")
                        .map(shape::text)
                        .unwrap_or_default();
                    let id = if shelf.row.nested {
                        name.clone()
                    } else {
                        thing.id.to_string()
                    };
                    (
                        shelf.row.kind.to_owned(),
                        id,
                        name,
                        thing.project.to_string(),
                    )
                })
            });
            known.collect::<Vec<_>>()
        });
        all.sort();
        all
    }

    /// Every request so far, in the order of arrival.
    pub(crate) fn requests(&self) -> Vec<Request> {
        lock(&self.shared.record).clone()
    }

    /// Those that could have changed something.
    pub(crate) fn mutations(&self) -> Vec<Request> {
        lock(&self.shared.record)
            .iter()
            .filter(|r| r.mutates())
            .cloned()
            .collect()
    }

    pub(crate) fn clear_requests(&self) {
        lock(&self.shared.record).clear();
    }

    /// Connections accepted so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn inject(&self, fault: Fault) {
        lock(&self.shared.faults).push(fault);
    }

    pub(crate) fn clear_faults(&self) {
        lock(&self.shared.faults).clear();
    }

    /// Requests that faults have hit so far.
    pub(crate) fn hits(&self) -> usize {
        let record = lock(&self.shared.record);
        record.iter().filter(|request| request.is_hit).count()
    }

    /// Lets all answers go that are held, and all that would be.
    pub(crate) fn let_go(&self) {
        self.shared.is_free.send_replace(true);
    }

    /// Hears whoever comes again, after it has vanished.
    pub(crate) fn come_back(&self) {
        self.shared.is_open.send_replace(true);
    }

    pub(crate) fn set_latency(&self, latency: Duration) {
        *lock(&self.shared.latency) = latency;
    }

    /// Makes a thing survive its accepted DELETE.
    pub(crate) fn stick(&self, id: &str, how: Stuck) {
        self.edit(|store| store.stick(id, how));
    }

    /// Lets it go again, at the next DELETE.
    pub(crate) fn unstick(&self, id: &str) {
        self.edit(|store| store.unstick(id));
    }

    /// Ends every token at once.
    pub(crate) fn expire_tokens(&self) {
        self.edit(|store| store.keystone.expire());
    }
}

fn populate(store: &mut Store, base: &str) -> HashMap<String, (String, String)> {
    auth::bootstrap(store, base);
    let mut projects = HashMap::new();
    for (name, roles) in [
        ("admin", &["admin", "manager", "member", "reader"][..]),
        ("demo", &["member", "reader"]),
        ("other", &["member", "reader"]),
    ] {
        let (project, user) = auth::tenant(store, name, roles);
        furnish::default_group(store, &project);
        if name == "admin" {
            auth::grant(store, &user, "admin", auth::Scope::System);
            auth::grant(
                store,
                &user,
                "admin",
                auth::Scope::Domain("default".to_owned()),
            );
            furnish::basics(store, &project);
        }
        projects.insert(name.to_owned(), (project, user));
    }
    projects
}
