//! How long what a kind declares may be, and that a person can read all of it.

use super::Kind;
use super::check::is_kind_name;
use crate::resource::Template;
use crate::text::Visible;

const TEMPLATE_BYTES_MAX: usize = 4 << 10;

const PLACEHOLDERS_MAX: usize = 8;

const POINTER_BYTES_MAX: usize = 256;

const TEXT_BYTES_MAX: usize = 1 << 10;

impl Kind {
    /// What is declared and unfit, and why.
    pub(super) fn unfit(&self) -> Option<(&'static str, &'static str)> {
        let is_full = |template: &Template| template.placeholders() > PLACEHOLDERS_MAX;
        if self.requests.iter().any(is_full) {
            return Some(("a request", "has more than 8 placeholders"));
        }
        let mut requests = self.requests.iter().enumerate();
        let before = |at: usize| self.requests.iter().take(at);
        if requests.any(|(at, request)| before(at).any(|it| it == request)) {
            return Some(("a request", "is declared twice"));
        }
        let mut takes = self.effects.takes.iter().enumerate();
        let before = |at: usize| self.effects.takes.iter().take(at);
        if takes.any(|(at, taken)| before(at).any(|it| it == taken)) {
            return Some(("a kind that it takes along", "is declared twice"));
        }
        if !self.other_kinds().into_iter().all(is_kind_name) {
            return Some(("another kind", "is no <service>.<resource>"));
        }
        let templates = self.requests.iter().map(Template::source);
        let bounded = [
            ("a request", TEMPLATE_BYTES_MAX, templates.collect()),
            ("a pointer", POINTER_BYTES_MAX, self.pointers()),
            ("a text", TEXT_BYTES_MAX, self.texts()),
        ];
        bounded.into_iter().find_map(|(what, bytes_max, texts)| {
            let mut texts = texts.into_iter();
            let why = texts.find_map(|text| match text {
                long if long.len() > bytes_max => Some("is longer than any should be"),
                text if Visible(text).to_string() != text => {
                    Some("holds a character that is not seen")
                }
                _ => None,
            });
            why.map(|why| (what, why))
        })
    }

    fn other_kinds(&self) -> Vec<&str> {
        let effects = &self.effects;
        let named = [&effects.taken_by, &effects.made_for, &effects.holds];
        let named = named.into_iter().flatten().chain(&self.after);
        let owners = self.owners.iter().map(|owner| &owner.kind);
        let taken = effects.takes.iter().map(|taken| &taken.kind);
        let kinds = named.chain(owners).chain(taken).chain(self.reach.parent());
        kinds.map(|kind| &**kind).collect()
    }

    /// All pointers into an object but those in templates.
    pub(in crate::resource) fn pointers(&self) -> Vec<&str> {
        let (fields, effects) = (&self.fields, &self.effects);
        let single = [
            &fields.id,
            &fields.project,
            &fields.created_at,
            &fields.status,
            &fields.tags,
        ];
        let owners = self.owners.iter().map(|owner| &owner.at);
        let taken = effects.takes.iter().map(|taken| &taken.at);
        let signs = effects.shared_if.iter().chain(&effects.refused_if);
        let effects = taken.chain(signs.map(|sign| &sign.at));
        let pointers = single.into_iter().chain(&fields.names).chain(owners);
        let pointers = pointers.chain(effects).map(String::as_str);
        let seen = self.sees.iter().map(AsRef::as_ref);
        pointers.chain(seen).collect()
    }

    fn texts(&self) -> Vec<&str> {
        let effects = &self.effects;
        let signs = effects.shared_if.iter().chain(&effects.refused_if);
        let signs = signs.flat_map(|sign| [&sign.value, &sign.means]);
        let members = effects.takes.iter().flat_map(|taken| &taken.only_where);
        let states = self.failed_states.iter().chain(&effects.hidden_states);
        let texts = states.chain(&effects.beside).chain(signs).chain(members);
        let texts = texts.chain(std::iter::once(&self.service));
        let paths = self.reads.iter().map(AsRef::as_ref);
        texts.map(String::as_str).chain(paths).collect()
    }
}
