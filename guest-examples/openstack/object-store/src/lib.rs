//! Swift.
//!
//! An account is a project's, and only a token for that project opens it. Containers and objects have no ids but their
//! names. A container goes when it is empty, so its objects go first, whatever they are called.

use runner_guest::{Paging, Row, Table};

runner_guest::rules!(Table {
    service: "object-store",
    rows: KINDS
});

static KINDS: &[Row] = &[
    Row::new(
        "object_store.container",
        "/?format=json&limit=10000",
        "",
        &["DELETE /{id}"],
    )
    .by_project_token()
    .paged(Paging::Marker("marker"))
    .id("/name")
    .project("")
    .created_at("/last_modified"),
    // Objects of other containers are not even listed: there may be millions.
    Row::new(
        "object_store.object",
        "/{parent}?format=json&limit=10000",
        "",
        &["DELETE /{parent}/{id}"],
    )
    .under_deleted("object_store.container")
    .paged(Paging::Marker("marker"))
    .id("/name")
    .names(&[])
    .project("")
    .created_at("/last_modified"),
];
