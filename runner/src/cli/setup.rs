//! From flags to an engine: configuration, rules, cloud, scope, audit log. Whatever is wrong is said before anything is changed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use jiff::Timestamp;
use tempfile::TempDir;
use uuid::Uuid;

use crate::audit::{Audit, RunHeader};
use crate::config::Config;
use crate::config::clouds::Surroundings;
use crate::guest::{Compiler, Component, Grants, Guest, Limits, LoadError, Sandbox};
use crate::lock::{Lock, permissions};
use crate::name::{NameMatcher, NamedFormat, RallyReport, TaskId};
use crate::plan::{Place, Sieve, SweepScope};
use crate::records::Records;
use crate::report::About;
use crate::report::progress::{Progress, patiently};
use crate::resource::KindPattern;
use crate::run::{Chronicle, Run};
use crate::signature::Signatures;

use super::COMPILE_COMPONENT;
use super::args::{CommonArgs, GuardArgs, RulesPlace, ScopeArgs};
use super::components::{
    component_files, digest, kinds_fit_together, one_rule_for_each_kind, rule_name,
};
use super::connected::Connected;
use super::failure::Failure;
use super::files::{is_ours, private_folder};
use super::signals::{Signals, stop_on_signal};

/// Which runner this is, as logs and plans say it.
pub(super) const VERSION: &str = concat!("runner ", env!("CARGO_PKG_VERSION"));

/// The configuration and the process around it.
pub(super) struct Setup {
    pub(super) surroundings: Surroundings,
    pub(super) config: Config,
    started: Instant,
    /// A folder that goes with the run.
    scratch: OnceLock<TempDir>,
}

/// A run that is ready to begin, and who begins it.
pub(super) struct Ready {
    pub(super) connected: Connected,
    pub(super) run: Run<Guest>,
    pub(super) progress: Arc<Progress>,
    started: Instant,
    _signals: Signals,
}

/// What to look for: from the command line, or from a saved plan.
pub(super) struct Wanted {
    pub(super) scope: SweepScope,
    /// Projects by name or id, as given.
    pub(super) projects: Vec<String>,
    /// Types of services that may be left out, by the operator's word.
    pub(super) unlooked: Vec<String>,
}

impl Setup {
    pub(super) fn load(common: &CommonArgs) -> Result<Self, Failure> {
        let surroundings = Surroundings::of_process().map_err(|error| {
            Failure::unexpected(format!("the working directory is unknown: {error}"))
        })?;
        let config = Config::load(common.config.as_deref(), &surroundings)
            .map_err(|error| Failure::input(&error))?;
        Ok(Self {
            surroundings,
            config,
            started: Instant::now(),
            scratch: OnceLock::new(),
        })
    }

    pub(super) fn formats(&self) -> Result<Vec<NamedFormat>, Failure> {
        self.config
            .name_formats()
            .map_err(|error| Failure::input(&error))
    }

    /// Loads all components of a folder, or a single one. Where there is a lock file, they must be as it says.
    pub(super) async fn components(
        &self,
        rules: &RulesPlace,
    ) -> Result<Vec<Arc<Component>>, Failure> {
        let files = component_files(&rules.guests)?;
        let names: Vec<String> = files.iter().map(|file| rule_name(file)).collect();
        self.config
            .check_rules(&names)
            .map_err(|error| Failure::input(&error))?;
        let locked = rules.locked(&files)?;
        let sandbox = self.sandbox()?;
        let mut components = Vec::with_capacity(files.len());
        for file in &files {
            let mut grants = self.grants(file);
            if let Some(locked) = &locked {
                grants.sha256 = Some(locked.sha256_of(file)?);
            }
            components.push(self.loaded(&sandbox, file, file, &grants).await?);
        }
        one_rule_for_each_kind(&components)?;
        kinds_fit_together(&components, |rule| self.trusts(rule))?;
        if let Some(locked) = &locked {
            locked.check(self.lock_of(&components))?;
        }
        Ok(components)
    }

    /// What these components are and may do.
    pub(super) fn lock_of(&self, components: &[Arc<Component>]) -> Lock {
        Lock::of(components.iter().map(|it| &**it), &Limits::default())
    }

