//! Listings: a kind's things, page by page, in one scope. Survey, waiting and verification all look through here.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::event::Event;
use crate::resource::{Kind, ListScope, Parent, Reach, Seen, Thing, ThingRef, USER_KIND};
use crate::rule::{Cause, ListingLimits, Page, Rule, RuleError};

use super::{Engine, ListingFailure};

/// How often a listing is begun that breaks off after its first page.
const LISTINGS_MAX: u32 = 3;

/// A listing that did not come to its end.
struct Broken {
    /// Whether it broke off in the middle, and may do better from the beginning.
    is_lost: bool,
    failure: ListingFailure,
}

/// How far a listing has come, and whether it can come to an end.
struct Extent {
    limits: ListingLimits,
    pages: usize,
    things: usize,
    relation_bytes: usize,
    shown: HashSet<u64>,
    cursors: HashSet<String>,
}

impl Extent {
    fn within(limits: ListingLimits) -> Self {
        Self {
            limits,
            pages: 0,
            things: 0,
            relation_bytes: 0,
            shown: HashSet::new(),
            cursors: HashSet::new(),
        }
    }

    /// Takes note of a page.
    ///
    /// # Errors
    /// If the listing is too long, or goes on without showing anything that it has not shown before.
    fn take_in(&mut self, page: &Page) -> Result<(), Cause> {
        let ListingLimits {
            pages_max,
            things_max,
            relation_bytes_max,
        } = self.limits;
        self.pages += 1;
        self.things += page.things.len();
        if self.things > things_max {
            return Err(Cause::Limit(format!("things_max = {things_max}")));
        }
        self.relation_bytes += page.things.iter().map(Seen::relation_bytes).sum::<usize>();
        if self.relation_bytes > relation_bytes_max {
            let limit = format!("relation_bytes_max = {relation_bytes_max}");
            return Err(Cause::Limit(limit));
        }
        let shows_new = page.things.is_empty() || self.shows_new(&page.things);
        let Some(next) = &page.next else {
            return Ok(());
        };
        let endless = |why: &str| Cause::Other(format!("the listing does not end: {why}"));
        if !shows_new {
            return Err(endless("a page shows nothing that was not shown before"));
        }
        if self.pages >= pages_max {
            return Err(Cause::Limit(format!("pages_max = {pages_max}")));
        }
        if !self.cursors.insert(next.clone()) {
            return Err(endless("a page links to one that was shown before"));
        }
        Ok(())
    }

    /// Whether anything of a page is new. A service that does not know the parameter for the next page answers with the first one
    /// for ever.
    fn shows_new(&mut self, things: &[Seen]) -> bool {
        let digest = |seen: &Seen| {
            let mut hasher = DefaultHasher::new();
            let Thing {
                at,
                parent,
                project,
                ..
            } = &seen.thing;
            (at, parent, project).hash(&mut hasher);
            hasher.finish()
        };
        let new = things.iter().filter(|seen| self.shown.insert(digest(seen)));
        new.count() > 0
    }
}

impl<R: Rule> Engine<R> {
    /// Lists a kind in a scope, and hands each page's things to `take`. Returns the number of pages.
    ///
    /// While the cloud changes, a page can be lost: what it was to follow has been deleted. Then the listing begins again, so `take`
    /// may be shown a thing more than once.
    pub(super) async fn list(
        &self,
        kind: &Arc<Kind>,
        scope: &ListScope,
        take: impl FnMut(Vec<Seen>),
    ) -> Result<usize, ListingFailure> {
        let (name, covered) = (&kind.name, scope.to_string());
        self.notice(Event::ListingBegun {
            kind: name.clone(),
            scope: covered.clone(),
        });
        let listed = self.list_to_the_end(kind, scope, take).await;
        self.notice(Event::ListingEnded {
            kind: name.clone(),
            scope: covered,
        });
        listed
    }

    async fn list_to_the_end(
        &self,
        kind: &Arc<Kind>,
        scope: &ListScope,
        mut take: impl FnMut(Vec<Seen>),
    ) -> Result<usize, ListingFailure> {
        for _ in 1..LISTINGS_MAX {
            match self.list_once(kind, scope, &mut take).await {
                Err(Broken { is_lost: true, .. }) if !self.cancel.is_cancelled() => {}
                ended => return ended.map_err(|broken| broken.failure),
            }
        }
        let ended = self.list_once(kind, scope, &mut take).await;
        ended.map_err(|broken| broken.failure)
    }

    async fn list_once(
        &self,
        kind: &Arc<Kind>,
        scope: &ListScope,
        take: &mut impl FnMut(Vec<Seen>),
    ) -> Result<usize, Broken> {
        let failure = |why: String| Broken {
            is_lost: false,
            failure: ListingFailure {
                kind: kind.name.clone(),
                scope: scope.to_string(),
                why,
            },
        };
        let Some((rule, _)) = self.kind(&kind.name) else {
            return Err(failure("no rule knows this kind".to_owned()));
        };
        let mut extent = Extent::within(rule.listing_limits());
        let mut cursor = None;
        loop {
            let listed = tokio::select! {
                biased;
                () = self.cancel.cancelled() => return Err(failure("interrupted".to_owned())),
                listed = rule.list(kind, scope, cursor) => listed,
            };
            let page = match listed {
                Ok(page) => page,
                // Whatever it was listed under has gone meanwhile.
                Err(RuleError {
                    cause: Cause::NotFound,
                    ..
                }) if matches!(scope, ListScope::Under(_)) => return Ok(extent.pages),
                Err(error) => {
                    let is_unavailable = matches!(error.cause, Cause::Unavailable(_));
                    return Err(Broken {
                        is_lost: extent.pages > 0 && is_unavailable,
                        ..failure(error.to_string())
                    });
                }
            };
            self.notice(Event::Listed {
                kind: kind.name.clone(),
                things: page.things.len(),
            });
            let may_go_on = extent.take_in(&page).map_err(|cause| {
                let error = RuleError {
                    rule: rule.name().clone(),
                    function: "list",
                    about: kind.name.to_string(),
                    cause,
                    has_asked: false,
                };
                failure(error.to_string())
            });
            take(page.things);
            may_go_on?;
            match page.next {
                None => return Ok(extent.pages),
                next => cursor = next,
            }
        }
    }

