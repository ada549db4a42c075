//! The lock file: which rules may run, byte for byte, and what each may do.
//!
//! A person reviews it, a command writes it, and a run that finds one refuses whatever differs. Nothing here reads or writes
//! files.

mod difference;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::guest::{Component, Limits};
use crate::resource::Kind;
use crate::signature::Revoked;

/// The version of the file's form.
const VERSION: u32 = 1;

/// What stands at the head of the file.
const PREFACE: &str = "\
# Which rules may run here, and what each may do. Written by `runner rules lock`; a run refuses whatever differs.
# Review it like code: `runner rules diff` says in words what has changed.

";

/// A lock file's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    version: u32,
    /// Keys of signers, and components by `sha256:…`, that are trusted no more. A person writes it, and it stays.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    revoked: Vec<Revoked>,
    /// By name.
    #[serde(default)]
    rules: BTreeMap<String, LockedRule>,
}

/// A rule, as it was when it was locked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockedRule {
    sha256: String,
    contract: String,
    /// The public key of whoever signed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signed_by: Option<String>,
    /// The interfaces that it exports: what it may be asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    exports: Vec<String>,
    /// What it is allowed beyond the ordinary, kind by kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unusual: Vec<String>,
    /// Where it was fetched from, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
    /// Limits that are not the common ones.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    limits: BTreeMap<String, u64>,
    /// By name.
    kinds: BTreeMap<Arc<str>, LockedKind>,
}

/// A registry's name for a rule, and what it named when the rule was fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// `oci://registry/repository:tag`
    pub reference: String,
    /// The manifest's digest.
    pub manifest: String,
}

/// A kind, all that its rule declares of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockedKind {
    service: String,
    listed: String,
    /// Where its id, its names and its project are read.
    id: String,
    names: Vec<String>,
    project: String,
    /// Where its age, its state and its tags are.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    created_at: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    status: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    tags: String,
    /// `<kind> at <pointer>`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    owners: Vec<String>,
    /// Kinds all of whose things go first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    after: Vec<String>,
    requests: Vec<String>,
    /// States in which nobody waits for a deletion.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    failed_states: Vec<String>,
    /// Where it reads beside its collections.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reads: Vec<String>,
    /// Members that its rule sees beside those that are named above. Without any it sees all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sees: Vec<String>,
    /// What its deletion does beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    effects: Vec<String>,
}

/// The digest of all that a component declares, in hex: what it may be asked and all of its kinds, as a lock file has them. A form
/// that grows leaves it as it is for what does not use what is new.
pub fn permissions(component: &Component) -> String {
    #[derive(Serialize)]
    struct Declared {
        exports: Vec<String>,
        kinds: BTreeMap<Arc<str>, LockedKind>,
    }
    let kinds = component.described().iter();
    let declared = Declared {
        exports: component.outline().interfaces(),
        kinds: kinds
            .map(|kind| (kind.name.clone(), LockedKind::of(kind)))
            .collect(),
    };
    let text = toml::to_string(&declared).unwrap_or_default();
    hex::encode(Sha256::digest(text))
}

/// Why a text is no lock file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Not the form that it should have.
    #[error("is no lock file: {0}")]
    Form(#[from] toml::de::Error),
    /// Written by a later runner.
    #[error("has the form {0}, and this runner knows only {VERSION}")]
    Version(u32),
}

