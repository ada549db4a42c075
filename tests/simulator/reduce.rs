//! Cuts a failing world down: whatever can be left out while the same law is broken is left out.

use tokio::runtime::Runtime;

use crate::judge::judge;
use crate::world::{Age, Flags, Name, World};

/// The smallest world that can be reached by leaving out one thing after the other.
pub(crate) fn reduce(runtime: &Runtime, world: &World, law: &str) -> World {
    let mut smallest = world.clone();
    let breaks = |world: &World| {
        judge(runtime, world)
            .iter()
            .any(|verdict| verdict.broken.law == law)
    };
    loop {
        let smaller = candidates(&smallest)
            .into_iter()
            .find(|world| world.is_sound() && breaks(world));
        match smaller {
            Some(world) => smallest = world,
            None => return smallest,
        }
    }
}

fn candidates(world: &World) -> Vec<World> {
    let mut all = Vec::new();
    for at in 0..world.faults.len() {
        let mut smaller = world.clone();
        smaller.faults.remove(at);
        all.push(smaller);
    }
    for at in 0..world.items.len() {
        let mut smaller = world.clone();
        let item = smaller.items.remove(at);
        for other in &mut smaller.items {
            other.ties.retain(|tie| tie.to != item.n);
        }
        all.push(smaller);
    }
    for at in 0..world.unlooked.len() {
        let mut smaller = world.clone();
        smaller.unlooked.remove(at);
        all.push(smaller);
    }
    for flags in simpler_flags(&world.flags) {
        all.push(World {
            flags,
            ..world.clone()
        });
    }
    if world.page > 0 {
        all.push(World {
            page: 0,
            ..world.clone()
        });
    }
    for at in 0..world.items.len() {
        all.extend(simpler_items(world, at));
    }
    all
}

fn simpler_flags(flags: &Flags) -> Vec<Flags> {
    let usual = Flags::default();
    let all = [
        Flags {
            tasks: usual.tasks,
            ..flags.clone()
        },
        Flags {
            origin: None,
            ..flags.clone()
        },
        Flags {
            projects: None,
            is_admin: true,
            ..flags.clone()
        },
        Flags {
            only: Vec::new(),
            ..flags.clone()
        },
        Flags {
            except: Vec::new(),
            ..flags.clone()
        },
        Flags {
            age: None,
            ..flags.clone()
        },
        Flags {
            protects_tag: false,
            ..flags.clone()
        },
        Flags {
            protected_project: None,
            ..flags.clone()
        },
        Flags {
            with_projects: false,
            ..flags.clone()
        },
        Flags {
            unmatched: false,
            ..flags.clone()
        },
        Flags {
            force: false,
            ..flags.clone()
        },
    ];
    all.into_iter().filter(|simpler| simpler != flags).collect()
}

fn simpler_items(world: &World, at: usize) -> Vec<World> {
    let mut all = Vec::new();
    let mut add = |change: &dyn Fn(&mut crate::world::Item)| {
        let mut simpler = world.clone();
        change(&mut simpler.items[at]);
        if simpler != *world {
            all.push(simpler);
        }
    };
    for tie in 0..world.items[at].ties.len() {
        add(&|item| {
            item.ties.remove(tie);
        });
    }
    add(&|item| item.is_tagged = false);
    add(&|item| item.is_made = false);
    add(&|item| item.is_marked = false);
    add(&|item| item.is_shared = false);
    add(&|item| item.age = Age::New);
    if !matches!(world.items[at].name, Name::Foreign | Name::None) {
        add(&|item| item.name = Name::Foreign);
    }
    all
}
