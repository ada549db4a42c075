//! How long a server wants to be left alone: what it says in seconds, or until a date by its own clock, and nothing else.

use std::time::Duration;

use arbitrary::{Arbitrary, Result, Unstructured};
use jiff::Timestamp;
use runner::cloud::retry_after;

use super::draw;

const PIECES: &[&str] = &[
    "1",
    "0",
    "9",
    "18446744073709551615",
    "-",
    "+",
    " ",
    ".",
    "\t",
    "Thu, ",
    "01 ",
    "Jan ",
    "2026 ",
    "00:00:30 ",
    "GMT",
    "-0000",
    "+2359",
    "23:59:60 ",
    "9999 ",
    "(a)",
    "Feb 30",
];

/// The headers of an answer.
#[derive(Debug)]
pub struct Case {
    now: Timestamp,
    until: Timestamp,
    clock: Option<Timestamp>,
    text: String,
    date: Option<String>,
}

/// A time that an HTTP date can tell.
fn time(bytes: &mut Unstructured<'_>) -> Result<Timestamp> {
    let seconds = bytes.int_in_range(0..=253_402_200_000)?;
    Ok(Timestamp::from_second(seconds).expect("a time"))
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let has_clock: bool = bytes.arbitrary()?;
        let has_date: bool = bytes.arbitrary()?;
        Ok(Self {
            now: time(bytes)?,
            until: time(bytes)?,
            clock: if has_clock { Some(time(bytes)?) } else { None },
            text: draw::text(bytes, PIECES, 8)?,
            date: if has_date {
                Some(draw::text(bytes, PIECES, 8)?)
            } else {
                None
            },
        })
    }
}

pub fn holds(case: Case) {
    let date = |time: Timestamp| time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let clock = case.clock.map(date);
    let from = case.clock.unwrap_or(case.now);
    let seconds = u64::try_from(case.until.as_second() - from.as_second()).unwrap_or(0);
    let until = retry_after(&date(case.until), clock.as_deref(), case.now);
    assert_eq!(until, Some(Duration::from_secs(seconds)));
    let wait = retry_after(&case.text, case.date.as_deref(), case.now);
    let text = case.text.trim();
    let text = text.strip_prefix('+').unwrap_or(text);
    if !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit()) {
        assert_eq!(wait, text.parse().ok().map(Duration::from_secs));
    } else {
        // A date at most: the last one there is, seen from the first.
        assert!(
            wait.is_none_or(|it| it <= Duration::from_secs(800_000_000_000)),
            "{wait:?}"
        );
        assert!(
            wait.is_none() || text.contains(':'),
            "{wait:?} from {text:?}"
        );
    }
}
