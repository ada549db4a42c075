//! Listings: how a page is asked for, and what the answer means.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::http::{HttpError, Response};
use crate::model::{Page, Slice};
use crate::names::Fields;
use crate::paging::{Paging, text_of, with_parameter};
use crate::requests;
use crate::{Object, RuleError, Scope};
use percent_encoding::percent_decode_str;

/// Where the places stand that a listing may leave out whole, as domains with a directory of their own, and how one is asked for.
#[derive(Clone, Copy)]
pub struct Places {
    /// The path that lists the places.
    pub list: &'static str,
    /// Their ids in the answer: `/domains/*/id`.
    pub ids: &'static str,
    /// Where a thing of the kind's own listing says in which place it is: `/users/*/domain_id`.
    pub shown: &'static str,
    /// The query that asks for one place.
    pub query: &'static str,
}

/// `Reach`, in a form that a `static` can hold.
#[derive(Clone, Copy)]
pub(crate) enum Spread {
    Projects,
    EachProject,
    Cloud,
    UnderEach(&'static str),
    UnderDeleted(&'static str),
}

/// How a kind is listed, and what a listing shows. The row's methods set it, and say what each member means.
#[derive(Clone, Copy)]
pub(crate) struct Listing {
    pub(crate) collection: &'static str,
    /// What is listed is asked for there, below the collection: `/detail`.
    pub(crate) below: &'static str,
    pub(crate) at: Option<&'static str>,
    pub(crate) query: &'static str,
    pub(crate) fields: Fields,
    pub(crate) reach: Spread,
    pub(crate) everywhere: &'static str,
    pub(crate) narrow: &'static str,
    pub(crate) own_if_denied: bool,
    pub(crate) parent_gone: Option<u32>,
    pub(crate) again: &'static str,
    pub(crate) again_may_be_denied: bool,
    pub(crate) also_in: Option<Places>,
    pub(crate) cut_off_where: Option<(&'static str, &'static str, &'static str)>,
    pub(crate) paging: Paging,
    pub(crate) microversion: &'static str,
    pub(crate) microversions: &'static [&'static str],
    pub(crate) optional: bool,
}

impl Listing {
    pub(crate) const PLAIN: Self = Self {
        collection: "",
        below: "",
        at: None,
        query: "",
        fields: Fields::USUAL,
        reach: Spread::Projects,
        everywhere: "",
        narrow: "project_id={project}",
        own_if_denied: false,
        parent_gone: None,
        again: "",
        again_may_be_denied: false,
        also_in: None,
        cut_off_where: None,
        paging: Paging::Links,
        microversion: "",
        microversions: &[],
        optional: false,
    };

    /// Where it is listed, without a query.
    pub(crate) fn path(&self) -> String {
        format!("{}{}", self.collection, self.below)
    }

    /// Where the objects stand in an answer. JSON has `_` where a path has `-`.
    fn at(&self) -> String {
        let derived = || {
            let segment = self.collection.rsplit('/').next().unwrap_or_default();
            format!("/{}", segment.replace('-', "_"))
        };
        self.at.map_or_else(derived, str::to_owned)
    }

    /// The page that a cursor stands for.
    pub(crate) fn page(
        &self,
        service: &str,
        scope: &Scope,
        cursor: Option<String>,
    ) -> Result<Page, RuleError> {
        let mut asked = Asked::new(self, service, scope, cursor);
        let mut response = asked.send()?;
        if response.status == 403 && asked.ask_own(scope) {
            response = asked.send()?;
        }
        if asked.is_nothing_there(scope, response.status) {
            return Ok(Page {
                slices: Vec::new(),
                next: None,
            });
        }
        if asked.opens == Opens::Nothing && has_moved(response.status) {
            return Err(RuleError::Unavailable(format!(
                "{}: the page cannot be found again, its predecessor's last thing has gone: list once more",
                response.status
            )));
        }
        requests::check(&response)?;
        self.check_whole(&response)?;
        let next = self.next(&asked.path, &response)?;
        let next = next.or_else(|| self.second(scope, &asked.path));
        let elsewhere = match next {
            Some(_) => Vec::new(),
            None => self.elsewhere(service, &response)?,
        };
        let responses = std::iter::once(&response).chain(&elsewhere);
        let slices = responses.map(|response| Slice {
            response: response.number,
            at: self.at(),
        });
        Ok(Page {
            next: next.map(|path| asked.cursor(path)),
            slices: slices.collect(),
        })
    }

    fn next(&self, path: &str, response: &Response) -> Result<Option<String>, RuleError> {
        self.paging.next(path, &self.at(), self.fields.id, response)
    }

    /// What is in the places of which a listing shows nothing. Whoever may not list the places has but one.
    fn elsewhere(&self, service: &str, shown: &Response) -> Result<Vec<Response>, RuleError> {
        let Some(places) = self.also_in else {
            return Ok(Vec::new());
        };
        let all = requests::get(service, places.list, self.microversion)?;
        if all.status == 403 {
            return Ok(Vec::new());
        }
        requests::check(&all)?;
        let all = Object::parse_answer(&all.body)?;
        let shown = Object::parse_answer(&shown.body)?;
        let shown: BTreeSet<&str> = shown.texts(places.shown).into_iter().collect();
        let unseen = all.texts(places.ids).into_iter();
        let unseen = unseen.filter(|place| !shown.contains(place));
        unseen
            .map(|place| self.in_place(service, places, place))
            .collect()
    }

    fn in_place(&self, service: &str, places: Places, place: &str) -> Result<Response, RuleError> {
        let query = places.query.replace("{place}", &requests::encode(place));
        let path = with_query(with_query(self.path(), self.query), &query);
        let response = requests::get(service, &path, self.microversion)?;
        requests::check(&response)?;
        match self.next(&path, &response)? {
            None => Ok(response),
            Some(_) => Err(RuleError::Other(format!("{path} comes in pages"))),
        }
    }

    /// Some services answer with a part where they cannot have the whole, and say so in the part.
    fn check_whole(&self, response: &Response) -> Result<(), RuleError> {
        let Some((pointer, value, why)) = self.cut_off_where else {
            return Ok(());
        };
        let is_cut_off = response.body.contains(value)
            && Object::parse_answer(&response.body)?
                .texts(pointer)
                .contains(&value);
        if is_cut_off {
            Err(RuleError::Unavailable(why.to_owned()))
        } else {
            Ok(())
        }
    }

    /// The first page of the second listing, if `path` belongs to the first one. Links keep the query, so it tells them apart.
    fn second(&self, scope: &Scope, path: &str) -> Option<String> {
        let is_second = is_asked_for(path, self.again);
        (!self.again.is_empty() && !is_second).then(|| self.second_path(scope))
    }

    fn second_path(&self, scope: &Scope) -> String {
        with_query(self.first_path(scope), self.again)
    }

    fn first_path(&self, scope: &Scope) -> String {
        let query = match scope {
            Scope::All | Scope::Under(_) => self.everywhere.to_owned(),
            Scope::Project(id) => self.narrow.replace("{project}", &requests::encode(id)),
        };
        with_query(self.own_path(scope), &query)
    }

    /// The path of a listing, without the query that asks for more than the project of the token.
    fn own_path(&self, scope: &Scope) -> String {
        let path = with_query(self.path(), self.query);
        match scope {
            Scope::All | Scope::Project(_) => path,
            Scope::Under(parent) => path.replace("{parent}", &requests::encode(&parent.id)),
        }
    }
}

/// Which listing a page begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Opens {
    First,
    /// For what the first one leaves out.
    Second,
    /// It is a further page.
    Nothing,
}

/// A page that is asked for.
struct Asked<'a> {
    listing: &'a Listing,
    service: &'a str,
    path: String,
    opens: Opens,
    /// The microversion, and those to fall back to.
    microversions: &'a [&'a str],
}

