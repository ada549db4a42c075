//! Which project an operator means.
//!
//! The invariant: a word that fits two projects is never decided for one of them. Whoever may create projects can give one the
//! id of another as its name.

use std::collections::BTreeSet;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Error, ErrorKind, GrantedScope, Identity, Method, Request, Session};

#[derive(Deserialize)]
struct Project {
    id: String,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct OfId {
    project: Project,
}

#[derive(Deserialize)]
struct OfName {
    projects: Vec<Project>,
}

/// A page of all projects.
#[derive(Deserialize)]
struct Page {
    projects: Vec<Project>,
    #[serde(default)]
    links: Links,
    /// Keystone says so where a limit of its own has cut the list.
    #[serde(default)]
    truncated: bool,
}

#[derive(Default, Deserialize)]
struct Links {
    #[serde(default)]
    next: Option<String>,
}

/// Pages of projects that are asked for.
const PAGES_MAX: usize = 10_000;

impl Session {
    /// The id of the project that is given by its id or its name.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if there is none, or if the word fits several; those of any request, and of an answer that says
    /// neither that there is such a project nor that there is none.
    pub async fn project_id(&self, given: &str) -> Result<String, Error> {
        let identity = self.identity();
        if let Some(identity) = identity.filter(|identity| !identity.is_admin())
            && let GrantedScope::Project { id, name, .. } = identity.scope
            && (given == id || given == name)
        {
            // Of others an ordinary user sees nothing.
            return Ok(id);
        }
        let by_id = if could_be_id(given) {
            self.shown::<OfId>(&format!("/v3/projects/{given}")).await?
        } else {
            None
        };
        let encoded = utf8_percent_encode(given, NON_ALPHANUMERIC);
        let path = format!("/v3/projects?name={encoded}");
        let by_name = self.shown::<OfName>(&path).await?;
        let by_id = by_id.map(|found| found.project).filter(|it| it.id == given);
        let by_name = by_name.map_or_else(Vec::new, |found| found.projects);
        chosen(given, by_id, by_name)
    }

    /// The ids of all projects whose names hold one of these words, in small letters or capitals. Of other projects than the own an
    /// ordinary user sees nothing and takes nothing.
    ///
    /// # Errors
    /// If Keystone does not show all projects; those of any request.
    pub async fn projects_called(&self, words: &BTreeSet<String>) -> Result<Vec<String>, Error> {
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let projects = match self.identity().filter(|identity| !identity.is_admin()) {
            None => self.all_projects().await?,
            Some(Identity {
                scope: GrantedScope::Project { id, name, .. },
                ..
            }) => vec![Project { id, name }],
            Some(_) => Vec::new(),
        };
        let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
        let is_called = |name: &str| {
            let name = name.to_lowercase();
            words.iter().any(|word| name.contains(word))
        };
        let called = projects.into_iter().filter(|it| is_called(&it.name));
        Ok(called.map(|it| it.id).collect())
    }

    /// Every project that there is.
    async fn all_projects(&self) -> Result<Vec<Project>, Error> {
        let unclear = |why: &str| {
            let message = format!(
                "Keystone was asked for all projects, because some names of projects are blocked, and {why}"
            );
            Error::new(ErrorKind::Malformed, message)
        };
        let mut path = "/v3/projects".to_owned();
        let mut projects = Vec::new();
        for _ in 0..PAGES_MAX {
            let page = self.shown::<Page>(&path).await?;
            let page = page.ok_or_else(|| unclear("does not show them with these rights"))?;
            projects.extend(page.projects);
            match page.links.next {
                Some(link) => {
                    let next = self.relative("identity", &link);
                    path = next.map_err(|error| {
                        unclear(&format!("its next page is no link to go by: {error}"))
                    })?;
                }
                None if page.truncated => return Err(unclear("has cut its list short")),
                None => return Ok(projects),
            }
        }
        Err(unclear("its list has no end"))
    }

    /// What Keystone shows at a path; nothing if it says that there is nothing, or that it is not for us to see.
    async fn shown<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, Error> {
        let answer = self
            .send(Request::new("identity", Method::Get, path))
            .await?;
        let unclear = |why: &str| {
            let message = format!("Keystone was asked which project is meant, and {why}");
            Err(Error::new(ErrorKind::Malformed, message)
                .answered(answer.status, answer.request_id.clone()))
        };
        match answer.status {
            200 => match serde_json::from_str(&answer.body) {
                Ok(found) => Ok(Some(found)),
                Err(_) => unclear("its answer cannot be understood"),
            },
            403 | 404 => Ok(None),
            status => unclear(&format!("answered {status}")),
        }
    }
}

/// Keystone's ids are letters and digits, with dashes at most; what else is given can only be a name.
fn could_be_id(given: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !given.is_empty() && given.bytes().all(fits)
}

fn chosen(given: &str, by_id: Option<Project>, by_name: Vec<Project>) -> Result<String, Error> {
    let refused = |message: String| Err(Error::new(ErrorKind::Invalid, message));
    let others: Vec<String> = by_name
        .iter()
        .filter(|it| by_id.as_ref().is_none_or(|known| known.id != it.id))
        .map(|it| it.id.clone())
        .collect();
    match (by_id, others.as_slice()) {
        (Some(project), []) => Ok(project.id),
        (Some(Project { id, name }), others) => refused(format!(
            "`{given}` is the id of one project and the name of another: {id} is called {name}, and {given} is what {} is \
             called. Whoever may create projects can make that happen. To mean {id}, give its name; to mean the one that is \
             called {given}, give its id",
            others.join(" and ")
        )),
        (None, [id]) => Ok(id.clone()),
        (None, []) => refused(format!("there is no project {given}, by name or by id")),
        (None, others) => refused(format!(
            "several projects, in different domains, are named {given}: give the id of one of {}",
            others.join(", ")
        )),
    }
}
