//! Laws that hold for every inventory, however odd.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::resource::PROJECT_KIND;

const KINDS: &[&str] = &["a.x", "b.y", "c.z", PROJECT_KIND];
const IDS: &[&str] = &["demo", "other", "3", "4", "5"];

fn scope() -> SweepScope {
    SweepScope {
        tasks: vec![TASK.to_owned()],
        projects: Some(BTreeSet::from(["demo".into(), "3".into()])),
        projectless: true,
        protected_projects: BTreeSet::from(["3".into()]),
        protected_tags: BTreeSet::from(["keep".to_owned()]),
        ..SweepScope::default()
    }
}

fn any_ref() -> impl Strategy<Value = ThingRef> {
    (select(KINDS), select(IDS)).prop_map(|(kind, id)| ThingRef::new(kind, id))
}

fn any_owner() -> impl Strategy<Value = Owner> {
    let relation = select(&[Relation::NamedBy, Relation::PartOf][..]);
    (relation, any_ref()).prop_map(|(relation, owner)| Owner { relation, owner })
}

fn any_step() -> impl Strategy<Value = Step> {
    let side = select(&[Step::Before as fn(ThingRef) -> Step, Step::After][..]);
    (side, any_ref()).prop_map(|(side, other)| side(other))
}

fn any_seen() -> impl Strategy<Value = Seen> {
    let name = select(
        &[
            None,
            None,
            Some(OURS),
            Some(OURS),
            Some(OTHERS),
            Some("web"),
        ][..],
    );
    let project = select(&[None, Some("demo"), Some("demo"), Some("3"), Some("other")][..]);
    let parent = proptest::option::weighted(0.2, any_ref());
    let tag = select(
        &[
            None,
            None,
            None,
            None,
            None,
            Some("keep"),
            Some("ci"),
            Some("owner=ci"),
        ][..],
    );
    let owners = proptest::collection::vec(any_owner(), 0..3);
    let steps = proptest::collection::vec(any_step(), 0..3);
    (any_ref(), name, project, parent, tag, owners, steps).prop_map(
        |(at, name, project, parent, tag, owners, steps)| {
            let mut seen = thing(&at.to_string());
            seen.thing.name = name.map(str::to_owned);
            seen.thing.project = project.map(Arc::from);
            seen.thing.parent = parent;
            seen.thing.tags = Some(tag.into_iter().map(str::to_owned).collect());
            Seen {
                owners,
                steps,
                ..seen
            }
        },
    )
}

fn any_choice() -> impl Strategy<Value = Choice> {
    let name = select(
        &[
            "*",
            "s_rally_0a1b2c3d_*",
            "web",
            "regex:rally",
            "exact:nothing",
        ][..],
    );
    let name = name.prop_map(|text| NamePattern::parse(text).unwrap());
    let names = proptest::collection::vec(proptest::collection::vec(name, 1..3), 0..2);
    let not_name = select(&["web", "s_rally_*", "x*"][..]);
    let not_name = not_name.prop_map(|text| NamePattern::parse(text).unwrap());
    let id = (any_ref(), any::<bool>()).prop_map(|(at, has_kind)| IdPattern {
        kind: has_kind.then_some(at.kind),
        id: at.id,
    });
    let ids = proptest::collection::vec(proptest::collection::btree_set(id, 1..8), 0..2);
    let tag = select(&["ci", "owner"][..]);
    let tag = tag.prop_map(|text| TagPattern::parse(text).unwrap());
    let known = proptest::collection::vec(select(KINDS).prop_map(Arc::from), 2..5);
    let there = proptest::collection::vec(any_ref(), 0..8);
    let baseline = (known, there).prop_map(|(known, there): (Vec<Arc<str>>, Vec<ThingRef>)| {
        Arc::new(Baseline::of(baseline::tests::place(), &known, &there))
    });
    let not_names = proptest::collection::vec(not_name, 0..2);
    let tags = proptest::collection::vec(tag, 0..2);
    let baselines = proptest::collection::vec(baseline, 0..2);
    (names, not_names, ids, tags, baselines).prop_map(|(names, not_names, ids, tags, baselines)| {
        Choice {
            names,
            not_names,
            ids,
            tags,
            baselines,
        }
    })
}

/// Things, no two of which are the same.
fn any_things() -> impl Strategy<Value = Vec<Seen>> {
    proptest::collection::vec(any_seen(), 0..20).prop_map(|mut things| {
        let mut known = BTreeSet::new();
        things.retain(|seen| known.insert(seen.thing.at.clone()));
        things
    })
}