impl<'a> Asked<'a> {
    fn new(listing: &'a Listing, service: &'a str, scope: &Scope, cursor: Option<String>) -> Self {
        let microversions = if listing.microversions.is_empty() {
            std::slice::from_ref(&listing.microversion)
        } else {
            listing.microversions
        };
        let asked = |path, opens, microversions| Self {
            listing,
            service,
            path,
            opens,
            microversions,
        };
        let Some(cursor) = cursor else {
            return asked(listing.first_path(scope), Opens::First, microversions);
        };
        let (path, fallen_back) = split_cursor(&cursor, microversions);
        let microversions = microversions.get(fallen_back..).unwrap_or_default();
        let begins = !listing.again.is_empty() && path == listing.second_path(scope);
        let opens = if begins {
            Opens::Second
        } else {
            Opens::Nothing
        };
        asked(path.to_owned(), opens, microversions)
    }

    fn send(&mut self) -> Result<Response, RuleError> {
        loop {
            let microversion = self.microversions.first().copied().unwrap_or_default();
            match requests::send_get(self.service, &self.path, microversion)? {
                Err(HttpError::TooLarge(why)) => match with_half_the_limit(&self.path) {
                    Some(smaller) => self.path = smaller,
                    None => return Err(RuleError::Malformed(why)),
                },
                Err(error) => return Err(requests::error_of(error)),
                Ok(response) if self.is_too_new(response.status) => self.fall_back(),
                Ok(response) => return Ok(response),
            }
        }
    }

