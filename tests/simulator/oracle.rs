//! What the law says of a small world, worked out the naive way: from the true cloud, a list of things, again and again until
//! nothing changes.
//!
//! Written from README's words and from the law, not from the engine: this file may know neither `plan` nor `engine`
//! (`main.rs` looks at its text). It is smaller and dumber than what it judges, and must stay so.

use std::collections::{BTreeMap, BTreeSet};

use runner::resource::Relation;

use crate::kinds::{
    APP_CREDENTIAL, DOMAIN, Goes, K, KINDS, Link, Listed, PROJECT, QUOTA, SERVER, Taken, USER,
    VOLUME,
};
use crate::world::{Family, Flags, Item, N, Name, Task};

/// What becomes of a thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// It may go.
    Goes,
    /// It stays, whoever speaks for it.
    Kept(&'static str),
    /// The cloud made it for something that goes, and it is merely of a kind that is left out: it may be taken along.
    Along,
    /// Nobody speaks for it.
    Nobody,
    /// An owner that it names is in no listing, and nobody can say whether it exists.
    OwnerUnknown,
    /// It would go, but what it goes because of does not.
    Unsupported,
    /// It would go, but this holds it.
    Held(&'static str, N),
}

/// What the law decides by.
pub(crate) struct View<'a> {
    pub(crate) items: &'a BTreeMap<N, Item>,
    pub(crate) flags: &'a Flags,
    /// Services that nobody looks at.
    pub(crate) unlooked: &'a [&'static str],
}

/// The law's decision on each thing.
pub(crate) fn decide(view: &View) -> BTreeMap<N, Why> {
    let mut held: BTreeMap<N, Why> = BTreeMap::new();
    let wanted = view.spoken_for(&held);
    let mut going = wanted.clone();
    loop {
        let found: Vec<(N, Why)> = going
            .iter()
            .filter_map(|n| Some((*n, view.held_by(view.items.get(n)?, &going)?)))
            .collect();
        if found.is_empty() {
            break;
        }
        held.extend(found);
        going = view.spoken_for(&held);
    }
    let decided = view.items.iter().map(|(n, item)| {
        let why = if going.contains(n) {
            Why::Goes
        } else if let Some(why) = held.get(n) {
            why.clone()
        } else if let Some(kept) = view.kept(item) {
            let is_taken = kept == LEFT_OUT && view.is_made_for(item, &going);
            if is_taken {
                Why::Along
            } else {
                Why::Kept(kept)
            }
        } else if wanted.contains(n) {
            Why::Unsupported
        } else if view.has_unknown_owner(item) {
            Why::OwnerUnknown
        } else {
            Why::Nobody
        };
        (*n, why)
    });
    decided.collect()
}

const LEFT_OUT: &str = "its kind is left out";

pub(crate) fn is_ours(name: Name, flags: &Flags) -> bool {
    let Name::Of(task, family) = name else {
        return false;
    };
    let is_asked: bool = flags.tasks.is_empty() || flags.tasks.contains(&task);
    is_asked
        && flags.origin.is_none_or(|origin: Family| origin == family)
        && matches!(task, Task::A | Task::B)
}

/// Who the nearest owner is that counts as a name.
enum Namer {
    Known(N),
    Unknown,
    Nobody,
}

