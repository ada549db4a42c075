//! A run that is ready to begin: from flags to an engine. Whatever is wrong is said here, before anything is changed.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use crate::audit::{Audit, RunHeader};
use crate::event::Sink;
use crate::exit::Exit;
use crate::guest::{Component, Guest};
use crate::name::NameMatcher;
use crate::plan::{Place, Sieve, SweepScope};
use crate::records::Records;
use crate::report::progress::{Progress, beat};
use crate::report::{About, Format, Narrowed, Report};
use crate::run::{Chronicle, Outcome, Run};
use crate::text::plain;

use super::app::{App, VERSION};
use super::components::digest;
use super::connected::Connected;
use super::failure::Failure;
use super::files::{is_ours, private_folder};
use super::flags::CommonArgs;
use super::flags::choice::check_baselines;
use super::flags::guards::GuardArgs;
use super::flags::rules::RulesPlace;
use super::flags::scope::{Wanted, check_patterns, parse_tasks, say_misfits};
use super::output::{print, show, tell};
use super::outputs::Outputs;
use super::signals::{Signals, stop_on_signal};

/// A run that is ready to begin, and who begins it.
pub(super) struct Ready {
    pub(super) connected: Connected,
    pub(super) run: Run<Guest>,
    pub(super) progress: Arc<Progress>,
    started: Instant,
    _signals: Signals,
    _heartbeat: Option<AbortOnDropHandle<()>>,
}

/// What a run is made ready with, beside what it is to look for.
#[derive(Clone, Copy)]
pub(super) struct With<'a> {
    /// Which rules.
    pub(super) rules: &'a RulesPlace,
    /// What guards it. Without, nothing can be changed.
    pub(super) guards: Option<&'a GuardArgs>,
    /// What it writes beside its report.
    pub(super) outputs: &'a Outputs,
}

impl App {
    /// Puts everything together. Who interrupts that does not wait for it: there is nothing to wind up yet.
    pub(super) async fn ready(
        &self,
        common: &CommonArgs,
        wanted: Wanted,
        with: With<'_>,
    ) -> Result<Ready, Failure> {
        let signals = stop_on_signal();
        let cancel = signals.cancel.clone();
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Failure::interrupted(
                "interrupted before anything was listed; nothing was changed",
            )),
            ready = self.put_together(common, wanted, with, signals) => ready,
        }
    }

    /// Only with an audit log can anything be changed.
    async fn put_together(
        &self,
        common: &CommonArgs,
        wanted: Wanted,
        with: With<'_>,
        signals: Signals,
    ) -> Result<Ready, Failure> {
        let With {
            rules,
            guards,
            outputs,
        } = with;
        let tasks = parse_tasks(&wanted.scope.tasks)?;
        let formats = self.formats()?;
        say_misfits(&formats, &tasks);
        let components = self.components(rules).await?;
        check_patterns(&wanted.scope, &components)?;
        self.check_services(&components)?;
        let connected = self.connect(common, &components).await?;
        connected.check_services(&components)?;
        let scope = connected
            .sweep_scope(wanted.scope, &wanted.projects, &self.config)
            .await?;
        let reachable = connected.reachable(&scope);
        let names = NameMatcher::new(formats, &tasks, scope.origin);
        let sieve = Sieve::new(scope, names);
        let place = connected.place(sieve.scope(), &components);
        check_baselines(sieve.scope(), &place)?;
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
        let chronicle = Arc::new(chronicle(audit.as_ref(), progress.clone(), outputs));
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
        let beating = outputs.heartbeat.map(|every| {
            let beating = beat(progress.clone(), every, |line| show(&format!("{line}\n")));
            AbortOnDropHandle::new(tokio::spawn(beating))
        });
        Ok(Ready {
            connected,
            run,
            progress,
            started: self.started,
            _signals: signals,
            _heartbeat: beating,
        })
    }

    /// Opens the audit log: the given file, or the usual one.
    pub(super) fn open_audit(
        &self,
        given: Option<&Path>,
        connected: &Connected,
        scope: &SweepScope,
        components: &[Arc<Component>],
    ) -> Result<Audit, Failure> {
        let path = self.audit_log(given).ok_or_else(|| {
            Failure::usage("there is no home folder to keep the audit log in")
                .hint("give --audit-log FILE")
        })?;
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

    /// What earlier runs here have left on record: in the state folder or, where nobody has a home, beside the audit log.
    fn records(
        &self,
        log: Option<&Path>,
        run: &str,
        place: &Place,
        scope: &SweepScope,
    ) -> Result<Option<Records>, Failure> {
        let beside_log = || Some(self.surroundings.cwd.join(log?).parent()?.to_owned());
        let folder = self.state_folder().or_else(beside_log);
        let Some(folder) = folder else {
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
        Records::open(folder, run, place.clone(), scope)
            .map(Some)
            .map_err(|error| {
                Failure::input(&error).hint(
                    "it names things without a name that only it knows to be a task's; move it away to do without it",
                )
            })
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

    /// Says, before anything is listed, as whom and where.
    pub(super) fn introduce(&self) {
        let projects = match &self.run.sieve().scope().projects {
            None => "all projects".to_owned(),
            Some(projects) => format!(
                "project {}",
                projects
                    .iter()
                    .map(|id| &**id)
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        };
        tracing::info!(
            "cloud {}, user {}, token for {}; sweeping {projects}",
            self.connected.cloud,
            self.connected.user(),
            self.connected.token_scope()
        );
    }

    /// Writes what a run came to, and says with which code the process ends.
    pub(super) fn report(
        &self,
        mut outcome: Outcome,
        outputs: &Outputs,
        show_kept: bool,
        format: Format,
    ) -> Result<Exit, Failure> {
        self.progress.finish();
        let about = self.about();
        let report = |outcome: &Outcome| Report::of(outcome, about.clone(), show_kept);
        if let Err(trouble) = outputs.write(&report(&outcome), self.run.chronicle().now()) {
            outcome.trouble.get_or_insert(trouble);
        }
        if let Err(trouble) = outputs.finish(self.run.chronicle(), &report(&outcome)) {
            outcome.trouble.get_or_insert(trouble);
        }
        let refusal = outcome.refusal.as_ref().filter(|_| !outcome.interrupted);
        if let Some(refusal) = refusal {
            tell(&refusal.into());
        }
        if let Some(trouble) = &outcome.trouble {
            tell(&Failure::unexpected(trouble.as_str()));
        }
        // A refusal is all that there is to say to people.
        if refusal.is_none() || format.is_document() {
            let report = report(&outcome);
            let not_found = report.narrowed.as_ref().and_then(Narrowed::not_found);
            if let Some(not_found) = not_found {
                tracing::warn!("{}", plain(&not_found));
            }
            let text = report.write(format).map_err(Failure::unexpected)?;
            if outputs.has_stdout {
                show(&text);
            } else {
                print(&text)?;
            }
        }
        Ok(outcome.exit())
    }
}

/// Begins the chronicle of a run, under the id that its audit log has.
fn chronicle(audit: Option<&Audit>, progress: Arc<Progress>, outputs: &Outputs) -> Chronicle {
    let logged = audit.map(|audit| audit.run().as_str().to_owned());
    let id: Arc<str> = logged.unwrap_or_else(|| Uuid::new_v4().to_string()).into();
    let began = Timestamp::now();
    let mut sinks: Vec<Arc<dyn Sink>> = vec![progress];
    sinks.extend(outputs.begin(&id, began));
    Chronicle::begin(id, began, sinks)
}
