//! What an earlier run was to delete and did not come to: who takes it up, and who leaves it.

use super::doubt::kind;
use super::*;
use crate::resource::ListScope;

const MADE: &str = "2026-01-02T03:04:05Z";

/// A look at these kinds that shows these things, and remembers a nameless volume of a server.
fn looked_at(things: Vec<Seen>, scope: &SweepScope, gap: Option<&str>) -> Inventory {
    remembering(things, scope, gap, &[volume_of_record()])
}

fn remembering(
    things: Vec<Seen>,
    scope: &SweepScope,
    gap: Option<&str>,
    remnants: &[Remnant],
) -> Inventory {
    let kinds = ["a.server", "a.stack", "a.volume"];
    let mut coverage = Coverage::of(kinds.map(|name| kind(name, &[])));
    for kind in kinds {
        match gap {
            Some(gap) if gap == kind => coverage.note_gap(kind.into(), ListScope::All),
            _ => coverage.note_listed(kind.into(), ListScope::All),
        }
    }
    inventory_of(things, scope, coverage).remembering(remnants)
}

/// The volume of a server that a run was to delete and has asked for.
fn volume_of_record() -> Remnant {
    volume_because_of(&["a.server/1"], &["a.server/1"])
}

fn volume_because_of(owners: &[&str], asked: &[&str]) -> Remnant {
    Remnant {
        thing: at("a.volume/1"),
        project: Some("demo".into()),
        created_at: MADE.parse().ok(),
        owners: owners.iter().map(|it| at(it)).collect(),
        by_owner: false,
        asked: Arc::new(asked.iter().map(|it| at(it)).collect()),
    }
}

fn volume() -> Seen {
    thing("a.volume/1").of_project("demo").made(MADE)
}

#[track_caller]
fn expect(things: Vec<Seen>, scope: &SweepScope, gap: Option<&str>, goes: bool) {
    let inventory = looked_at(things, scope, gap);
    let (plan, _) = Plan::new(inventory, scope.clone(), BTreeMap::new());
    let reasons = plan.items.iter().filter(|it| it.thing == at("a.volume/1"));
    let reasons: Vec<&Reason> = reasons.map(|it| &it.reason).collect();
    let owner = at("a.server/1");
    let remembered = Reason::Remembered { owner };
    let expected: &[&Reason] = if goes { &[&remembered] } else { &[] };
    assert_eq!(reasons, expected);
}

#[test]
fn what_an_earlier_run_was_to_delete_goes_if_it_is_what_it_was_and_its_owner_is_gone() {
    let all = SweepScope::default();
    expect(vec![volume()], &all, None, true);
    let other = "2026-01-02T03:04:06Z";
    let changed = [
        volume().named("mine now"),
        volume().named_by_the_cloud().of_project("other"),
        volume().made(other),
        volume().tagged("keep"),
    ];
    let protecting = SweepScope {
        protected_tags: ["keep".to_owned()].into(),
        ..SweepScope::default()
    };
    for volume in changed {
        expect(vec![volume], &protecting, None, false);
    }
}

#[test]
fn an_owner_that_may_be_there_is_not_gone() {
    let all = SweepScope::default();
    let server = || thing("a.server/1").of_project("demo").named("web");
    // It is there, and has let the volume go.
    expect(vec![volume(), server()], &all, None, false);
    expect(vec![volume()], &all, Some("a.server"), false);
    // Somebody else has taken it up.
    let volume_of = |owner: &str| volume().named_by(owner);
    let theirs = thing("a.server/2").of_project("demo").named("web");
    expect(vec![volume_of("a.server/2"), theirs], &all, None, false);
    expect(vec![volume_of("b.unknown/1")], &all, None, false);
    // What the operator leaves out speaks for nobody.
    let except = SweepScope {
        except: vec![crate::resource::KindPattern::parse("a.server").unwrap()],
        ..SweepScope::default()
    };
    expect(vec![volume()], &except, None, false);
    // Of two with one id nobody knows which was meant.
    let twin = volume().of_project("other");
    expect(vec![volume(), twin], &all, None, false);
}

