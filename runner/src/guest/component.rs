//! Loading a component: size, contract, compilation, and the kinds that it describes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::capability::{Budget, Call, LogBudget};
use super::compiler::CompileError;
use super::contract::{CONTRACT_VERSION, ContractError, Outline, inspect};
use super::gate::Gate;
use super::limits::Limits;
use super::sandbox::{Pool, Sandbox};
use crate::resource::{Kind, KindPattern, ReadPath};
use crate::signature::{self, SignatureFlaw, Signatures, Signer};
use crate::text::plain;

/// A component that was loaded and has described itself.
pub struct Component {
    pub(super) name: Arc<str>,
    pub(super) pool: Pool,
    kinds: Vec<Arc<Kind>>,
    described: Vec<Arc<Kind>>,
    /// Where it may read, by service: for the kinds that it is left, which are those that a lock and a person see.
    pub(super) reads: Arc<Reads>,
    path: PathBuf,
    sha256: String,
    signers: Vec<Signer>,
    outline: Outline,
    bytes: usize,
    compilation: Option<Duration>,
}

/// Why a file cannot be run as a rule.
#[derive(Debug, thiserror::Error)]
#[error("{} {why}", path.display())]
pub struct LoadError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: LoadFlaw,
}

/// What is wrong with a component file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadFlaw {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(std::io::Error),
    /// It is larger than allowed.
    #[error("has {bytes} bytes, more than the limit component_bytes_max = {limit}")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// It is not the file that was locked.
    #[error("is not the file that is locked: its SHA-256 is {found}, not {locked}")]
    NotAsLocked {
        /// Its SHA-256.
        found: String,
        /// What it should be.
        locked: String,
    },
    /// It is not signed as it has to be.
    #[error(transparent)]
    Signature(#[from] SignatureFlaw),
    /// It does not fit the contract.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// It does not compile within its limits.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// Its types are not those of the contract.
    #[error("does not fit the contract {CONTRACT_VERSION}: {0}")]
    Types(String),
    /// It failed to describe itself.
    #[error("failed to describe its kinds: {0}")]
    Kinds(String),
    /// It describes a kind that makes no sense, or that the runner does not take.
    #[error("describes a kind that cannot be taken: {0}")]
    Kind(String),
    /// The configuration chooses among kinds that it does not have.
    #[error(
        "has no kind that {pattern} fits, as the configuration wants it to; its kinds are: {kinds}"
    )]
    NoSuchKind {
        /// The pattern.
        pattern: KindPattern,
        /// What there is.
        kinds: String,
    },
    /// The configuration leaves nothing of it.
    #[error(
        "is left with no kind by `only` and `except` in the configuration; take it out of the folder instead"
    )]
    NothingLeft,
    /// It asks for more than the ordinary.
    #[error(
        "asks for more than a rule is given by default: {}. If that is no slip, and you trust it, allow this with `trust = [\"unusual-fields\"]` under [rules.\"{rule}\"] in the configuration",
        unusual.join("; ")
    )]
    Unusual {
        /// The component's name.
        rule: Arc<str>,
        /// What it asks for.
        unusual: Vec<String>,
    },
}

/// What the operator allows one component beyond the ordinary, what it is not left, and the limits it has.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    /// Whether ids, names and projects may stand in fields that are not called so.
    pub unusual_fields: bool,
    /// Kinds that it is left, of those it describes. `None`: all; an empty list: none.
    pub only: Option<Vec<KindPattern>>,
    /// Kinds that it is not left.
    pub except: Vec<KindPattern>,
    /// The SHA-256 that its file must have, in hex.
    pub sha256: Option<String>,
    /// Whose signatures are trusted, and whether it must have one.
    pub signatures: Signatures,
    /// Its limits.
    pub limits: Limits,
}

