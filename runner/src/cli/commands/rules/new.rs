//! `runner rules new`: a rule's project to begin with, which builds and passes its test as it is made.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::cli::failure::Failure;
use crate::cli::output::print;
use crate::exit::Exit;

#[derive(Debug, Args)]
pub(in crate::cli::commands) struct NewArgs {
    /// The language to write it in
    pub(super) language: Language,
    /// Name of the rule and of its folder: my-zones
    pub(super) name: String,
    /// Service type in the catalog, or name of a service in the configuration
    #[arg(long, value_name = "TYPE")]
    pub(super) service: String,
    /// Kind that the rule cleans [default: <service>.<name>]
    #[arg(long, value_name = "KIND")]
    pub(super) kind: Option<String>,
    /// Path of the collection below the service's endpoint, with the API's version: GET lists it, DELETE of path/id deletes one
    #[arg(long, value_name = "PATH")]
    pub(super) path: String,
    /// Member of the answer that holds the list [default: the path's last part]
    #[arg(long, value_name = "MEMBER")]
    pub(super) at: Option<String>,
    /// Folder to write to [default: one of the rule's name, here]
    #[arg(long, value_name = "DIR")]
    pub(super) into: Option<PathBuf>,
}

/// Languages that there is a template for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli::commands) enum Language {
    Rust,
    Python,
    Javascript,
    Go,
    C,
}

/// A file of a project: its path there, and its text.
type File = (&'static str, &'static str);

/// Files of a template. They are part of the binary.
macro_rules! template {
    ($language:literal, $($file:literal),+ $(,)?) => {
        &[$(($file, include_str!(concat!("../../../../templates/", $language, "/", $file)))),+]
    };
}

/// The contract, which a project keeps beside its sources.
macro_rules! contract {
    ($($file:literal),+ $(,)?) => {
        &[$((concat!("wit/", $file), include_str!(concat!("../../../../../wit/", $file)))),+]
    };
}

const CONTRACT: &[File] = contract![
    "force.wit",
    "http.wit",
    "logging.wit",
    "model.wit",
    "order.wit",
    "owners.wit",
    "presence.wit",
    "rule.wit",
    "world.wit",
];

impl Language {
    fn template(self) -> &'static [File] {
        match self {
            Self::Rust => template![
                "rust",
                "README.md",
                "Cargo.toml.tmpl",
                "gitignore",
                "src/lib.rs",
                "tests/listing.json",
            ],
            Self::Python => template![
                "python",
                "README.md",
                "gitignore",
                "pyproject.toml",
                "rule.py",
                "tests/listing.json",
            ],
            Self::Javascript => template![
                "javascript",
                "README.md",
                "gitignore",
                "package.json",
                "rule.js",
                "tests/listing.json",
            ],
            Self::Go => template![
                "go",
                "README.md",
                "Makefile",
                "export_cleanup_rules_rule/rule.go",
                "gitignore",
                "go.mod",
                "main.go",
                "rule/memory.go",
                "rule/requests.go",
                "rule/rule.go",
                "tests/listing.json",
            ],
            Self::C => template![
                "c",
                "README.md",
                "Makefile",
                "gitignore",
                "rule.c",
                "tests/listing.json",
            ],
        }
    }
}

/// `runner rules new`
pub(super) fn run(args: &NewArgs) -> Result<Exit, Failure> {
    let blanks = Blanks::of(args)?;
    let folder = args.into.clone().unwrap_or_else(|| (&args.name).into());
    let is_taken = std::fs::read_dir(&folder).is_ok_and(|mut there| there.next().is_some());
    if is_taken || folder.is_file() {
        return Err(
            Failure::usage(format!("{} is there already", folder.display()))
                .hint("nothing was written; choose another name, or another folder with --into"),
        );
    }
    let template = args.language.template().iter();
    for (file, text) in template {
        write(
            &folder.join(blanks.filled_in(&file_name(file))),
            &blanks.filled_in(text),
        )?;
    }
    for (file, text) in CONTRACT {
        write(&folder.join(file), text)?;
    }
    let folder = folder.display();
    print(&format!(
        "{folder} is a rule for {} by {}. {folder}/README.md says how to build and test it.\n",
        blanks.kind, blanks.path
    ))
}

