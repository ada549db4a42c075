//! Times, as people give them: a point in time, or how long ago it was.

use std::str::FromStr;

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::Deserialize;

/// A point in time, or how long before now it is: `2026-01-31T00:00:00Z`, `7d`, `36h`, `P1M`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Moment {
    text: String,
    when: When,
}

#[derive(Clone, Debug)]
enum When {
    At(Timestamp),
    Ago(Span),
}

/// Why a text is no moment.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct MomentError(String);

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, MomentError> {
        let moment = |when| Self {
            text: text.to_owned(),
            when,
        };
        if let Ok(at) = text.parse() {
            return Ok(moment(When::At(at)));
        }
        match text.parse::<Span>() {
            Ok(span) if span.is_positive() => Ok(moment(When::Ago(span))),
            Ok(_) => Err(MomentError(format!(
                "{text:?} is not in the past: say how long ago it was without a sign, such as 7d or 36h"
            ))),
            Err(_) => Err(MomentError(format!(
                "{text:?} is no time: give one such as 2026-01-31T00:00:00Z, or how long ago it was, such as 7d or 36h"
            ))),
        }
    }
}

impl TryFrom<String> for Moment {
    type Error = MomentError;

    fn try_from(text: String) -> Result<Self, MomentError> {
        text.parse()
    }
}

impl Moment {
    /// The point in time, to the second where it is counted back from now.
    ///
    /// # Errors
    /// If it lies before 1970, when there was no cloud.
    pub fn resolve(&self, now: Timestamp) -> Result<Timestamp, MomentError> {
        let span = match self.when {
            When::At(at) => return Ok(at),
            When::Ago(span) => span,
        };
        // A day of the calendar is one of UTC, which has 24 hours; months and years are as long as they were.
        let then = now.to_zoned(TimeZone::UTC).checked_sub(span);
        let then = then.map(|then| then.timestamp().as_second());
        let then = then.ok().filter(|second| *second >= 0);
        let then = then.and_then(|second| Timestamp::from_second(second).ok());
        let text = &self.text;
        then.ok_or_else(|| {
            MomentError(format!(
                "{text:?} ago there was no cloud: say it shorter, such as 7d or 36h"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str) -> Result<String, MomentError> {
        let now = "2026-03-31T12:00:00.5Z".parse().unwrap();
        let moment: Moment = text.parse()?;
        moment.resolve(now).map(|it| it.to_string())
    }

    #[test]
    fn a_time_is_given_or_counted_back_from_now() {
        for (text, expected) in [
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
            ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05Z"),
            ("7d", "2026-03-24T12:00:00Z"),
            ("36h", "2026-03-30T00:00:00Z"),
            ("1w 2d", "2026-03-22T12:00:00Z"),
            ("90 minutes", "2026-03-31T10:30:00Z"),
            ("1mo", "2026-02-28T12:00:00Z"),
            ("P1Y", "2025-03-31T12:00:00Z"),
            ("PT1H", "2026-03-31T11:00:00Z"),
        ] {
            assert_eq!(resolved(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_in_the_past_is_refused() {
        for (text, why) in [
            ("", "is no time"),
            ("7", "is no time"),
            ("0", "is no time"),
            ("yesterday", "is no time"),
            ("2026-01-02", "is no time"),
            ("1d; rm", "is no time"),
            ("-1d", "is not in the past"),
            ("1d ago", "is not in the past"),
            ("0d", "is not in the past"),
            ("PT0S", "is not in the past"),
            ("60y", "there was no cloud"),
            ("9000y", "there was no cloud"),
        ] {
            let error = resolved(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
