//! What holds those whose deletion would take away what others need.

use super::doubt::{OUR_PROJECT, kind, open, planned, seen_but};
use super::*;
use crate::resource::KindPattern;

/// A user by whose authority alone a stack can be deleted stays while it does, whatever it is kept for. A tenant's stack says nothing.
#[test]
fn what_is_kept_of_the_tasks_holds_the_containers_that_go_after_it() {
    let mut users = Arc::unwrap_or_clone(kind("identity.user", &[]));
    users.after.push("a.stack".into());
    let kinds = [kind("a.stack", &[]), Arc::new(users)];
    let things = |name: &str| {
        vec![
            thing("a.stack/1")
                .named(name)
                .tagged("keep")
                .made("2026-01-01T00:00:00Z"),
            thing("identity.user/1")
                .named(OUR_PROJECT)
                .tagged("-")
                .made("2026-02-01T00:00:00Z"),
        ]
    };
    let going = |scope: &SweepScope, name: &str| {
        let things = things(name);
        let coverage = seen_but(&kinds, &things, &[]);
        open(&planned(scope, things, coverage).0)
    };
    let keeping = [
        SweepScope {
            except: vec![KindPattern::parse("a.stack").unwrap()],
            ..everywhere()
        },
        SweepScope {
            protected_tags: ["keep".to_owned()].into(),
            ..everywhere()
        },
        SweepScope {
            created_from: "2026-01-15T00:00:00Z".parse().ok(),
            ..everywhere()
        },
    ];
    for scope in &keeping {
        assert_eq!(going(scope, OURS), [""; 0]);
        assert_eq!(going(scope, "web"), ["identity.user/1"]);
    }
    assert_eq!(going(&everywhere(), OURS), ["a.stack/1", "identity.user/1"]);
}