    /// Whether the service may be too old for the microversion. Only a first page is asked for by one that nobody has tried yet.
    fn is_too_new(&self, status: u32) -> bool {
        let can_fall_back = self.opens == Opens::First && self.microversions.len() > 1;
        can_fall_back && matches!(status, 400 | 406)
    }

    fn fall_back(&mut self) {
        self.microversions = self.microversions.get(1..).unwrap_or_default();
    }

    /// Asks for what belongs to the token's project instead, if that is what the scope may come to.
    fn ask_own(&mut self, scope: &Scope) -> bool {
        let own = self.listing.own_path(scope);
        let own = match self.opens {
            Opens::First => own,
            Opens::Second => with_query(own, self.listing.again),
            Opens::Nothing => return false,
        };
        if !self.listing.own_if_denied || matches!(scope, Scope::All) {
            return false;
        }
        self.path = own;
        true
    }

    /// Whether this status says that nothing is there to list: the parent has gone meanwhile, this cloud lacks an optional
    /// extension (404) or is too old for its microversion (406), or does not show what is hidden to whoever asks.
    fn is_nothing_there(&self, scope: &Scope, status: u32) -> bool {
        match (self.opens, scope) {
            (Opens::Nothing, _) => false,
            (Opens::Second, _) => {
                self.listing.again_may_be_denied && matches!(status, 400 | 403 | 404)
            }
            (Opens::First, Scope::Under(_)) => {
                status == 404 || self.listing.parent_gone == Some(status)
            }
            (Opens::First, Scope::All | Scope::Project(_)) => {
                matches!(status, 404 | 406) && self.listing.optional
            }
        }
    }

    /// The cursor for a path. It remembers a microversion that had to be fallen back to.
    fn cursor(&self, path: String) -> String {
        let newest = self.listing.microversions.first();
        match (newest, self.microversions.first()) {
            (Some(newest), Some(used)) if newest != used => format!("{path}{FALLEN_BACK}{used}"),
            _ => path,
        }
    }
}

/// Stands in a cursor between the path and the microversion that it is asked with. No path of ours has one.
const FALLEN_BACK: char = '#';

/// The path of a cursor, and which of the microversions it is asked with.
fn split_cursor<'a>(cursor: &'a str, microversions: &[&str]) -> (&'a str, usize) {
    let split = cursor.rsplit_once(FALLEN_BACK);
    let known = split.and_then(|(path, used)| {
        let position = microversions.iter().position(|it| *it == used)?;
        Some((path, position))
    });
    known.unwrap_or((cursor, 0))
}