fn any_plan() -> impl Strategy<Value = (Vec<Seen>, Plan, Vec<Kept>)> {
    any_things().prop_map(|things| {
        let (plan, kept) = plan_in(&scope(), things.clone());
        (things, plan, kept)
    })
}

proptest! {
    #[test]
    fn nothing_precedes_what_it_waits_for((_, plan, _) in any_plan()) {
        for (position, item) in plan.items.iter().enumerate() {
            prop_assert!(item.waits_for.iter().all(|first| *first < position), "{}", item.thing);
        }
    }

    #[test]
    fn steps_without_a_circle_are_all_kept(mut things in any_things()) {
        for seen in &mut things {
            let at = seen.thing.at.clone();
            seen.thing.parent = None;
            seen.owners.clear();
            seen.steps.retain(|step| match step {
                Step::Before(other) => at.id < other.id,
                Step::After(other) => other.id < at.id,
            });
            seen.thing.project = None;
        }
        let (plan, _) = plan_in(&scope(), things.clone());
        let place = |at: &ThingRef| plan.items.iter().position(|item| item.thing == *at);
        for seen in things {
            for step in seen.steps {
                let (first, then) = match step {
                    Step::Before(other) => (place(&seen.thing.at), place(&other)),
                    Step::After(other) => (place(&other), place(&seen.thing.at)),
                };
                if let (Some(first), Some(then)) = (first, then) {
                    prop_assert!(plan.items[then].waits_for.contains(&first));
                }
            }
        }
    }

    #[test]
    fn the_order_of_listing_changes_nothing(
        (things, shuffled) in any_things().prop_flat_map(|things| (Just(things.clone()), Just(things).prop_shuffle()))
    ) {
        prop_assert_eq!(plan_in(&scope(), things), plan_in(&scope(), shuffled));
    }

    #[test]
    fn every_thing_is_planned_or_kept((things, plan, kept) in any_plan()) {
        let found: BTreeSet<ThingRef> = things.into_iter().map(|seen| seen.thing.at).collect();
        let planned: BTreeSet<ThingRef> = plan.items.iter().map(|item| item.thing.clone()).collect();
        let left: BTreeSet<ThingRef> = kept.iter().map(|kept| kept.thing.clone()).collect();
        prop_assert_eq!(planned.len(), plan.items.len());
        prop_assert!(planned.is_disjoint(&left));
        prop_assert_eq!(&planned | &left, found);
        prop_assert_eq!(plan.kept.values().sum::<usize>(), kept.len());
        prop_assert_eq!(plan.found, plan.items.len() + kept.len());
    }

    #[test]
    fn nothing_outside_the_projects_or_protected_is_deleted((things, plan, _) in any_plan()) {
        let find = |at: &ThingRef| &things.iter().find(|seen| seen.thing.at == *at).unwrap().thing;
        for item in &plan.items {
            let thing = find(&item.thing);
            let project = if &*thing.at.kind == PROJECT_KIND { Some(&thing.at.id) } else { thing.project.as_ref() };
            prop_assert!(project.is_none_or(|project| &**project == "demo"), "{}", item.thing);
            prop_assert!(!thing.tags.iter().flatten().any(|tag| tag == "keep"), "{}", item.thing);
        }
    }

    /// The negative filter: what bears the task's name stays, every project does, and so does whatever has no project, unless it is
    /// a part.
    #[test]
    fn the_negative_filter_takes_nothing_of_the_tasks(things in any_things()) {
        let scope = SweepScope { unmatched: true, ..scope() };
        let (plan, _) = plan_in(&scope, things);
        for item in &plan.items {
            prop_assert!(item.name.as_deref() != Some(OURS), "{}", item.thing);
            prop_assert!(&*item.thing.kind != PROJECT_KIND, "{}", item.thing);
            let by_itself = item.reason == Reason::Unmatched;
            prop_assert!(!by_itself || item.project.as_deref() == Some("demo"), "{}", item.thing);
        }
    }

    /// Kinds that are left out lose no thing, and nothing else comes of it than that things stay: they speak for nobody.
    #[test]
    fn kinds_left_out_only_take_from_a_plan(things in any_things(), except in select(KINDS)) {
        let whole = plan_in(&scope(), things.clone()).0;
        let narrowed = SweepScope { except: vec![crate::resource::KindPattern::parse(except).unwrap()], ..scope() };
        let narrowed = plan_in(&narrowed, things).0;
        let named = |plan: &Plan| plan.items.iter().map(|item| item.thing.clone()).collect::<BTreeSet<_>>();
        let allowed: BTreeSet<ThingRef> = named(&whole).into_iter().filter(|it| &*it.kind != except).collect();
        prop_assert!(named(&narrowed).is_subset(&allowed));
    }

    /// A choice lets nothing go that would not go without it, and nothing go that something held without it.
    #[test]
    fn a_choice_only_takes_from_a_plan(
        things in any_things(),
        choice in any_choice(),
        unmatched in any::<bool>(),
        with_projects in any::<bool>(),
    ) {
        let all = SweepScope { unmatched, with_projects: with_projects && !unmatched, ..scope() };
        let narrowed = SweepScope { choice, ..all.clone() };
        let (whole, kept) = (plan_in(&all, things.clone()).0, plan_in(&narrowed, things.clone()));
        let named = |plan: &Plan| plan.items.iter().map(|item| item.thing.clone()).collect::<BTreeSet<_>>();
        let open = |plan: &Plan| plan.open().map(|(_, item)| item.thing.clone()).collect::<BTreeSet<_>>();
        prop_assert!(named(&kept.0).is_subset(&named(&whole)));
        prop_assert!(open(&kept.0).is_subset(&open(&whole)));
        let find = |at: &ThingRef| &things.iter().find(|seen| seen.thing.at == *at).unwrap().thing;
        for item in &kept.0.items {
            let thing = find(&item.thing);
            prop_assert_eq!(narrowed.choice.exclusion(thing), None);
            let is_by_itself = matches!(item.reason, Reason::Name { .. } | Reason::Unmatched);
            prop_assert!(!is_by_itself || narrowed.choice.omission(thing).is_none(), "{}", item.thing);
        }
    }

    /// A reason that names another thing is true of that thing.
    #[test]
    fn reasons_agree_with_each_other((_, plan, kept) in any_plan()) {
        let is_planned = |at: &ThingRef| plan.items.iter().any(|item| item.thing == *at);
        for item in &plan.items {
            match &item.reason {
                Reason::Name { .. } => prop_assert_eq!(item.name.as_deref(), Some(OURS)),
                Reason::Owner { chain } | Reason::Part { chain } => {
                    prop_assert!(!chain.is_empty() && chain.iter().all(is_planned), "{}", item.thing);
                }
                Reason::Project { project } => prop_assert!(is_planned(project), "{}", item.thing),
                Reason::WithProject { .. } | Reason::Unmatched | Reason::Along { .. } | Reason::Remembered { .. } => {
                    prop_assert!(false, "{}", item.thing);
                }
            }
        }
        for kept in &kept {
            if let Keep::OwnerKept { owner } = &kept.reason {
                prop_assert!(!is_planned(owner), "{}", kept.thing);
            }
        }
    }

    #[test]
    fn what_waits_for_a_blocked_thing_is_blocked((_, plan, _) in any_plan()) {
        for item in &plan.items {
            let is_held = item.waits_for.iter().any(|&first| !plan.items[first].blocked_by.is_empty());
            prop_assert!(!is_held || !item.blocked_by.is_empty(), "{}", item.thing);
        }
    }

    #[test]
    fn a_plan_read_back_is_the_same((_, plan, _) in any_plan()) {
        let written = serde_json::to_string(&plan).unwrap();
        let read: Plan = serde_json::from_str(&written).unwrap();
        let mut unseen = plan;
        for item in &mut unseen.items {
            item.seen = None;
            item.owners = Vec::new();
            item.steps = Vec::new();
            item.foreseen = Foreseen::default();
            item.rests_on = Support::Itself;
            item.takers = Vec::new();
        }
        prop_assert_eq!(read, unseen);
    }

    #[test]
    fn what_is_spared_lets_nothing_else_go((things, whole, _) in any_plan(), spared in any_ref()) {
        let scope = scope();
        let keep = |thing: &Thing| {
            let how = String::new();
            (thing.at == spared).then_some(Keep::NotAsPlanned { how })
        };
        let inventory = inventory(things, &scope);
        let (plan, _) = Plan::sparing(inventory, scope, BTreeMap::new(), &keep);
        let open = |plan: &Plan| -> BTreeSet<ThingRef> {
            plan.open().map(|(_, item)| item.thing.clone()).collect()
        };
        prop_assert!(open(&plan).is_subset(&open(&whole)));
        prop_assert!(plan.items.iter().all(|item| item.thing != spared));
    }
}
