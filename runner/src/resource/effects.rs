//! What a deletion does beside the thing that it names, and what an object says beforehand of how it will go.
//!
//! All of it is declared, not computed: a rule names the places, and the runner reads there. Most of it can only narrow a sweep.
//! What widens it (a nameless thing goes with whoever takes it along) needs the word of both kinds.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ThingRef;
use super::declaration::id_at;
use super::object::values_at;

/// Things that the cloud deletes along with another one, which holds their ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Their kind.
    pub kind: Arc<str>,
    /// JSON pointer of their ids in the object of the thing that takes them along; `/*` for every element of an array.
    pub at: String,
    /// Only those beside which this member is true: `delete_on_termination`.
    pub only_where: Option<String>,
    /// The cloud made them for this thing alone, so that nobody else can want them. One that nobody has seen holds nothing.
    pub is_its_own: bool,
}

/// A member's value that says something about the whole thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sign {
    /// JSON pointer of the member.
    pub at: String,
    /// Its value: a text, or `true`, `false` or a number as JSON writes them.
    pub value: String,
    /// What that means, for people. Empty where the property's name says it.
    pub means: String,
}

/// What the deletion of a kind's things does beside them, and what can be known of it beforehand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effects {
    /// What goes along with a thing, by what its object says.
    pub takes: Vec<Taken>,
    /// Kinds of owners that take a thing along which names them as such.
    pub taken_by: Vec<Arc<str>>,
    /// The same, for what the cloud itself makes for the owner, without a name.
    pub made_for: Vec<Arc<str>>,
    /// Kinds whose things a thing of this kind may stand in the way of, or go along with.
    pub holds: Vec<Arc<str>>,
    /// Where others use a thing, beyond its project.
    pub shared_if: Vec<Sign>,
    /// Where the service is known to refuse the deletion.
    pub refused_if: Vec<Sign>,
    /// States in which a thing is hidden, and not gone.
    pub hidden_states: Vec<String>,
    /// A nameless thing goes only with an owner that goes, and never because of the project that it is in.
    pub nameless_stays: bool,
    /// What the service makes for it bears its name, and a random end: that is no name of its own.
    pub gives_its_name: bool,
    /// Never deleted by a request of its own: it ties others to each other.
    pub is_witness: bool,
    /// The service deletes it over its contents.
    pub is_container: bool,
    /// What goes, is let go or fails beside it that nothing shows beforehand, in words.
    pub beside: Vec<String>,
}

/// What an object says beforehand of how its thing will go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Foreseen {
    /// What goes along with it.
    pub takes: Vec<ThingRef>,
    /// What of that the cloud made for it alone.
    pub makes: Vec<ThingRef>,
    /// Whether others use it, beyond its project.
    pub is_shared: bool,
    /// Why the service will refuse.
    pub refused: Option<String>,
}

/// Why a property's value cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the property {property} is {value:?}: expected {expected}")]
pub struct EffectError {
    property: String,
    value: String,
    expected: &'static str,
}

