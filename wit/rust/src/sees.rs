//! What a row looks at in an object: the runner shows it no more.
//!
//! Fields, owners, templates and effects are shown anyway, since the declaration names them.

use std::collections::BTreeSet;

use crate::paging::Paging;
use crate::row::Row;

impl Row {
    /// The pointers to what the row itself reads, and to what its functions say that they do. The id is among them, for a row that needs
    /// nothing else is to see nothing else.
    pub(crate) fn seen_members(&self) -> Vec<String> {
        let fields = &self.listing.fields;
        let id = Some(fields.id).filter(|id| !id.is_empty());
        let places = self.ties.before.iter().chain(self.ties.after);
        let marked = fields.given_names_where.iter().map(|(_, at, _)| *at);
        let marker = match self.listing.paging {
            Paging::MarkerAt(_, at) => Some(at),
            _ => None,
        };
        let in_things = std::iter::once(id.unwrap_or("/id"))
            .chain(places.map(|(_, at)| *at))
            .chain(marked)
            .chain(marker)
            .chain(fields.sees.iter().copied());
        let cut_off = self.listing.cut_off_where.map(|(at, _, _)| at);
        let places = self
            .listing
            .also_in
            .map(|places| [places.ids, places.shown]);
        let in_answers = cut_off.into_iter().chain(places.into_iter().flatten());
        let in_answers = in_answers.filter_map(in_element);
        let all: BTreeSet<&str> = in_things.chain(in_answers).collect();
        all.into_iter().map(str::to_owned).collect()
    }
}

/// Where a pointer into a listing stands in the thing itself: `/status` for `/servers/*/status`.
fn in_element(pointer: &'static str) -> Option<&'static str> {
    let star = pointer.find("/*/")?;
    pointer.get(star + 2..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listing::Places;

    const ROW: Row = Row::rest("a.thing", "/things");

    #[test]
    fn a_row_sees_what_it_reads_and_no_more() {
        for (row, members) in [
            (ROW, &["/id"][..]),
            (ROW.id("/uuid"), &["/uuid"]),
            (ROW.id(""), &["/id"]),
            (
                ROW.before(&[("b.net", "/nets/*/id")])
                    .after(&[("b.user", "/user_id")]),
                &["/id", "/nets/*/id", "/user_id"],
            ),
            (
                ROW.given_names_where(&[("image-{uuid}", "/metadata/readonly", "True")]),
                &["/id", "/metadata/readonly"],
            ),
            (
                ROW.id("/uuid").paged(Paging::MarkerAt("marker", "/id")),
                &["/id", "/uuid"],
            ),
            (
                ROW.cut_off_where("/things/*/status", "UNKNOWN", "a cell is down")
                    .sees(&["/locked"]),
                &["/id", "/locked", "/status"],
            ),
            (
                ROW.also_in(Places {
                    list: "/places",
                    ids: "/places/*/uuid",
                    shown: "/things/*/place_id",
                    query: "place_id={place}",
                }),
                &["/id", "/place_id", "/uuid"],
            ),
        ] {
            assert_eq!(row.seen_members(), members);
        }
    }
}