impl Lock {
    /// What these components are and may do. `common` are the limits that need no mention.
    pub fn of<'a>(components: impl IntoIterator<Item = &'a Component>, common: &Limits) -> Self {
        let rules = components.into_iter();
        Self {
            version: VERSION,
            revoked: Vec::new(),
            rules: rules
                .map(|it| (it.name().to_string(), LockedRule::of(it, common)))
                .collect(),
        }
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// If it is none, or has a form that this runner does not know.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        #[derive(Deserialize)]
        struct Form {
            version: u32,
        }
        let Form { version } = toml::from_str(text)?;
        if version != VERSION {
            return Err(LockError::Version(version));
        }
        Ok(toml::from_str(text)?)
    }

    /// The file's text.
    ///
    /// # Errors
    /// If a rule has a name that TOML cannot hold; there is none.
    pub fn to_text(&self) -> Result<String, toml::ser::Error> {
        Ok(format!("{PREFACE}{}", toml::to_string_pretty(self)?))
    }

    /// The SHA-256 that a rule's file must have; `None` if there is no such rule.
    pub fn sha256(&self, rule: &str) -> Option<&str> {
        self.rules.get(rule).map(|rule| rule.sha256.as_str())
    }

    /// The same, with what another lock says about its rules.
    pub fn with(mut self, other: Self) -> Self {
        self.rules.extend(other.rules);
        self
    }

    /// The same, with a rule said to come from a registry.
    pub fn from_source(mut self, rule: &str, source: Source) -> Self {
        if let Some(rule) = self.rules.get_mut(rule) {
            rule.source = Some(source);
        }
        self
    }

    /// The same, with what another lock knows that files do not say: where they come from, and what is revoked.
    pub fn informed_by(mut self, other: &Self) -> Self {
        self.revoked.clone_from(&other.revoked);
        for (name, rule) in &mut self.rules {
            let known = other.rules.get(name);
            let known = known.filter(|known| rule.source.is_none() && known.sha256 == rule.sha256);
            if let Some(known) = known {
                rule.source.clone_from(&known.source);
            }
        }
        self
    }

    /// What is revoked of what another lock has, a sentence each.
    pub fn revoked_in(&self, now: &Self) -> Vec<String> {
        let is_revoked = |rule: &LockedRule, revoked: &Revoked| match revoked {
            Revoked::Component(sha256) => *sha256 == rule.sha256,
            Revoked::Key(key) => {
                let signers = rule.signed_by.as_deref().unwrap_or_default();
                signers.split(", ").any(|signer| signer == key.as_str())
            }
        };
        let rules = now.rules.iter();
        let found = rules.flat_map(|(name, rule)| {
            let revoked = self.revoked.iter().filter(|it| is_revoked(rule, it));
            revoked.map(move |it| format!("{name}: {it} is revoked"))
        });
        found.collect()
    }

    /// A kind that two rules describe, with both.
    pub fn claimed_twice(&self) -> Option<(&str, &str, &str)> {
        let mut claims: BTreeMap<&str, &str> = BTreeMap::new();
        for (name, rule) in &self.rules {
            for kind in rule.kinds.keys() {
                if let Some(other) = claims.insert(kind, name) {
                    return Some((kind, other, name));
                }
            }
        }
        None
    }

    /// Where a rule was fetched from, if it was.
    pub fn source(&self, rule: &str) -> Option<&Source> {
        self.rules.get(rule)?.source.as_ref()
    }

    /// The rules' names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.keys().map(String::as_str)
    }

    /// Whether another lock lets a rule do exactly what this one does, on the word of the same signers: only its bytes differ.
    pub fn declares_alike(&self, other: &Self, rule: &str) -> bool {
        let declared = |lock: &Self| {
            let rule = lock.rules.get(rule)?.clone();
            Some(LockedRule {
                sha256: String::new(),
                source: None,
                ..rule
            })
        };
        declared(self).is_some_and(|it| Some(it) == declared(other))
    }

    /// The same, without a rule.
    pub fn without(mut self, rule: &str) -> Self {
        self.rules.remove(rule);
        self
    }

    /// How much it locks, in words.
    pub fn size(&self) -> String {
        let kinds: usize = self.rules.values().map(|rule| rule.kinds.len()).sum();
        format!("{} rules with {kinds} kinds", self.rules.len())
    }

    /// The same, with nothing but these rules.
    pub fn only<'a>(mut self, rules: impl IntoIterator<Item = &'a str>) -> Self {
        let mut kept = BTreeMap::new();
        for name in rules {
            if let Some(rule) = self.rules.remove(name) {
                kept.insert(name.to_owned(), rule);
            }
        }
        Self {
            rules: kept,
            ..self
        }
    }
}

impl LockedRule {
    fn of(component: &Component, common: &Limits) -> Self {
        let kinds = component.kinds().iter();
        let unusual = kinds.clone().flat_map(|kind| kind.unusual());
        Self {
            sha256: component.sha256().to_owned(),
            contract: component.outline().contract().to_owned(),
            signed_by: component.signed_by(),
            exports: component.outline().interfaces(),
            unusual: unusual.collect(),
            source: None,
            limits: other_limits(component.limits(), common),
            kinds: kinds
                .map(|kind| (kind.name.clone(), LockedKind::of(kind)))
                .collect(),
        }
    }
}

impl LockedKind {
    fn of(kind: &Kind) -> Self {
        let owners = kind.owners.iter();
        Self {
            service: kind.service.clone(),
            listed: kind.reach.to_string(),
            id: kind.fields.id.clone(),
            names: kind.fields.names.clone(),
            project: kind.fields.project.clone(),
            created_at: kind.fields.created_at.clone(),
            status: kind.fields.status.clone(),
            tags: kind.fields.tags.clone(),
            owners: owners
                .map(|owner| format!("{} at {}", owner.kind, owner.at))
                .collect(),
            after: kind.after.iter().map(ToString::to_string).collect(),
            requests: kind.requests.iter().map(ToString::to_string).collect(),
            failed_states: kind.failed_states.clone(),
            reads: kind.reads.iter().map(ToString::to_string).collect(),
            sees: kind.sees.iter().map(ToString::to_string).collect(),
            effects: kind.effects.lines(),
        }
    }
}

/// The limits in which two sets differ, with the first one's values.
fn other_limits(limits: &Limits, common: &Limits) -> BTreeMap<String, u64> {
    let values = |limits: &Limits| -> BTreeMap<String, u64> {
        let value = serde_json::to_value(limits).unwrap_or_default();
        serde_json::from_value(value).unwrap_or_default()
    };
    let common = values(common);
    let mut limits = values(limits);
    limits.retain(|name, value| common.get(name) != Some(value));
    limits
}
