//! A component as a table of rows: what its exports do.

use crate::model::{Kind, Page};
use crate::requests::Target;
use crate::row::Row;
use crate::{Item, Object, Outcome, Owner, RuleError, Scope, Step};

/// A component's kinds.
pub struct Table {
    /// The catalog service type of all of them.
    pub service: &'static str,
    /// One row per kind.
    pub rows: &'static [Row],
}

impl Table {
    /// The export `rule.kinds`.
    pub fn kinds(&self) -> Vec<Kind> {
        self.rows
            .iter()
            .map(|row| row.declared(self.service))
            .collect()
    }

    /// The export `rule.list`.
    ///
    /// # Errors
    /// What the service's answer means where it is no listing.
    pub fn list(
        &self,
        kind: &str,
        scope: &Scope,
        cursor: Option<String>,
    ) -> Result<Page, RuleError> {
        self.row(kind)?.listing.page(self.service, scope, cursor)
    }

    /// The export `rule.name`.
    pub fn name(&self, kind: &str, item: &Item) -> Option<String> {
        let fields = &self.row(kind).ok()?.listing.fields;
        fields
            .own_name(&Object::parse(&item.object))
            .map(str::to_owned)
    }

    /// The export `rule.delete`.
    ///
    /// # Errors
    /// What the service's answer means where the thing is not gone.
    pub fn delete(&self, kind: &str, item: &Item) -> Result<Outcome, RuleError> {
        self.target(kind, item)?.delete()
    }

    /// The export `force.force`.
    ///
    /// # Errors
    /// As `delete`; `other` for a kind that cannot be forced.
    pub fn force(&self, kind: &str, item: &Item) -> Result<Outcome, RuleError> {
        self.target(kind, item)?.force()
    }

    /// The export `owners.owners`.
    pub fn owners(&self, kind: &str, item: &Item) -> Vec<Owner> {
        self.row(kind)
            .map(|row| row.owners_of(item))
            .unwrap_or_default()
    }

    /// The export `order.order`.
    pub fn order(&self, kind: &str, item: &Item) -> Vec<Step> {
        self.row(kind)
            .map(|row| row.order_of(item))
            .unwrap_or_default()
    }

    /// The export `presence.gone`.
    ///
    /// # Errors
    /// `other` for a kind that the table does not have.
    pub fn stays_listed(&self, kind: &str) -> Result<bool, RuleError> {
        self.row(kind).map(|row| row.ties.stays_listed)
    }

    fn target<'a>(&'a self, kind: &'a str, item: &'a Item) -> Result<Target<'a>, RuleError> {
        let row = self.row(kind)?;
        Ok(Target::new(kind, &row.requests, self.service, item))
    }

    fn row(&self, kind: &str) -> Result<&Row, RuleError> {
        let found = self.rows.iter().find(|row| row.name == kind);
        found.ok_or_else(|| RuleError::Other(format!("this component has no kind {kind}")))
    }
}

/// How many rows there are in several tables: the length of what [`joined`] makes of them.
pub const fn rows_in(tables: &[&[Row]]) -> usize {
    let (mut rows, mut table) = (0, 0);
    while table < tables.len() {
        rows += tables[table].len();
        table += 1;
    }
    rows
}

/// Several tables as one, for a component that has a module for each: `static KINDS: [Row; rows_in(TABLES)] =
/// joined(TABLES);`
///
/// # Panics
/// While compiling, if `N` is another number than `rows_in` says.
pub const fn joined<const N: usize>(tables: &[&[Row]]) -> [Row; N] {
    assert!(rows_in(tables) == N);
    let mut rows = [Row::PLAIN; N];
    let (mut filled, mut table) = (0, 0);
    while table < tables.len() {
        let mut row = 0;
        while row < tables[table].len() {
            rows[filled] = tables[table][row];
            filled += 1;
            row += 1;
        }
        table += 1;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: &[&[Row]] = &[
        &[Row::rest("a.first", "/a"), Row::rest("a.second", "/b")],
        &[],
        &[Row::rest("a.third", "/c")],
    ];

    #[test]
    fn tables_are_joined_in_their_order() {
        let rows: [Row; rows_in(TABLES)] = joined(TABLES);
        let names: Vec<&str> = rows.iter().map(|row| row.name).collect();
        assert_eq!(names, ["a.first", "a.second", "a.third"]);
    }
}