/// No rule can leave a note that somebody else's thing was made for its own.
#[test]
fn what_only_an_owner_has_said_needs_the_word_of_the_things_kind() {
    let all = SweepScope::default();
    let goes = |agrees: bool| {
        let taken: &[(&str, &str)] = if agrees {
            &[("taken-by", "a.server")]
        } else {
            &[]
        };
        let mut coverage = Coverage::of([kind("a.server", &[]), kind("a.volume", taken)]);
        for kind in ["a.server", "a.volume"] {
            coverage.note_listed(kind.into(), ListScope::All);
        }
        let remnant = Remnant {
            by_owner: true,
            ..volume_of_record()
        };
        let inventory = inventory_of(vec![volume()], &all, coverage).remembering(&[remnant]);
        let (plan, _) = Plan::new(inventory, all.clone(), BTreeMap::new());
        plan.items.len() == 1
    };
    assert!(goes(true));
    assert!(!goes(false));
}

#[test]
fn a_record_is_settled_by_what_was_seen_alone() {
    let all = SweepScope::default();
    let is_settled = |things: Vec<Seen>, gap: Option<&str>| {
        let remnant = volume_because_of(&["a.server/1"], &[]);
        looked_at(things, &all, gap).is_settled(&remnant)
    };
    assert!(!is_settled(vec![volume()], None));
    assert!(is_settled(vec![], None));
    assert!(is_settled(vec![volume().named("mine now")], None));
    // The owner is there again, or still, and has let it go, or stays.
    let server = || thing("a.server/1").of_project("demo").named(OURS);
    assert!(is_settled(vec![volume(), server()], None));
    let spoken_for = || volume().named_by("a.server/1");
    assert!(!is_settled(vec![spoken_for(), server()], None));
    let theirs = server().named("prod-db");
    assert!(is_settled(vec![spoken_for(), theirs.clone()], None));
    assert!(!is_settled(vec![], Some("a.volume")));
    // What was asked for may be just what makes it look so.
    let is_settled = |things: Vec<Seen>, scope: &SweepScope| {
        looked_at(things, scope, None).is_settled(&volume_of_record())
    };
    assert!(!is_settled(vec![volume(), server()], &all));
    assert!(!is_settled(vec![spoken_for(), theirs], &all));
    // And what another run may not touch says nothing.
    let elsewhere = SweepScope {
        projects: Some(["other".into()].into()),
        ..SweepScope::default()
    };
    let unasked = volume_because_of(&["a.server/1"], &[]);
    let inventory = looked_at(vec![spoken_for(), server()], &elsewhere, None);
    assert!(!inventory.is_settled(&unasked));
}

/// A port goes with its server, which waits for nobody; the address on the port is then nobody's.
#[test]
fn on_record_is_what_goes_before_an_owner_that_another_takes_along() {
    let all = SweepScope::default();
    let things = vec![
        thing("a.server/1").of_project("demo").named(OURS),
        thing("b.port/1")
            .of_project("demo")
            .named_by("a.server/1")
            .after("a.server/1"),
        thing("c.address/1")
            .of_project("demo")
            .named_by("b.port/1")
            .before("b.port/1"),
        // While the group is there, it speaks for the rule.
        thing("d.group/1").of_project("demo").named(OURS),
        thing("d.rule/1").of_project("demo").named_by("d.group/1"),
    ];
    let (plan, _) = Plan::new(inventory(things, &all), all, BTreeMap::new());
    let on_record = plan.remnants();
    let mut on_record: Vec<String> = on_record.iter().map(|it| it.thing.to_string()).collect();
    on_record.sort();
    assert_eq!(on_record, ["b.port/1", "c.address/1"]);
}

#[test]
fn on_record_is_what_has_no_name_and_goes_with_an_owner() {
    let all = SweepScope::default();
    let server = thing("a.server/1").of_project("demo").named(OURS);
    let named = thing("a.volume/2").of_project("demo").named(OURS);
    let after = |volume: Seen| volume.named_by("a.server/1").after("a.server/1");
    let before = thing("a.volume/3").of_project("demo");
    let things = |server: Seen| {
        vec![
            server,
            after(named.clone()),
            after(volume()),
            // What goes before its owner any run can find again.
            before.clone().named_by("a.server/1").before("a.server/1"),
        ]
    };
    let on_record = |server: Seen| {
        let inventory = looked_at(things(server), &all, None);
        let (plan, _) = Plan::new(inventory, all.clone(), BTreeMap::new());
        plan.remnants()
    };
    let unasked = volume_because_of(&["a.server/1"], &[]);
    assert_eq!(on_record(server.clone()), [unasked]);
    // What is blocked is not about to go.
    assert_eq!(on_record(server.after("b.unknown/1")), []);
}

