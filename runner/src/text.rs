//! Text that others wrote, made fit to be read by people.
//!
//! Names that tenants chose, words of rules, services and registries end in front of a person: they may not move the cursor, begin a
//! line that looks like the runner's own, read backwards, hide a difference, or fill the screen. Documents for machines (JSON, YAML)
//! hold every text as it is.

use std::fmt::{self, Write as _};

/// Characters of one text that are shown. What is left out is the middle: a crash says what happened last.
const CHARS_MAX: usize = 2_000;

/// Characters that are not seen themselves: marks of direction, of zero width, fillers, selectors and tags (Unicode's
/// `Default_Ignorable_Code_Point`), and what ends a line or annotates it.
const INVISIBLE: &[(char, char)] = &[
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Whether a character would do something else than being read.
fn is_trick(c: char) -> bool {
    let is_within = |(first, last): &(char, char)| (*first..=*last).contains(&c);
    c.is_control() || INVISIBLE.iter().any(is_within)
}

/// A text in one line, with all in it that is not seen written out: `\n`, `\u{202e}`.
#[derive(Clone, Copy, Debug)]
pub struct Visible<'a>(pub &'a str);

impl fmt::Display for Visible<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            if is_trick(c) {
                write!(formatter, "{}", c.escape_default())?;
            } else {
                formatter.write_char(c)?;
            }
        }
        Ok(())
    }
}

/// Several lines with all in them that is not seen written out, but for the line breaks.
pub fn lines(text: &str) -> String {
    let lines = text.split('\n').map(|line| Visible(line).to_string());
    lines.collect::<Vec<_>>().join("\n")
}

/// A text of any length in one line: line breaks become ` | `, what is not seen is written out, and of what is too long the middle
/// is left out.
pub fn plain(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines.collect::<Vec<_>>().join(" | ");
    Visible(&shortened(&line)).to_string()
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
            (
                "a\u{61c}\u{3164}b\u{e0041}",
                "a\\u{61c}\\u{3164}b\\u{e0041}",
            ),
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

    #[test]
    fn lines_stay_lines() {
        assert_eq!(lines("a\u{200b}\nb\r\n"), "a\\u{200b}\nb\\r\n");
    }
}
