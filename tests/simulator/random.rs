//! A world from a seed.

use fastrand::Rng;

use crate::kinds::{
    APP_CREDENTIAL, ASSIGNMENT, BALANCER, DOMAIN, FLOATING_IP, IMAGE, K, KINDS, LISTENER, Listed,
    NETWORK, PORT, PROJECT, QUOTA, RECORD_SET, ROLE, ROUTER, SECRET, SERVER, SNAPSHOT, SUBNET,
    Taken, USER, VOLUME, ZONE,
};
use crate::world::{
    Age, Bad, Family, Fault, Flags, Happening, Item, N, Name, Task, Tie, Trouble, World,
};

/// Kinds that belong together.
const THEMES: &[&[K]] = &[
    &[SERVER, VOLUME, PORT, NETWORK],
    &[SERVER, PORT, FLOATING_IP],
    &[SERVER, VOLUME],
    &[VOLUME, SNAPSHOT, SECRET],
    &[NETWORK, SUBNET, PORT, ROUTER, FLOATING_IP],
    &[BALANCER, LISTENER, PORT, NETWORK],
    &[ZONE, RECORD_SET],
    &[IMAGE, NETWORK],
];

/// A number that no thing has.
const NOBODY: N = 999;

/// The world of a seed.
pub(crate) fn world(seed: u64) -> World {
    let mut rng = Rng::with_seed(seed);
    let mut items = places(&mut rng);
    let projects: Vec<N> = items
        .iter()
        .filter(|item| item.kind == PROJECT)
        .map(|item| item.n)
        .collect();
    add_things(&mut rng, &mut items, &projects);
    add_ties(&mut rng, &mut items);
    let flags = flags(&mut rng, &items, &projects);
    let mut world = World {
        items,
        flags,
        faults: Vec::new(),
        unlooked: Vec::new(),
        page: [0, 0, 0, 1, 2][rng.usize(..5)],
    };
    if rng.u8(..100) < 8 {
        let services = [
            "compute",
            "block_storage",
            "network",
            "load_balancer",
            "dns",
            "key_manager",
            "image",
        ];
        world.unlooked.push(services[rng.usize(..services.len())]);
    }
    for _ in 0..[0, 0, 1, 1, 1, 1, 1, 2, 2, 3][rng.usize(..10)] {
        let fault = fault(&mut rng, &world);
        world.faults.push(fault);
    }
    world
}

fn chance(rng: &mut Rng, percent: u8) -> bool {
    rng.u8(..100) < percent
}

fn item(rng: &mut Rng, n: N, kind: K) -> Item {
    Item {
        age: if chance(rng, 50) { Age::Old } else { Age::New },
        ..Item::stranger(n, kind)
    }
}

fn name_of_place(rng: &mut Rng) -> Name {
    match rng.u8(..100) {
        0..50 => Name::Of(Task::A, Family::Context),
        50..60 => Name::Of(Task::B, Family::Context),
        60..64 => Name::Near(rng.u8(..3)),
        _ => Name::Foreign,
    }
}

/// Domains, projects, users, and what hangs on these alone.
fn places(rng: &mut Rng) -> Vec<Item> {
    let mut items = Vec::new();
    let domain = chance(rng, 15).then_some(1);
    if let Some(n) = domain {
        let name = name_of_place(rng);
        items.push(Item {
            name,
            ..item(rng, n, DOMAIN)
        });
    }
    let count = 1 + rng.u16(..3);
    for n in 10..10 + count {
        let name = name_of_place(rng);
        let mut project = Item {
            name,
            is_tagged: chance(rng, 4),
            ..item(rng, n, PROJECT)
        };
        project
            .ties
            .extend(domain.map(|to| Tie { kind: DOMAIN, to }));
        if n > 10 && chance(rng, 10) {
            project.ties.push(Tie {
                kind: PROJECT,
                to: 10,
            });
        }
        items.push(project);
        if chance(rng, 20) {
            let quota = Item {
                name: Name::None,
                ..item(rng, n + 10, QUOTA)
            };
            let ties = vec![Tie {
                kind: PROJECT,
                to: n,
            }];
            items.push(Item { ties, ..quota });
        }
    }
    if chance(rng, 25) {
        let name = name_of_place(rng);
        let mut user = Item {
            name,
            ..item(rng, 30, USER)
        };
        user.ties.extend(domain.map(|to| Tie { kind: DOMAIN, to }));
        items.push(user);
        for n in 31..32 + rng.u16(..2) {
            let name = name_of_thing(rng);
            let to = 10 + rng.u16(..count);
            let ties = vec![Tie { kind: USER, to: 30 }, Tie { kind: PROJECT, to }];
            items.push(Item {
                name,
                ties,
                ..item(rng, n, APP_CREDENTIAL)
            });
        }
        if chance(rng, 40) {
            add_role(rng, &mut items);
        }
    }
    items
}

