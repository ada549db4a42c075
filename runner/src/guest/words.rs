//! Words of a rule, made fit for a terminal and a report.
//!
//! Whatever text a rule hands over ends in front of a person: it may not move the cursor, begin a line that looks like the
//! runner's own, read backwards, or fill the screen.

use crate::rule::Cause;

/// Characters of one text that are shown. What is left out is the middle: a crash says what happened last.
const CHARS_MAX: usize = 2_000;

/// The text in one line: line breaks become ` | `, other control and direction characters are escaped.
pub fn plain(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = shortened(&lines.collect::<Vec<_>>().join(" | "));
    let mut plain = String::with_capacity(line.len());
    for c in line.chars() {
        if c.is_control() || is_invisible(c) {
            plain.extend(c.escape_default());
        } else {
            plain.push(c);
        }
    }
    plain
}

/// A cause with its text made plain.
pub(super) fn plain_cause(cause: Cause) -> Cause {
    match cause {
        Cause::NotFound => Cause::NotFound,
        Cause::Conflict(text) => Cause::Conflict(plain(&text)),
        Cause::Denied(text) => Cause::Denied(plain(&text)),
        Cause::Throttled(text) => Cause::Throttled(plain(&text)),
        Cause::Unavailable(text) => Cause::Unavailable(plain(&text)),
        Cause::Malformed(text) => Cause::Malformed(plain(&text)),
        Cause::Other(text) => Cause::Other(plain(&text)),
        Cause::Crashed(text) => Cause::Crashed(plain(&text)),
        Cause::Limit(text) => Cause::Limit(plain(&text)),
        Cause::Misbehaved(text) => Cause::Misbehaved(plain(&text)),
        Cause::Off(text) => Cause::Off(plain(&text)),
    }
}

fn shortened(line: &str) -> String {
    let half = CHARS_MAX / 2;
    let cut = line.char_indices().nth(half).map(|(at, _)| at);
    let resume = line.char_indices().nth_back(half - 1).map(|(at, _)| at);
    match (cut, resume) {
        (Some(cut), Some(resume)) if cut < resume => {
            let (head, tail) = (line.get(..cut), line.get(resume..));
            format!(
                "{} […] {}",
                head.unwrap_or_default(),
                tail.unwrap_or_default()
            )
        }
        _ => line.to_owned(),
    }
}

/// Marks of direction and of zero width, by which a text looks like another one.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_line_without_tricks() {
        for (text, shown) in [
            ("all is well: ä 漢", "all is well: ä 漢"),
            ("first\r\n\n  error: forged\n", "first | error: forged"),
            ("\x1b[2Jgone\x07", "\\u{1b}[2Jgone\\u{7}"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("", ""),
        ] {
            assert_eq!(plain(text), shown);
        }
    }

    #[test]
    fn a_long_text_loses_its_middle() {
        let text = format!("begin {} end", "ä".repeat(CHARS_MAX));
        let shown = plain(&text);
        assert!(
            shown.starts_with("begin ä") && shown.ends_with("ä end"),
            "{shown}"
        );
        assert!(shown.chars().count() <= CHARS_MAX + 5);
        let longest = "x".repeat(CHARS_MAX);
        assert_eq!(plain(&longest), longest);
    }
}
