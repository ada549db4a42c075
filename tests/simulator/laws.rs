//! The laws, each with a name: what a run did and said, held against what the oracle says.
//!
//! As the oracle, this file may know neither `plan` nor `engine`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::cloud::{Change, Lost, Record};
use crate::kinds::{K, KINDS, PROJECT, VOLUME};
use crate::oracle::{View, Why, decide, may_be_in};
use crate::world::{Fault, Happening, Item, N, World};

/// How a thing of the plan ended, as the run says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It was to go; a dry run.
    Planned,
    Gone,
    Failed,
    Abandoned,
    Blocked,
    /// It was asked for, and not seen to end.
    Asked,
}

/// What a run says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) exit: u8,
    pub(crate) ends: BTreeMap<N, Ended>,
    /// What it says could not be listed.
    pub(crate) failures: Vec<String>,
    /// It did not come to an end in time.
    pub(crate) is_stuck: bool,
}

/// A law that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) law: &'static str,
    pub(crate) why: String,
}

pub(crate) fn broken(law: &'static str, why: String) -> Broken {
    Broken { law, why }
}

/// Requests for one thing's deletion, with those that insist.
const ATTEMPTS_MAX: u32 = 60;

/// `sight_s_max`, and what a request takes.
const SIGHT_MAX: Duration = Duration::from_secs(125);

/// What can be seen, by number. Who is no administrator sees his own projects.
fn visible(world: &World, items: &[Item]) -> BTreeMap<N, Item> {
    let flags = &world.flags;
    let is_own = |item: &&Item| {
        if !flags.is_admin && item.project.is_none() && KINDS[item.kind].is_in_projects() {
            return false;
        }
        let place = item.project.filter(|_| !flags.is_admin);
        place.is_none_or(|place| {
            flags
                .projects
                .as_ref()
                .is_none_or(|own| own.contains(&place))
        })
    };
    let items = items.iter().filter(is_own);
    items.map(|item| (item.n, item.clone())).collect()
}

/// What the law says of a world as it is.
pub(crate) fn verdicts(world: &World, items: &[Item]) -> BTreeMap<N, Why> {
    decide(&View {
        items: &visible(world, items),
        flags: &world.flags,
        unlooked: &world.unlooked,
    })
}

/// Nothing was changed that the law did not allow by what had been seen. `allowed` is what it allowed before, to a run that this
/// one repeats.
pub(crate) fn check_changes(
    world: &World,
    items: &[Item],
    record: &Record,
    allowed: &BTreeSet<N>,
) -> Vec<Broken> {
    let mut found = Vec::new();
    let mut seen = visible(world, items);
    let at_first = decide(&View {
        items: &seen,
        flags: &world.flags,
        unlooked: &world.unlooked,
    });
    let mut sights = record.sights.iter();
    let mut so_far = 0;
    let mut verdicts: Option<BTreeMap<N, Why>> = None;
    let is_still = world.faults.iter().all(Fault::is_still);
    let mut sighted = BTreeSet::new();
    for change in &record.changes {
        while so_far < change.sights
            && let Some(item) = sights.next()
        {
            so_far += 1;
            sighted.insert(item.n);
            if seen.get(&item.n) != Some(item) {
                seen.insert(item.n, item.clone());
                verdicts = None;
            }
        }
        let view = View {
            items: &seen,
            flags: &world.flags,
            unlooked: &world.unlooked,
        };
        let verdicts = verdicts.get_or_insert_with(|| decide(&view));
        // What nobody looks at cannot be known, but where its taker says so.
        let is_known = |n: N, how: Lost| {
            let kind = seen.get(&n).map(|item| item.kind);
            let is_unlooked = kind.is_some_and(|kind| world.is_unlooked(kind) && kind != VOLUME);
            how != Lost::TakenAlong || !is_unlooked
        };
        for &(n, how) in change.victims.iter().filter(|(n, how)| is_known(*n, *how)) {
            // What had to go before its project or owner did went while that was still to go.
            let is_too_late = !is_still
                && at_first.get(&n) == Some(&Why::Goes)
                && verdicts.get(&n) == Some(&Why::Unsupported);
            let is_excused = is_too_late
                || allowed.contains(&n)
                || goes_without_vanished(world, &seen, verdicts, n);
            if (is_still || how == Lost::Asked) && !is_excused {
                found.extend(check_victim(change, n, how, verdicts));
            }
        }
        found.extend(check_sight(change));
        if let Some(target) = seen.get(&change.target) {
            let is_alone = !world.faults.contains(&Fault::TwoRunners);
            let doubt = check_doubt(target, change, &sighted, allowed);
            found.extend(doubt.filter(|_| is_alone));
            if KINDS[target.kind].is_witness {
                found.push(broken_by_witness(target));
            }
        }
    }
    found
}