    /// Loads one component, whether it is locked or not: it is not set to work.
    pub(super) async fn component(&self, file: &Path) -> Result<Arc<Component>, Failure> {
        self.loaded(&self.sandbox()?, file, file, &self.grants(file))
            .await
    }

    pub(super) fn grants(&self, file: &Path) -> Grants {
        self.config.grants(&rule_name(file))
    }

    /// Whether the operator allows a rule more than the ordinary.
    pub(super) fn trusts(&self, rule: &str) -> bool {
        self.config.grants(rule).unusual_fields
    }

    /// Loads a component into a sandbox. `shown` is where messages say that it is.
    pub(super) async fn loaded(
        &self,
        sandbox: &Sandbox,
        file: &Path,
        shown: &Path,
        grants: &Grants,
    ) -> Result<Arc<Component>, Failure> {
        let load = Component::load(sandbox, file, grants);
        let loaded = patiently(load, shown, self.is_quiet()).await;
        let component = loaded.map_err(|error| LoadError {
            path: shown.to_owned(),
            ..error
        })?;
        let vouched =
            Signatures::check_permissions(component.signers(), || permissions(&component));
        vouched.map_err(|flaw| LoadError {
            path: shown.to_owned(),
            why: flaw.into(),
        })?;
        Ok(Arc::new(component))
    }

    pub(super) fn sandbox(&self) -> Result<Sandbox, Failure> {
        let impossible = |error: std::io::Error| {
            Failure::unexpected(format!("rules cannot be compiled: {error}"))
        };
        let compiler = Compiler {
            program: std::env::current_exe().map_err(impossible)?,
            arguments: vec![COMPILE_COMPONENT.into()],
            cache_dir: self.cache_dir().map_err(impossible)?,
        };
        Sandbox::compiling_apart(compiler).map_err(|error| Failure::wasm(&error))
    }

    /// Where compiled rules are kept: for good, or for this run if nobody could say whose they are.
    fn cache_dir(&self) -> std::io::Result<PathBuf> {
        let folder = self.folder("XDG_CACHE_HOME", ".cache");
        if let Some(folder) = folder.map(|folder| folder.join("runner/components")) {
            match private_folder(&folder).and_then(|()| is_ours(&folder)) {
                Ok(()) => return Ok(folder),
                Err(error) => {
                    let folder = folder.display();
                    tracing::warn!("compiled rules cannot be kept in {folder}: {error}");
                }
            }
        }
        if self.scratch.get().is_none() {
            // Two at once would make one too many, which goes with the run as well.
            let _ = self.scratch.set(tempfile::tempdir()?);
        }
        let scratch = self.scratch.get().map(|scratch| scratch.path().to_owned());
        scratch.ok_or_else(|| std::io::Error::other("there is no temporary folder"))
    }

