//! The contract's reference, `docs/contract.md`, says what the WIT says: it is written from there.
//!
//! `UPDATE_REFERENCE=1 cargo test --test integration reference` writes it anew.

/// Types and functions as text.
pub(crate) mod signature;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use wit_parser::{Docs, Interface, PackageId, Resolve, TypeDef, TypeDefKind, World};

use self::signature::{interface_name, interfaces};

const REFERENCE: &str = "docs/contract.md";

#[test]
fn the_reference_says_what_the_wit_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (resolve, package) = signature::package(signature::files(&root.join("wit")));
    let fresh = render(&resolve, package);
    let file = root.join(REFERENCE);
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(&file, &fresh).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&file).unwrap_or_default(),
        fresh,
        "{REFERENCE} is not what wit/ says: UPDATE_REFERENCE=1 cargo test --test integration reference"
    );
}

fn render(resolve: &Resolve, package: PackageId) -> String {
    let package = &resolve.packages[package];
    let mut page = format!("# `{}`\n\n", package.name);
    page +=
        "<!-- Written by tests/reference.rs from the comments in wit/: change them there. -->\n\n";
    paragraph(&mut page, &package.docs);
    page += "[writing-rules.md](writing-rules.md) explains it; this page is the reference.\n\n";

    let worlds = package.worlds.values().map(|id| &resolve.worlds[*id]);
    let mut worlds: Vec<&World> = worlds.collect();
    worlds.sort_by_key(|world| world.exports.len());
    page += "## Worlds\n\n";
    for world in &worlds {
        heading(&mut page, "World", &world.name, &world.docs);
        code(&mut page, &signature::world(resolve, world));
    }
    // What an author writes comes first, then what an author calls, then the nouns of both.
    let exports = worlds.iter().flat_map(|world| world.exports.values());
    let mut ids = interfaces(exports);
    ids.extend(package.interfaces.values());
    ids.sort_by_key(|id| interface_name(resolve, *id) == "model");
    let mut seen = BTreeSet::new();
    ids.retain(|id| seen.insert(interface_name(resolve, *id)));
    for id in ids {
        describe(&mut page, resolve, &resolve.interfaces[id]);
    }
    page.truncate(page.trim_end().len());
    page + "\n"
}

fn describe(page: &mut String, resolve: &Resolve, interface: &Interface) {
    let name = interface.name.as_deref().unwrap_or_default();
    let _ = writeln!(page, "## Interface `{name}`\n");
    paragraph(page, &interface.docs);
    let mut used = Vec::new();
    for (name, id) in &interface.types {
        let def = &resolve.types[*id];
        match signature::origin(resolve, def) {
            Some(origin) => {
                let kind = origin.kind.as_str();
                used.push(format!("[`{name}`](#{kind}-{name})"));
            }
            None => {
                heading(page, capital(def.kind.as_str()), name, &def.docs);
                code(page, &signature::definition(resolve, def));
                members(page, def);
            }
        }
    }
    if !used.is_empty() {
        let _ = writeln!(page, "Uses {}.\n", used.join(", "));
    }
    for function in interface.functions.values() {
        heading(page, "Function", &function.name, &function.docs);
        code(page, &signature::function(resolve, function));
    }
}

/// What is said about single fields and cases.
fn members(page: &mut String, def: &TypeDef) {
    let members: Vec<(&String, &Docs)> = match &def.kind {
        TypeDefKind::Record(it) => it.fields.iter().map(|it| (&it.name, &it.docs)).collect(),
        TypeDefKind::Variant(it) => it.cases.iter().map(|it| (&it.name, &it.docs)).collect(),
        TypeDefKind::Enum(it) => it.cases.iter().map(|it| (&it.name, &it.docs)).collect(),
        other => panic!("a {} has no members", other.as_str()),
    };
    let mut list = String::new();
    for (name, docs) in members {
        let Some(docs) = &docs.contents else { continue };
        let indented = docs.trim().replace('\n', "\n  ").replace("\n  \n", "\n\n");
        let _ = writeln!(list, "- `{name}`: {indented}");
    }
    if !list.is_empty() {
        let _ = writeln!(page, "{list}");
    }
}

fn heading(page: &mut String, what: &str, name: &str, docs: &Docs) {
    let _ = writeln!(page, "### {what} `{name}`\n");
    paragraph(page, docs);
}

fn paragraph(page: &mut String, docs: &Docs) {
    if let Some(docs) = &docs.contents {
        let _ = writeln!(page, "{}\n", docs.trim());
    }
}

fn code(page: &mut String, wit: &str) {
    let _ = writeln!(page, "```wit\n{wit}\n```\n");
}

fn capital(kind: &str) -> &'static str {
    match kind {
        "record" => "Record",
        "variant" => "Variant",
        "enum" => "Enum",
        other => panic!("the contract has no {other}"),
    }
}