/// A role by which the user acts, in the project of a credential of his.
fn add_role(rng: &mut Rng, items: &mut Vec<Item>) {
    let name = name_of_place(rng);
    items.push(Item {
        name,
        ..item(rng, 40, ROLE)
    });
    let Some(credential) = items.iter_mut().find(|item| item.kind == APP_CREDENTIAL) else {
        return;
    };
    credential.ties.push(Tie { kind: ROLE, to: 40 });
    let ties = credential.ties.clone();
    items.push(Item {
        name: Name::None,
        ties,
        ..item(rng, 41, ASSIGNMENT)
    });
}

fn name_of_thing(rng: &mut Rng) -> Name {
    match rng.u8(..100) {
        0..32 => Name::Of(Task::A, Family::Scenario),
        32..40 => Name::Of(Task::A, Family::Context),
        40..47 => Name::Of(Task::B, Family::Scenario),
        47..50 => Name::Near(rng.u8(..3)),
        50..68 => Name::Foreign,
        68..97 => Name::None,
        _ => Name::Given,
    }
}

fn add_things(rng: &mut Rng, items: &mut Vec<Item>, projects: &[N]) {
    let mut kinds: Vec<K> = Vec::new();
    for _ in 0..1 + rng.usize(..2) {
        kinds.extend(THEMES[rng.usize(..THEMES.len())]);
    }
    for n in 50..52 + rng.u16(..7) {
        let kind = kinds[rng.usize(..kinds.len())];
        let name = name_of_thing(rng);
        let is_found_by_project = KINDS[kind].listed == Listed::EachProject;
        let project = match rng.u8(..100) {
            0..2 if !is_found_by_project => None,
            2..5 if !is_found_by_project => Some(NOBODY),
            // Most share a project, else they have little to do with each other.
            5..65 => Some(projects[0]),
            _ => Some(projects[rng.usize(..projects.len())]),
        };
        let thing = Item {
            name,
            project,
            is_tagged: chance(rng, 10),
            is_marked: kind == VOLUME && chance(rng, 50),
            is_made: kind == PORT && chance(rng, if name.is_none() { 75 } else { 20 }),
            is_shared: KINDS[kind].can_be_shared && chance(rng, 25),
            ..item(rng, n, kind)
        };
        items.push(thing);
    }
    if chance(rng, 5) {
        let odd = rng.usize(..items.len());
        items[odd].age = Age::Unknown;
    }
}

/// Ties the things together, mostly within their projects.
fn add_ties(rng: &mut Rng, items: &mut Vec<Item>) {
    for at in 0..items.len() {
        let row = &KINDS[items[at].kind];
        let mut has_device = false;
        if row.service() == "identity" || items[at].kind == QUOTA {
            continue;
        }
        for link in row.links {
            let is_device = link.says.is_some() || link.taken != Taken::Never;
            if (is_device && has_device) || !chance(rng, 75) && row.parent() != Some(link.to) {
                continue;
            }
            let own = items[at].project;
            let all = items.iter().filter(|other| other.kind == link.to);
            let near: Vec<N> = all
                .clone()
                .filter(|other| other.project == own)
                .map(|other| other.n)
                .collect();
            let any: Vec<N> = all.map(|other| other.n).collect();
            let from = if near.is_empty() || chance(rng, 12) {
                any
            } else {
                near
            };
            let to = match from.len() {
                0 => None,
                count => Some(from[rng.usize(..count)]),
            };
            let to = to.or_else(|| chance(rng, 8).then_some(NOBODY));
            if let Some(to) = to {
                has_device |= is_device;
                items[at].ties.push(Tie { kind: link.to, to });
            }
        }
        // A part is in the project of its whole.
        let whole = items[at].tie_to(ZONE).or(items[at].tie_to(BALANCER));
        let whole = whole.and_then(|whole| items.iter().find(|other| other.n == whole));
        let of_whole = whole.map(|whole| whole.project);
        if let Some(project) = of_whole.filter(|_| [RECORD_SET, LISTENER].contains(&items[at].kind))
        {
            items[at].project = project;
        }
    }
    // What nothing lists is not there.
    let there: Vec<N> = items.iter().map(|item| item.n).collect();
    items.retain(|item| {
        item.kind != RECORD_SET || item.tie_to(ZONE).is_some_and(|zone| there.contains(&zone))
    });
}