/// Asks for half as many at once. None: there is no limit to halve.
fn with_half_the_limit(path: &str) -> Option<String> {
    const LIMIT: &str = "limit";
    /// What `max` stands for in Designate, if it was not configured.
    const MAX: usize = 1000;
    let limit = match text_of(path, LIMIT)? {
        "max" => MAX,
        number => number.parse().ok()?,
    };
    (limit > 1).then(|| with_parameter(path, LIMIT, &(limit / 2).to_string()))
}

/// Whether this status says that a page is lost: what it was to follow has been deleted meanwhile. Glance and Nova answer
/// 400, Cinder and Neutron 404. To take it for the end would pass off part of a listing as the whole.
fn has_moved(status: u32) -> bool {
    matches!(status, 400 | 404)
}

/// Whether a path has all of these parameters.
fn is_asked_for(path: &str, parameters: &str) -> bool {
    let (_, query) = path.split_once('?').unwrap_or((path, ""));
    let mut parameters = parameters.split('&');
    parameters.all(|parameter| {
        query
            .split('&')
            .any(|pair| decoded(pair) == decoded(parameter))
    })
}

/// Links may encode what was asked for as it was.
fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

fn with_query(path: String, query: &str) -> String {
    match (query.is_empty(), path.contains('?')) {
        (true, _) => path,
        (false, true) => format!("{path}&{query}"),
        (false, false) => format!("{path}?{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: Listing = Listing {
        collection: "/things",
        query: "limit=2",
        ..Listing::PLAIN
    };

    #[test]
    fn objects_stand_under_the_last_segment_unless_a_row_says_where() {
        for (collection, at, expected) in [
            ("/v2/ports", None, "/ports"),
            ("/sfc/port-pairs", None, "/port_pairs"),
            ("/pools/{parent}/members", None, "/members"),
            ("/types", Some("/volume_types"), "/volume_types"),
            ("/metric", Some(""), ""),
        ] {
            let listing = Listing {
                collection,
                at,
                below: "/detail",
                ..LISTING
            };
            assert_eq!(listing.at(), expected, "{collection}");
        }
    }

    #[test]
    fn what_lies_under_a_thing_is_asked_for_in_all_projects_too() {
        let under = Scope::Under(crate::Thing {
            kind: "a.thing".to_owned(),
            id: "a b".to_owned(),
        });
        let parts = Listing {
            collection: "/things/{parent}/parts",
            everywhere: "all_projects=true",
            ..Listing::PLAIN
        };
        let first = parts.first_path(&under);
        assert_eq!(first, "/things/a%20b/parts?all_projects=true");
        assert_eq!(parts.own_path(&under), "/things/a%20b/parts");
    }

    #[test]
    fn a_missing_collection_is_empty_only_where_that_is_expected() {
        const OPTIONAL: Listing = Listing {
            optional: true,
            ..LISTING
        };
        const GONE: Listing = Listing {
            parent_gone: Some(400),
            ..LISTING
        };
        const SECOND: Listing = Listing {
            again: "status=GONE",
            ..LISTING
        };
        const HIDDEN: Listing = Listing {
            again_may_be_denied: true,
            ..SECOND
        };
        let under = Scope::Under(crate::Thing {
            kind: "a.parent".to_owned(),
            id: "p".to_owned(),
        });
        let second = || Some(HIDDEN.second_path(&Scope::All));
        let later = || Some("/things?marker=a".to_owned());
        for (listing, scope, cursor, status, is_nothing) in [
            (LISTING, &Scope::All, None, 404, false),
            (OPTIONAL, &Scope::All, None, 404, true),
            (OPTIONAL, &Scope::All, None, 406, true),
            (OPTIONAL, &Scope::All, later(), 404, false),
            (LISTING, &under, None, 404, true),
            (LISTING, &under, None, 400, false),
            (GONE, &under, None, 400, true),
            (HIDDEN, &Scope::All, None, 403, false),
            (HIDDEN, &Scope::All, second(), 403, true),
            (HIDDEN, &Scope::All, second(), 400, true),
            (HIDDEN, &Scope::All, second(), 500, false),
            (HIDDEN, &Scope::All, later(), 400, false),
            (SECOND, &Scope::All, second(), 403, false),
        ] {
            let asked = Asked::new(&listing, "a", scope, cursor);
            let path = &asked.path;
            assert_eq!(
                asked.is_nothing_there(scope, status),
                is_nothing,
                "{path} {status}"
            );
        }
    }

    #[test]
    fn half_the_limit_is_asked_for_down_to_one() {
        for (path, half) in [
            ("/a?limit=1000&b=c", Some("/a?b=c&limit=500")),
            ("/a?limit=3", Some("/a?limit=1")),
            ("/a?limit=1", None),
            ("/a?limit=max", Some("/a?limit=500")),
            ("/a?marker=b", None),
            ("/a", None),
        ] {
            assert_eq!(with_half_the_limit(path).as_deref(), half, "{path}");
        }
    }

    #[test]
    fn a_cursor_remembers_the_microversion_that_was_fallen_back_to() {
        let listing = Listing {
            microversions: &["3", "2", "1"],
            ..LISTING
        };
        let mut asked = Asked::new(&listing, "a", &Scope::All, None);
        assert_eq!(asked.cursor("/b?c=d".to_owned()), "/b?c=d");
        assert!(asked.is_too_new(406) && asked.is_too_new(400) && !asked.is_too_new(403));
        asked.fall_back();
        let cursor = asked.cursor("/b?c=d".to_owned());
        let next = Asked::new(&listing, "a", &Scope::All, Some(cursor));
        assert_eq!(
            (next.path.as_str(), next.microversions),
            ("/b?c=d", &["2", "1"][..])
        );
        assert!(!next.is_too_new(406));
        assert_eq!(next.cursor("/e".to_owned()), "/e#2");
        asked.fall_back();
        assert!(!asked.is_too_new(406));
    }

    #[test]
    fn a_second_listing_begins_once_and_is_own_where_all_is_denied() {
        let listing = Listing {
            everywhere: "all=1",
            narrow: "all=1&project={project}",
            own_if_denied: true,
            again: "status=GONE&since=1970-01-01T00:00:00Z",
            ..LISTING
        };
        let scope = Scope::Project("p".to_owned());
        let second = listing
            .second(&scope, "/things?limit=2&all=1&project=p")
            .expect("a second listing");
        assert_eq!(
            second,
            "/things?limit=2&all=1&project=p&status=GONE&since=1970-01-01T00:00:00Z"
        );
        let linked = "/things?limit=2&since=1970-01-01T00%3A00%3A00Z&status=GONE&marker=a";
        assert_eq!(listing.second(&scope, &second), None);
        assert_eq!(listing.second(&scope, linked), None);

        let mut asked = Asked::new(&listing, "a", &scope, Some(second));
        assert!(asked.opens == Opens::Second && asked.ask_own(&scope));
        assert_eq!(
            asked.path,
            "/things?limit=2&status=GONE&since=1970-01-01T00:00:00Z"
        );
        let mut asked = Asked::new(&listing, "a", &scope, Some(linked.to_owned()));
        assert!(asked.opens == Opens::Nothing && !asked.ask_own(&scope));
    }

    #[test]
    fn a_part_that_says_so_is_no_listing() {
        let listing = Listing {
            cut_off_where: Some(("/things/*/status", "UNKNOWN", "a cell is down")),
            ..LISTING
        };
        let answer = |body: &str| Response {
            number: 0,
            status: 200,
            headers: Vec::new(),
            body: body.to_owned(),
        };
        let named = answer(r#"{"things":[{"status":"ACTIVE","name":"UNKNOWN"}]}"#);
        assert!(listing.check_whole(&named).is_ok());
        let down = answer(r#"{"things":[{"status":"ACTIVE"},{"status":"UNKNOWN"}]}"#);
        assert!(matches!(
            listing.check_whole(&down),
            Err(RuleError::Unavailable(_))
        ));
        assert!(LISTING.check_whole(&down).is_ok());
    }
}
