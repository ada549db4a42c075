//! What a component asks for and offers, read from its bytes before they are compiled.
//!
//! A file that is no component, that was built for another version of the contract, or that wants something that no rule
//! gets, is refused here with a sentence that says so; compiling it would only end in a type error.

use wasmparser::{ComponentExternalKind, Encoding, Parser, Payload};

/// The package that both sides share.
const PACKAGE: &str = "cleanup:rules";

/// The version of the contract that this runner speaks.
pub const CONTRACT_VERSION: &str = "0.1.0";

/// WASI packages of which a rule finds an empty version: no file, no variable, no socket.
const EMPTY_WASI: &[&str] = &[
    "wasi:cli",
    "wasi:clocks",
    "wasi:filesystem",
    "wasi:io",
    "wasi:random",
    "wasi:sockets",
];

/// A component's outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// Names of the interfaces that it imports.
    pub imports: Vec<String>,
    /// Names of the interfaces that it exports.
    pub exports: Vec<String>,
    /// Bytes of debug information in it.
    pub debug_bytes: usize,
}

impl Outline {
    /// The version of the contract that the component was built for.
    pub fn contract(&self) -> &str {
        let mut versions = self.exports.iter().filter_map(|name| version_of(name));
        versions.next().unwrap_or_default()
    }

    /// The optional interfaces of the contract that it exports: what it may be asked beside what every rule is.
    pub fn interfaces(&self) -> Vec<String> {
        let exported = self.exports.iter().filter_map(|name| interface(name));
        let mut optional: Vec<String> = exported
            .filter(|interface| *interface != "rule")
            .map(str::to_owned)
            .collect();
        optional.sort();
        optional
    }
}

/// Why bytes are no rule for this runner.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContractError {
    /// Not WebAssembly, or damaged.
    #[error("is no WebAssembly component: {}", in_brief(.0))]
    NotWasm(wasmparser::BinaryReaderError),
    /// A core module.
    #[error(
        "is a core WebAssembly module, not a component; build it for wasm32-wasip2, or wrap it with a component tool of its language"
    )]
    CoreModule,
    /// Does not export the contract at all.
    #[error("is a component but no rule: it does not export {PACKAGE}/rule@{CONTRACT_VERSION}")]
    NoRule,
    /// Another version of the contract.
    #[error(
        "was built for version {found} of {PACKAGE}; this runner speaks {CONTRACT_VERSION}. Build it against the runner's own wit folder"
    )]
    Version {
        /// The version it was built for.
        found: String,
    },
    /// Wants what no rule gets.
    #[error(
        "imports {0}, which no rule is given: a rule reaches the cloud only through {PACKAGE}/http"
    )]
    Import(String),
}

/// Reads a component's outside and checks it against the contract.
///
/// # Errors
/// The first thing that does not fit.
pub(super) fn inspect(bytes: &[u8]) -> Result<Outline, ContractError> {
    let outline = outline(bytes)?;
    let all = outline.imports.iter().chain(&outline.exports);
    if let Some(found) = all
        .filter_map(|name| version_of(name))
        .find(|version| !is_spoken(version))
    {
        return Err(ContractError::Version {
            found: found.to_owned(),
        });
    }
    if !outline
        .exports
        .iter()
        .any(|name| interface(name) == Some("rule"))
    {
        return Err(ContractError::NoRule);
    }
    let given = |name: &&String| match interface(name) {
        Some(interface) => matches!(interface, "http" | "logging" | "model"),
        None => EMPTY_WASI.iter().any(|package| {
            name.strip_prefix(package)
                .is_some_and(|rest| rest.starts_with('/'))
        }),
    };
    match outline.imports.iter().find(|name| !given(name)) {
        Some(import) => Err(ContractError::Import(import.clone())),
        None => Ok(outline),
    }
}

fn outline(bytes: &[u8]) -> Result<Outline, ContractError> {
    let mut outline = Outline::default();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(ContractError::NotWasm)? {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } if depth == 0 => return Err(ContractError::CoreModule),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if section.name().starts_with(".debug") => {
                outline.debug_bytes += section.data().len();
            }
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    outline
                        .imports
                        .push(import.map_err(ContractError::NotWasm)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    let export = export.map_err(ContractError::NotWasm)?;
                    if export.kind == ComponentExternalKind::Instance {
                        outline.exports.push(export.name.name.to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    Ok(outline)
}

/// What the reader says, without the bytes that it goes on to list.
fn in_brief(error: &wasmparser::BinaryReaderError) -> &str {
    let message = error.message();
    message
        .split_once(" - ")
        .map_or(message, |(brief, _)| brief)
}

/// `http` for `cleanup:rules/http@0.1.0`.
fn interface(name: &str) -> Option<&str> {
    name.strip_prefix(PACKAGE)?
        .strip_prefix('/')?
        .split('@')
        .next()
}

fn version_of(name: &str) -> Option<&str> {
    interface(name)?;
    Some(
        name.split_once('@')
            .map_or("no version", |(_, version)| version),
    )
}

/// Within `0.1` interfaces and worlds are added, and nothing is changed.
fn is_spoken(version: &str) -> bool {
    let minor = |version: &str| version.rsplit_once('.').map(|(minor, _)| minor.to_owned());
    minor(version) == minor(CONTRACT_VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_component_are_told_apart() {
        assert!(matches!(
            inspect(b"#!/bin/sh\n"),
            Err(ContractError::NotWasm(_))
        ));
        assert!(matches!(
            inspect(b"\0asm\x01\0\0\0"),
            Err(ContractError::CoreModule)
        ));
        assert!(matches!(
            inspect(b"\0asm\x0d\0\x01\0"),
            Err(ContractError::NoRule)
        ));
    }

    #[test]
    fn versions_are_compatible_within_a_minor_one() {
        assert!(is_spoken("0.1.0") && is_spoken("0.1.7"));
        assert!(!is_spoken("0.2.0") && !is_spoken("1.1.0") && !is_spoken("no version"));
    }
}
