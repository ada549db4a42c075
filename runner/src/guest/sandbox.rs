//! The sandbox: one engine, and instances that take one call at a time.
//!
//! Nobody outside knows that stores exist. An instance serves call after call until one fails: a trap leaves it unusable, so it
//! is dropped and the next call gets a fresh one. CPU time is counted in ticks of the epoch, so that waiting for the cloud costs
//! a rule nothing.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use wasmtime::component::{Component, HasSelf, InstancePre, Linker, ResourceTable};
use wasmtime::{Cache, CacheConfig, Config, Engine, ResourceLimiter, Store, Trap, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::bindings::{force, http, logging, model, order, owners, presence, rule};
use super::capability::Call;
use super::compiler::{CompileError, Compiler};
use super::limits::Limits;
use super::tail::Tail;
use crate::rule::Cause;

/// Length of a tick. Short against the CPU limit, long against the cost of the ticking thread's waking up.
const TICK: Duration = Duration::from_millis(10);

/// Instances, memories and tables that one component may consist of. CPython needs the most: about 30.
const PARTS_MAX: usize = 200;

/// Resources (streams, clocks, pollables) that an instance may hold at once. CPython holds a dozen.
const RESOURCES_MAX: usize = 1_000;

/// What the engine says when a call hands over too much. Its type is private to the engine, so its words have to do; no word of
/// a rule's is among them.
const HANDOVER_EXHAUSTED: &str = "fuel allocated for hostcalls has been exhausted";

/// What Rust's run-time adds to each panic, also within other languages': a rule has no environment to set that in.
const USELESS_ADVICE: &str = "note: run with `RUST_BACKTRACE=1`";

/// Compiles and runs components. Cheap to clone.
#[derive(Clone)]
pub struct Sandbox {
    engine: Engine,
    linker: Arc<Linker<State>>,
    compiler: Option<Arc<Compiler>>,
}

/// A component as native code.
pub(super) struct Compiled {
    pub(super) component: Component,
    /// How long it took to compile it; `None` if that was known to be done.
    pub(super) took: Option<Duration>,
}

/// An engine, whose compiled components are kept in `cache_dir`.
pub(super) fn engine(cache_dir: Option<&Path>) -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config.epoch_interruption(true);
    if let Some(dir) = cache_dir {
        let mut cache = CacheConfig::new();
        cache.with_directory(dir);
        config.cache(Some(Cache::new(cache)?));
    }
    Engine::new(&config)
}

impl Sandbox {
    /// Starts the engine. Compiled components are kept in `cache_dir`, by content and compiler; it must be writable by
    /// its owner only, for what is in it is run as native code.
    ///
    /// # Errors
    /// If the engine does not work on this machine, or the cache folder cannot be used.
    pub fn new(cache_dir: Option<&Path>) -> wasmtime::Result<Self> {
        let engine = engine(cache_dir)?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        model::add_to_linker::<_, HasSelf<_>>(&mut linker, |state: &mut State| state)?;
        http::add_to_linker::<_, HasSelf<_>>(&mut linker, |state: &mut State| state)?;
        logging::add_to_linker::<_, HasSelf<_>>(&mut linker, |state: &mut State| state)?;
        tick(&engine);
        Ok(Self {
            engine,
            linker: Arc::new(linker),
            compiler: None,
        })
    }

