//! Requests: sending a row's templates for one thing, and what the answers mean.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

use crate::http::{self, HttpError, Method, Request, Response};
use crate::{Item, Object, Outcome, RuleError, Thing};

/// Everything but RFC 3986's unreserved characters: the runner encodes the same way before it compares.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Percent-encodes a path segment or a query value.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Deletes a thing, where that takes more than the last of its row's requests.
pub type Delete = fn(&Target) -> Result<Outcome, RuleError>;

/// By which requests a kind's things are changed, and how these are sent. The row's methods set it, and say what each member means.
#[derive(Clone, Copy)]
pub(crate) struct Requests {
    pub(crate) collection: &'static str,
    pub(crate) templates: &'static [&'static str],
    pub(crate) forced: &'static [&'static str],
    pub(crate) reads: &'static [&'static str],
    pub(crate) microversion: &'static str,
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) conflicts: &'static [u32],
    pub(crate) lingers: bool,
    pub(crate) failed_states: &'static [&'static str],
    pub(crate) delete_by: Option<Delete>,
}

impl Requests {
    pub(crate) const PLAIN: Self = Self {
        collection: "",
        templates: &["DELETE {self}"],
        forced: &[],
        reads: &[],
        microversion: "",
        headers: &[],
        conflicts: &[],
        lingers: false,
        failed_states: &[],
        delete_by: None,
    };

    /// All templates but those that only force, as the contract has them.
    pub(crate) fn templates(&self) -> Vec<String> {
        self.templates
            .iter()
            .map(|it| self.written_out(it))
            .collect()
    }

    /// The templates that are sent only where the operator insists. That may be the ordinary request itself.
    pub(crate) fn only_forced(&self) -> Vec<String> {
        let mut forced: Vec<String> = self.forced.iter().map(|it| self.written_out(it)).collect();
        let ordinary = self.templates();
        let last = forced.last().cloned();
        forced.retain(|template| !ordinary.contains(template));
        if forced.is_empty() {
            forced.extend(last);
        }
        forced
    }

    /// With the thing's own path for `{self}`.
    fn written_out(&self, template: &str) -> String {
        let collection = self.collection.trim_end_matches('/');
        template.replace("{self}", &format!("{collection}/{{id}}"))
    }
}

/// A thing that is being deleted.
pub struct Target<'a> {
    /// What the runner knows about it.
    pub item: &'a Item,
    /// Its JSON object.
    pub object: Object,
    kind: &'a str,
    requests: &'a Requests,
    service: &'a str,
}

impl<'a> Target<'a> {
    pub(crate) fn new(
        kind: &'a str,
        requests: &'a Requests,
        service: &'a str,
        item: &'a Item,
    ) -> Self {
        Self {
            item,
            object: Object::parse(&item.object),
            kind,
            requests,
            service,
        }
    }

    /// Deletes it as its row says.
    pub(crate) fn delete(&self) -> Result<Outcome, RuleError> {
        let deleted = match (self.requests.delete_by, self.requests.templates.len()) {
            (Some(delete_by), _) => delete_by(self),
            (None, 0) => Err(RuleError::Other(format!(
                "no request deletes a {}",
                self.kind
            ))),
            (None, requests) => self.finish(requests - 1),
        };
        match deleted {
            Err(RuleError::NotFound) => Ok(Outcome::Gone),
            other => other,
        }
    }

    /// Deletes it by the requests for an operator who insists.
    pub(crate) fn force(&self) -> Result<Outcome, RuleError> {
        let Some((last, firsts)) = self.requests.forced.split_last() else {
            return Err(RuleError::Other(format!("{} cannot be forced", self.kind)));
        };
        for first in firsts {
            // Whether it helped shows in what the last one comes to.
            let _ = self.send_template(first, None);
        }
        self.came_to(self.send_template(last, None))
    }

    /// Sends the row's template with this number, filled in for this thing.
    ///
    /// # Errors
    /// What the answer means where it is no success: `not-found`, `conflict`, and so on.
    pub fn send(&self, number: usize) -> Result<Response, RuleError> {
        self.send_filled(number, None)
    }

    /// Sends a template that holds a pointer with `*` for one of the values found there.
    ///
    /// # Errors
    /// As `send`; `conflict` if the value was not there when the thing was listed.
    pub fn send_for(
        &self,
        number: usize,
        pointer: &str,
        value: &str,
    ) -> Result<Response, RuleError> {
        if !self.object.texts(pointer).contains(&value) {
            return Err(RuleError::Conflict(format!(
                "{value} was not there when it was listed"
            )));
        }
        self.send_filled(number, Some((pointer, value)))
    }