/// Whether a thing goes if what vanishes has vanished: that holds nothing any more.
fn goes_without_vanished(
    world: &World,
    seen: &BTreeMap<N, Item>,
    verdicts: &BTreeMap<N, Why>,
    n: N,
) -> bool {
    let vanishes = |n: &N| {
        let mut faults = world.faults.iter();
        faults.any(|fault| matches!(fault, Fault::At(_, Happening::Vanishes(gone)) if gone == n))
    };
    if verdicts.get(&n) == Some(&Why::Goes) || !seen.keys().any(vanishes) {
        return false;
    }
    let left = seen.iter().filter(|(n, _)| !vanishes(n));
    let without = decide(&View {
        items: &left.map(|(n, item)| (*n, item.clone())).collect(),
        flags: &world.flags,
        unlooked: &world.unlooked,
    });
    without.get(&n) == Some(&Why::Goes)
}

fn check_victim(change: &Change, n: N, how: Lost, verdicts: &BTreeMap<N, Why>) -> Option<Broken> {
    let target = change.target;
    let law = match (verdicts.get(&n)?, how) {
        (Why::Goes, Lost::LeftBehind) => "law-3-container-is-empty",
        (Why::Goes, _) | (Why::Along, Lost::TakenAlong) => return None,
        (Why::Unsupported, _) => "law-1-goes-only-with",
        (Why::OwnerUnknown, _) => "law-2-unknown-is-not-absent",
        (_, Lost::LeftBehind) => "law-3-container-is-empty",
        (Why::Held(law, _), _) => law,
        (Why::Kept(_) | Why::Along | Why::Nobody, Lost::Asked) => "readme-never-deletes",
        (Why::Kept(_) | Why::Nobody, Lost::TakenAlong) => "law-4-kept-is-not-taken-along",
    };
    let how = match how {
        Lost::Asked => "was deleted".to_owned(),
        Lost::TakenAlong => format!("was taken along by {target}"),
        Lost::LeftBehind => format!("was in {target}, which was deleted over it"),
    };
    Some(broken(
        law,
        format!("{n} {how}; the law says: {:?}", verdicts.get(&n)?),
    ))
}

fn broken_by_witness(target: &Item) -> Broken {
    broken(
        "readme-never-deletes",
        format!("{} only ties others, and was deleted", target.n),
    )
}

fn check_sight(change: &Change) -> Option<Broken> {
    let target = change.target;
    match change.sight_age {
        None => Some(broken(
            "law-10-no-old-sight",
            format!("{target} had not been seen at all"),
        )),
        Some(age) if age > SIGHT_MAX => Some(broken(
            "law-10-no-old-sight",
            format!("{target} had last been seen {} s before", age.as_secs()),
        )),
        Some(_) => None,
    }
}

