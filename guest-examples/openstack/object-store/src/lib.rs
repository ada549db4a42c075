//! Swift.
//!
//! An account is a project's, and only a token for that project opens it. Containers and objects have no ids but their
//! names. A container goes when it is empty, so its objects go first, whatever they are called.

use runner_guest::{Paging, Row};

runner_guest::rules!("object-store", KINDS);

const ROW: Row = Row::PLAIN
    .at("")
    .query("format=json&limit=10000")
    .paged(Paging::Marker("marker"))
    .id("/name")
    .project("")
    .created_at("/last_modified");

static KINDS: &[Row] = &[
    ROW.kind("object_store.container", "/").by_project_token(),
    // Objects of other containers are not even listed: there may be millions.
    ROW.kind("object_store.object", "/{parent}")
        .under_deleted("object_store.container")
        .names(&[]),
];
