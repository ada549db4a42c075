//! What rules can claim costs no more than it is long: for each shape that could be walked through again and again, 10⁵ of it.
//!
//! Nothing is measured here. A walk that is quadratic would take ten thousand times as long as the rest, which nobody waits for.

use super::*;

const MANY: usize = 100_000;

fn many(thing: impl Fn(usize) -> Seen) -> Vec<Seen> {
    (0..MANY).map(thing).collect()
}

fn x(n: usize) -> String {
    format!("a.x/{n}")
}

fn planned(things: Vec<Seen>) -> (usize, usize) {
    let plan = plan(things);
    (plan.open().count(), plan.blocked().count())
}

/// Owners of owners are followed sixteen far.
#[test]
fn a_chain_of_owners_is_walked_once() {
    let mut chain = many(|n| match n {
        0 => thing(&x(0)).named(OURS),
        _ => thing(&x(n)).named_by(&x(n - 1)),
    });
    assert_eq!(planned(chain.clone()), (17, 0));
    chain.reverse();
    assert_eq!(planned(chain), (17, 0));
}

#[test]
fn what_holds_the_end_of_a_chain_holds_all_of_it() {
    let held = many(|n| match n {
        0 => thing(&x(0)).named(OTHERS),
        _ => thing(&x(n)).named(OURS).after(&x(n - 1)),
    });
    assert_eq!(planned(held), (0, MANY - 1));
}

#[test]
fn a_circle_is_walked_once() {
    let circle = many(|n| {
        let next = x((n + 1) % MANY);
        thing(&x(n)).named(OURS).named_by(&next).before(&next)
    });
    assert_eq!(planned(circle).0, MANY);
}

/// Each thing of a clique waits for all others, and a chain leads there.
#[test]
fn a_clique_behind_a_chain_is_walked_to_once() {
    const CLIQUE: usize = 300;
    const CHAIN: usize = 20_000;
    let things = (0..CHAIN + CLIQUE).map(|n| {
        let mut seen = thing(&format!("a.x/{n:06}")).named(OURS);
        let firsts = if n < CHAIN {
            n + 1..n + 2
        } else {
            CHAIN..CHAIN + CLIQUE
        };
        let firsts = firsts.filter(|first| *first != n);
        let steps = firsts.map(|first| Step::After(at(&format!("a.x/{first:06}"))));
        seen.steps.extend(steps);
        seen
    });
    assert_eq!(planned(things.collect()), (CHAIN + CLIQUE, 0));
}

#[test]
fn a_thing_that_all_others_hang_on_is_looked_at_once() {
    let star = many(|n| match n {
        0 => thing(&x(0)).named(OURS),
        _ => thing(&x(n)).named_by(&x(0)).before(&x(0)),
    });
    assert_eq!(planned(star), (MANY, 0));
    let taken = many(|n| match n {
        0 => {
            let mut taker = thing(&x(0)).named(OURS);
            taker.foreseen.takes = (1..MANY).map(|n| at(&x(n))).collect();
            taker
        }
        _ => thing(&x(n)).named(OTHERS),
    });
    assert_eq!(planned(taken), (0, 1));
}

#[test]
fn a_project_with_many_things_is_looked_into_once() {
    let project = format!("{}/demo", crate::resource::PROJECT_KIND);
    let full = |last: &'static str| {
        many(|n| match n {
            0 => thing(&project).named(OURS),
            _ if n == MANY - 1 => thing(&x(n)).named(last),
            _ => thing(&x(n)),
        })
    };
    assert_eq!(planned(full(OURS)), (MANY, 0));
    assert_eq!(planned(full(OTHERS)).0, 0);
}
