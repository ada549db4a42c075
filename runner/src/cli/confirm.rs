//! The typed confirmation of a broad sweep, on the terminal.

use std::io::{BufRead, IsTerminal, Write};

use futures_util::future::BoxFuture;

use crate::cloud::GrantedScope;
use crate::plan::Plan;
use crate::report::{About, plan_for_people};
use crate::run::{Broad, Confirm, Question, Unconfirmed};

use super::setup::Ready;

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

    /// Shows the plan of a broad sweep and asks for the name of where it happens.
    fn confirm(&self, broad: Broad, plan: &Plan) -> Result<(), Unconfirmed> {
        self.ready.progress.finish();
        let what = self.what(broad);
        if !std::io::stdin().is_terminal() {
            return Err(Unconfirmed {
                why: format!("this sweep deletes {what}, and there is nobody to ask"),
                hint: Some("look at the plan with --dry-run, then give --yes".to_owned()),
            });
        }
        let place = self.place(broad);
        let About { cloud, scope, .. } = self.ready.about();
        let question = format!(
            "{}Deletes {what}, as {scope} on {cloud}. Type {place} to go on: ",
            plan_for_people(plan, self.ready.about()),
        );
        let asked = std::io::stderr().write_all(question.as_bytes());
        let mut answer = String::new();
        let answered = asked.and_then(|()| std::io::stdin().lock().read_line(&mut answer));
        match answered {
            Ok(_) if answer.trim() == place => Ok(()),
            Ok(_) | Err(_) => Err(Unconfirmed {
                why: "not confirmed; nothing was changed".to_owned(),
                hint: None,
            }),
        }
    }

    fn place(&self, broad: Broad) -> String {
        let identity = self.ready.connected.identity.as_ref();
        match (broad, identity.map(|identity| &identity.scope)) {
            (Broad::Unmatched, _) => self.projects.join(" "),
            (Broad::EveryTask, Some(GrantedScope::Project { name, .. })) => name.clone(),
            (Broad::EveryTask, _) => self.ready.connected.cloud.clone(),
        }
    }

    fn what(&self, broad: Broad) -> String {
        match broad {
            Broad::EveryTask => "the things of every task".to_owned(),
            Broad::Unmatched => format!(
                "everything in {} that bears no name of the task",
                self.projects.join(", ")
            ),
        }
    }
}

impl Confirm for Terminal<'_> {
    fn ask<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Result<(), Unconfirmed>> {
        Box::pin(std::future::ready(
            self.confirm(question.broad, question.plan),
        ))
    }
}
