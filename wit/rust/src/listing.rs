//! Listings: how a page is asked for, and what the answer means.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::http::{HttpError, Response};
use crate::model::{Page, Slice};
use crate::paging::{next, text_of, with_parameter};
use crate::requests;
use crate::row::{Places, Row};
use crate::{Object, RuleError, Scope};
use percent_encoding::percent_decode_str;

/// The page of a row's listing that a cursor stands for.
pub(crate) fn page(
    row: &Row,
    service: &str,
    scope: &Scope,
    cursor: Option<String>,
) -> Result<Page, RuleError> {
    let mut asked = Asked::new(row, service, scope, cursor);
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
    check_whole(row, &response)?;
    let next = next(row, &asked.path, &response)?.or_else(|| again(row, scope, &asked.path));
    let elsewhere = match next {
        Some(_) => Vec::new(),
        None => elsewhere(row, service, &response)?,
    };
    let responses = std::iter::once(&response).chain(&elsewhere);
    let slices = responses.map(|response| Slice {
        response: response.number,
        at: row.at.to_owned(),
    });
    Ok(Page {
        next: next.map(|path| asked.cursor(path)),
        slices: slices.collect(),
    })
}

/// What is in the places of which a listing shows nothing. Whoever may not list the places has but one.
fn elsewhere(row: &Row, service: &str, shown: &Response) -> Result<Vec<Response>, RuleError> {
    let Some(places) = row.also_in else {
        return Ok(Vec::new());
    };
    let all = requests::get(service, places.list, row.microversion)?;
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
        .map(|place| in_place(row, service, places, place))
        .collect()
}

fn in_place(row: &Row, service: &str, places: Places, place: &str) -> Result<Response, RuleError> {
    let query = places.query.replace("{place}", &requests::encode(place));
    let path = with_query(row.list.to_owned(), &query);
    let response = requests::get(service, &path, row.microversion)?;
    requests::check(&response)?;
    match next(row, &path, &response)? {
        None => Ok(response),
        Some(_) => Err(RuleError::Other(format!("{path} comes in pages"))),
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
    row: &'a Row,
    service: &'a str,
    path: String,
    opens: Opens,
    /// The microversion, and those to fall back to.
    microversions: &'a [&'a str],
}

impl<'a> Asked<'a> {
    fn new(row: &'a Row, service: &'a str, scope: &Scope, cursor: Option<String>) -> Self {
        let microversions = if row.listing_microversions.is_empty() {
            std::slice::from_ref(&row.microversion)
        } else {
            row.listing_microversions
        };
        let asked = |path, opens, microversions| Self {
            row,
            service,
            path,
            opens,
            microversions,
        };
        let Some(cursor) = cursor else {
            return asked(first_path(row, scope), Opens::First, microversions);
        };
        let (path, fallen_back) = split_cursor(&cursor, microversions);
        let microversions = microversions.get(fallen_back..).unwrap_or_default();
        let begins = !row.again.is_empty() && path == second_path(row, scope);
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
        let own = own_path(self.row, scope);
        let own = match self.opens {
            Opens::First => own,
            Opens::Second => with_query(own, self.row.again),
            Opens::Nothing => return false,
        };
        if !self.row.own_if_denied || matches!(scope, Scope::All) {
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
            (Opens::Second, _) => self.row.again_may_be_denied && matches!(status, 400 | 403 | 404),
            (Opens::First, Scope::Under(_)) => {
                status == 404 || self.row.parent_gone == Some(status)
            }
            (Opens::First, Scope::All | Scope::Project(_)) => {
                matches!(status, 404 | 406) && self.row.optional
            }
        }
    }

