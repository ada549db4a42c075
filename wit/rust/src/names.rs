//! Names which the cloud itself gives: no names at all.
//!
//! They are recognised by their whole form. A pattern has no open tail: people call things `image-archive-of-2026` too.

use crate::Object;

/// Stands for a UUID in a pattern, as the services write it.
const UUID: &str = "{uuid}";

/// How many characters that has.
const UUID_LENGTH: usize = 36;

/// Where a thing shows what is to be known of it: JSON pointers into its object, empty where nothing shows it.
#[derive(Clone, Copy)]
pub(crate) struct Fields {
    pub(crate) id: &'static str,
    pub(crate) names: &'static [&'static str],
    pub(crate) given_names: &'static [&'static str],
    pub(crate) given_names_where: &'static [(&'static str, &'static str, &'static str)],
    pub(crate) id_is_no_name: bool,
    pub(crate) project: &'static str,
    pub(crate) created_at: &'static str,
    pub(crate) status: &'static str,
    pub(crate) tags: &'static str,
    pub(crate) sees: &'static [&'static str],
}

impl Fields {
    pub(crate) const USUAL: Self = Self {
        id: "/id",
        names: &["/name"],
        given_names: &[],
        given_names_where: &[],
        id_is_no_name: false,
        project: "/project_id",
        created_at: "/created_at",
        status: "/status",
        tags: "",
        sees: &[],
    };

    /// The name that says who made a thing.
    pub(crate) fn own_name<'a>(&self, object: &'a Object) -> Option<&'a str> {
        let name = self.names.iter().find_map(|pointer| object.text(pointer))?;
        let is_id = self.id_is_no_name && object.text(self.id) == Some(name);
        let is_given = self.given_names.iter().any(|pattern| fits(pattern, name))
            || self
                .given_names_where
                .iter()
                .any(|(pattern, at, value)| fits(pattern, name) && object.text(at) == Some(value));
        (!is_id && !is_given).then_some(name)
    }
}

/// Whether a name has this form, from its first character to its last.
pub fn fits(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once(UUID) else {
        return name == pattern;
    };
    name.strip_prefix(start)
        .and_then(|tail| tail.split_at_checked(UUID_LENGTH))
        .is_some_and(|(uuid, tail)| is_uuid(uuid) && fits(rest, tail))
}

/// What follows a prefix, if that is a UUID and nothing else.
pub fn uuid_after<'a>(prefix: &str, name: &'a str) -> Option<&'a str> {
    name.strip_prefix(prefix).filter(|rest| is_uuid(rest))
}

fn is_uuid(text: &str) -> bool {
    text.len() == UUID_LENGTH
        && text
            .bytes()
            .enumerate()
            .all(|(position, byte)| match position {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "aec448ff-f0e7-4a4a-9984-ecba26e005fc";

    #[test]
    fn a_given_name_is_known_by_its_whole_form() {
        for (pattern, name, is_given) in [
            ("default", "default".to_owned(), true),
            ("default", "default-2".to_owned(), false),
            ("image-{uuid}", format!("image-{ID}"), true),
            ("image-{uuid}", format!("image-{}", ID.to_uppercase()), true),
            ("image-{uuid}", "image-archive-of-2026".to_owned(), false),
            ("image-{uuid}", format!("image-{ID}-old"), false),
            ("image-{uuid}", format!("my-image-{ID}"), false),
            ("image-{uuid}", "image-".to_owned(), false),
            (
                "image-{uuid}",
                format!("image-{}", ID.replace('-', "")),
                false,
            ),
            (
                "image-{uuid}",
                format!("image-{}", ID.replace('-', "_")),
                false,
            ),
            (
                "image-{uuid}",
                "image-äöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöü".to_owned(),
                false,
            ),
            ("lb-{uuid}-port", format!("lb-{ID}-port"), true),
            ("lb-{uuid}-port", format!("lb-{ID}"), false),
        ] {
            assert_eq!(fits(pattern, &name), is_given, "{pattern} {name}");
        }
    }

    #[test]
    fn a_form_may_need_a_mark_beside_it() {
        let fields = Fields {
            given_names_where: &[("image-{uuid}", "/metadata/readonly", "True")],
            ..Fields::USUAL
        };
        let name = format!("image-{ID}");
        for (metadata, own) in [
            (r#"{"readonly":"True"}"#, None),
            (r#"{"readonly":"False"}"#, Some(name.as_str())),
            ("{}", Some(name.as_str())),
        ] {
            let object = format!(r#"{{"name":"{name}","metadata":{metadata}}}"#);
            assert_eq!(fields.own_name(&Object::parse(&object)), own, "{metadata}");
        }
    }
}
