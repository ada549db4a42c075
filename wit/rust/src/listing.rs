//! Listings: the path of a page, and the way to the next one.

use serde_json::Value;

use crate::http::Response;
use crate::model::{Page, Slice};
use crate::requests::{self, get};
use crate::row::Row;
use crate::{RuleError, Scope};

/// How a service hands out pages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// By a link in the body, in any of the ways OpenStack knows: `ports_links` or `links` with `rel: next` (Neutron, Nova,
    /// Cinder, Octavia, Heat), `links.next` (Keystone, Designate), or `next` (Glance, Magnum, Mistral, Barbican).
    ///
    /// Only the link's query is followed, on the listing's own path: services behind a proxy write links with their
    /// inner scheme and host, and Cinder's for groups and transfers lead to the listing without details.
    Links,
    /// By asking with this query parameter for what follows the last id, until a page is empty.
    Marker(&'static str),
    /// As `Marker`, but what follows the last object is asked for by what stands at this pointer of it, and not by its id.
    MarkerAt(&'static str, &'static str),
    /// By asking with this query parameter for what follows as many objects as were seen, until a page is empty.
    Offset(&'static str),
    /// By a link in this header (`next-page`), until an answer has none.
    Header(&'static str),
    /// All at once.
    None,
}

/// The page of a row's listing that a cursor stands for.
pub(crate) fn page(
    row: &Row,
    service: &str,
    scope: &Scope,
    cursor: Option<String>,
) -> Result<Page, RuleError> {
    let is_first = cursor.is_none();
    let own_if_denied = row.own_if_denied && is_first && !matches!(scope, Scope::All);
    let mut path = cursor.unwrap_or_else(|| first_path(row, scope));
    let mut response = get(service, &path, row.microversion)?;
    if response.status == 403 && own_if_denied {
        path = own_path(row, scope);
        response = get(service, &path, row.microversion)?;
    }
    if is_first && is_absent(row, scope, response.status) {
        return Ok(Page {
            slices: Vec::new(),
            next: None,
        });
    }
    if !is_first && has_moved(response.status) {
        return Err(RuleError::Unavailable(format!(
            "{}: the page cannot be found again, its predecessor's last thing has gone: list once more",
            response.status
        )));
    }
    requests::check(&response)?;
    Ok(Page {
        next: next(row, &path, &response)?.or_else(|| again(row, scope, &path)),
        slices: vec![Slice {
            response: response.number,
            at: row.at.to_owned(),
        }],
    })
}

/// Whether this status says that nothing is there to list: the parent has gone meanwhile, or this cloud lacks an optional
/// extension (404), or is too old for its microversion (406).
fn is_absent(row: &Row, scope: &Scope, status: u32) -> bool {
    match scope {
        Scope::Under(_) => status == 404 || row.parent_gone == Some(status),
        Scope::All | Scope::Project(_) => matches!(status, 404 | 406) && row.optional,
    }
}

/// Whether this status says that a page is lost: what it was to follow has been deleted meanwhile. Glance and Nova answer
/// 400, Cinder and Neutron 404. To take it for the end would pass off part of a listing as the whole.
fn has_moved(status: u32) -> bool {
    matches!(status, 400 | 404)
}

/// The first page of the second listing, if `path` belongs to the first one. Links keep the query, so it tells them apart.
fn again(row: &Row, scope: &Scope, path: &str) -> Option<String> {
    let (_, query) = path.split_once('?').unwrap_or((path, ""));
    let is_second = query.split('&').any(|pair| pair == row.again);
    (!row.again.is_empty() && !is_second).then(|| with_query(first_path(row, scope), row.again))
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

fn next(row: &Row, path: &str, response: &Response) -> Result<Option<String>, RuleError> {
    let body = &response.body;
    match row.paging {
        Paging::None => Ok(None),
        Paging::Header(name) => {
            let header = response.headers.iter().find(|it| it.name == name);
            Ok(header.map(|header| header.value.clone()))
        }
        Paging::Links => {
            let link = next_page(&parse(body)?)?;
            Ok(link.map(|link| on_path(path, &link)))
        }
        Paging::Marker(parameter) => next_by_marker(row, path, body, parameter, row.id),
        Paging::MarkerAt(parameter, pointer) => next_by_marker(row, path, body, parameter, pointer),
        Paging::Offset(parameter) => {
            let body = parse(body)?;
            let objects = body.pointer(row.at).and_then(Value::as_array);
            let seen = objects.map_or(0, Vec::len);
            let offset = parameter_of(path, parameter).unwrap_or(0) + seen;
            Ok((seen > 0).then(|| with_parameter(path, parameter, &offset.to_string())))
        }
    }
}

fn next_by_marker(
    row: &Row,
    path: &str,
    body: &str,
    parameter: &str,
    pointer: &str,
) -> Result<Option<String>, RuleError> {
    let body = parse(body)?;
    let last = body
        .pointer(row.at)
        .and_then(Value::as_array)
        .and_then(|objects| objects.last())
        .and_then(|object| object.pointer(pointer));
    let marker = match last {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => return Ok(None),
    };
    Ok(Some(with_parameter(path, parameter, &marker)))
}

/// The link to the next page. Keystone can be set to cut listings off (`list_limit`), and older releases of it give no
/// link to the rest: better no listing than a part that passes for the whole.
fn next_page(body: &Value) -> Result<Option<String>, RuleError> {
    let next = next_link(body);
    if next.is_none() && body.get("truncated").and_then(Value::as_bool) == Some(true) {
        return Err(RuleError::Other(
            "the service cut the listing off (`truncated`) and gives no link to the rest: raise its list_limit"
                .to_owned(),
        ));
    }
    Ok(next)
}

fn parse(body: &str) -> Result<Value, RuleError> {
    serde_json::from_str(body)
        .map_err(|error| RuleError::Malformed(format!("the listing is no JSON: {error}")))
}

/// The query of a link, on the path of the page that held it.
fn on_path(path: &str, link: &str) -> String {
    let (base, _) = path.split_once('?').unwrap_or((path, ""));
    match link.split_once('?') {
        Some((_, query)) => format!("{base}?{query}"),
        None => link.to_owned(),
    }
}

fn next_link(body: &Value) -> Option<String> {
    let by_relation = |links: &Value| {
        let mut links = links.as_array()?.iter();
        let next = links.find(|link| link.get("rel").and_then(Value::as_str) == Some("next"))?;
        next.get("href").and_then(Value::as_str).map(str::to_owned)
    };
    let members = body.as_object()?;
    members
        .iter()
        .filter(|(name, _)| *name == "links" || name.ends_with("_links"))
        .find_map(|(_, links)| by_relation(links))
        .or_else(|| {
            body.pointer("/links/next")
                .and_then(Value::as_str)
                .map(str::to_owned)
        })
        .or_else(|| body.get("next").and_then(Value::as_str).map(str::to_owned))
}

fn with_parameter(path: &str, parameter: &str, value: &str) -> String {
    let (base, query) = path.split_once('?').unwrap_or((path, ""));
    let kept = query
        .split('&')
        .filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(parameter));
    let marker = format!("{parameter}={}", requests::encode(value));
    let query: Vec<&str> = kept.chain([marker.as_str()]).collect();
    format!("{base}?{}", query.join("&"))
}

fn parameter_of(path: &str, parameter: &str) -> Option<usize> {
    let (_, query) = path.split_once('?')?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| *name == parameter)?;
    value.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Header;

    fn answer(body: &str) -> Response {
        Response {
            number: 0,
            status: 200,
            headers: Vec::new(),
            body: body.to_owned(),
        }
    }

    const ROW: Row = Row::new("a.thing", "/things?limit=2", "/things", &[]);

    #[test]
    fn an_offset_counts_what_was_seen_until_a_page_is_empty() {
        let row = ROW.paged(Paging::Offset("offset"));
        let follow = |path: &str, body: &str| next(&row, path, &answer(body)).expect("a listing");

        let second = follow("/things?limit=2", r#"{"things":[{"id":"a"},{"id":"b"}]}"#);
        assert_eq!(second.as_deref(), Some("/things?limit=2&offset=2"));

        let third = follow("/things?limit=2&offset=2", r#"{"things":[{"id":"c"}]}"#);
        assert_eq!(third.as_deref(), Some("/things?limit=2&offset=3"));

        assert_eq!(follow("/things?limit=2&offset=3", r#"{"things":[]}"#), None);
    }

    #[test]
    fn a_marker_is_the_id_or_what_stands_elsewhere() {
        let page = answer(r#"{"things":[{"id":1,"uuid":"a"},{"id":2,"uuid":"b"}]}"#);
        let row = ROW.id("/uuid");
        for (paging, marker) in [
            (Paging::Marker("marker"), "b"),
            (Paging::MarkerAt("marker", "/id"), "2"),
        ] {
            let row = row.paged(paging);
            let second = next(&row, "/things?limit=2&marker=0", &page).expect("a listing");
            let expected = format!("/things?limit=2&marker={marker}");
            assert_eq!(second.as_deref(), Some(expected.as_str()));

            let empty = answer(r#"{"things":[]}"#);
            assert_eq!(next(&row, "/things", &empty).expect("a listing"), None);
        }
    }

    #[test]
    fn a_header_is_followed_until_there_is_none() {
        let row = ROW.paged(Paging::Header("next-page"));
        let mut page = answer(r#"{"things":[]}"#);
        assert_eq!(next(&row, "/things", &page).expect("a listing"), None);
        page.headers.push(Header {
            name: "next-page".to_owned(),
            value: "http://h/things?token=a".to_owned(),
        });
        let followed = next(&row, "/things", &page).expect("a listing");
        assert_eq!(followed.as_deref(), Some("http://h/things?token=a"));
    }

    #[test]
    fn a_listing_that_was_cut_off_is_followed_or_an_error() {
        let cut = r#"{"things":[{"id":"a"}],"links":{"next":null},"truncated":true}"#;
        assert!(matches!(
            next(&ROW, "/things", &answer(cut)),
            Err(RuleError::Other(_))
        ));

        let linked =
            r#"{"things":[],"links":{"next":"http://h/things?marker=a"},"truncated":true}"#;
        let followed = next(&ROW, "/things", &answer(linked)).expect("a listing");
        assert_eq!(followed.as_deref(), Some("/things?marker=a"));
    }

    #[test]
    fn a_list_of_links_is_searched_for_the_next_page() {
        let linked = r#"{"things":[],"links":[{"rel":"next","href":"http://h/things?marker=a"}]}"#;
        let followed = next(&ROW, "/things", &answer(linked)).expect("a listing");
        assert_eq!(followed.as_deref(), Some("/things?marker=a"));
    }

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
        let under = Scope::Under(crate::Thing {
            kind: "a.parent".to_owned(),
            id: "p".to_owned(),
        });
        assert!(!is_absent(&ROW, &Scope::All, 404));
        assert!(is_absent(&ROW.optional(), &Scope::All, 404));
        assert!(is_absent(&ROW.optional(), &Scope::All, 406));
        assert!(is_absent(&ROW, &under, 404));
        assert!(!is_absent(&ROW, &under, 400));
        assert!(is_absent(&ROW.parent_gone(400), &under, 400));
    }
}
