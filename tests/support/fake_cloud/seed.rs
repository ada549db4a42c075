//! Populations: what a load-test task leaves, what a tenant has, and thousands of equal things for benchmarks.
//!
//! Everything that a seed makes is in its manifest, also the nameless things that the services make themselves.

use std::collections::BTreeSet;

use serde_json::json;

use super::FakeCloud;
use super::auth;
use super::furnish::{self, Net, ServerPlan, fields};
use super::store::Store;

/// What a correct sweep does to a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    Delete,
    Keep,
}

/// One thing of a seed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Item {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) project: String,
    pub(crate) fate: Fate,
}

pub(crate) type Manifest = Vec<Item>;

/// Gives the names of one population.
struct Names<'a> {
    scenario: &'a mut dyn FnMut(&mut Store) -> String,
    context: &'a mut dyn FnMut(&mut Store) -> String,
}

/// Leaves what one task leaves: its own project and user, an administrator's things, and `scale` times a unit of
/// everything both in its own project and in the given one. `task` is a uuid; its first eight digits are in every name.
pub(crate) fn seed_task(cloud: &FakeCloud, task: &str, project: &str, scale: usize) -> Manifest {
    let short: String = task.chars().filter(|c| *c != '-').take(8).collect();
    let mut scenario = |store: &mut Store| format!("s_rally_{short}_{}", store.alphanumeric(8));
    let mut context = |store: &mut Store| format!("c_rally_{short}_{}", store.alphanumeric(8));
    recorded(cloud, Fate::Delete, |store, admin| {
        let own = context(store);
        let (own, user) = auth::tenant(store, &own, &["member", "reader"]);
        let names = &mut Names {
            scenario: &mut scenario,
            context: &mut context,
        };
        admin_things(store, admin, names);
        for _ in 0..scale {
            unit(store, &own, &user, names);
            let tenant = auth::user_of(store, project);
            unit(store, project, &tenant, names);
        }
    })
}

/// Gives a project a unit of everything, named `<prefix>-1`, `<prefix>-2`…, all to be kept.
pub(crate) fn seed_tenant(cloud: &FakeCloud, project: &str, prefix: &str) -> Manifest {
    let count = std::cell::Cell::new(0);
    let next = || {
        count.set(count.get() + 1);
        format!("{prefix}-{}", count.get())
    };
    recorded(cloud, Fate::Keep, |store, _| {
        let names = &mut Names {
            scenario: &mut |_| next(),
            context: &mut |_| next(),
        };
        let tenant = auth::user_of(store, project);
        unit(store, project, &tenant, names);
    })
}

/// Runs a seed and lists what is new after it.
fn recorded(cloud: &FakeCloud, fate: Fate, seed: impl FnOnce(&mut Store, &str)) -> Manifest {
    let before: BTreeSet<_> = cloud.things().into_iter().collect();
    let admin = cloud.project("admin");
    cloud.edit(|store| seed(store, &admin));
    let new = cloud
        .things()
        .into_iter()
        .filter(|thing| !before.contains(thing));
    new.map(|(kind, id, name, project)| Item {
        kind,
        id,
        name,
        project,
        fate,
    })
    .collect()
}

/// One of everything that a member can make.
fn unit(store: &mut Store, project: &str, user: &str, names: &mut Names) {
    let (network, subnet) = ((names.context)(store), (names.context)(store));
    let net = furnish::network(store, project, &network, &subnet);
    let router = (names.context)(store);
    let router = furnish::router(store, project, &router, &[&net.subnet]);
    let group = (names.scenario)(store);
    let group = furnish::security_group(store, project, &group);
    for rule in [
        json!({"security_group_id": group, "protocol": "tcp", "port_range_min": 22, "port_range_max": 22}),
        json!({"security_group_id": group, "protocol": "tcp", "port_range_min": 80, "port_range_max": 80}),
        json!({"security_group_id": group, "remote_group_id": group}),
    ] {
        store.insert("network.security_group_rule", project, fields(rule));
    }
    let name = (names.scenario)(store);
    let port = json!({"name": name, "security_groups": [group]});
    let port = furnish::port_on(store, project, &net.subnet, port);
    furnish::floating_ip(store, project, "", Some((&port, &router)));
    let loose = (names.scenario)(store);
    let loose = if loose.contains("_rally_") {
        loose
    } else {
        String::new()
    };
    furnish::floating_ip(store, project, &loose, None);
    trunk(store, project, &net, names);
    let name = (names.scenario)(store);
    let pool = json!({"name": name, "prefixes": ["10.250.0.0/16"]});
    store.insert("network.subnet_pool", project, fields(pool));
    let name = (names.scenario)(store);
    let addresses = json!({"name": name, "addresses": ["10.1.1.1/32"]});
    store.insert("network.address_group", project, fields(addresses));
    let name = (names.scenario)(store);
    store.insert("image.image", project, fields(json!({"name": name})));
    let volume = storage(store, project, user, names);
    compute(store, project, user, (&net, &port, &volume), names);
}

