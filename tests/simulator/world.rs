//! A small world as a value: the things of a cloud, the words of the operator, and what goes wrong.
//!
//! It can be printed for a person, cut down, and run any number of times: all that happens follows from it.

use std::fmt;

use crate::kinds::{K, KINDS, Listed, PROJECT};

/// A thing's number. It is the thing's id in the cloud, too.
pub(crate) type N = u16;

/// One of two tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    A,
    B,
}

/// A family of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Scenario,
    Context,
}

/// What a thing is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// As a task calls its things.
    Of(Task, Family),
    /// Almost as a task does.
    Near(u8),
    /// As a person does.
    Foreign,
    None,
    /// Nothing but what the cloud itself called it.
    Given,
}

impl Name {
    pub(crate) fn text(self) -> Option<&'static str> {
        Some(match self {
            Self::Of(Task::A, Family::Scenario) => "s_rally_0a1b2c3d_AbCdEf12",
            Self::Of(Task::A, Family::Context) => "c_rally_0a1b2c3d_AbCdEf12-tail",
            Self::Of(Task::B, Family::Scenario) => "s_rally_9f8e7d6c_ZyXwVu98",
            Self::Of(Task::B, Family::Context) => "c_rally_9f8e7d6c_ZyXwVu98",
            Self::Near(0) => "s_rally_0a1b2c3d_AbCdEf1",
            Self::Near(1) => "xs_rally_0a1b2c3d_AbCdEf12",
            Self::Near(_) => "S_RALLY_0A1B2C3D_ABCDEF12",
            Self::Foreign => "web",
            Self::None | Self::Given => return None,
        })
    }

    pub(crate) fn is_none(self) -> bool {
        matches!(self, Self::None | Self::Given)
    }
}

/// When a thing was made, as far as the API says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    Old,
    New,
    Unknown,
}

/// What a thing hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tie {
    pub(crate) kind: K,
    pub(crate) to: N,
}

/// A thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) n: N,
    pub(crate) kind: K,
    pub(crate) name: Name,
    pub(crate) project: Option<N>,
    pub(crate) ties: Vec<Tie>,
    pub(crate) age: Age,
    /// It carries the tag `keep`.
    pub(crate) is_tagged: bool,
    /// The cloud made it for what it hangs on.
    pub(crate) is_made: bool,
    /// It goes with the server that it is attached to.
    pub(crate) is_marked: bool,
    /// Others use it beyond its project.
    pub(crate) is_shared: bool,
}

impl Item {
    /// A thing of which nothing is known but that somebody has called it something.
    pub(crate) fn stranger(n: N, kind: K) -> Self {
        Self {
            n,
            kind,
            name: Name::Foreign,
            project: None,
            ties: Vec::new(),
            age: Age::New,
            is_tagged: false,
            is_made: false,
            is_marked: false,
            is_shared: false,
        }
    }

    pub(crate) fn tie_to(&self, kind: K) -> Option<N> {
        self.ties
            .iter()
            .find(|tie| tie.kind == kind)
            .map(|tie| tie.to)
    }
}

/// What the operator says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flags {
    /// None: every task.
    pub(crate) tasks: Vec<Task>,
    pub(crate) origin: Option<Family>,
    pub(crate) projects: Option<Vec<N>>,
    pub(crate) only: Vec<&'static str>,
    pub(crate) except: Vec<&'static str>,
    /// Only things of that age.
    pub(crate) age: Option<Age>,
    pub(crate) protects_tag: bool,
    pub(crate) protected_project: Option<N>,
    pub(crate) with_projects: bool,
    pub(crate) shared: bool,
    pub(crate) unmatched: bool,
    pub(crate) force: bool,
    pub(crate) is_admin: bool,
}

impl Flags {
    /// Whether the sweep is in this project.
    pub(crate) fn sweeps(&self, project: N) -> bool {
        let projects = self.projects.as_ref();
        projects.is_none_or(|projects| projects.contains(&project))
    }
}

impl Default for Flags {
    fn default() -> Self {
        Self {
            tasks: vec![Task::A],
            origin: None,
            projects: None,
            only: Vec::new(),
            except: Vec::new(),
            age: None,
            protects_tag: false,
            protected_project: None,
            with_projects: false,
            shared: false,
            unmatched: false,
            force: false,
            is_admin: true,
        }
    }
}

/// How a listing fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bad {
    Denied,
    Unavailable,
    Malformed,
    Throttled,
}

/// How a deletion goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Conflict,
    Throttled,
    Unavailable,
    Denied,
    Refused,
    /// It is done, and the answer is an error.
    FailsAfter,
    /// It is done, and the answer comes after five minutes, as an error.
    Lost,
    /// It takes so many seconds.
    Slow(u16),
    /// It is accepted and does not happen.
    Never,
    /// It is accepted and ends in an error state.
    Error,
    /// A server is hidden instead.
    Hides,
}

