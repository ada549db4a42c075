//! What is kept of a rule's listings until the plan is made: the objects of their things, and all that these are tied to.
//!
//! A rule may have many kinds, and each may be listed in many places: so it is counted for the rule, and not for a listing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::limits::Limits;
use crate::resource::{ListScope, Seen};
use crate::rule::Cause;

/// What a rule's latest listings take in memory, roughly.
#[derive(Default)]
pub(super) struct Kept(Mutex<Listings>);

#[derive(Default)]
struct Listings {
    each: HashMap<(Arc<str>, ListScope), Bytes>,
    all: Bytes,
}

#[derive(Clone, Copy, Default)]
struct Bytes {
    objects: usize,
    relations: usize,
}

impl Kept {
    /// Takes note of a page. The first page of a listing takes the place of an earlier listing there.
    ///
    /// # Errors
    /// If the rule's listings come to more than it may have kept.
    pub(super) fn add(
        &self,
        kind: &Arc<str>,
        scope: &ListScope,
        is_first: bool,
        things: &[Seen],
        limits: &Limits,
    ) -> Result<(), Cause> {
        let page = Bytes {
            objects: things.iter().map(|seen| seen.thing.object.len()).sum(),
            relations: things.iter().map(Seen::relation_bytes).sum(),
        };
        let mut listings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Listings { each, all } = &mut *listings;
        let listing = each.entry((kind.clone(), scope.clone())).or_default();
        if is_first {
            all.objects -= listing.objects;
            all.relations -= listing.relations;
            *listing = Bytes::default();
        }
        for bytes in [listing, all] {
            bytes.objects += page.objects;
            bytes.relations += page.relations;
        }
        for (name, bytes, most) in [
            ("objects_bytes_max", all.objects, limits.objects_bytes_max),
            (
                "relation_bytes_max",
                all.relations,
                limits.relation_bytes_max,
            ),
        ] {
            if bytes > most {
                return Err(Cause::Limit(format!("{name} = {most}")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::{Foreseen, Step, Thing, ThingRef};

    fn seen(object: &str) -> Seen {
        let at = ThingRef::new("image.image", "i");
        Seen {
            thing: Thing {
                at: at.clone(),
                name: None,
                is_cloud_named: false,
                project: None,
                parent: None,
                created_at: None,
                status: None,
                tags: Some(Vec::new()),
                object: object.to_owned(),
            },
            owners: Vec::new(),
            steps: vec![Step::After(at)],
            foreseen: Foreseen::default(),
        }
    }

    #[test]
    fn what_is_kept_is_counted_for_the_rule_and_each_listing_once() {
        let limits = Limits {
            objects_bytes_max: 10,
            ..Limits::default()
        };
        let kept = Kept::default();
        let page = |kind: &str, is_first: bool| {
            kept.add(
                &kind.into(),
                &ListScope::All,
                is_first,
                &[seen("{...}")],
                &limits,
            )
        };
        assert_eq!(page("a.b", true), Ok(()));
        assert_eq!(page("a.b", true), Ok(()), "it was listed again");
        assert_eq!(page("a.b", false), Ok(()));
        let over = Err(Cause::Limit("objects_bytes_max = 10".to_owned()));
        assert_eq!(page("a.c", true), over, "another kind counts as well");
        let limits = Limits {
            relation_bytes_max: seen("").relation_bytes(),
            ..Limits::default()
        };
        let kept = Kept::default();
        let page = |kind: &str| kept.add(&kind.into(), &ListScope::All, true, &[seen("")], &limits);
        assert_eq!(page("a.b"), Ok(()));
        assert!(page("a.c").is_err());
    }
}
