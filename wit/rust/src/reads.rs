//! Where a row reads beside the collections that its requests name: what the runner would not let it ask for otherwise.

use std::collections::BTreeSet;

use crate::row::Row;

impl Row {
    /// The paths of its listings that are neither at nor below a collection of its requests, and those that the row names itself.
    pub(crate) fn further_paths(&self) -> Vec<String> {
        let requests = self.requests.templates();
        let collections: Vec<Vec<&str>> = requests.iter().flat_map(|it| collections(it)).collect();
        let path = self.listing.path();
        let places = self.listing.also_in.map(|places| places.list);
        let listed = std::iter::once(&*path).chain(places);
        let listed = listed.map(|path| starred(&segments(path)));
        let further = listed.filter(|path| !collections.iter().any(|it| path.starts_with(it)));
        let further = further.map(|path| format!("/{}", path.join("/")));
        let named = self.requests.reads.iter().map(|path| (*path).to_owned());
        let all: BTreeSet<String> = further.chain(named).collect();
        all.into_iter().collect()
    }
}

/// The segments of a path without its query. A placeholder may hold slashes.
fn segments(path: &str) -> Vec<&str> {
    let mut is_inside = false;
    let mut is_end = |c: char| {
        is_inside = match c {
            '{' => true,
            '}' => false,
            _ => is_inside,
        };
        c == '/' && !is_inside
    };
    let (path, _) = path.split_once('?').unwrap_or((path, ""));
    path.split(&mut is_end).skip(1).collect()
}

/// With `*` for what only a thing says.
fn starred<'a>(segments: &[&'a str]) -> Vec<&'a str> {
    let starred = segments.iter().map(|segment| match segment.contains('{') {
        true => "*",
        false => segment,
    });
    starred.collect()
}

/// The collection of a request; and where that is nested in something that the object names itself, the one of all that is nested
/// so, as the runner reads it too.
fn collections(request: &str) -> Vec<Vec<&str>> {
    let path = request.split(' ').nth(1).unwrap_or_default();
    let Some((before, _)) = path.split_once("/{id}") else {
        return Vec::new();
    };
    let nested = segments(before);
    let mut unnested = Vec::new();
    for (position, segment) in nested.iter().enumerate() {
        if !segment.starts_with("{/") {
            unnested.push(*segment);
        } else if position + 1 < nested.len() {
            unnested.pop();
        }
    }
    vec![starred(&nested), starred(&unnested)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listing::Places;

    #[test]
    fn what_is_not_listed_where_it_is_deleted_is_said() {
        for (path, requests, further) in [
            ("/v2/ports", &["DELETE {self}"][..], &[][..]),
            ("/v3/assignments", &[], &["/v3/assignments"]),
            ("/zones/{parent}/sets", &["DELETE {self}"], &[]),
            ("/sets", &["DELETE /zones/{/zone_id}/sets/{id}"], &[]),
            ("/stacks", &["DELETE /stacks/{/stack_name}/{id}"], &[]),
            ("/", &["DELETE {self}"], &[]),
            ("/a/{parent}/b", &["POST /c/{id}/action {}"], &["/a/*/b"]),
        ] {
            let row = Row::rest("a.thing", path).requests(requests);
            assert_eq!(row.further_paths(), further, "{path}");
            let (row, is_told) = (row.query("limit=2").detailed(), !further.is_empty());
            assert_eq!(!row.further_paths().is_empty(), is_told, "{path}/detail");
        }
    }

    #[test]
    fn what_a_row_names_is_said_too() {
        let row = Row::rest("a.thing", "/things");
        let row = row.reads(&["/others"]).also_in(Places {
            list: "/places",
            ids: "/places/*/id",
            shown: "/things/*/place_id",
            query: "place_id={place}",
        });
        assert_eq!(row.further_paths(), ["/others", "/places"]);
    }
}