    /// The cursor for a path. It remembers a microversion that had to be fallen back to.
    fn cursor(&self, path: String) -> String {
        let newest = self.row.listing_microversions.first();
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

/// Some services answer with a part where they cannot have the whole, and say so in the part.
fn check_whole(row: &Row, response: &Response) -> Result<(), RuleError> {
    let Some((pointer, value, why)) = row.cut_off_where else {
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

/// Whether this status says that a page is lost: what it was to follow has been deleted meanwhile. Glance and Nova answer
/// 400, Cinder and Neutron 404. To take it for the end would pass off part of a listing as the whole.
fn has_moved(status: u32) -> bool {
    matches!(status, 400 | 404)
}

/// The first page of the second listing, if `path` belongs to the first one. Links keep the query, so it tells them apart.
fn again(row: &Row, scope: &Scope, path: &str) -> Option<String> {
    let is_second = is_asked_for(path, row.again);
    (!row.again.is_empty() && !is_second).then(|| second_path(row, scope))
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

fn second_path(row: &Row, scope: &Scope) -> String {
    with_query(first_path(row, scope), row.again)
}

fn first_path(row: &Row, scope: &Scope) -> String {
    let query = match scope {
        Scope::All | Scope::Under(_) => row.everywhere.to_owned(),
        Scope::Project(id) => row.narrow.replace("{project}", &requests::encode(id)),
    };
    with_query(own_path(row, scope), &query)
}

/// The path of a listing, without the query that asks for more than the project of the token.
fn own_path(row: &Row, scope: &Scope) -> String {
    match scope {
        Scope::All | Scope::Project(_) => row.list.to_owned(),
        Scope::Under(parent) => row.list.replace("{parent}", &requests::encode(&parent.id)),
    }
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

    const ROW: Row = Row::new("a.thing", "/things?limit=2", "/things", &[]);

    #[test]
    fn what_lies_under_a_thing_is_asked_for_in_all_projects_too() {
        let row = Row::new("a.part", "/things/{parent}/parts", "/parts", &[]);
        let under = Scope::Under(crate::Thing {
            kind: "a.thing".to_owned(),
            id: "a b".to_owned(),
        });
        let row = row.scoped("all_projects=true", "");
        let first = first_path(&row, &under);
        assert_eq!(first, "/things/a%20b/parts?all_projects=true");
        assert_eq!(own_path(&row, &under), "/things/a%20b/parts");
    }

    #[test]
    fn a_missing_collection_is_empty_only_where_that_is_expected() {
        const HIDDEN: Row = ROW.again_if_allowed("status=GONE");
        let under = Scope::Under(crate::Thing {
            kind: "a.parent".to_owned(),
            id: "p".to_owned(),
        });
        let second = || Some(second_path(&HIDDEN, &Scope::All));
        let later = || Some("/things?marker=a".to_owned());
        for (row, scope, cursor, status, is_nothing) in [
            (ROW, &Scope::All, None, 404, false),
            (ROW.optional(), &Scope::All, None, 404, true),
            (ROW.optional(), &Scope::All, None, 406, true),
            (ROW.optional(), &Scope::All, later(), 404, false),
            (ROW, &under, None, 404, true),
            (ROW, &under, None, 400, false),
            (ROW.parent_gone(400), &under, None, 400, true),
            (HIDDEN, &Scope::All, None, 403, false),
            (HIDDEN, &Scope::All, second(), 403, true),
            (HIDDEN, &Scope::All, second(), 400, true),
            (HIDDEN, &Scope::All, second(), 500, false),
            (HIDDEN, &Scope::All, later(), 400, false),
            (ROW.again("status=GONE"), &Scope::All, second(), 403, false),
        ] {
            let asked = Asked::new(&row, "a", scope, cursor);
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
        let row = ROW.listing_microversions(&["3", "2", "1"]);
        let mut asked = Asked::new(&row, "a", &Scope::All, None);
        assert_eq!(asked.cursor("/b?c=d".to_owned()), "/b?c=d");
        assert!(asked.is_too_new(406) && asked.is_too_new(400) && !asked.is_too_new(403));
        asked.fall_back();
        let cursor = asked.cursor("/b?c=d".to_owned());
        let next = Asked::new(&row, "a", &Scope::All, Some(cursor));
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
        let row = ROW
            .scoped("all=1", "all=1&project={project}")
            .own_if_denied()
            .again_if_allowed("status=GONE&since=1970-01-01T00:00:00Z");
        let scope = Scope::Project("p".to_owned());
        let second =
            again(&row, &scope, "/things?limit=2&all=1&project=p").expect("a second listing");
        assert_eq!(
            second,
            "/things?limit=2&all=1&project=p&status=GONE&since=1970-01-01T00:00:00Z"
        );
        let linked = "/things?limit=2&since=1970-01-01T00%3A00%3A00Z&status=GONE&marker=a";
        assert_eq!(again(&row, &scope, &second), None);
        assert_eq!(again(&row, &scope, linked), None);

        let mut asked = Asked::new(&row, "a", &scope, Some(second));
        assert!(asked.opens == Opens::Second && asked.ask_own(&scope));
        assert_eq!(
            asked.path,
            "/things?limit=2&status=GONE&since=1970-01-01T00:00:00Z"
        );
        let mut asked = Asked::new(&row, "a", &scope, Some(linked.to_owned()));
        assert!(asked.opens == Opens::Nothing && !asked.ask_own(&scope));
    }

    #[test]
    fn a_part_that_says_so_is_no_listing() {
        let row = ROW.cut_off_where("/things/*/status", "UNKNOWN", "a cell is down");
        let answer = |body: &str| Response {
            number: 0,
            status: 200,
            headers: Vec::new(),
            body: body.to_owned(),
        };
        let named = answer(r#"{"things":[{"status":"ACTIVE","name":"UNKNOWN"}]}"#);
        assert!(check_whole(&row, &named).is_ok());
        let down = answer(r#"{"things":[{"status":"ACTIVE"},{"status":"UNKNOWN"}]}"#);
        assert!(matches!(
            check_whole(&row, &down),
            Err(RuleError::Unavailable(_))
        ));
        assert!(check_whole(&ROW, &down).is_ok());
    }
}
