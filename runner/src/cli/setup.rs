//! From flags to an engine: configuration, rules, cloud, scope, audit log. Whatever is wrong is said before anything is changed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::audit::{Audit, RunHeader};
use crate::cloud::{CloudConfig, ErrorKind, GrantedScope, Identity, Session};
use crate::config::Config;
use crate::config::clouds::{Surroundings, resolve};
use crate::engine::{Engine, Reachable};
use crate::guest::{Compiler, Component, Grants, Guest, Limits, LoadError, Sandbox};
use crate::lock::Lock;
use crate::name::{NameMatcher, NamedFormat, RallyReport, TaskId};
use crate::plan::{Sieve, SweepScope};
use crate::report::progress::{Progress, patiently};
use crate::resource::KindPattern;

use super::COMPILE_COMPONENT;
use super::args::{CommonArgs, GuardArgs, RulesPlace, ScopeArgs};
use super::components::{component_files, digest, one_rule_for_each_kind, rule_name};
use super::failure::Failure;
use super::files::{is_ours, private_folder};

/// The configuration and the process around it.
pub(super) struct Setup {
    pub(super) surroundings: Surroundings,
    pub(super) config: Config,
    started: Instant,
    /// A folder that goes with the run.
    scratch: OnceLock<TempDir>,
}

/// A cloud that was reached, and who we are in it.
pub(super) struct Connected {
    pub(super) session: Session,
    pub(super) identity: Option<Identity>,
    pub(super) cloud: String,
}

/// Everything that a sweep needs.
pub(super) struct Ready {
    pub(super) connected: Connected,
    pub(super) engine: Engine<Guest>,
    pub(super) sieve: Sieve,
    pub(super) progress: Arc<Progress>,
    pub(super) cancel: CancellationToken,
    pub(super) audit: Option<Audit>,
    pub(super) started: Instant,
}

/// What to look for: from the command line, or from a saved plan.
pub(super) struct Wanted {
    pub(super) scope: SweepScope,
    /// Projects by name or id, as given.
    pub(super) projects: Vec<String>,
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
        let shown = |error: LoadError| LoadError {
            path: shown.to_owned(),
            ..error
        };
        loaded.map(Arc::new).map_err(|error| shown(error).into())
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

    /// Authenticates, and learns from the token itself who we are and where.
    pub(super) async fn connect(
        &self,
        common: &CommonArgs,
        components: &[Arc<Component>],
    ) -> Result<Connected, Failure> {
        let services = self
            .config
            .plain_services(&self.surroundings)
            .map_err(|error| Failure::input(&error))?;
        let kinds = components.iter().flat_map(|component| component.kinds());
        let needs_cloud = services.is_empty()
            || kinds
                .into_iter()
                .any(|kind| !services.contains_key(&kind.service));
        let config = if needs_cloud {
            let config = resolve(&common.cloud.options(), &self.surroundings)
                .map_err(|error| Failure::input(&error))?;
            CloudConfig {
                plain_services: services,
                ..config
            }
        } else {
            CloudConfig::without_keystone("configured services", services)
        };
        let cloud = config.name.clone();
        let auth_url = config.keystone.as_ref().map(|it| it.auth_url.clone());
        let session = Session::connect(config, self.config.http_limits()).await;
        let session = session.map_err(|error| match (error.kind(), auth_url) {
            (ErrorKind::Unreachable | ErrorKind::Timeout, Some(url)) => Failure::from(error).hint(
                format!("nothing was changed; check auth_url, which is {url}, and the network"),
            ),
            _ => Failure::from(error),
        })?;
        let identity = session.identity();
        Ok(Connected {
            session,
            identity,
            cloud,
        })
    }

