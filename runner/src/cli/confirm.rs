//! The typed confirmation of a broad sweep, on the terminal.
//!
//! What has to be typed names the cloud and what will be swept there, for these are what one mistakes.

use std::io::{IsTerminal, Write};

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use crate::cloud::GrantedScope;
use crate::report::{Format, Report};
use crate::run::{Broad, Confirm, Outcome, Question, Unconfirmed};
use crate::text;

use super::ready::Ready;

/// Somebody at the terminal.
pub(super) struct Terminal<'a> {
    ready: &'a Ready,
    /// The projects as they were given.
    projects: &'a [String],
}

impl<'a> Terminal<'a> {
    pub(super) fn of(ready: &'a Ready, projects: &'a [String]) -> Self {
        Self { ready, projects }
    }

    /// Shows the plan of a broad sweep and asks for the names of where it happens.
    async fn confirm(&self, broad: Broad, shown: &Outcome) -> Result<(), Unconfirmed> {
        let swept = self.swept();
        let cloud = &self.ready.connected.cloud;
        let what = match broad {
            Broad::EveryTask => "the things of every task",
            Broad::Unmatched => "everything that bears no name of the task",
        };
        let place = match swept.as_slice() {
            [] => "all projects".to_owned(),
            projects => format!("project {}", projects.join(", ")),
        };
        if !std::io::stdin().is_terminal() {
            return Err(Unconfirmed {
                why: format!(
                    "this sweep deletes {what} in {place} on {cloud}, and there is nobody to ask"
                ),
                hint: Some("look at the plan with --dry-run, then give --yes".to_owned()),
            });
        }
        let expected = expected(cloud, &swept);
        let report = Report::of(shown, self.ready.about(), false).write(Format::Table);
        let question = format!(
            "{}Deletes {what} in {place} on {cloud}. Type {expected} to go on: ",
            report.unwrap_or_default()
        );
        let asked = self.ready.progress.quietly(|| {
            let asked = std::io::stderr().write_all(text::lines(&question).as_bytes());
            asked.is_ok()
        });
        if asked && line().await.is_some_and(|line| line.trim() == expected) {
            return Ok(());
        }
        Err(Unconfirmed {
            why: "not confirmed; nothing was changed".to_owned(),
            hint: None,
        })
    }

    /// The projects that will be swept, as people know them. None: all of them.
    fn swept(&self) -> Vec<String> {
        if !self.projects.is_empty() {
            return self.projects.to_vec();
        }
        let connected = &self.ready.connected;
        let scope = connected.identity.as_ref().map(|identity| &identity.scope);
        match (&self.ready.run.sieve().scope().projects, scope) {
            (None, _) => Vec::new(),
            // Who is no administrator sweeps the token's.
            (Some(_), Some(GrantedScope::Project { name, .. })) => vec![name.clone()],
            (Some(projects), _) => projects.iter().map(ToString::to_string).collect(),
        }
    }
}

/// What has to be typed: `prod/shop`, or `prod/all` where all projects are swept.
fn expected(cloud: &str, swept: &[String]) -> String {
    match swept {
        [] => format!("{cloud}/all"),
        projects => format!("{cloud}/{}", projects.join(",")),
    }
}

/// A line of standard input. It is read by a thread of its own, for nobody can be kept from not answering: who interrupts the run
/// meanwhile ends it.
async fn line() -> Option<String> {
    let (answered, answer) = oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        if std::io::stdin().read_line(&mut line).is_ok() {
            // Nobody may be waiting for it any more.
            let _ = answered.send(line);
        }
    });
    answer.await.ok()
}

impl Confirm for Terminal<'_> {
    fn ask<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Result<(), Unconfirmed>> {
        Box::pin(self.confirm(question.broad, question.shown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_names_the_cloud_and_what_is_swept() {
        let projects = ["shop".to_owned(), "db".to_owned()];
        assert_eq!(expected("prod", &[]), "prod/all");
        assert_eq!(expected("prod", &projects), "prod/shop,db");
    }
}