fn trunk(store: &mut Store, project: &str, net: &Net, names: &mut Names) {
    let (parent, child, trunk) = (
        (names.scenario)(store),
        (names.scenario)(store),
        (names.scenario)(store),
    );
    let parent = furnish::port_on(store, project, &net.subnet, json!({"name": parent}));
    let child = furnish::port_on(store, project, &net.subnet, json!({"name": child}));
    let sub_ports =
        json!([{"port_id": child, "segmentation_type": "vlan", "segmentation_id": 101}]);
    let trunk = json!({"name": trunk, "port_id": parent, "sub_ports": &sub_ports});
    let id = store.insert("network.trunk", project, fields(trunk));
    let details = json!({"trunk_id": id, "sub_ports": sub_ports});
    store.set(
        "network.port",
        &parent,
        fields(json!({"trunk_details": details})),
    );
}

/// Two volumes, a snapshot, a clone of it, a backup with an increment. Returns the free volume.
fn storage(store: &mut Store, project: &str, user: &str, names: &mut Names) -> String {
    let mut volume = |store: &mut Store, snapshot: Option<&str>| {
        let name = (names.scenario)(store);
        let given = json!({"name": name, "user_id": user, "snapshot_id": snapshot});
        store.insert("block_storage.volume", project, fields(given))
    };
    let (free, source) = (volume(store, None), volume(store, None));
    let name = (names.scenario)(store);
    let snapshot = json!({"name": name, "volume_id": source});
    let snapshot = store.insert("block_storage.snapshot", project, fields(snapshot));
    let name = (names.scenario)(store);
    let clone = json!({"name": name, "user_id": user, "snapshot_id": snapshot});
    store.insert("block_storage.volume", project, fields(clone));
    let name = (names.scenario)(store);
    let full = json!({"name": name, "volume_id": source});
    let full = store.insert("block_storage.backup", project, fields(full));
    let name = (names.scenario)(store);
    let increment =
        json!({"name": name, "volume_id": source, "is_incremental": true, "_parent": full});
    store.insert("block_storage.backup", project, fields(increment));
    free
}

/// A keypair, a group, and a server with a port of each sort and a volume.
fn compute(
    store: &mut Store,
    project: &str,
    user: &str,
    with: (&Net, &str, &str),
    names: &mut Names,
) {
    let (net, port, volume) = with;
    let key = (names.scenario)(store);
    let given = json!({"name": key, "user_id": user, "_id": format!("{user}/{key}")});
    store.insert("compute.keypair", project, fields(given));
    let name = (names.scenario)(store);
    let group = json!({"name": name, "policy": "soft-anti-affinity", "user_id": user});
    let group = store.insert("compute.server_group", project, fields(group));
    let name = (names.scenario)(store);
    let plan = ServerPlan {
        name: &name,
        user,
        subnets: &[&net.subnet],
        ports: &[port],
        keypair: &key,
        group: &group,
    };
    let server = furnish::server(store, project, &plan);
    furnish::attach(store, &server, volume);
    let name = (names.scenario)(store);
    let snapshot = json!({
        "name": name, "status": "queued", "size": null, "checksum": null, "image_type": "snapshot", "instance_uuid": server,
        "user_id": user, "base_image_ref": "", "boot_roles": "member,reader", "owner_project_name": "", "owner_user_name": "",
    });
    store.insert("image.image", project, fields(snapshot));
}

/// What only an administrator makes.
fn admin_things(store: &mut Store, admin: &str, names: &mut Names) {
    for kind in [
        "network.qos_policy",
        "network.address_scope",
        "block_storage.type",
        "block_storage.qos_specs",
        "compute.flavor",
        "compute.aggregate",
        "identity.role",
        "identity.group",
    ] {
        let name = (names.scenario)(store);
        store.insert(kind, admin, fields(json!({"name": name})));
    }
    let name = (names.scenario)(store);
    let network = json!({"name": name, "shared": true});
    let network = store.insert("network.network", admin, fields(network));
    let shared = json!({"object_id": network, "object_type": "network", "target_tenant": admin});
    store.insert("network.rbac_policy", admin, fields(shared));
    let user = store.shelf("identity.user").and_then(|s| {
        s.things
            .values()
            .find(|t| t.fields.get("name").is_some_and(|n| n == "admin"))
            .map(|t| t.id.to_string())
    });
    let name = (names.scenario)(store);
    let secret = auth::secret(store);
    let credential = json!({"name": name, "user_id": user, "project_id": admin, "_secret": secret});
    store.insert("identity.application_credential", admin, fields(credential));
}

/// `n` networks with a subnet, a DHCP port and a named port each; `name` gives the names of one. Returns the networks' ids.
pub(crate) fn bulk_networks(
    cloud: &FakeCloud,
    project: &str,
    n: usize,
    name: impl Fn(usize) -> String,
) -> Vec<String> {
    cloud.edit(|store| {
        let one = |i: usize| {
            let name = name(i);
            let net = furnish::network(store, project, &name, &name);
            furnish::port_on(store, project, &net.subnet, json!({"name": name}));
            net.network
        };
        (0..n).map(one).collect()
    })
}

/// `n` volumes. Returns their ids.
pub(crate) fn bulk_volumes(
    cloud: &FakeCloud,
    project: &str,
    n: usize,
    name: impl Fn(usize) -> String,
) -> Vec<String> {
    bulk(cloud, "block_storage.volume", project, n, name)
}

/// `n` things of any kind that needs nothing but a name. Returns their ids.
pub(crate) fn bulk(
    cloud: &FakeCloud,
    kind: &str,
    project: &str,
    n: usize,
    name: impl Fn(usize) -> String,
) -> Vec<String> {
    cloud.edit(|store| {
        (0..n)
            .map(|i| store.insert(kind, project, fields(json!({"name": name(i)}))))
            .collect()
    })
}