    /// Starts the engine, with a process of its own for each component that is compiled for the first time.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn compiling_apart(compiler: Compiler) -> wasmtime::Result<Self> {
        let sandbox = Self::new(Some(&compiler.cache_dir))?;
        Ok(Self {
            compiler: Some(Arc::new(compiler)),
            ..sandbox
        })
    }

    /// Compiles a component, or takes it from the cache. That may take many seconds, in which other tasks go on.
    pub(super) async fn compile(
        &self,
        bytes: Vec<u8>,
        sha256: &str,
        limits: &Limits,
    ) -> Result<Compiled, CompileError> {
        let (sandbox, sha256, limits) = (self.clone(), sha256.to_owned(), limits.clone());
        let compiling = tokio::task::spawn_blocking(move || {
            let Self {
                engine, compiler, ..
            } = &sandbox;
            let begin = Instant::now();
            let apart = match compiler {
                Some(compiler) => Some(compiler.prove(engine, &bytes, &sha256, &limits)?),
                None => None,
            };
            let component = Component::new(engine, &bytes)
                .map_err(|error| CompileError::Refused(error.root_cause().to_string()))?;
            Ok(Compiled {
                component,
                took: apart.unwrap_or_else(|| Some(begin.elapsed())),
            })
        });
        match compiling.await {
            Ok(compiled) => compiled,
            Err(error) => Err(CompileError::Process(std::io::Error::other(error))),
        }
    }

    /// Prepares a component for being instantiated.
    pub(super) fn prepare(&self, component: &Component, limits: Limits) -> wasmtime::Result<Pool> {
        let pre = self.linker.instantiate_pre(component)?;
        let exports = Exports::of(&pre)?;
        let places = Semaphore::new(limits.instances_max.max(1));
        Ok(Pool {
            pre,
            exports,
            limits,
            places,
            idle: Mutex::new(Vec::new()),
        })
    }
}

/// Moves the epoch on for as long as somebody uses the engine.
fn tick(engine: &Engine) {
    let engine = engine.weak();
    std::thread::spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    });
}

/// The interfaces that a component exports.
struct Exports {
    rule: rule::GuestIndices,
    owners: Option<owners::GuestIndices>,
    order: Option<order::GuestIndices>,
    presence: Option<presence::GuestIndices>,
    force: Option<force::GuestIndices>,
}

impl Exports {
    fn of(pre: &InstancePre<State>) -> wasmtime::Result<Self> {
        let has = |name: &str| {
            let name = format!("cleanup:rules/{name}@{}", super::contract::CONTRACT_VERSION);
            pre.component().get_export_index(None, &name).is_some()
        };
        Ok(Self {
            rule: rule::GuestIndices::new(pre)?,
            owners: has("owners")
                .then(|| owners::GuestIndices::new(pre))
                .transpose()?,
            order: has("order")
                .then(|| order::GuestIndices::new(pre))
                .transpose()?,
            presence: has("presence")
                .then(|| presence::GuestIndices::new(pre))
                .transpose()?,
            force: has("force")
                .then(|| force::GuestIndices::new(pre))
                .transpose()?,
        })
    }
}

/// What an instance's store carries.
pub(super) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    stderr: Tail,
    memory: Bounds,
    cpu_ms_max: u64,
    ticks_left: u64,
    /// Time of the runner's own work for the rule that is less than a tick, and not yet counted.
    billed: Duration,
    /// What the current call may do and has done.
    pub(super) call: Call,
}

impl State {
    /// Does work of the runner's own on what the rule has said, and counts its time as the rule's: who says much, pays for it.
    ///
    /// # Errors
    /// If the rule has no time left.
    pub(super) fn bill<T>(&mut self, work: impl FnOnce() -> T) -> wasmtime::Result<T> {
        let begin = Instant::now();
        let done = work();
        let ticks = self.ticks_since(begin);
        self.spend(ticks)?;
        Ok(done)
    }