    /// Puts everything together. Who interrupts that does not wait for it: there is nothing to wind up yet.
    pub(super) async fn ready(
        &self,
        common: &CommonArgs,
        rules: &RulesPlace,
        wanted: Wanted,
        guards: Option<&GuardArgs>,
    ) -> Result<Ready, Failure> {
        let signals = stop_on_signal();
        let cancel = signals.cancel.clone();
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Failure::interrupted(
                "interrupted before anything was listed; nothing was changed",
            )),
            ready = self.put_together(common, rules, wanted, guards, signals) => ready,
        }
    }

    /// Only with an audit log can anything be changed.
    async fn put_together(
        &self,
        common: &CommonArgs,
        rules: &RulesPlace,
        wanted: Wanted,
        guards: Option<&GuardArgs>,
        signals: Signals,
    ) -> Result<Ready, Failure> {
        let tasks = parse_tasks(&wanted.scope.tasks)?;
        let formats = self.formats()?;
        let components = self.components(rules).await?;
        check_patterns(&wanted.scope, &components)?;
        let connected = self.connect(common, &components).await?;
        let scope = connected
            .sweep_scope(wanted.scope, &wanted.projects, &self.config)
            .await?;
        let reachable = connected.reachable(&scope);
        let names = NameMatcher::new(formats, &tasks, scope.origin);
        let sieve = Sieve::new(scope, names);
        let place = connected.place(sieve.scope(), &components);
        let words = self.config.sweep.unlooked.iter().cloned();
        let words = words.chain(wanted.unlooked).collect();
        let unlooked = connected.unlooked(&components, words)?;
        let audit = match guards {
            Some(guards) => {
                let file = guards.audit_log.as_deref();
                Some(self.open_audit(file, &connected, sieve.scope(), &components)?)
            }
            None => None,
        };
        let progress = Arc::new(Progress::new(self.is_quiet()));
        let chronicle = Arc::new(chronicle(audit.as_ref(), progress.clone()));
        let log = guards.and_then(|guards| guards.audit_log.as_deref());
        let records = self.records(log, chronicle.run(), &place, sieve.scope())?;
        let engine = connected.engine(
            components,
            reachable,
            self,
            &chronicle,
            &signals.cancel,
            audit.as_ref(),
        )?;
        let engine = engine.insisting(guards.is_some_and(|guards| guards.force));
        let run = Run::new(engine, sieve, chronicle, signals.cancel.clone())
            .at(place)
            .without(unlooked);
        let run = match records {
            Some(records) => run.remembering(records),
            None => run,
        };
        let run = match audit {
            Some(audit) => run.recorded_by(audit),
            None => run,
        };
        Ok(Ready {
            connected,
            run,
            progress,
            started: self.started,
            _signals: signals,
        })
    }

    fn is_quiet(&self) -> bool {
        !tracing::enabled!(tracing::Level::WARN)
    }

    /// Opens the audit log: the given file, or the usual one.
    pub(super) fn open_audit(
        &self,
        given: Option<&Path>,
        connected: &Connected,
        scope: &SweepScope,
        components: &[Arc<Component>],
    ) -> Result<Audit, Failure> {
        let path = match given {
            Some(path) => self.surroundings.cwd.join(path),
            None => {
                let folder = self.state_folder().ok_or_else(|| {
                    Failure::usage("there is no home folder to keep the audit log in")
                        .hint("give --audit-log FILE")
                })?;
                folder.join("audit.jsonl")
            }
        };
        if let Some(folder) = path.parent() {
            private_folder(folder).map_err(|error| {
                Failure::usage(format!(
                    "the folder {} cannot be made: {error}",
                    folder.display()
                ))
            })?;
        }
        let rules = components.iter().map(|component| digest(component));
        let header = RunHeader {
            tool: VERSION.to_owned(),
            cloud: connected.cloud.clone(),
            user: connected.user(),
            scope: connected.token_scope(),
            tasks: scope.tasks.clone(),
            rules: rules.collect(),
        };
        Audit::open(&path, &header).map_err(|error| {
            Failure::input(&error).hint(
                "nothing is changed without an audit log; give another one with --audit-log FILE",
            )
        })
    }

    /// What earlier runs here have left on record: in the state folder or, where nobody has a home, beside the audit log. A
    /// negative filter takes what nobody speaks for anyway.
    fn records(
        &self,
        log: Option<&Path>,
        run: &str,
        place: &Place,
        scope: &SweepScope,
    ) -> Result<Option<Records>, Failure> {
        let beside_log = || Some(self.surroundings.cwd.join(log?).parent()?.to_owned());
        let folder = self.state_folder().or_else(beside_log);
        let Some(folder) = folder.filter(|_| !scope.unmatched) else {
            return Ok(None);
        };
        let folder = folder.join("runs");
        if folder.exists() {
            // Whoever writes there says what is to be deleted.
            is_ours(&folder).map_err(|error| {
                Failure::usage(format!(
                    "the records in {} are not to be trusted: {error}",
                    folder.display()
                ))
                .hint("make the folder yours alone (chmod 700), or move it away to do without it")
            })?;
        }
        Records::open(folder, run, place.clone(), scope.origin)
            .map(Some)
            .map_err(|error| {
                Failure::input(&error).hint(
                    "it names things without a name that only it knows to be a task's; move it away to do without it",
                )
            })
    }

    fn state_folder(&self) -> Option<PathBuf> {
        let folder = self.folder("XDG_STATE_HOME", ".local/state");
        folder.map(|folder| folder.join("runner"))
    }

    fn folder(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        match self
            .surroundings
            .env
            .get(variable)
            .filter(|folder| !folder.is_empty())
        {
            Some(folder) => Some(PathBuf::from(folder)),
            None => self
                .surroundings
                .home
                .as_ref()
                .map(|home| home.join(below_home)),
        }
    }
}