impl Effects {
    /// Takes over a property of a declaration. Says whether it is one of these.
    ///
    /// # Errors
    /// If its value has another form than the property's.
    pub fn declare(&mut self, property: &str, value: &str) -> Result<bool, EffectError> {
        let expecting = |expected: &'static str| EffectError {
            property: property.to_owned(),
            value: value.to_owned(),
            expected,
        };
        let kind = || match value.contains([' ', '/']) || value.is_empty() {
            true => Err(expecting("the name of a kind")),
            false => Ok(Arc::from(value)),
        };
        let sign = || parse_sign(value).ok_or_else(|| expecting("<pointer> <value> [<meaning>]"));
        let flag = || match value {
            "true" => Ok(true),
            _ => Err(expecting("true")),
        };
        match property {
            "takes" => self.takes.push(
                parse_taken(value).ok_or_else(|| expecting("<kind> <pointer> [where <member>]"))?,
            ),
            "makes" => self.takes.push(Taken {
                is_its_own: true,
                ..parse_taken(value).ok_or_else(|| expecting("<kind> <pointer>"))?
            }),
            "taken-by" => self.taken_by.push(kind()?),
            "made-for" => self.made_for.push(kind()?),
            "holds" => self.holds.push(kind()?),
            "shared-if" => self.shared_if.push(sign()?),
            "refused-if" => self.refused_if.push(sign()?),
            "hidden-state" => self.hidden_states.push(value.to_owned()),
            "nameless-stays" => self.nameless_stays = flag()?,
            "gives-its-name" => self.gives_its_name = flag()?,
            "witness" => self.is_witness = flag()?,
            "container" => self.is_container = flag()?,
            "beside" => match value.trim() {
                "" => return Err(expecting("words")),
                words => self.beside.push(words.to_owned()),
            },
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The declaration in words that a person can review and a lock file can hold: one line for each property.
    pub fn lines(&self) -> Vec<String> {
        let kinds = |property: &str, kinds: &[Arc<str>]| -> Vec<String> {
            kinds
                .iter()
                .map(|kind| format!("{property} {kind}"))
                .collect()
        };
        let signs = |property: &str, signs: &[Sign]| -> Vec<String> {
            signs
                .iter()
                .map(|sign| format!("{property} {sign}"))
                .collect()
        };
        let flags = [
            (self.nameless_stays, "nameless-stays"),
            (self.gives_its_name, "gives-its-name"),
            (self.is_witness, "witness"),
            (self.is_container, "container"),
        ];
        let flags = flags.into_iter().filter(|(is_set, _)| *is_set);
        let states = self.hidden_states.iter();
        [
            self.takes
                .iter()
                .map(|taken| match taken.is_its_own {
                    true => format!("makes {taken}"),
                    false => format!("takes {taken}"),
                })
                .collect(),
            kinds("taken-by", &self.taken_by),
            kinds("made-for", &self.made_for),
            kinds("holds", &self.holds),
            signs("shared-if", &self.shared_if),
            signs("refused-if", &self.refused_if),
            states
                .map(|state| format!("hidden-state {state}"))
                .collect(),
            flags.map(|(_, flag)| flag.to_owned()).collect(),
            self.beside
                .iter()
                .map(|words| format!("beside {words}"))
                .collect(),
        ]
        .concat()
    }

    /// What an object says beforehand. Of what goes along no more is read than one beyond so many: whoever finds one too many need
    /// not find all.
    pub fn foresee(&self, object: &Value, at_most: usize) -> Foreseen {
        let holds = |sign: &&Sign| sign.is_shown_by(object);
        let mut foreseen = Foreseen {
            is_shared: self.shared_if.iter().any(|sign| holds(&sign)),
            refused: self
                .refused_if
                .iter()
                .find(holds)
                .map(|sign| sign.means.clone()),
            ..Foreseen::default()
        };
        for taken in &self.takes {
            let room = at_most.saturating_add(1) - foreseen.takes.len();
            let things: Vec<ThingRef> = taken.by(object).take(room).collect();
            if taken.is_its_own {
                foreseen.makes.extend(things.iter().cloned());
            }
            foreseen.takes.extend(things);
        }
        foreseen
    }

    /// Whether a status says that a thing is only hidden.
    pub fn is_hidden(&self, status: Option<&str>) -> bool {
        let is = |status: &str| {
            let mut hidden = self.hidden_states.iter();
            hidden.any(|hidden| hidden.eq_ignore_ascii_case(status))
        };
        status.is_some_and(is)
    }
}

impl Taken {
    /// The things whose ids an object holds.
    fn by<'a>(&'a self, object: &'a Value) -> impl Iterator<Item = ThingRef> + 'a {
        let (before, member) = self.at.rsplit_once('/').unwrap_or_default();
        let around: Box<dyn Iterator<Item = &Value>> = match before {
            "" => Box::new(std::iter::once(object)),
            before => values_at(object, before),
        };
        // The ids themselves may be the elements of an array.
        let ids: Box<dyn Iterator<Item = &Value>> = match member {
            "*" => Box::new(around.filter_map(|it| it.as_array()).flatten()),
            _ => Box::new(
                around
                    .filter(|it| self.counts(it))
                    .filter_map(move |it| it.get(member)),
            ),
        };
        let ids = ids.filter_map(|id| id_at(&self.at, id));
        ids.filter(|id| !id.is_empty())
            .map(|id| ThingRef::new(self.kind.clone(), id))
    }

    fn counts(&self, around: &Value) -> bool {
        let is_true = |member: &String| around.get(member).and_then(Value::as_bool) == Some(true);
        self.only_where.as_ref().is_none_or(is_true)
    }
}

impl Sign {
    fn is_shown_by(&self, object: &Value) -> bool {
        values_at(object, &self.at).any(|value| match value {
            Value::String(text) => *text == self.value,
            Value::Bool(is) => self.value.parse() == Ok(*is),
            Value::Number(number) => {
                let declared: Result<serde_json::Number, _> = self.value.parse();
                declared.is_ok_and(|declared| declared == *number)
            }
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        })
    }
}

impl fmt::Display for Taken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.kind, self.at)?;
        match &self.only_where {
            Some(member) => write!(formatter, " where {member}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.at, self.value)?;
        match self.means.as_str() {
            "" => Ok(()),
            means => write!(formatter, " {means}"),
        }
    }
}

fn parse_taken(value: &str) -> Option<Taken> {
    let mut words = value.split(' ');
    let (kind, at) = (words.next()?, words.next()?);
    let only_where = match (words.next(), words.next()) {
        (None, _) => None,
        (Some("where"), Some(member)) if !member.is_empty() => Some(member.to_owned()),
        _ => return None,
    };
    let is_whole = words.next().is_none() && !kind.is_empty() && at.starts_with('/');
    is_whole.then(|| Taken {
        kind: kind.into(),
        at: at.to_owned(),
        only_where,
        is_its_own: false,
    })
}