    /// As `bill`, for what a rule asks for out of a call. Where no time is left, the call ends as soon as the rule goes on.
    pub(super) fn charge<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let begin = Instant::now();
        let done = work(self);
        let ticks = self.ticks_since(begin);
        self.ticks_left = self.ticks_left.saturating_sub(ticks);
        done
    }

    /// Whole ticks that work has taken, with what was left over before.
    fn ticks_since(&mut self, begin: Instant) -> u64 {
        self.billed += begin.elapsed();
        let ticks = self.billed.as_millis() / TICK.as_millis();
        let ticks = u32::try_from(ticks).unwrap_or(u32::MAX);
        self.billed = self.billed.saturating_sub(TICK.saturating_mul(ticks));
        u64::from(ticks)
    }

    /// Takes note of time that the current call has taken.
    fn spend(&mut self, ticks: u64) -> Result<(), LimitReached> {
        let left = self.ticks_left.checked_sub(ticks);
        self.ticks_left = left.ok_or(LimitReached {
            name: "cpu_ms_max",
            value: self.cpu_ms_max,
        })?;
        Ok(())
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// A rule that wants more than its share gets a trap that says which share, where a failed `grow` would end in an
/// `unreachable` that says nothing.
///
/// A component may consist of many memories and tables: what counts is their sum.
struct Bounds {
    memory_bytes: Share,
    table_elements: Share,
}

/// What there is of something, and how much of it is used.
struct Share {
    name: &'static str,
    used: usize,
    max: usize,
}

impl Share {
    fn new(name: &'static str, max: usize) -> Self {
        Self { name, used: 0, max }
    }

    fn grow(&mut self, current: usize, desired: usize) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if used > self.max {
            return Err(LimitReached {
                name: self.name,
                value: u64::try_from(self.max).unwrap_or(u64::MAX),
            }
            .into());
        }
        self.used = used;
        Ok(true)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{name} = {value}")]
struct LimitReached {
    name: &'static str,
    value: u64,
}

impl ResourceLimiter for Bounds {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.memory_bytes.grow(current, desired)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.table_elements.grow(current, desired)
    }

    fn instances(&self) -> usize {
        PARTS_MAX
    }

    fn tables(&self) -> usize {
        PARTS_MAX
    }

    fn memories(&self) -> usize {
        PARTS_MAX
    }
}

/// The instances of one component.
pub(super) struct Pool {
    pre: InstancePre<State>,
    exports: Exports,
    limits: Limits,
    places: Semaphore,
    idle: Mutex<Vec<Instance>>,
}

impl Pool {
    pub(super) fn has_presence(&self) -> bool {
        self.exports.presence.is_some()
    }

    /// Whether the component can insist.
    pub(super) fn has_force(&self) -> bool {
        self.exports.force.is_some()
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Gives an instance to `work`, for one call or for several that belong together. The instance is used again only if
    /// `work` succeeds; a dropped future drops the instance too.
    pub(super) async fn run<T>(
        &self,
        call: Call,
        work: impl AsyncFnOnce(&mut Instance) -> wasmtime::Result<T>,
    ) -> Result<(T, Call), (Cause, Option<Call>)> {
        let closed = |_| (Cause::Other("the runner is shutting down".to_owned()), None);
        let _place = self.places.acquire().await.map_err(closed)?;
        let deadline = Duration::from_secs(self.limits.call_s_max);
        let warm = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut instance = match warm {
            Some(instance) => instance,
            // What a component does while it is instantiated counts too.
            None => match tokio::time::timeout(deadline, self.fresh()).await {
                Ok(fresh) => fresh.map_err(|cause| (cause, None))?,
                Err(_) => return Err((self.too_slow(), None)),
            },
        };
        instance.arm(call, &self.limits);
        let result = tokio::time::timeout(deadline, work(&mut instance)).await;
        let call = instance.take_call();
        let last_words = instance.store.data().stderr.take();
        for line in last_words.lines() {
            call.log(logging::Level::Debug, line);
        }
        match result {
            Ok(Ok(value)) => {
                self.idle
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(instance);
                Ok((value, call))
            }
            Ok(Err(error)) => Err((crash(&error, &last_words, &self.limits), Some(call))),
            Err(_) => Err((self.too_slow(), Some(call))),
        }
    }

    fn too_slow(&self) -> Cause {
        Cause::Limit(format!("call_s_max = {}", self.limits.call_s_max))
    }

    /// Ends the instances that wait for calls: the next call gets a fresh one.
    pub(super) fn refresh(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.clear();
    }

    /// A new instance.
    pub(super) async fn fresh(&self) -> Result<Instance, Cause> {
        let instance = self.instantiate().await;
        instance.map_err(|(error, last_words)| crash(&error, &last_words, &self.limits))
    }

    async fn instantiate(&self) -> Result<Instance, (wasmtime::Error, String)> {
        let stderr = Tail::new(self.limits.stderr_bytes_max);
        // Nothing is given: no arguments, variables, folders or sockets; standard input is at its end.
        let wasi = WasiCtx::builder()
            .stdout(stderr.clone())
            .stderr(stderr.clone())
            .build();
        let memory = Bounds {
            memory_bytes: Share::new("memory_bytes_max", self.limits.memory_bytes_max),
            table_elements: Share::new("table_elements_max", self.limits.table_elements_max),
        };
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES_MAX);
        let state = State {
            wasi,
            table,
            stderr,
            memory,
            cpu_ms_max: self.limits.cpu_ms_max,
            ticks_left: 0,
            billed: Duration::ZERO,
            call: Call::closed(),
        };
        let mut store = Store::new(self.pre.engine(), state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(self.limits.handover_bytes_max);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut context| {
            context.data_mut().spend(1)?;
            Ok(UpdateDeadline::Yield(1))
        });
        store.data_mut().ticks_left = ticks(self.limits.cpu_ms_max);
        match self.link(&mut store).await {
            Ok(linked) => Ok(Instance { store, linked }),
            Err(error) => {
                let last_words = store.data().stderr.take();
                Err((error, last_words))
            }
        }
    }

    async fn link(&self, store: &mut Store<State>) -> wasmtime::Result<Linked> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
        Ok(Linked {
            rule: self.exports.rule.load(&mut *store, &instance)?,
            owners: self
                .exports
                .owners
                .as_ref()
                .map(|it| it.load(&mut *store, &instance))
                .transpose()?,
            order: self
                .exports
                .order
                .as_ref()
                .map(|it| it.load(&mut *store, &instance))
                .transpose()?,
            presence: self
                .exports
                .presence
                .as_ref()
                .map(|it| it.load(&mut *store, &instance))
                .transpose()?,
            force: self
                .exports
                .force
                .as_ref()
                .map(|it| it.load(&mut *store, &instance))
                .transpose()?,
        })
    }
}