impl Grants {
    /// What is left of a component's kinds. A pattern that fits none of them is taken for a slip: it would narrow nothing.
    fn chosen(&self, mut kinds: Vec<Arc<Kind>>) -> Result<Vec<Arc<Kind>>, LoadFlaw> {
        let fits = |pattern: &KindPattern, kind: &Arc<Kind>| pattern.matches(&kind.name);
        let mut patterns = self.only.iter().flatten().chain(&self.except);
        if let Some(pattern) = patterns.find(|it| !kinds.iter().any(|kind| fits(it, kind))) {
            let names: Vec<&str> = kinds.iter().map(|kind| &*kind.name).collect();
            return Err(LoadFlaw::NoSuchKind {
                pattern: pattern.clone(),
                kinds: names.join(", "),
            });
        }
        kinds.retain(|kind| {
            let only = self.only.as_ref();
            only.is_none_or(|only| only.iter().any(|it| fits(it, kind)))
                && !self.except.iter().any(|it| fits(it, kind))
        });
        if kinds.is_empty() {
            return Err(LoadFlaw::NothingLeft);
        }
        Ok(kinds)
    }
}

impl Component {
    /// Loads a component file. Its name is the file's, without `.wasm`.
    ///
    /// # Errors
    /// If the file is not readable, not signed as it has to be, no component of this contract, or describes kinds that cannot be
    /// taken.
    pub async fn load(sandbox: &Sandbox, path: &Path, grants: &Grants) -> Result<Self, LoadError> {
        let failed = |why: LoadFlaw| LoadError {
            path: path.to_owned(),
            why,
        };
        let bytes = read(path, grants.limits.component_bytes_max).map_err(failed)?;
        let sha256 = hex::encode(Sha256::digest(&bytes));
        if let Some(locked) = grants.sha256.as_ref().filter(|it| **it != sha256) {
            return Err(failed(LoadFlaw::NotAsLocked {
                found: sha256,
                locked: locked.clone(),
            }));
        }
        let signers = signers(path, &bytes, &sha256, &grants.signatures).map_err(failed)?;
        let outline = inspect(&bytes).map_err(|error| failed(error.into()))?;
        let types =
            |error: wasmtime::Error| failed(LoadFlaw::Types(error.root_cause().to_string()));
        let bytes_len = bytes.len();
        let compiled = sandbox.compile(bytes, &sha256, &grants.limits).await;
        let compiled = compiled.map_err(|error| failed(error.into()))?;
        let pool = sandbox
            .prepare(&compiled.component, grants.limits.clone())
            .map_err(types)?;
        let name: Arc<str> = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into();
        let described = described(&name, &pool).await.map_err(failed)?;
        let kinds = grants.chosen(described.clone()).map_err(failed)?;
        let reads = Arc::new(Reads::of(&kinds));
        let unusual: Vec<String> = kinds
            .iter()
            .flat_map(|kind| kind.unusual())
            .map(|it| plain(&it))
            .collect();
        if !unusual.is_empty() && !grants.unusual_fields {
            return Err(failed(LoadFlaw::Unusual {
                rule: name,
                unusual,
            }));
        }
        Ok(Self {
            name,
            pool,
            kinds,
            described,
            reads,
            path: path.to_owned(),
            sha256,
            signers,
            outline,
            bytes: bytes_len,
            compilation: compiled.took,
        })
    }

    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The file it was loaded from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The SHA-256 of the file, in hex.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Who signed it, in one text; `None` if nobody did.
    pub fn signed_by(&self) -> Option<String> {
        let keys: Vec<&str> = self.signers.iter().map(|it| it.key.as_str()).collect();
        (!keys.is_empty()).then(|| keys.join(", "))
    }

    /// Who signed it.
    pub fn signers(&self) -> &[Signer] {
        &self.signers
    }

    /// All kinds that it describes, whether or not they are left to it.
    pub fn described(&self) -> &[Arc<Kind>] {
        &self.described
    }

    /// The file's size in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How long it took to compile it; `None` if an earlier run had done so.
    pub fn compilation(&self) -> Option<Duration> {
        self.compilation
    }

    /// Its limits.
    pub fn limits(&self) -> &Limits {
        self.pool.limits()
    }

    /// Its imports and exports.
    pub fn outline(&self) -> &Outline {
        &self.outline
    }

    /// Its kinds.
    pub fn kinds(&self) -> &[Arc<Kind>] {
        &self.kinds
    }
}

