//! The way from one page of a listing to the next.

use serde_json::Value;

use crate::RuleError;
use crate::http::Response;
use crate::requests;

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

impl Paging {
    /// What follows a page, if anything does. The page was asked for by `path`, its objects stand at the pointer `at` of the answer,
    /// and their ids at `id` of each.
    pub(crate) fn next(
        self,
        path: &str,
        at: &str,
        id: &str,
        response: &Response,
    ) -> Result<Option<String>, RuleError> {
        let body = &response.body;
        let by_marker = |parameter: &str, pointer: &str| {
            let marker = last_text(&parse(body)?, at, pointer);
            Ok(marker.map(|marker| with_parameter(path, parameter, &marker)))
        };
        match self {
            Self::None => Ok(None),
            Self::Header(name) => {
                let header = response.headers.iter().find(|it| it.name == name);
                Ok(header.map(|header| header.value.clone()))
            }
            Self::Links => {
                let link = next_page(&parse(body)?)?;
                Ok(link.map(|link| on_path(path, &link)))
            }
            Self::Marker(parameter) => by_marker(parameter, id),
            Self::MarkerAt(parameter, pointer) => by_marker(parameter, pointer),
            Self::Offset(parameter) => {
                let body = parse(body)?;
                let objects = body.pointer(at).and_then(Value::as_array);
                let seen = objects.map_or(0, Vec::len);
                let offset = parameter_of(path, parameter).unwrap_or(0) + seen;
                Ok((seen > 0).then(|| with_parameter(path, parameter, &offset.to_string())))
            }
        }
    }
}

/// What stands at this pointer of the last object, as text.
fn last_text(body: &Value, at: &str, pointer: &str) -> Option<String> {
    let objects = body.pointer(at)?.as_array()?;
    match objects.last()?.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
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

/// A path with this value for this parameter of its query.
pub(crate) fn with_parameter(path: &str, parameter: &str, value: &str) -> String {
    let (base, query) = path.split_once('?').unwrap_or((path, ""));
    let kept = query
        .split('&')
        .filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(parameter));
    let marker = format!("{parameter}={}", requests::encode(value));
    let query: Vec<&str> = kept.chain([marker.as_str()]).collect();
    format!("{base}?{}", query.join("&"))
}

fn parameter_of(path: &str, parameter: &str) -> Option<usize> {
    text_of(path, parameter)?.parse().ok()
}

/// The value of a parameter, as it stands in a path.
pub(crate) fn text_of<'a>(path: &'a str, parameter: &str) -> Option<&'a str> {
    let (_, query) = path.split_once('?')?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| *name == parameter)?;
    Some(value)
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

    fn next(paging: Paging, path: &str, page: &Response) -> Result<Option<String>, RuleError> {
        paging.next(path, "/things", "/uuid", page)
    }

    #[test]
    fn an_offset_counts_what_was_seen_until_a_page_is_empty() {
        let by_offset = Paging::Offset("offset");
        let follow =
            |path: &str, body: &str| next(by_offset, path, &answer(body)).expect("a listing");

        let second = follow("/things?limit=2", r#"{"things":[{"id":"a"},{"id":"b"}]}"#);
        assert_eq!(second.as_deref(), Some("/things?limit=2&offset=2"));

        let third = follow("/things?limit=2&offset=2", r#"{"things":[{"id":"c"}]}"#);
        assert_eq!(third.as_deref(), Some("/things?limit=2&offset=3"));

        assert_eq!(follow("/things?limit=2&offset=3", r#"{"things":[]}"#), None);
    }

    #[test]
    fn a_marker_is_the_id_or_what_stands_elsewhere() {
        let page = answer(r#"{"things":[{"id":1,"uuid":"a"},{"id":2,"uuid":"b"}]}"#);
        for (paging, marker) in [
            (Paging::Marker("marker"), "b"),
            (Paging::MarkerAt("marker", "/id"), "2"),
        ] {
            let second = next(paging, "/things?limit=2&marker=0", &page).expect("a listing");
            let expected = format!("/things?limit=2&marker={marker}");
            assert_eq!(second.as_deref(), Some(expected.as_str()));

            let empty = answer(r#"{"things":[]}"#);
            assert_eq!(next(paging, "/things", &empty).expect("a listing"), None);
        }
    }

    #[test]
    fn a_header_is_followed_until_there_is_none() {
        let by_header = Paging::Header("next-page");
        let mut page = answer(r#"{"things":[]}"#);
        assert_eq!(next(by_header, "/things", &page).expect("a listing"), None);
        page.headers.push(Header {
            name: "next-page".to_owned(),
            value: "http://h/things?token=a".to_owned(),
        });
        let followed = next(by_header, "/things", &page).expect("a listing");
        assert_eq!(followed.as_deref(), Some("http://h/things?token=a"));
    }

    #[test]
    fn a_listing_that_was_cut_off_is_followed_or_an_error() {
        let cut = r#"{"things":[{"id":"a"}],"links":{"next":null},"truncated":true}"#;
        assert!(matches!(
            next(Paging::Links, "/things", &answer(cut)),
            Err(RuleError::Other(_))
        ));

        let linked =
            r#"{"things":[],"links":{"next":"http://h/things?marker=a"},"truncated":true}"#;
        let followed = next(Paging::Links, "/things", &answer(linked)).expect("a listing");
        assert_eq!(followed.as_deref(), Some("/things?marker=a"));
    }

    #[test]
    fn a_list_of_links_is_searched_for_the_next_page() {
        let linked = r#"{"things":[],"links":[{"rel":"next","href":"http://h/things?marker=a"}]}"#;
        let followed = next(Paging::Links, "/things", &answer(linked)).expect("a listing");
        assert_eq!(followed.as_deref(), Some("/things?marker=a"));
    }
}