fn flags(rng: &mut Rng, items: &[Item], projects: &[N]) -> Flags {
    let mut flags = Flags::default();
    let count = [0, 0, 0, 1, 1, 2][rng.usize(..6)];
    for _ in 0..count {
        let kind = KINDS[items[rng.usize(..items.len())].kind].name;
        match rng.u8(..13) {
            0 => flags.tasks = vec![Task::A, Task::B],
            1 => flags.tasks.clear(),
            2 => {
                flags.origin = Some(if rng.bool() {
                    Family::Scenario
                } else {
                    Family::Context
                });
            }
            3 => flags.projects = Some(vec![projects[0]]),
            4 => flags.only = vec!["identity.*", kind],
            5 => flags.except = vec![kind],
            6 => flags.age = Some(if rng.bool() { Age::Old } else { Age::New }),
            7 => flags.protects_tag = true,
            8 => flags.protected_project = projects.last().copied(),
            9 => flags.with_projects = true,
            10 => flags.force = true,
            11 => {
                flags.is_admin = false;
                flags.projects = Some(vec![projects[0]]);
            }
            _ => {
                flags.unmatched = true;
                flags.projects = Some(projects.to_vec());
            }
        }
    }
    flags.shared = chance(rng, 10);
    if flags.unmatched {
        flags.projects = Some(if flags.is_admin {
            projects.to_vec()
        } else {
            vec![projects[0]]
        });
        flags.with_projects = false;
        flags.origin = None;
    }
    flags
}

fn fault(rng: &mut Rng, world: &World) -> Fault {
    let some = &world.items[rng.usize(..world.items.len())];
    let step = 1 + rng.u16(..60);
    match rng.u8(..100) {
        0..32 => Fault::Listing {
            kind: some.kind,
            from: [1, 1, 1, 1, 2, 3][rng.usize(..6)],
            times: [1, 1, 2, 100][rng.usize(..4)],
            bad: [
                Bad::Denied,
                Bad::Unavailable,
                Bad::Malformed,
                Bad::Throttled,
            ][rng.usize(..4)],
        },
        32..60 => Fault::Deletion {
            n: some.n,
            times: [1, 1, 2, 6, 100][rng.usize(..5)],
            trouble: if some.kind == SERVER && chance(rng, 15) {
                Trouble::Hides
            } else {
                trouble(rng)
            },
        },
        60..75 => Fault::At(step, happening(rng, world, some)),
        75..78 => Fault::Revoked(step),
        78..85 => Fault::Cancelled(step),
        85..94 => Fault::Crashed(step),
        94..97 => Fault::TwoRunners,
        _ => Fault::OldPlan,
    }
}

fn trouble(rng: &mut Rng) -> Trouble {
    match rng.u8(..12) {
        0 => Trouble::Conflict,
        1 => Trouble::Throttled,
        2 => Trouble::Unavailable,
        3 => Trouble::Denied,
        4 => Trouble::Refused,
        5 => Trouble::FailsAfter,
        6 => Trouble::Lost,
        7 => Trouble::Slow(30),
        8 => Trouble::Slow(300),
        9 => Trouble::Slow(700),
        10 => Trouble::Never,
        _ => Trouble::Error,
    }
}

fn happening(rng: &mut Rng, world: &World, some: &Item) -> Happening {
    match rng.u8(..6) {
        0 => {
            let name = name_of_thing(rng);
            Happening::Appears(Item {
                n: 200,
                name,
                ..some.clone()
            })
        }
        1 => Happening::Vanishes(some.n),
        2 => Happening::Renamed(some.n, name_of_thing(rng)),
        3 => {
            let other = &world.items[rng.usize(..world.items.len())];
            Happening::Moved(some.n, other.project)
        }
        4 => Happening::Tagged(some.n),
        _ => Happening::MadeAgain(some.n),
    }
}