/// An instance with its exports.
pub(super) struct Instance {
    pub(super) store: Store<State>,
    pub(super) linked: Linked,
}

/// The exports of an instance.
pub(super) struct Linked {
    pub(super) rule: rule::Guest,
    pub(super) owners: Option<owners::Guest>,
    pub(super) order: Option<order::Guest>,
    pub(super) presence: Option<presence::Guest>,
    pub(super) force: Option<force::Guest>,
}

impl Instance {
    /// Linear memory in use, in bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.store.data().memory.memory_bytes.used
    }

    fn arm(&mut self, call: Call, limits: &Limits) {
        let state = self.store.data_mut();
        let before = std::mem::replace(&mut state.call, call);
        state.call.misdeed = before.misdeed;
        state.ticks_left = ticks(limits.cpu_ms_max);
        state.billed = Duration::ZERO;
        self.store.set_epoch_deadline(1);
    }

    fn take_call(&mut self) -> Call {
        std::mem::replace(&mut self.store.data_mut().call, Call::closed())
    }
}

fn ticks(ms: u64) -> u64 {
    let tick = u64::try_from(TICK.as_millis()).unwrap_or(u64::MAX);
    ms.div_ceil(tick).max(1)
}

/// What a trap means. The engine's own text is a backtrace of the runner, of use to nobody who wrote a rule: what the rule
/// itself wrote to standard error comes first.
fn crash(error: &wasmtime::Error, last_words: &str, limits: &Limits) -> Cause {
    if let Some(limit) = error.downcast_ref::<LimitReached>() {
        return Cause::Limit(limit.to_string());
    }
    let trap = match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    };
    if trap.contains(HANDOVER_EXHAUSTED) {
        let limit = limits.handover_bytes_max;
        return Cause::Limit(format!("handover_bytes_max = {limit}"));
    }
    // A language's run-time gives up by an instruction that says nothing, once it has said all.
    let is_silent = error.downcast_ref::<Trap>() == Some(&Trap::UnreachableCodeReached);
    let words = last_words
        .lines()
        .filter(|line| !line.starts_with(USELESS_ADVICE));
    let words = words.collect::<Vec<_>>().join("\n");
    Cause::Crashed(match words.trim() {
        "" => trap,
        words if is_silent => words.to_owned(),
        words => format!("{words} ({trap})"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_small_memories_count_like_a_large_one() {
        let mut share = Share::new("memory_bytes_max", 10);
        assert!(share.grow(0, 4).unwrap());
        assert!(share.grow(0, 4).unwrap());
        assert!(share.grow(4, 6).unwrap());
        let refused = share.grow(6, 7).unwrap_err();
        assert_eq!(refused.to_string(), "memory_bytes_max = 10");
    }
}