/// A template's files are not called what would make them part of this project.
fn file_name(in_template: &str) -> String {
    match in_template {
        "gitignore" => ".gitignore".to_owned(),
        file => file.trim_end_matches(".tmpl").to_owned(),
    }
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(file, text))
        .map_err(|error| Failure::usage(format!("{} cannot be written: {error}", file.display())))
}

/// What a template leaves open.
struct Blanks {
    name: String,
    kind: String,
    service: String,
    path: String,
    at: String,
}

impl Blanks {
    fn of(args: &NewArgs) -> Result<Self, Failure> {
        let wrong = |what: &str, given: &str, form: &str| {
            Failure::usage(format!("{given:?} can be no {what}"))
                .hint(format!("it is {form}; nothing was written"))
        };
        let NewArgs { name, service, .. } = args;
        let of = |text: &str, others: &str| {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || others.contains(c);
            text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(fits)
        };
        if !of(name, "-") || name.ends_with('-') {
            return Err(wrong(
                "name of a rule",
                name,
                "small letters, digits and hyphens: my-zones",
            ));
        }
        if !of(service, "-_") {
            return Err(wrong(
                "service type",
                service,
                "as in the catalog: dns, block-storage",
            ));
        }
        let kind = args
            .kind
            .clone()
            .unwrap_or_else(|| format!("{service}.{name}").replace('-', "_"));
        if !of(&kind, "._") || kind.split('.').filter(|part| !part.is_empty()).count() != 2 {
            return Err(wrong(
                "kind",
                &kind,
                "<service>.<resource> in small letters, digits and underscores: dns.zone",
            ));
        }
        let path = args.path.clone();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        let segments = path.strip_prefix('/').map(|path| path.split('/'));
        if !segments.is_some_and(|mut it| it.all(|it| !it.is_empty() && it.chars().all(plain))) {
            return Err(wrong(
                "path of a collection",
                &path,
                "below the endpoint, without host, query or slash at its end: /v2/zones",
            ));
        }
        let last = path
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .replace('-', "_");
        let at = args.at.clone().unwrap_or(last);
        if at.is_empty()
            || !at
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
        {
            return Err(wrong(
                "member of an answer",
                &at,
                "letters, digits, hyphens and underscores: zones",
            ));
        }
        Ok(Self {
            name: name.clone(),
            kind,
            service: service.clone(),
            path,
            at,
        })
    }

    fn filled_in(&self, text: &str) -> String {
        text.replace("{{name}}", &self.name)
            .replace("{{module}}", &self.name.replace('-', "_"))
            .replace("{{kind}}", &self.kind)
            .replace("{{service}}", &self.service)
            .replace("{{path}}", &self.path)
            .replace("{{at}}", &self.at)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    use clap::ValueEnum;

    use super::*;

    fn files(folder: &Path) -> BTreeSet<PathBuf> {
        let mut files = BTreeSet::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files.extend(self::files(&path));
            } else {
                files.insert(path);
            }
        }
        files
    }

    #[test]
    fn every_file_of_a_template_is_in_the_binary() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for &language in Language::value_variants() {
            let name = language.to_possible_value().unwrap().get_name().to_owned();
            let folder = root.join("runner/templates").join(name);
            let listed = language
                .template()
                .iter()
                .map(|(file, _)| folder.join(file));
            assert_eq!(listed.collect::<BTreeSet<_>>(), files(&folder));
        }
        let contract = files(&root.join("wit")).into_iter();
        let contract = contract.filter(|path| path.extension().is_some_and(|it| it == "wit"));
        let listed = CONTRACT.iter().map(|(file, _)| root.join(file));
        assert_eq!(listed.collect::<BTreeSet<_>>(), contract.collect());
    }
}