/// What failed listings leave unknown.
fn check_doubt(
    target: &Item,
    change: &Change,
    sighted: &BTreeSet<N>,
    allowed: &BTreeSet<N>,
) -> Option<Broken> {
    let n = target.n;
    let is_unlisted = |kind: &K| change.unlisted.iter().any(|(unlisted, _)| unlisted == kind);
    // A project's own listing concerns that project alone.
    let concerns = |scope: &str| {
        let project = scope.strip_prefix("in project ");
        target.kind != PROJECT || project.is_none_or(|project| *project == n.to_string())
    };
    let mut unlisted = change.unlisted.iter();
    if let Some((kind, scope)) =
        unlisted.find(|(kind, scope)| may_be_in(*kind, target.kind) && concerns(scope))
    {
        let why = format!(
            "{n} was deleted though {} {scope} could not be listed",
            KINDS[*kind].name
        );
        return Some(broken("law-3-container-was-looked-into", why));
    }
    let says = |how| {
        let ties = target.ties.iter();
        ties.filter(move |tie| {
            KINDS[target.kind]
                .link(tie.kind)
                .is_some_and(|link| link.says == Some(how))
        })
    };
    let is_part = says(runner::resource::Relation::PartOf).next().is_some();
    let unknown = says(runner::resource::Relation::NamedBy)
        .next()
        .filter(|tie| is_unlisted(&tie.kind) && !sighted.contains(&tie.to));
    let unknown = unknown.filter(|_| target.name.is_none() && !is_part && !allowed.contains(&n))?;
    let why = format!(
        "{n} was deleted though nobody knows of its owner {}",
        unknown.to
    );
    Some(broken("law-2-unknown-is-not-absent", why))
}

/// What a finished run says is true. Only for worlds in which nothing changes but by runs.
pub(crate) fn check_end(
    world: &World,
    before: &[Item],
    after: &[Item],
    record: &Record,
    told: &Told,
    is_cancelled: bool,
) -> Vec<Broken> {
    let mut found = Vec::new();
    let verdicts = verdicts(world, before);
    let there: BTreeSet<N> = after.iter().map(|item| item.n).collect();
    let is_wanted = |why: &Why| matches!(why, Why::Goes | Why::Unsupported | Why::Held(..));
    let left = verdicts
        .iter()
        .find(|(n, why)| is_wanted(why) && there.contains(n));
    let is_unlisted = !record.failed_listings.is_empty();
    if told.is_stuck {
        return vec![broken(
            "no-deadlock",
            "the run did not end within four hours".to_owned(),
        )];
    }
    let lie = |why: String| broken("law-8-exit-is-true", format!("exit {}: {why}", told.exit));
    match told.exit {
        130 if !is_cancelled => found.push(lie("nobody interrupted it".to_owned())),
        130 => {}
        code if is_cancelled && code != 6 => found.push(lie("it was interrupted".to_owned())),
        0 | 3 if is_unlisted => found.push(lie(format!(
            "{:?} could not be listed",
            record.failed_listings
        ))),
        0 if left.is_some() => found.push(lie(format!("left is {left:?}"))),
        3 if left.is_none() => found.push(lie("nothing is left".to_owned())),
        4 if !is_unlisted && world.unlooked.is_empty() => found.push(lie(format!(
            "every listing was answered, and it says {:?}",
            told.failures
        ))),
        _ => {}
    }
    let has_answers = world
        .faults
        .iter()
        .all(|fault| !matches!(fault, Fault::Listing { .. } | Fault::Revoked(_)));
    found.extend(check_words(told, &there, record, has_answers));
    if record.asked_after_interruption {
        found.push(broken(
            "law-5-an-interrupted-survey-sends-nothing",
            "it was interrupted while listing, and deleted".to_owned(),
        ));
    }
    let is_witness = |n: &N| {
        let is_untold = |item: &Item| KINDS[item.kind].is_witness || world.is_unlooked(item.kind);
        before.iter().any(|item| item.n == *n && is_untold(item))
    };
    let planned = |n: &N| {
        let is_along = verdicts.get(n) == Some(&Why::Along);
        told.ends.contains_key(n) || is_along || is_witness(n) || !verdicts.contains_key(n)
    };
    let victims = record.changes.iter().flat_map(|change| &change.victims);
    for (n, _) in victims.filter(|(n, how)| *how != Lost::LeftBehind && !planned(n)) {
        found.push(broken(
            "law-8-every-change-is-told",
            format!("{n} went, and the report has no word of it"),
        ));
    }
    found
}