/// Where a component may read.
#[derive(Debug, Default)]
pub(super) struct Reads(BTreeMap<String, BTreeSet<ReadPath>>);

impl Reads {
    fn of(kinds: &[Arc<Kind>]) -> Self {
        let mut reads: BTreeMap<String, BTreeSet<ReadPath>> = BTreeMap::new();
        for kind in kinds {
            let paths = reads.entry(kind.service.clone()).or_default();
            paths.extend(kind.read_paths());
        }
        Self(reads)
    }

    /// Whether a path of a service may be read.
    pub(super) fn covers(&self, service: &str, path: &str) -> bool {
        let mut paths = self.0.get(service).into_iter().flatten();
        paths.any(|own| own.covers(path))
    }
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, LoadFlaw> {
    let bytes = std::fs::metadata(path).map_err(LoadFlaw::Unreadable)?.len();
    if bytes > limit {
        return Err(LoadFlaw::TooLarge { bytes, limit });
    }
    std::fs::read(path).map_err(LoadFlaw::Unreadable)
}

/// Who signed a component, by the signatures beside it. What cannot be read is not taken for none.
fn signers(
    component: &Path,
    bytes: &[u8],
    sha256: &str,
    signatures: &Signatures,
) -> Result<Vec<Signer>, LoadFlaw> {
    let file = component.with_added_extension(signature::EXTENSION);
    let text = match read(&file, signature::BYTES_MAX) {
        Ok(text) => Some(String::from_utf8_lossy(&text).into_owned()),
        Err(LoadFlaw::Unreadable(error)) if error.kind() == ErrorKind::NotFound => None,
        Err(LoadFlaw::TooLarge { bytes, limit }) => {
            let why = format!("{bytes} bytes, and no signature has more than {limit}");
            return Err(SignatureFlaw::Malformed(why).into());
        }
        Err(flaw) => return Err(SignatureFlaw::Malformed(flaw.to_string()).into()),
    };
    Ok(signatures.verify(bytes, sha256, text.as_deref())?)
}

/// The kinds that a component describes, if it describes the same ones to whoever asks: what is reviewed is what runs.
async fn described(name: &Arc<str>, pool: &Pool) -> Result<Vec<Arc<Kind>>, LoadFlaw> {
    let once = describe(name, pool).await?;
    pool.refresh();
    if describe(name, pool).await? != once {
        let why = "it describes others when it is asked again";
        return Err(LoadFlaw::Kinds(why.to_owned()));
    }
    Ok(once)
}

async fn describe(name: &Arc<str>, pool: &Pool) -> Result<Vec<Arc<Kind>>, LoadFlaw> {
    let call = Call::new(
        name.clone(),
        Gate::Closed,
        None,
        Budget::default(),
        LogBudget::new(pool.limits().log_bytes_max),
    );
    let described = pool
        .run(call, async |instance| {
            instance.linked.rule.call_kinds(&mut instance.store).await
        })
        .await;
    let (declared, call) =
        described.map_err(|(cause, _)| LoadFlaw::Kinds(plain(&cause.to_string())))?;
    if let Some(deed) = call.misdeed {
        return Err(LoadFlaw::Kinds(deed));
    }
    let kinds_max = pool.limits().kinds_max;
    if declared.is_empty() || declared.len() > kinds_max {
        let count = declared.len();
        return Err(LoadFlaw::Kinds(format!(
            "there are {count} of them; a rule has at least one, and at most kinds_max = {kinds_max}"
        )));
    }
    let mut names = BTreeSet::new();
    let mut kinds = Vec::with_capacity(declared.len());
    for declared in declared {
        let refused = |why: &dyn std::fmt::Display| LoadFlaw::Kind(plain(&why.to_string()));
        let kind = Kind::try_from(declared).map_err(|error| refused(&error))?;
        kind.check().map_err(|flaw| refused(&flaw))?;
        if !names.insert(kind.name.clone()) {
            return Err(refused(&format!("{} is described twice", kind.name)));
        }
        kinds.push(Arc::new(kind));
    }
    Ok(kinds)
}
