//! Cleanup rules as a table.
//!
//! A component of the rule pack is a `static` table with one [`Row`] per kind, handed to [`rules!`]. The crate turns a row
//! into the exports of the contract: it lists page by page, follows the ways in which OpenStack services link pages, picks
//! the name, reads owners and order from the places that the row names, and sends the row's own request templates. Code is
//! only for what is odd: a row takes a plain function for it.
//!
//! It knows no service. What a server or a port is stands in the rows.

#![forbid(unsafe_op_in_unsafe_fn)]

mod declare;
pub mod effects;
pub mod listing;
pub mod names;
pub mod object;
pub mod paging;
mod reads;
pub mod requests;
pub mod row;
mod sees;
pub mod table;
mod ties;

/// The bindings that `wit-bindgen` makes of the contract.
#[expect(missing_docs, reason = "documented in the WIT files")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "..",
        world: "guest-force",
        pub_export_macro: true,
        default_bindings_module: "runner_guest::bindings",
    });
}

pub use bindings::cleanup::rules::{
    http,
    logging::{self, Level},
    model::{self, Item, Outcome, Owner, Reach, Relation, RuleError, Scope, Step, Thing},
};
pub use listing::Places;
pub use object::{Object, Place};
pub use paging::Paging;
pub use requests::Target;
pub use row::Row;
pub use table::{Table, joined, rows_in};
pub use ties::PlaceIf;

/// Exports a table of rows as a component, for the kinds of one catalog service type.
///
/// ```ignore
/// runner_guest::rules!("network", KINDS);
/// ```
#[macro_export]
macro_rules! rules {
    ($service:expr, $rows:expr) => {
        static TABLE: $crate::Table = $crate::Table {
            service: $service,
            rows: $rows,
        };

        struct Rules;

        impl $crate::bindings::exports::cleanup::rules::rule::Guest for Rules {
            fn kinds() -> Vec<$crate::model::Kind> {
                TABLE.kinds()
            }
            fn list(
                kind: String,
                scope: $crate::Scope,
                cursor: Option<String>,
            ) -> Result<$crate::model::Page, $crate::RuleError> {
                TABLE.list(&kind, &scope, cursor)
            }
            fn name(kind: String, item: $crate::Item) -> Option<String> {
                TABLE.name(&kind, &item)
            }
            fn delete(kind: String, item: $crate::Item) -> Result<$crate::Outcome, $crate::RuleError> {
                TABLE.delete(&kind, &item)
            }
        }

        impl $crate::bindings::exports::cleanup::rules::owners::Guest for Rules {
            fn owners(kind: String, item: $crate::Item) -> Vec<$crate::Owner> {
                TABLE.owners(&kind, &item)
            }
        }

        impl $crate::bindings::exports::cleanup::rules::force::Guest for Rules {
            fn force(kind: String, item: $crate::Item) -> Result<$crate::Outcome, $crate::RuleError> {
                TABLE.force(&kind, &item)
            }
        }

        impl $crate::bindings::exports::cleanup::rules::order::Guest for Rules {
            fn order(kind: String, item: $crate::Item) -> Vec<$crate::Step> {
                TABLE.order(&kind, &item)
            }
        }

        impl $crate::bindings::exports::cleanup::rules::presence::Guest for Rules {
            fn gone(kind: String, _item: $crate::Item) -> Result<bool, $crate::RuleError> {
                TABLE.stays_listed(&kind)
            }
        }

        $crate::bindings::export!(Rules with_types_in $crate::bindings);
    };
}