impl View<'_> {
    fn is_unlooked(&self, kind: K) -> bool {
        self.unlooked.contains(&KINDS[kind].service())
    }

    /// Why a thing stays whoever speaks for it.
    fn kept(&self, item: &Item) -> Option<&'static str> {
        let flags = self.flags;
        let row = &KINDS[item.kind];
        let place = if item.kind == PROJECT {
            Some(item.n)
        } else {
            item.project
        };
        let is_narrowed = flags.projects.is_some();
        let is_of_users = matches!(row.listed, Listed::Under(USER));
        let is_of_projects = matches!(row.listed, Listed::UnderDeleted(_));
        let is_cloud_wide = row.listed == Listed::Cloud || is_of_users || is_of_projects;
        if self.is_unlooked(item.kind) {
            Some("nobody looks at it")
        } else if is_cloud_wide && (is_narrowed || !flags.is_admin) {
            Some("it belongs to no project")
        } else if is_narrowed && !self.is_in_sweep(item, place) {
            Some("it is outside the projects")
        } else if place.is_some() && place == flags.protected_project {
            Some("its project is protected")
        } else if item.is_tagged && flags.protects_tag {
            Some("its tag is protected")
        } else if flags.age.is_some_and(|age| age != item.age) {
            Some("it is outside the age bounds")
        } else if flags.unmatched && item.kind == PROJECT {
            Some("the filter is negative")
        } else if !takes(flags, row.name) {
            Some(LEFT_OUT)
        } else {
            None
        }
    }

    /// Whether a thing is in the projects of the sweep. What says no project, and has no name either, is where its owner is.
    fn is_in_sweep(&self, item: &Item, place: Option<N>) -> bool {
        match place {
            Some(place) => self.flags.sweeps(place),
            None => {
                let is_owned = self.wholes(item).next().is_some();
                let is_nameless = !is_owned && matches!(self.namer(item), Namer::Known(_));
                is_owned || is_nameless
            }
        }
    }

    /// Everything that something speaks for, but what is held and what hangs on that.
    fn spoken_for(&self, held: &BTreeMap<N, Why>) -> BTreeSet<N> {
        let mut going = BTreeSet::new();
        loop {
            let more: Vec<N> = self
                .items
                .values()
                .filter(|item| !going.contains(&item.n) && !held.contains_key(&item.n))
                .filter(|item| self.kept(item).is_none() && self.is_spoken_for(item, &going))
                .map(|item| item.n)
                .collect();
            if more.is_empty() {
                return going;
            }
            going.extend(more);
        }
    }

    fn is_spoken_for(&self, item: &Item, going: &BTreeSet<N>) -> bool {
        if self.flags.unmatched {
            return self.is_unmatched(item, going);
        }
        let is_placed = self.flags.projects.is_none() || item.project.is_some();
        if is_ours(item.name, self.flags) && is_placed {
            return true;
        }
        if self.wholes(item).any(|whole| going.contains(&whole)) {
            return true;
        }
        let namer = self.namer(item);
        if matches!(namer, Namer::Unknown) {
            return false;
        }
        let is_in_going = item.project.is_some_and(|project| going.contains(&project));
        // A nameless secret is never its project's: whose it is, nobody can know.
        let stays = item.name.is_none() && KINDS[item.kind].nameless_stays;
        if self.flags.with_projects && is_in_going && !self.is_shared(item) && !stays {
            return true;
        }
        match namer {
            Namer::Known(owner) => going.contains(&owner),
            Namer::Unknown => false,
            Namer::Nobody => item.name.is_none() && is_in_going && !KINDS[item.kind].nameless_stays,
        }
    }

    /// The negative filter: what bears no name of the task goes, but for what belongs to something that stays.
    fn is_unmatched(&self, item: &Item, going: &BTreeSet<N>) -> bool {
        if is_ours(item.name, self.flags) || self.is_shared(item) {
            return false;
        }
        let mut wholes = self.wholes(item).peekable();
        let has_whole = wholes.peek().is_some();
        if !wholes.all(|whole| going.contains(&whole)) || self.has_unknown_whole(item) {
            return false;
        }
        match self.namer(item) {
            Namer::Known(owner) => return has_whole || going.contains(&owner),
            Namer::Unknown => return false,
            Namer::Nobody => {}
        }
        let stays =
            item.name == Name::Given || (item.name.is_none() && KINDS[item.kind].nameless_stays);
        has_whole || (item.project.is_some() && !stays)
    }

    fn is_shared(&self, item: &Item) -> bool {
        !self.flags.shared && item.is_shared && KINDS[item.kind].can_be_shared
    }

    /// The owners that a thing names in this way, if they can speak for it: those of another project cannot.
    fn owners<'a>(
        &'a self,
        item: &'a Item,
        how: Relation,
    ) -> impl Iterator<Item = (K, N, bool)> + 'a {
        let ties = item.ties.iter();
        let said = ties.filter(move |tie| {
            KINDS[item.kind]
                .link(tie.kind)
                .is_some_and(|link| link.says == Some(how))
        });
        said.filter_map(|tie| {
            let owner = self
                .items
                .get(&tie.to)
                .filter(|owner| owner.kind == tie.kind);
            let is_known = owner.is_some() && !self.is_unlooked(tie.kind);
            let is_elsewhere = owner.is_some_and(|owner| {
                let both = owner.project.zip(item.project);
                is_known && both.is_some_and(|(theirs, own)| theirs != own)
            });
            let is_absent = owner.is_none() && !self.is_unknown(tie.kind, tie.to);
            (!is_elsewhere && !is_absent).then_some((tie.kind, tie.to, is_known))
        })
    }

    /// Whether a thing that another names may exist for all that anybody has seen: no listing shows it, and none was of the whole
    /// cloud.
    fn is_unknown(&self, kind: K, n: N) -> bool {
        let sees_all = self.flags.is_admin && !self.is_unlooked(kind);
        !self.items.contains_key(&n) && !sees_all
    }

    fn wholes<'a>(&'a self, item: &'a Item) -> impl Iterator<Item = N> + 'a {
        let owners = self.owners(item, Relation::PartOf);
        owners
            .filter(|(_, _, is_known)| *is_known)
            .map(|(_, n, _)| n)
    }

    fn has_unknown_whole(&self, item: &Item) -> bool {
        self.owners(item, Relation::PartOf)
            .any(|(_, _, is_known)| !is_known)
    }

    /// The nearest owner whose name counts. A thing that has a name of its own has none.
    fn namer(&self, item: &Item) -> Namer {
        if !item.name.is_none() {
            return Namer::Nobody;
        }
        match self.owners(item, Relation::NamedBy).next() {
            Some((_, n, true)) => Namer::Known(n),
            Some((_, _, false)) => Namer::Unknown,
            None => Namer::Nobody,
        }
    }

    fn has_unknown_owner(&self, item: &Item) -> bool {
        matches!(self.namer(item), Namer::Unknown)
    }

    /// What keeps a thing from going that would go.
    fn held_by(&self, item: &Item, going: &BTreeSet<N>) -> Option<Why> {
        let stays = |n: &N| self.items.contains_key(n) && !going.contains(n);
        let first = item.ties.iter().find(|tie| {
            let link = KINDS[item.kind].link(tie.kind);
            stays(&tie.to)
                && link.is_some_and(|link| {
                    link.goes == Goes::Then && link.says != Some(Relation::PartOf)
                })
        });
        if let Some(first) = first {
            return Some(Why::Held("law-4-what-stays-holds", first.to));
        }
        let unknown = item.ties.iter().find(|tie| {
            let link = KINDS[item.kind].link(tie.kind);
            let is_first = link.is_some_and(|link| link.goes == Goes::Then);
            is_first && self.is_unknown(tie.kind, tie.to)
        });
        if let Some(unknown) = unknown {
            return Some(Why::Held("law-2-unknown-is-not-absent", unknown.to));
        }
        for other in self
            .items
            .values()
            .filter(|other| !going.contains(&other.n))
        {
            let links = links(other, item.n);
            // What nobody looks at is known by what names it alone: the server names its volumes.
            if self.is_unlooked(other.kind) && !(item.kind == SERVER && other.kind == VOLUME) {
                continue;
            }
            if is_taken(other, &links) && !self.may_be_taken(other) {
                return Some(Why::Held("law-4-kept-is-not-taken-along", other.n));
            }
            // What the cloud made for something that goes is gone before.
            if self.is_made_for(other, going) {
                continue;
            }
            if links.iter().any(|link| link.goes == Goes::First) {
                return Some(Why::Held("law-4-what-stays-holds", other.n));
            }
            if item.kind == PROJECT && other.project == Some(item.n) {
                return Some(Why::Held("law-3-container-is-empty", other.n));
            }
        }
        let is_container = KINDS[item.kind].is_container;
        (is_container && !self.unlooked.is_empty())
            .then_some(Why::Held("law-3-container-was-looked-into", item.n))
    }

    /// Whether the cloud made a thing itself, and it is kept for no better reason than its kind.
    fn may_be_taken(&self, item: &Item) -> bool {
        let links = KINDS[item.kind].links;
        let is_near = |n: N| {
            self.items
                .get(&n)
                .is_some_and(|owner| owner.project == item.project)
        };
        let may_be_made = item.ties.iter().any(|tie| {
            let made = links
                .iter()
                .find(|link| link.to == tie.kind && link.taken == Taken::IfMade);
            made.is_some() && is_near(tie.to)
        });
        may_be_made && item.name.is_none() && self.kept(item) == Some(LEFT_OUT)
    }

    fn is_made_for(&self, item: &Item, going: &BTreeSet<N>) -> bool {
        let is_made = |kind: K| {
            let link = KINDS[item.kind].link(kind);
            link.is_some_and(|link| link.taken == Taken::IfMade)
        };
        let mut owners = item.ties.iter().filter(|tie| is_made(tie.kind));
        self.may_be_taken(item) && owners.any(|tie| going.contains(&tie.to))
    }
}

