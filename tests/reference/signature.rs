//! A WIT package as text, piece by piece: what its types, functions and worlds are, apart from what is said about them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use wit_parser::{
    Function, FunctionKind, InterfaceId, PackageId, Resolve, SourceMap, Type, TypeDef, TypeDefKind,
    TypeOwner, World, WorldItem,
};

/// The WIT files of a folder, by their names.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).expect("the folder can be read");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let files = paths.filter(|path| path.extension().is_some_and(|it| it == "wit"));
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a WIT file can be read");
        (path.display().to_string(), text)
    };
    files.map(read).collect()
}

/// The package that the files make.
pub(crate) fn package(files: BTreeMap<String, String>) -> (Resolve, PackageId) {
    let mut sources = SourceMap::new();
    for (name, text) in files {
        sources.push_str(&name, text);
    }
    let mut resolve = Resolve::default();
    let parsed = sources.parse().map_err(|(_, error)| error.to_string());
    let package = resolve.push_group(parsed.expect("the files are WIT"));
    (resolve, package.expect("the package is whole"))
}

pub(crate) fn function(resolve: &Resolve, function: &Function) -> String {
    assert_eq!(
        function.kind,
        FunctionKind::Freestanding,
        "{} is no plain function",
        function.name
    );
    let params = function
        .params
        .iter()
        .map(|param| format!("{}: {}", param.name, name(resolve, &param.ty)));
    let params: Vec<String> = params.collect();
    let result = function
        .result
        .map(|ty| format!(" -> {}", name(resolve, &ty)));
    format!(
        "{}: func({}){};",
        function.name,
        params.join(", "),
        result.unwrap_or_default()
    )
}

pub(crate) fn definition(resolve: &Resolve, def: &TypeDef) -> String {
    if let Some(origin) = origin(resolve, def) {
        return format!("use {};", full_name(resolve, origin));
    }
    let members: Vec<String> = match &def.kind {
        TypeDefKind::Record(record) => {
            let fields = record.fields.iter();
            fields
                .map(|field| format!("{}: {}", field.name, name(resolve, &field.ty)))
                .collect()
        }
        TypeDefKind::Variant(variant) => {
            let cases = variant.cases.iter();
            let case = |case: &wit_parser::Case| match &case.ty {
                Some(ty) => format!("{}({})", case.name, name(resolve, ty)),
                None => case.name.clone(),
            };
            cases.map(case).collect()
        }
        TypeDefKind::Enum(cases) => cases.cases.iter().map(|case| case.name.clone()).collect(),
        other => panic!(
            "no rule in C could carry {}: {}",
            called(def),
            other.as_str()
        ),
    };
    let lines: String = members.iter().map(|it| format!("    {it},\n")).collect();
    format!("{} {} {{\n{lines}}}", def.kind.as_str(), called(def))
}

/// The type that was taken over from another interface by `use`.
pub(crate) fn origin<'a>(resolve: &'a Resolve, def: &TypeDef) -> Option<&'a TypeDef> {
    let TypeDefKind::Type(Type::Id(id)) = def.kind else {
        return None;
    };
    Some(&resolve.types[id]).filter(|origin| origin.owner != def.owner)
}

/// What a world imports and exports, with what it includes.
pub(crate) fn world(resolve: &Resolve, world: &World) -> String {
    let lines = |verb: &str, items: Vec<InterfaceId>| -> String {
        let names = items.into_iter().map(|id| interface_name(resolve, id));
        let names: BTreeSet<&str> = names.collect();
        let line = |name| format!("    {verb} {name};\n");
        names.into_iter().map(line).collect()
    };
    let imports = lines("import", interfaces(world.imports.values()));
    let exports = lines("export", interfaces(world.exports.values()));
    format!("world {} {{\n{imports}{exports}}}", world.name)
}

pub(crate) fn interfaces<'a>(items: impl Iterator<Item = &'a WorldItem>) -> Vec<InterfaceId> {
    let interface = |item: &WorldItem| match item {
        WorldItem::Interface { id, .. } => *id,
        WorldItem::Function(_) | WorldItem::Type { .. } => {
            panic!("a world of this contract consists of interfaces")
        }
    };
    items.map(interface).collect()
}

pub(crate) fn interface_name(resolve: &Resolve, id: InterfaceId) -> &str {
    let name = resolve.interfaces[id].name.as_deref();
    name.expect("interfaces of this contract are named")
}

/// `model.item`
fn full_name(resolve: &Resolve, def: &TypeDef) -> String {
    match def.owner {
        TypeOwner::Interface(id) => format!("{}.{}", interface_name(resolve, id), called(def)),
        TypeOwner::World(_) | TypeOwner::None => {
            panic!("types of this contract stand in interfaces")
        }
    }
}

fn called(def: &TypeDef) -> &str {
    def.name.as_deref().unwrap_or("a type without a name")
}

fn name(resolve: &Resolve, ty: &Type) -> String {
    let Type::Id(id) = ty else {
        return primitive(ty).to_owned();
    };
    let def = &resolve.types[*id];
    if let Some(name) = &def.name {
        return name.clone();
    }
    let name = |ty: &Type| name(resolve, ty);
    match &def.kind {
        TypeDefKind::List(of) => format!("list<{}>", name(of)),
        TypeDefKind::Option(of) => format!("option<{}>", name(of)),
        TypeDefKind::Result(result) => match (&result.ok, &result.err) {
            (Some(ok), Some(err)) => format!("result<{}, {}>", name(ok), name(err)),
            (Some(ok), None) => format!("result<{}>", name(ok)),
            (None, Some(err)) => format!("result<_, {}>", name(err)),
            (None, None) => "result".to_owned(),
        },
        other => panic!("no rule in C could carry a {}", other.as_str()),
    }
}

fn primitive(ty: &Type) -> &'static str {
    match ty {
        Type::Bool => "bool",
        Type::U32 => "u32",
        Type::F64 => "f64",
        Type::String => "string",
        other => panic!("not every language can carry {other:?}"),
    }
}