    /// Sends a template that holds a pointer with `*` once for each value found there.
    ///
    /// # Errors
    /// As `send`; the first failure ends it. `not-found` means that this part has gone, and is passed over.
    pub fn send_for_each(&self, number: usize, pointer: &str) -> Result<(), RuleError> {
        for value in self.object.texts(pointer) {
            match self.send_filled(number, Some((pointer, value))) {
                Ok(_) | Err(RuleError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Asks the service for something about this thing: `{self}` is its own path. The path is filled in as a template is.
    ///
    /// # Errors
    /// What the answer means where it is no success, and `malformed` where it is no JSON.
    pub fn fetch(&self, path: &str) -> Result<Object, RuleError> {
        let path = self.requests.written_out(path);
        let path = self.fill(&path, None, &|text| encode(text));
        let response = get(self.service, &path, self.requests.microversion)?;
        check(&response)?;
        Object::parse_answer(&response.body)
    }

    /// Sends the row's template with this number and says what that means for the thing.
    ///
    /// # Errors
    /// As `send`, but `not-found` is the outcome `gone`.
    pub fn finish(&self, number: usize) -> Result<Outcome, RuleError> {
        self.came_to(self.send(number))
    }

    /// It is in the middle of a change of its own, which nothing but time ends: asked again until then.
    pub fn busy(&self) -> Outcome {
        Outcome::Blocked(vec![Thing {
            kind: self.kind.to_owned(),
            id: self.item.id.clone(),
        }])
    }

    /// What the answer to the deleting request means for the thing.
    fn came_to(&self, sent: Result<Response, RuleError>) -> Result<Outcome, RuleError> {
        match sent {
            Ok(_) if self.requests.lingers => Ok(Outcome::Accepted),
            Ok(_) | Err(RuleError::NotFound) => Ok(Outcome::Gone),
            Err(error) => Err(error),
        }
    }

    fn send_filled(
        &self,
        number: usize,
        starred: Option<(&str, &str)>,
    ) -> Result<Response, RuleError> {
        let template = self
            .requests
            .templates
            .get(number)
            .ok_or_else(|| RuleError::Other("no such template".to_owned()))?;
        self.send_template(template, starred)
    }

    fn send_template(
        &self,
        template: &str,
        starred: Option<(&str, &str)>,
    ) -> Result<Response, RuleError> {
        let template = self.requests.written_out(template);
        let mut parts = template.splitn(3, ' ');
        let (method, path) = (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        );
        let body = parts
            .next()
            .map(|body| self.fill(body, starred, &|text| escape(text)));
        let is_name_below = self.service == "object-store" && path == "/{parent}/{id}";
        let path = self.fill(path, starred, &|text| encode(text));
        match path.rsplit_once('/') {
            Some((parent, name)) if is_name_below => {
                check_path(parent, &is_ambiguous)?;
                check_path(name, &is_ambiguous_name)?;
            }
            _ => check_path(&path, &is_ambiguous)?,
        }
        let response = http::send(&Request {
            service: self.service.to_owned(),
            method: parse_method(method)?,
            path,
            headers: self
                .requests
                .headers
                .iter()
                .map(|(name, value)| header(name, value))
                .collect(),
            microversion: self.requests.microversion.to_owned(),
            body,
        })
        .map_err(error_of)?;
        if self.requests.conflicts.contains(&response.status) {
            return Err(RuleError::Conflict(said(&response)));
        }
        check(&response)?;
        Ok(response)
    }

    fn fill(
        &self,
        template: &str,
        starred: Option<(&str, &str)>,
        encode: &dyn Fn(&str) -> String,
    ) -> String {
        let mut filled = template
            .replace("{id}", &encode(&self.item.id))
            .replace("{parent}", &encode(&self.item.parent))
            .replace("{project}", &encode(&self.item.project));
        if let Some((pointer, value)) = starred {
            filled = filled.replace(&format!("{{{pointer}}}"), &encode(value));
        }
        while let Some((start, end)) = pointer_in(&filled) {
            let value = self
                .object
                .text(&filled[start + 1..end])
                .unwrap_or_default();
            filled.replace_range(start..=end, &encode(value));
        }
        filled
    }
}

fn pointer_in(text: &str) -> Option<(usize, usize)> {
    let start = text.find("{/")?;
    let end = text[start..].find('}')? + start;
    Some((start, end))
}

/// Escapes a text for the inside of a JSON string.
fn escape(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn parse_method(method: &str) -> Result<Method, RuleError> {
    match method {
        "POST" => Ok(Method::Post),
        "PUT" => Ok(Method::Put),
        "PATCH" => Ok(Method::Patch),
        "DELETE" => Ok(Method::Delete),
        other => Err(RuleError::Other(format!(
            "a template cannot begin with {other}"
        ))),
    }
}

fn header(name: &str, value: &str) -> http::Header {
    http::Header {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

/// Sends a GET.
///
/// # Errors
/// Only where there is no answer; an error status is an answer. `other` where a name cannot be part of a path.
pub fn get(service: &str, path: &str, microversion: &str) -> Result<Response, RuleError> {
    send_get(service, path, microversion)?.map_err(error_of)
}

/// As `get`, with the reason why there is no answer.
pub(crate) fn send_get(
    service: &str,
    path: &str,
    microversion: &str,
) -> Result<Result<Response, HttpError>, RuleError> {
    check_path(path, &is_ambiguous)?;
    Ok(http::send(&Request {
        service: service.to_owned(),
        method: Method::Get,
        path: path.to_owned(),
        headers: Vec::new(),
        microversion: microversion.to_owned(),
        body: None,
    }))
}

/// The runner lets no path leave that a server on its way could read as another one, and blames the rule for asking. Names
/// that users give to containers, regions or namespaces may make such a path.
fn check_path(path: &str, is_ambiguous: &dyn Fn(&str) -> bool) -> Result<(), RuleError> {
    let (path, _) = path.split_once('?').unwrap_or((path, ""));
    let mut names = path
        .split('/')
        .map(|it| percent_decode_str(it).decode_utf8_lossy());
    match names.find(|name| is_ambiguous(name)) {
        Some(name) => Err(RuleError::Other(format!(
            "no path can hold {name:?}: a slash, a backslash, a dot segment, or an encoded or control character"
        ))),
        None => Ok(()),
    }
}

/// The same for a name that may hold slashes, as an object's in Swift: the runner lets it leave in a request that it has itself
/// filled in. Between slashes dots are but dots.
fn is_ambiguous_name(name: &str) -> bool {
    if !name.contains('/') {
        return is_ambiguous(name);
    }
    let mut pieces = name
        .split('/')
        .filter(|piece| !matches!(*piece, "." | ".."));
    pieces.any(is_ambiguous)
}

/// Looks through as many layers of encoding as the runner does.
fn is_ambiguous(name: &str) -> bool {
    const LAYERS: usize = 3;
    let mut seen = name.to_owned();
    for _ in 0..LAYERS {
        let splits = |c: char| matches!(c, '/' | '\\') || c.is_control();
        let is_dots = matches!(seen.split(';').next(), Some("." | ".."));
        if is_dots || seen.contains(splits) || seen.to_ascii_lowercase().contains("%2e") {
            return true;
        }
        let decoded = percent_decode_str(&seen).decode_utf8_lossy().into_owned();
        if decoded == seen {
            return false;
        }
        seen = decoded;
    }
    true
}

/// What an answer means.
///
/// # Errors
/// Everything that is no success.
pub fn check(response: &Response) -> Result<(), RuleError> {
    match response.status {
        200..=299 => Ok(()),
        404 | 410 => Err(RuleError::NotFound),
        401 | 403 => Err(RuleError::Denied(said(response))),
        // 300: Nova and Glance list their versions instead of answering.
        409 | 423 => Err(RuleError::Conflict(said(response))),
        413 | 429 => Err(RuleError::Throttled(said(response))),
        500..=599 => Err(RuleError::Unavailable(said(response))),
        _ => Err(RuleError::Other(said(response))),
    }
}

fn said(response: &Response) -> String {
    format!("{}: {}", response.status, excerpt(&response.body))
}

pub(crate) fn error_of(error: HttpError) -> RuleError {
    match error {
        HttpError::NoService => RuleError::Unavailable("the cloud has no such service".to_owned()),
        HttpError::Unauthorized(text) => RuleError::Denied(text),
        HttpError::Throttled(text) => RuleError::Throttled(text),
        HttpError::Timeout(text) | HttpError::Unreachable(text) => RuleError::Unavailable(text),
        HttpError::TooLarge(text) => RuleError::Malformed(text),
        HttpError::Refused(text) | HttpError::Other(text) => RuleError::Other(text),
    }
}

/// The message inside an OpenStack error body, or the body's beginning. Without HTML: Glance and Heat send line breaks as
/// `<br />`, and proxies whole pages.
fn excerpt(body: &str) -> String {
    let message = serde_json::from_str::<Value>(body)
        .ok()
        .and_then(|body| message_in(&body))
        .unwrap_or_else(|| body.to_owned());
    let is_html = message.contains("<br") || message.contains("</");
    let text = if is_html {
        without_tags(&message)
    } else {
        message
    };
    text.chars().take(300).collect()
}

fn without_tags(html: &str) -> String {
    let texts = html
        .split('<')
        .map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    let words = texts.flat_map(str::split_whitespace);
    words.collect::<Vec<_>>().join(" ")
}

fn message_in(value: &Value) -> Option<String> {
    let members = match value {
        Value::Object(members) => members,
        // Magnum sends a list of errors, Ironic and its kin an error as text that is JSON once more.
        Value::Array(elements) => return elements.iter().find_map(message_in),
        Value::String(text) => return message_in(&serde_json::from_str(text).ok()?),
        _ => return None,
    };
    ["message", "faultstring", "detail", "description"]
        .iter()
        .find_map(|name| members.get(*name)?.as_str().map(str::to_owned))
        .or_else(|| members.values().find_map(message_in))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_thing_follows_from_its_collection() {
        for (collection, template, written_out) in [
            ("/v2/ports", "DELETE {self}", "DELETE /v2/ports/{id}"),
            ("/", "DELETE {self}", "DELETE /{id}"),
            (
                "/a/{parent}/b",
                "POST {self}/action {\"stop\":null}",
                "POST /a/{parent}/b/{id}/action {\"stop\":null}",
            ),
            ("/b", "PUT /c/{id} {}", "PUT /c/{id} {}"),
        ] {
            let requests = Requests {
                collection,
                ..Requests::PLAIN
            };
            assert_eq!(requests.written_out(template), written_out);
        }
    }

    #[test]
    fn the_message_is_found_wherever_a_service_puts_it() {
        for body in [
            r#"{"itemNotFound":{"code":404,"message":"gone"}}"#,
            r#"{"errors":[{"status":400,"detail":"gone"}]}"#,
            r#"{"error_message":"{\"faultcode\":\"Client\",\"faultstring\":\"gone\"}"}"#,
            "<html><body><h1>gone</h1></body></html>",
            "gone",
        ] {
            assert_eq!(excerpt(body), "gone", "{body}");
        }
        let unknown = r#"{"error_message":"no JSON","code":"7"}"#;
        assert_eq!(excerpt(unknown), unknown);
    }

    #[test]
    fn names_that_could_be_read_as_another_path_are_kept_out_of_it() {
        let fits = |name: &str| {
            let path = format!("/c/{}?marker=a%2Fb", encode(name));
            check_path(&path, &is_ambiguous).is_ok()
        };
        for name in ["a", "a b ü", "a+b%41%25?#&=;.txt", "..a", "100%", "%"] {
            assert!(fits(name), "{name}");
        }
        for name in [
            "a/b",
            "a\\b",
            ".",
            "..",
            "..;a",
            "a\nb",
            "a%2fb",
            "%2e%2e",
            "%252f",
            "%25252541",
        ] {
            assert!(!fits(name), "{name}");
        }
    }

    #[test]
    fn names_of_objects_may_hold_slashes() {
        let fits = |name: &str| {
            let path = format!("/c/{}", encode(name));
            check_path(&path, &is_ambiguous_name).is_ok()
        };
        for name in [
            "a/b",
            "dir/",
            "/",
            "a//b",
            "http://example.org/?a=b#c",
            "a/../b",
            "../b",
            "./",
            "plain",
        ] {
            assert!(fits(name), "{name}");
        }
        for name in [
            ".", "..", "..;a", "a/..;b", "a/b\\c", "a/\nb", "a/%2fb", "a/%2e%2e", "a%2fb",
        ] {
            assert!(!fits(name), "{name}");
        }
    }
}
