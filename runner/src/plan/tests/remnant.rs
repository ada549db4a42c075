//! What an earlier run was to delete and did not come to: who takes it up, and who leaves it.

use super::doubt::kind;
use super::*;
use crate::resource::ListScope;

const MADE: &str = "2026-01-02T03:04:05Z";

/// A look at these kinds that shows these things, and remembers a nameless volume of a server.
fn looked_at(things: Vec<Seen>, scope: &SweepScope, gap: Option<&str>) -> Inventory {
    let mut coverage = Coverage::of(["a.server", "a.volume"].map(|name| kind(name, &[])));
    if let Some(gap) = gap {
        coverage.note_gap(gap.into(), ListScope::All);
    }
    inventory_of(things, scope, coverage).remembering(&[volume_of_record()])
}

fn volume_of_record() -> Remnant {
    Remnant {
        thing: at("a.volume/1"),
        project: Some("demo".into()),
        created_at: MADE.parse().ok(),
        owner: at("a.server/1"),
        by_owner: false,
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
        let coverage = Coverage::of([kind("a.server", &[]), kind("a.volume", taken)]);
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
        looked_at(things, &all, gap).is_settled(&volume_of_record())
    };
    assert!(!is_settled(vec![volume()], None));
    assert!(is_settled(vec![], None));
    assert!(is_settled(vec![volume().named("mine now")], None));
    assert!(!is_settled(vec![], Some("a.volume")));
}

#[test]
fn on_record_is_what_has_no_name_and_goes_with_an_owner() {
    let all = SweepScope::default();
    let server = thing("a.server/1").of_project("demo").named(OURS);
    let named = thing("a.volume/2").of_project("demo").named(OURS);
    let things = vec![
        server,
        named.named_by("a.server/1"),
        volume().named_by("a.server/1"),
    ];
    let inventory = looked_at(things, &all, None);
    let (plan, _) = Plan::new(inventory, all, BTreeMap::new());
    assert_eq!(plan.remnants(), [volume_of_record()]);
}