impl Ready {
    /// Where the run happens and as whom, and what it has cost so far.
    pub(super) fn about(&self) -> About {
        About {
            cloud: self.connected.cloud.clone(),
            user: self.connected.user(),
            scope: self.connected.token_scope(),
            requests: self.connected.session.requests_sent(),
            took: self.started.elapsed(),
        }
    }
}

/// Begins the chronicle of a run, under the id that its audit log has.
fn chronicle(audit: Option<&Audit>, progress: Arc<Progress>) -> Chronicle {
    let logged = audit.map(|audit| audit.run().as_str().to_owned());
    let id = logged.unwrap_or_else(|| Uuid::new_v4().to_string());
    Chronicle::begin(id, Timestamp::now(), vec![progress])
}

impl Wanted {
    /// # Errors
    /// If a report cannot be read, or says nothing about names; or if a flag would do nothing.
    pub(super) fn by(args: &ScopeArgs) -> Result<Self, Failure> {
        if args.shared && !args.unmatched && !args.with_projects {
            return Err(Failure::usage(
                "--shared does nothing without --unmatched or --with-projects",
            )
            .hint("what bears a name of the task goes, whoever else uses it"));
        }
        if let (Some(after), Some(before)) = (args.created_after, args.created_before)
            && after >= before
        {
            return Err(Failure::usage(format!(
                "nothing is made from {after} on and before {before}"
            ))
            .hint("--created-after is the earlier one of the two"));
        }
        Ok(Self {
            scope: SweepScope {
                tasks: reported(&args.rally_reports)?.ids(&args.tasks),
                origin: args.origin.into(),
                unmatched: args.unmatched,
                with_projects: args.with_projects,
                shared: args.shared,
                only: args.only.clone(),
                except: args.except.clone(),
                created_from: args.created_after,
                created_until: args.created_before,
                protected_tags: args.protect_tags.iter().cloned().collect(),
                ..SweepScope::default()
            },
            projects: args.projects.clone(),
            unlooked: args.unlooked.clone(),
        })
    }
}

/// What Rally's reports say.
fn reported(files: &[PathBuf]) -> Result<RallyReport, Failure> {
    let mut report = RallyReport::default();
    for file in files {
        let unreadable = |why: String| {
            let file = file.display();
            Failure::usage(format!("the report {file} cannot be used: {why}"))
                .hint("write one with `rally task report --uuid <task> --json --out FILE`")
        };
        let text = std::fs::read_to_string(file).map_err(|error| unreadable(error.to_string()))?;
        report
            .add(&text)
            .map_err(|error| unreadable(error.to_string()))?;
    }
    Ok(report)
}

/// Refuses a pattern that no kind fits: it would not do what was meant.
fn check_patterns(scope: &SweepScope, components: &[Arc<Component>]) -> Result<(), Failure> {
    let fits = |pattern: &&KindPattern| {
        let mut kinds = components.iter().flat_map(|component| component.kinds());
        kinds.any(|kind| pattern.matches(&kind.name))
    };
    match scope.only.iter().chain(&scope.except).find(|it| !fits(it)) {
        None => Ok(()),
        Some(pattern) => Err(Failure::usage(format!("no kind fits {pattern}"))
            .hint("`runner rules list` shows the kinds")),
    }
}

/// Parses task ids, and says what may be a slip.
pub(super) fn parse_tasks(ids: &[String]) -> Result<Vec<TaskId>, Failure> {
    let mut tasks = Vec::with_capacity(ids.len());
    for id in ids {
        let task = TaskId::parse(id).map_err(|error| Failure::input(&error))?;
        if !task.is_uuid() {
            tracing::warn!(
                "the task id {id} is no UUID: where it does not fit a name, Rally's rule of seeded parts is used"
            );
        } else if id.chars().any(|c| c.is_ascii_uppercase()) {
            tracing::warn!(
                "the task id {id} has capital letters, and names are matched to the letter: Rally writes ids in small ones"
            );
        }
        tasks.push(task);
    }
    Ok(tasks)
}
