//! Which project an operator means.
//!
//! The invariant: a word that fits two projects is never decided for one of them. Whoever may create projects can give one the
//! id of another as its name.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Error, ErrorKind, GrantedScope, Method, Request, Session};

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
