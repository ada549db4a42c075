//! Compiling bytes that nobody vouches for: first in a process of their own, with bounds on time and memory.
//!
//! That process leaves what it made in the cache, where this one finds it. A proof is kept beside: these bytes were compiled
//! by this compiler within the bounds. So a rule that blows the compiler up takes a child with it and not the run, and a warm
//! start costs no process.

use std::ffi::OsString;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rlimit::Resource;
use wasmtime::Engine;

use super::limits::Limits;
use super::sandbox::engine;

/// Signals by which the kernel and the allocator end a process that has used up its share.
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;

/// How a process is started that compiles a component and ends.
#[derive(Clone, Debug)]
pub struct Compiler {
    /// The program.
    pub program: PathBuf,
    /// Its arguments, before the bounds.
    pub arguments: Vec<OsString>,
    /// The folder with what was compiled, which both processes share.
    pub cache_dir: PathBuf,
}

/// Why bytes could not be compiled within the bounds.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// They used up a limit.
    #[error("used up {name} = {value} while it was compiled")]
    Limit {
        /// The limit.
        name: &'static str,
        /// Its value.
        value: u64,
    },
    /// The compiler refused them.
    #[error("does not compile: {0}")]
    Refused(String),
    /// The process could not be run.
    #[error("cannot be compiled in a process of its own: {0}")]
    Process(#[from] std::io::Error),
}

impl Compiler {
    /// Compiles a component in a process of its own, unless that was done before. Blocks until it has ended, and says how long
    /// that took.
    pub(super) fn prove(
        &self,
        engine: &Engine,
        bytes: &[u8],
        sha256: &str,
        limits: &Limits,
    ) -> Result<Option<Duration>, CompileError> {
        let proof = self.proof(engine, sha256);
        if proof.exists() {
            return Ok(None);
        }
        let begin = Instant::now();
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .arg(&self.cache_dir)
            .arg(limits.compile_cpu_s_max.to_string())
            .arg(limits.compile_memory_bytes_max.to_string())
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // A child that ends before it has read everything says why on its own.
            let _ = stdin.write_all(bytes);
        }
        let output = child.wait_with_output()?;
        if !output.status.success() {
            return Err(failure(output.status, &output.stderr, limits));
        }
        if let Some(folder) = proof.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(proof, [])?;
        Ok(Some(begin.elapsed()))
    }

    fn proof(&self, engine: &Engine, sha256: &str) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let compiler = hasher.finish();
        self.cache_dir
            .join("proofs")
            .join(format!("{sha256}-{compiler:016x}"))
    }
}

fn failure(status: ExitStatus, stderr: &[u8], limits: &Limits) -> CompileError {
    let words = String::from_utf8_lossy(stderr);
    match status.signal() {
        Some(SIGXCPU | SIGKILL) => CompileError::Limit {
            name: "compile_cpu_s_max",
            value: limits.compile_cpu_s_max,
        },
        _ if status.signal() == Some(SIGABRT) || is_about_memory(&words) => CompileError::Limit {
            name: "compile_memory_bytes_max",
            value: limits.compile_memory_bytes_max,
        },
        _ => CompileError::Refused(words.trim().to_owned()),
    }
}

/// What an allocation, a mapping or a new thread's stack fails with, when it does not end the process at once.
fn is_about_memory(words: &str) -> bool {
    let words = words.to_lowercase();
    let signs = [
        "out of memory",
        "cannot allocate memory",
        "resource temporarily unavailable",
    ];
    signs.iter().any(|sign| words.contains(sign))
}

/// What the other process does: takes the bounds upon itself, compiles what comes in, and leaves it in the cache.
///
/// # Errors
/// If the bounds cannot be set, or the bytes do not compile.
pub fn compile_in_bounds(
    cache_dir: &Path,
    cpu_s_max: u64,
    memory_bytes_max: u64,
    mut component: impl Read,
) -> Result<(), CompileError> {
    Resource::CPU.set(cpu_s_max, cpu_s_max)?;
    Resource::DATA.set(memory_bytes_max, memory_bytes_max)?;
    // A process that dies of its bounds is expected to, and leaves nothing to look into.
    Resource::CORE.set(0, 0)?;
    let mut bytes = Vec::new();
    component.read_to_end(&mut bytes)?;
    let refused = |error: wasmtime::Error| CompileError::Refused(error.root_cause().to_string());
    let engine = engine(Some(cache_dir)).map_err(refused)?;
    wasmtime::component::Component::new(&engine, &bytes).map_err(refused)?;
    Ok(())
}