    /// Puts everything together. Only with an audit log can anything be changed.
    pub(super) async fn ready(
        &self,
        common: &CommonArgs,
        rules: &RulesPlace,
        wanted: Wanted,
        guards: Option<&GuardArgs>,
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
        let audit = match guards {
            Some(guards) => {
                let file = guards.audit_log.as_deref();
                Some(self.open_audit(file, &connected, sieve.scope(), &components)?)
            }
            None => None,
        };
        let progress = Arc::new(Progress::new(self.is_quiet()));
        let cancel = CancellationToken::new();
        let engine = connected.engine(
            components,
            reachable,
            self,
            &progress,
            &cancel,
            audit.as_ref(),
        )?;
        let engine = engine.insisting(guards.is_some_and(|guards| guards.force));
        stop_on_interrupt(&cancel);
        Ok(Ready {
            connected,
            engine,
            sieve,
            progress,
            cancel,
            audit,
            started: self.started,
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
                let folder = self
                    .folder("XDG_STATE_HOME", ".local/state")
                    .ok_or_else(|| {
                        Failure::usage("there is no home folder to keep the audit log in")
                            .hint("give --audit-log FILE")
                    })?;
                folder.join("runner/audit.jsonl")
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
            tool: format!("runner {}", env!("CARGO_PKG_VERSION")),
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

impl Connected {
    /// Whether listings show all projects. A cloud without Keystone has no projects.
    pub(super) fn is_admin(&self) -> bool {
        self.identity.as_ref().is_none_or(Identity::is_admin)
    }

    pub(super) fn user(&self) -> String {
        self.identity
            .as_ref()
            .map_or_else(String::new, |identity| identity.user_name.clone())
    }

    /// What the token is good for, in words.
    pub(super) fn token_scope(&self) -> String {
        match self.identity.as_ref().map(|identity| &identity.scope) {
            Some(GrantedScope::Project { id, name, domain }) => {
                format!("project {name} ({id}) of domain {}", domain.name)
            }
            Some(GrantedScope::Domain(domain)) => format!("domain {} ({})", domain.name, domain.id),
            Some(GrantedScope::System) => "the whole system".to_owned(),
            Some(GrantedScope::Unscoped) => "no scope".to_owned(),
            None => "no Keystone".to_owned(),
        }
    }

    /// The engine of all rules whose services this cloud has.
    pub(super) fn engine(
        &self,
        components: Vec<Arc<Component>>,
        reachable: Reachable,
        setup: &Setup,
        progress: &Arc<Progress>,
        cancel: &CancellationToken,
        audit: Option<&Audit>,
    ) -> Result<Engine<Guest>, Failure> {
        let guests: Vec<Guest> = components
            .into_iter()
            .map(|it| Guest::new(it, self.session.clone(), audit.cloned()))
            .collect();
        let at_work: usize = guests
            .iter()
            .map(|guest| crate::rule::Rule::kinds(guest).len())
            .sum();
        let absent: BTreeSet<&str> = guests.iter().flat_map(Guest::absent_services).collect();
        if at_work == 0 {
            let absent: Vec<&str> = absent.into_iter().collect();
            return Err(Failure::usage(format!(
                "this cloud has none of the services that the rules are for: {}",
                absent.join(", ")
            ))
            .hint(
                "`runner doctor` lists its services; check --os-region-name and --os-interface",
            ));
        }
        for service in absent {
            tracing::info!("the cloud has no service {service:?}; its kinds are left out");
        }
        let limits = setup.config.engine_limits();
        Engine::new(guests, reachable, limits, progress.clone(), cancel.clone())
            .map_err(|error| Failure::input(&error))
    }

    fn reachable(&self, scope: &SweepScope) -> Reachable {
        Reachable {
            is_admin: self.is_admin(),
            projects: scope.projects.clone(),
            user: self
                .identity
                .as_ref()
                .map(|identity| Arc::from(identity.user_id.as_str())),
        }
    }

    /// Narrows the scope to what the credentials reach and the operator asked for.
    pub(super) async fn sweep_scope(
        &self,
        mut scope: SweepScope,
        given: &[String],
        config: &Config,
    ) -> Result<SweepScope, Failure> {
        scope
            .protected_tags
            .extend(config.protect.tags.iter().cloned());
        scope.projectless = scope.projectless || (given.is_empty() && scope.projects.is_none());
        if let Some(identity) = self
            .identity
            .as_ref()
            .filter(|identity| !identity.is_admin())
        {
            let GrantedScope::Project { id, name, .. } = &identity.scope else {
                return Err(Failure::refused(format!("the token is for {}, not for a project", self.token_scope()))
                    .hint("give a project (OS_PROJECT_NAME, or project_name in clouds.yaml), or use an administrator's credentials"));
            };
            if let Some(other) = given.iter().find(|given| *given != id && *given != name) {
                return Err(Failure::refused(format!(
                    "--project {other} is out of reach: the token is for {}, and {} is no administrator",
                    self.token_scope(),
                    identity.user_name
                )));
            }
            scope.projects = Some(BTreeSet::from([Arc::from(id.as_str())]));
        } else if !given.is_empty() {
            let mut projects = BTreeSet::new();
            for given in given {
                projects.insert(self.project_id(given).await?);
            }
            scope.projects = Some(projects);
        }
        for protected in &config.protect.projects {
            scope
                .protected_projects
                .insert(self.project_id(protected).await?);
        }
        Ok(scope)
    }

    /// The id of a project that was given by name or id.
    async fn project_id(&self, given: &str) -> Result<Arc<str>, Failure> {
        let id = self.session.project_id(given).await?;
        Ok(Arc::from(id))
    }
}

impl Wanted {
    /// # Errors
    /// If a report cannot be read, or says nothing about names.
    pub(super) fn by(args: &ScopeArgs) -> Result<Self, Failure> {
        Ok(Self {
            scope: SweepScope {
                tasks: reported(&args.rally_reports)?.ids(&args.tasks),
                origin: args.origin.into(),
                unmatched: args.unmatched,
                with_projects: args.with_projects,
                only: args.only.clone(),
                except: args.except.clone(),
                created_from: args.created_after,
                created_until: args.created_before,
                protected_tags: args.protect_tags.iter().cloned().collect(),
                ..SweepScope::default()
            },
            projects: args.projects.clone(),
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

/// The first Ctrl-C winds the run up; a second one ends the process at once.
#[expect(
    clippy::exit,
    reason = "the second Ctrl-C asks for exactly this: to leave without winding up"
)]
fn stop_on_interrupt(cancel: &CancellationToken) {
    let cancel = cancel.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            tracing::warn!(
                "interrupted: waiting for what is under way; press Ctrl-C again to leave at once"
            );
            cancel.cancel();
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(i32::from(super::INTERRUPTED));
        }
    });
}