fn check_words(
    told: &Told,
    there: &BTreeSet<N>,
    record: &Record,
    has_answers: bool,
) -> Vec<Broken> {
    let mut found = Vec::new();
    for (n, ended) in &told.ends {
        let is_there = there.contains(n);
        let is_asked = record.asked.contains_key(n);
        match ended {
            Ended::Gone if is_there => {
                found.push(broken(
                    "law-8-report-is-true",
                    format!("{n} is said to be gone and is there"),
                ));
            }
            Ended::Failed | Ended::Abandoned | Ended::Blocked
                if !is_there && has_answers && told.exit != 130 =>
            {
                found.push(broken(
                    "law-8-report-is-true",
                    format!("{n} is said to be {ended:?} and has gone"),
                ));
            }
            Ended::Abandoned if is_asked && !is_there && told.exit == 130 => {
                found.push(broken(
                    "law-8-asked-is-told",
                    format!("{n} was asked for and is said to be abandoned"),
                ));
            }
            Ended::Blocked if is_asked => {
                found.push(broken(
                    "law-4-what-is-blocked-is-not-tried",
                    format!("{n} is said to be blocked and was tried"),
                ));
            }
            _ => {}
        }
    }
    for (n, times) in record
        .asked
        .iter()
        .filter(|(_, times)| **times > ATTEMPTS_MAX)
    {
        found.push(broken(
            "requests-are-bounded",
            format!("{n} was asked for {times} times"),
        ));
    }
    if record.is_endless {
        found.push(broken(
            "requests-are-bounded",
            "the run did not end after 20,000 calls".to_owned(),
        ));
    }
    found
}

/// What has to go: by what can be seen, and by what is there.
pub(crate) fn has_to_go(world: &World, items: &[Item]) -> BTreeSet<N> {
    let seen = verdicts(world, items);
    let mut there: BTreeMap<N, Item> = items.iter().map(|item| (item.n, item.clone())).collect();
    if !world.flags.is_admin {
        // Of what no listing shows to this user nobody knows where it is, or whether it is.
        for item in items {
            let project = Some(N::MAX);
            if !seen.contains_key(&item.n) {
                there
                    .entry(item.n)
                    .and_modify(|item| item.project = project);
            }
            for tie in &item.ties {
                there.entry(tie.to).or_insert_with(|| Item {
                    project,
                    ..Item::stranger(tie.to, tie.kind)
                });
            }
        }
    }
    let all = decide(&View {
        items: &there,
        flags: &world.flags,
        unlooked: &world.unlooked,
    });
    let goes = |n: &N| seen.get(n) == Some(&Why::Goes) && all.get(n) == Some(&Why::Goes);
    all.keys().copied().filter(|n| goes(n)).collect()
}

/// A run in which nothing went wrong leaves nothing that may go, and tries nothing that cannot.
pub(crate) fn check_complete(world: &World, after: &[Item], record: &Record) -> Vec<Broken> {
    let mut found = Vec::new();
    let there: BTreeSet<N> = after.iter().map(|item| item.n).collect();
    let has_to_go = has_to_go(world, &world.items);
    let verdicts = verdicts(world, &world.items);
    // What was to be taken along and was not, no request may be sent for: so it holds its project.
    let left_along = after
        .iter()
        .filter(|item| verdicts.get(&item.n) == Some(&Why::Along));
    let held: BTreeSet<N> = left_along.filter_map(|item| item.project).collect();
    for (n, why) in verdicts {
        if has_to_go.contains(&n) && there.contains(&n) && !held.contains(&n) {
            found.push(broken(
                "all-that-may-go-goes",
                format!("{n} may go and is there"),
            ));
        }
        if let Why::Held(_, by) = why
            && record.asked.contains_key(&n)
            && there.contains(&n)
            && world.flags.is_admin
        {
            found.push(broken(
                "law-4-what-is-blocked-is-not-tried",
                format!("{n} was tried, which {by} holds"),
            ));
        }
    }
    found
}

/// What a run has destroyed.
pub(crate) fn destroyed(record: &Record) -> BTreeSet<N> {
    record
        .changes
        .iter()
        .flat_map(|change| &change.victims)
        .map(|(n, _)| *n)
        .collect()
}