fn parse_sign(value: &str) -> Option<Sign> {
    let mut words = value.splitn(3, ' ');
    let (at, value) = (words.next()?, words.next()?);
    let means = words.next().unwrap_or_default().trim();
    (at.starts_with('/') && !value.is_empty()).then(|| Sign {
        at: at.to_owned(),
        value: value.to_owned(),
        means: means.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn effects(properties: &[(&str, &str)]) -> Effects {
        let mut effects = Effects::default();
        for (property, value) in properties {
            assert!(effects.declare(property, value).unwrap(), "{property}");
        }
        effects
    }

    #[test]
    fn what_goes_along_is_read_from_the_object() {
        let server = effects(&[(
            "takes",
            "block_storage.volume /volumes_attached/*/id where delete_on_termination",
        )]);
        let object = json!({"volumes_attached": [
            {"id": "a", "delete_on_termination": true},
            {"id": "b", "delete_on_termination": false},
            {"id": "c"},
        ]});
        let along = [ThingRef::new("block_storage.volume", "a")];
        assert_eq!(server.foresee(&object, 9).takes, along);

        let volume = effects(&[("takes", "key_manager.secret /encryption_key_id")]);
        let along = |object: &Value| volume.foresee(object, 9).takes.len();
        assert!(
            volume
                .foresee(&json!({"encryption_key_id": "k"}), 9)
                .makes
                .is_empty()
        );
        let maker = effects(&[("makes", "key_manager.secret /encryption_key_id")]);
        let foreseen = maker.foresee(&json!({"encryption_key_id": "k"}), 9);
        assert_eq!((foreseen.takes.len(), foreseen.makes.len()), (1, 1));
        assert_eq!(along(&json!({"encryption_key_id": "k"})), 1);
        assert_eq!(along(&json!({"encryption_key_id": null})), 0);

        let many = json!({"parts": vec!["p"; 100]});
        let twice = effects(&[("takes", "a.part /parts/*"), ("makes", "a.part /parts/*")]);
        let foreseen = twice.foresee(&many, 9);
        assert_eq!(
            foreseen.takes.len(),
            10,
            "one beyond the limit shows that it is passed"
        );
        assert!(foreseen.makes.is_empty());

        let group = effects(&[("takes", "a.part /parts/*")]);
        assert_eq!(
            group.foresee(&json!({"parts": ["p", "q"]}), 9).takes.len(),
            2
        );
    }

    #[test]
    fn a_sign_is_a_members_very_value() {
        let image = effects(&[
            ("shared-if", "/visibility public"),
            ("shared-if", "/router:external true"),
            ("refused-if", "/protected true it is protected"),
        ]);
        for (object, is_shared, refused) in [
            (json!({"visibility": "public"}), true, None),
            (json!({"visibility": "private"}), false, None),
            (json!({"router:external": true}), true, None),
            (json!({"router:external": "true"}), true, None),
            (json!({"protected": true}), false, Some("it is protected")),
            (json!({"protected": false}), false, None),
            (json!({}), false, None),
        ] {
            let foreseen = image.foresee(&object, 9);
            assert_eq!(foreseen.is_shared, is_shared, "{object}");
            assert_eq!(foreseen.refused.as_deref(), refused, "{object}");
        }
    }

    #[test]
    fn a_property_of_another_form_is_an_error_and_an_unknown_one_is_told() {
        let declare = |property: &str, value: &str| Effects::default().declare(property, value);
        for (property, value) in [
            ("takes", "a.b"),
            ("takes", "a.b pointer"),
            ("takes", "a.b /p if m"),
            ("takes", "a.b /p where m n"),
            ("taken-by", ""),
            ("holds", "a.b /p"),
            ("shared-if", "/p"),
            ("witness", "yes"),
            ("beside", " "),
        ] {
            assert!(declare(property, value).is_err(), "{property} {value}");
        }
        assert_eq!(declare("colour", "red"), Ok(false));
    }

    #[test]
    fn a_line_says_what_was_declared() {
        let properties = [
            ("takes", "a.b /p/*/id where m"),
            ("makes", "a.d /key"),
            ("taken-by", "a.c"),
            ("refused-if", "/locked true it is locked"),
            ("hidden-state", "SOFT_DELETED"),
            ("witness", "true"),
            ("beside", "its history"),
        ];
        let lines = effects(&properties).lines();
        let expected = [
            "takes a.b /p/*/id where m",
            "makes a.d /key",
            "taken-by a.c",
            "refused-if /locked true it is locked",
            "hidden-state SOFT_DELETED",
            "witness",
            "beside its history",
        ];
        assert_eq!(lines, expected);
    }
}