/// What happens in the cloud while the run goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Happening {
    Appears(Item),
    Vanishes(N),
    Renamed(N, Name),
    Moved(N, Option<N>),
    Tagged(N),
    /// Deleted by its owner and made again under the same id.
    MadeAgain(N),
}

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// So many listings of a kind fail, beginning with the one of this number.
    Listing {
        kind: K,
        from: u16,
        times: u16,
        bad: Bad,
    },
    /// So many deletions of a thing go wrong.
    Deletion { n: N, times: u16, trouble: Trouble },
    /// At the call of this number.
    At(u16, Happening),
    /// The token is worth nothing from this call on.
    Revoked(u16),
    /// Ctrl-C at this call.
    Cancelled(u16),
    /// The process ends at this call, and is started again.
    Crashed(u16),
    /// A second runner is at work.
    TwoRunners,
    /// What is executed is a plan that was made before the happenings.
    OldPlan,
}

impl Fault {
    /// Whether it leaves the cloud itself as it is.
    pub(crate) fn is_still(&self) -> bool {
        !matches!(self, Self::At(..) | Self::OldPlan)
    }
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct World {
    pub(crate) items: Vec<Item>,
    pub(crate) flags: Flags,
    pub(crate) faults: Vec<Fault>,
    /// Services of the catalogue that nobody looks at.
    pub(crate) unlooked: Vec<&'static str>,
    /// Things on a page. 0: all.
    pub(crate) page: usize,
}

impl World {
    pub(crate) fn without_faults(&self) -> Self {
        Self {
            faults: Vec::new(),
            ..self.clone()
        }
    }

    /// Whether each thing can be listed at all: what is listed under another thing, or with a token for its project, needs that;
    /// and there is no cloud without a project.
    pub(crate) fn is_sound(&self) -> bool {
        let is_there = |n: N| self.items.iter().any(|item| item.n == n);
        self.items.iter().all(|item| {
            let parent = KINDS[item.kind].parent();
            let needs_project = KINDS[item.kind].listed == Listed::EachProject;
            parent.is_none_or(|kind| item.tie_to(kind).is_some_and(is_there))
                && (!needs_project || item.project.is_some_and(is_there))
        }) && self.items.iter().any(|item| item.kind == PROJECT)
    }

    pub(crate) fn is_unlooked(&self, kind: K) -> bool {
        self.unlooked.contains(&KINDS[kind].service())
    }
}

impl fmt::Display for Item {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", KINDS[self.kind].name, self.n)?;
        match self.name {
            Name::None => formatter.write_str(" nameless")?,
            Name::Given => formatter.write_str(" named by the cloud")?,
            name => write!(formatter, " {:?}", name.text().unwrap_or_default())?,
        }
        if let Some(project) = self.project {
            write!(formatter, " in project {project}")?;
        }
        for tie in &self.ties {
            write!(formatter, ", on {}/{}", KINDS[tie.kind].name, tie.to)?;
        }
        let words = [
            (self.is_tagged, "tagged keep"),
            (self.is_made, "made by the cloud"),
            (self.is_marked, "delete_on_termination"),
            (self.is_shared, "shared"),
            (self.age == Age::Old, "old"),
            (self.age == Age::Unknown, "of unknown age"),
        ];
        for (_, word) in words.iter().filter(|(is_so, _)| *is_so) {
            write!(formatter, ", {word}")?;
        }
        Ok(())
    }
}

impl fmt::Display for World {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for item in &self.items {
            writeln!(formatter, "  {item}")?;
        }
        let usual = Flags::default();
        let flags = &self.flags;
        let said = [
            (
                flags.tasks != usual.tasks,
                format!("tasks {:?}", flags.tasks),
            ),
            (
                flags.origin.is_some(),
                format!("--origin {:?}", flags.origin),
            ),
            (
                flags.projects.is_some(),
                format!("--project {:?}", flags.projects),
            ),
            (!flags.only.is_empty(), format!("--only {:?}", flags.only)),
            (
                !flags.except.is_empty(),
                format!("--except {:?}", flags.except),
            ),
            (
                flags.age.is_some(),
                format!("only things that are {:?}", flags.age),
            ),
            (flags.protects_tag, "--protect-tag keep".to_owned()),
            (
                flags.protected_project.is_some(),
                format!("protected project {:?}", flags.protected_project),
            ),
            (flags.with_projects, "--with-projects".to_owned()),
            (flags.shared, "--shared".to_owned()),
            (flags.unmatched, "--unmatched".to_owned()),
            (flags.force, "--force".to_owned()),
            (!flags.is_admin, "no administrator".to_owned()),
            (
                !self.unlooked.is_empty(),
                format!("nobody looks at {:?}", self.unlooked),
            ),
            (self.page > 0, format!("pages of {}", self.page)),
        ];
        for (_, words) in said.iter().filter(|(is_so, _)| *is_so) {
            writeln!(formatter, "  {words}")?;
        }
        for fault in &self.faults {
            match fault {
                Fault::Listing {
                    kind,
                    from,
                    times,
                    bad,
                } => writeln!(
                    formatter,
                    "  {times} listings of {} from number {from} on: {bad:?}",
                    KINDS[*kind].name
                )?,
                Fault::Deletion { n, times, trouble } => {
                    writeln!(formatter, "  {times} deletions of {n}: {trouble:?}")?;
                }
                Fault::At(step, Happening::Appears(item)) => {
                    writeln!(formatter, "  at call {step} appears {item}")?;
                }
                other => writeln!(formatter, "  {other:?}")?,
            }
        }
        Ok(())
    }
}