fn links(from: &Item, to: N) -> Vec<&'static Link> {
    let ties = from.ties.iter().filter(|tie| tie.to == to);
    ties.filter_map(|tie| KINDS[from.kind].link(tie.kind))
        .collect()
}

fn is_taken(item: &Item, links: &[&Link]) -> bool {
    links.iter().any(|link| match link.taken {
        Taken::Never => false,
        // Nobody can see who made it.
        Taken::Always | Taken::IfMade => true,
        Taken::IfMarked => item.is_marked,
    })
}

fn takes(flags: &Flags, kind: &str) -> bool {
    let fits = |pattern: &&str| {
        let service = pattern.strip_suffix(".*");
        **pattern == *kind || service.is_some_and(|service| kind.split('.').next() == Some(service))
    };
    (flags.only.is_empty() || flags.only.iter().any(fits)) && !flags.except.iter().any(fits)
}

/// Whether things of this kind may be in a container of that kind.
pub(crate) fn may_be_in(kind: K, container: K) -> bool {
    match container {
        PROJECT => KINDS[kind].is_in_projects() || kind == APP_CREDENTIAL || kind == QUOTA,
        USER => kind == APP_CREDENTIAL,
        DOMAIN => kind == PROJECT || kind == USER,
        _ => false,
    }
}
