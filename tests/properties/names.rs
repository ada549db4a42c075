//! What a format makes for a task, it accepts for that task; and what it accepts for a task, it could have made for it.

use arbitrary::{Arbitrary, Result, Unstructured};
use runner::name::{
    Alphabet, Match, NameForm, NameFormat, NameMatcher, NamedFormat, Origin, OriginFilter, TaskId,
    built_in,
};

use super::draw;

const FORMATS: &[&str] = &[
    "XXX", "XXXXXXXX", "XX", "X", "_", "-", "s_rally_", "ci", ".", "\n", "é", "a",
];
const ALPHABETS: &[&str] = &["abc", "0123456789abcdef", "aé", "X_", "-", "a\n"];
const IDS: &[&str] = &[
    "0a1b2c3d", "-4e5f", "deadbeef", "abc", "X", "é", "-", "_", "aaaa",
];
const NAMES: &[&str] = &[
    "s_rally_", "0a1b2c3d", "_", "-", "AbCdEf12", "abc", "\n", "é", "X", ".name.", "a",
];

/// A format, two tasks and a name.
#[derive(Debug)]
pub struct Case {
    format: String,
    alphabet: Option<String>,
    tasks: [String; 2],
    draws: [u8; 8],
    name: String,
    tail: String,
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self {
            format: draw::text(bytes, FORMATS, 7)?,
            alphabet: draw::perhaps(bytes, ALPHABETS)?,
            tasks: [draw::text(bytes, IDS, 5)?, draw::text(bytes, IDS, 5)?],
            draws: bytes.arbitrary()?,
            name: draw::text(bytes, NAMES, 8)?,
            tail: draw::text(bytes, NAMES, 2)?,
        })
    }
}

pub fn holds(case: Case) {
    let alphabet = match case.alphabet.as_deref().map(Alphabet::parse) {
        Some(alphabet) => alphabet.expect("an alphabet"),
        None => Alphabet::default(),
    };
    let (Ok(ours), Ok(other)) = (TaskId::parse(&case.tasks[0]), TaskId::parse(&case.tasks[1]))
    else {
        return;
    };
    built_in().iter().for_each(|named| {
        let NameForm::Runs(format) = &named.format else {
            panic!("what is built in has runs");
        };
        makes_what_it_accepts(&case, format, &Alphabet::default(), &ours, &other);
    });
    if let Ok(format) = NameFormat::with_alphabet(&case.format, alphabet.clone()) {
        let shown = NameFormat::with_alphabet(&format.to_string(), alphabet.clone());
        assert_eq!(
            shown.as_ref(),
            Ok(&format),
            "it is another one when it is read again"
        );
        makes_what_it_accepts(&case, &format, &alphabet, &ours, &other);
    }
}

fn makes_what_it_accepts(
    case: &Case,
    format: &NameFormat,
    alphabet: &Alphabet,
    ours: &TaskId,
    other: &TaskId,
) {
    let mut draws = case.draws.iter().map(|it| usize::from(*it)).cycle();
    let made = format.generate(ours, &mut |_| draws.next().unwrap_or(0));
    assert!(
        format.matches(&made, Some(ours), Match::Exact),
        "{made:?} is not its own"
    );
    assert!(format.matches(&made, None, Match::Exact));
    let looks_alike = format.task_part(ours).text == format.task_part(other).text;
    assert_eq!(
        format.matches(&made, Some(other), Match::Exact),
        looks_alike
    );
    for name in [
        &case.name,
        &format!("{made}{}", case.tail),
        &format!("{}{made}", case.tail),
    ] {
        let expected = could_be(format, alphabet, name, ours);
        assert_eq!(
            format.matches(name, Some(ours), Match::Start),
            expected,
            "{name:?}"
        );
        let named = NamedFormat {
            kinds: Vec::new(),
            label: "a".to_owned(),
            origin: Origin::Other,
            format: format.clone().into(),
        };
        let matcher = NameMatcher::new(vec![named], std::slice::from_ref(ours), OriginFilter::All);
        let found = matcher.find(name).map(|it| it.task);
        assert_eq!(found, expected.then(|| Some(ours.clone())), "{name:?}");
    }
}

/// The same question, answered by the text of the format: literal parts at their places, from the very start, and so many allowed
/// characters between.
fn could_be(format: &NameFormat, alphabet: &Alphabet, name: &str, task: &TaskId) -> bool {
    let part = format.task_part(task);
    let pattern = format.pattern(Some(&part));
    let text = format.to_string();
    let start = pattern
        .find('…')
        .filter(|_| pattern.matches('…').count() == 1);
    let Some(start) = start else {
        return format.matches(name, Some(task), Match::Start);
    };
    let (before, suffix) = (&pattern[..start], &pattern[start + '…'.len_utf8()..]);
    let length = text.chars().count() - before.chars().count() - suffix.chars().count();
    let Some(rest) = name.strip_prefix(before) else {
        return false;
    };
    let random: String = rest.chars().take(length).collect();
    let Some(tail) = rest[random.len()..].strip_prefix(suffix) else {
        return false;
    };
    random.chars().count() == length
        && random.chars().all(|it| alphabet.contains(it))
        && !tail.strip_suffix('\n').unwrap_or(tail).contains('\n')
}