    /// What has to be listed to see all things of a kind. `Err` says why the kind is left out.
    pub(super) fn scopes(
        &self,
        kind: &Kind,
        parents: &dyn Fn(&Arc<str>) -> Vec<Place>,
    ) -> Result<Vec<ListScope>, String> {
        let narrowed = self.reachable.projects.as_ref();
        match &kind.reach {
            Reach::Cloud if !self.reachable.is_admin => {
                Err("only an administrator can clean it".to_owned())
            }
            Reach::Cloud if narrowed.is_some() => {
                Err("it belongs to no project, and the sweep is narrowed to projects".to_owned())
            }
            Reach::Cloud => Ok(vec![ListScope::All]),
            // An administrator's narrowed sweep looks everywhere all the same: what is in the way, and who owns what, may be in
            // other projects.
            Reach::Projects if self.reachable.is_admin => Ok(vec![ListScope::All]),
            Reach::Projects => Ok(match narrowed {
                None => vec![ListScope::All],
                Some(projects) => projects.iter().cloned().map(ListScope::Project).collect(),
            }),
            Reach::EachProject => Ok(match narrowed {
                None => {
                    let projects = parents(&Arc::from(crate::resource::PROJECT_KIND));
                    projects
                        .into_iter()
                        .filter_map(|project| Some(ListScope::Project(project.parent?.id)))
                        .collect()
                }
                Some(projects) => projects.iter().cloned().map(ListScope::Project).collect(),
            }),
            Reach::UnderEach(parent) if &**parent == USER_KIND && !self.reachable.is_admin => {
                let user = self.reachable.user.iter();
                let user = user.map(|user| ThingRef::new(parent.clone(), user.clone()));
                Ok(user.map(Parent::from).map(ListScope::Under).collect())
            }
            Reach::UnderEach(parent) | Reach::UnderDeleted(parent) => {
                let parents = parents(parent);
                let parents = parents.iter().filter_map(|place| self.parent(kind, place));
                Ok(parents.map(ListScope::Under).collect())
            }
        }
    }

    /// The scopes in which these things, all of one kind, can be looked at again: the parents or projects that they are in, or the
    /// scopes of the survey if that takes fewer requests. There is at least one, lest what nobody looked for counts as gone.
    pub(super) fn scopes_of(
        &self,
        kind: &Kind,
        places: &BTreeSet<Place>,
        pages: usize,
    ) -> Result<Vec<ListScope>, ListingFailure> {
        let nowhere = |why: &str| ListingFailure {
            kind: kind.name.clone(),
            scope: "again".to_owned(),
            why: format!("nobody knows where to look for its things: {why}"),
        };
        let projects: Option<BTreeSet<&Arc<str>>> =
            places.iter().map(|place| place.project.as_ref()).collect();
        let scopes = match (&kind.reach, projects) {
            (Reach::UnderEach(_) | Reach::UnderDeleted(_), _) => {
                let parents = places.iter().map(|place| self.parent(kind, place));
                let parents: Option<BTreeSet<Parent>> = parents.collect();
                let parents = parents.ok_or_else(|| nowhere("one says no parent"))?;
                parents.into_iter().map(ListScope::Under).collect()
            }
            (Reach::EachProject, Some(projects)) => by_project(projects),
            (Reach::Projects, Some(projects)) if projects.len() <= pages.max(1) => {
                by_project(projects)
            }
            (Reach::Projects | Reach::EachProject | Reach::Cloud, _) => self
                .scopes(kind, &|_| Vec::new())
                .map_err(|why| nowhere(&why))?,
        };
        if scopes.is_empty() {
            return Err(nowhere("they say no project"));
        }
        Ok(scopes)
    }
}

impl<R: Rule> Engine<R> {
    /// What a thing of this kind is listed under, if it is listed so.
    fn parent(&self, kind: &Kind, place: &Place) -> Option<Parent> {
        let project = place.project.clone();
        Some(Parent {
            at: place.parent.clone()?,
            project: project.filter(|_| self.needs_project_token(kind)),
        })
    }

    /// Whether only a token for their project shows things of this kind, whichever rule lists what they are under.
    pub(super) fn needs_project_token(&self, kind: &Kind) -> bool {
        kind.needs_project_token(&|name| self.kind(name).map(|(_, kind)| &**kind))
    }
}

pub(super) fn by_project(projects: BTreeSet<&Arc<str>>) -> Vec<ListScope> {
    projects
        .into_iter()
        .cloned()
        .map(ListScope::Project)
        .collect()
}

/// Where a thing is listed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) project: Option<Arc<str>>,
    pub(super) parent: Option<ThingRef>,
}

impl Place {
    pub(super) fn of(thing: &Thing) -> Self {
        Self {
            project: thing.project.clone(),
            parent: thing.parent.clone(),
        }
    }

    /// Where something of this kind is that goes along with a thing.
    pub(super) fn with(taker: &Thing, kind: &Kind) -> Self {
        let is_under = kind.reach.parent() == Some(&taker.at.kind);
        Self {
            project: taker.project.clone(),
            parent: is_under.then(|| taker.at.clone()),
        }
    }
}