/// Whoever has deleted the owner decides on what it has left.
#[test]
fn what_no_run_has_asked_for_is_not_taken_up() {
    let all = SweepScope::default();
    let goes = |things: Vec<Seen>, owners: &[&str], asked: &[&str]| {
        let remnants = [volume_because_of(owners, asked)];
        let inventory = remembering(things, &all, None, &remnants);
        let is_settled = inventory.is_settled(&remnants[0]);
        let (plan, _) = Plan::new(inventory, all.clone(), BTreeMap::new());
        let mut items = plan.items.iter();
        let found = items.find(|it| it.thing == at("a.volume/1"));
        (found.is_some_and(|it| it.blocked_by.is_empty()), is_settled)
    };
    let chain = &["a.server/1", "a.stack/1"];
    let stack = |name: &str| thing("a.stack/1").of_project("demo").named(name);
    assert_eq!(goes(vec![volume()], &chain[..1], &[]), (false, false));
    assert_eq!(goes(vec![volume()], chain, chain), (true, false));
    assert_eq!(goes(vec![volume()], chain, &chain[1..]), (true, false));
    // The stack was somebody's own by then.
    assert_eq!(goes(vec![volume()], chain, &chain[..1]), (false, false));
    // The server has gone, and the stack is there, so it decides.
    let with = |name: &str| vec![volume(), stack(name)];
    assert_eq!(goes(with(OURS), chain, &chain[..1]), (true, false));
    assert_eq!(goes(with("web"), chain, &chain[..1]), (false, false));
    assert_eq!(goes(with("web"), chain, &[]), (false, true));
    let blocked = vec![volume(), stack(OURS).after("b.unknown/1")];
    assert_eq!(goes(blocked, chain, &chain[..1]), (false, false));
    // It names something, if only in another project.
    let theirs = thing("a.server/9").of_project("other").named("web");
    let named = volume().named_by("a.server/9");
    assert_eq!(goes(vec![named, theirs], chain, chain), (false, false));
}

#[test]
fn where_records_do_not_agree_it_stays() {
    let all = SweepScope::default();
    let ours = volume_of_record();
    let other = volume_because_of(&["a.server/2"], &[]);
    for remnants in [[ours.clone(), other.clone()], [other, ours]] {
        let inventory = remembering(vec![volume()], &all, None, &remnants);
        let (plan, _) = Plan::new(inventory, all.clone(), BTreeMap::new());
        assert_eq!(plan.items, []);
    }
}

/// A sweep of another project has not looked where the thing was.
#[test]
fn what_was_not_listed_just_there_is_not_gone() {
    let all = SweepScope::default();
    let gone = |scope: ListScope| {
        let mut coverage = Coverage::of(["a.server", "a.volume"].map(|name| kind(name, &[])));
        for kind in ["a.server", "a.volume"] {
            coverage.note_listed(kind.into(), scope.clone());
        }
        let inventory = inventory_of(Vec::new(), &all, coverage);
        inventory.is_settled(&volume_of_record())
    };
    assert!(gone(ListScope::All));
    assert!(gone(ListScope::Project("demo".into())));
    assert!(!gone(ListScope::Project("other".into())));
}

/// Who does not see everything of a kind cannot say that one of it does not exist; but where it was, it was looked for.
#[test]
fn what_names_an_owner_of_record_that_has_gone_is_taken_up() {
    let all = SweepScope::default();
    let goes = |owner: &str| {
        let inventory = looked_at(vec![volume().named_by(owner)], &all, None);
        let (plan, _) = Plan::new(inventory, all.clone(), BTreeMap::new());
        plan.items.len() == 1
    };
    assert!(goes("a.server/1"));
    assert!(!goes("a.server/2"));
}
