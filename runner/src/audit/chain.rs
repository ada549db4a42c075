//! What ties each line of the log to the one before it: its hash, as the line's last member, `"prev"`.
//!
//! The chain is the file's and not a run's: several runs may write to one log, and each line is tied to whatever stood before it.
//! A line that a crash has torn is a link like any other, as it was found.

use std::fmt;

use sha2::{Digest, Sha256};

/// What stands before the hash in a line.
const BEFORE: &[u8] = b",\"prev\":\"";
/// What stands behind it.
const BEHIND: &[u8] = b"\"}";
const HEX_BYTES: usize = 64;

/// How much longer a line becomes by its link.
pub(super) const LINK_BYTES: usize = BEFORE.len() + HEX_BYTES + 1;

/// The SHA-256 of a line, without its line break.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineHash([u8; 32]);

impl LineHash {
    /// What the first line of a log is tied to.
    pub const NOTHING: Self = Self([0; 32]);

    pub(super) fn of(line: &[u8]) -> Self {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        Self(Sha256::digest(line).into())
    }

    /// Reads what `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

impl fmt::Display for LineHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

/// The end of a chain, to which lines are tied.
#[derive(Debug, Default)]
pub(super) struct Chain {
    pub(super) head: LineHash,
}

impl Chain {
    /// Ties lines to the chain, each to the one before, and returns them as they are to be written.
    pub(super) fn tie(&mut self, lines: &[&[u8]]) -> Vec<u8> {
        let mut tied = Vec::new();
        for line in lines {
            let begin = tied.len();
            let open = line.strip_suffix(b"}\n").unwrap_or(line);
            tied.extend_from_slice(open);
            tied.extend_from_slice(BEFORE);
            tied.extend_from_slice(self.head.to_string().as_bytes());
            tied.extend_from_slice(BEHIND);
            self.head = LineHash::of(tied.get(begin..).unwrap_or_default());
            tied.push(b'\n');
        }
        tied
    }
}

/// What a line says that it is tied to. `None`: it has no link, as none of the log's first form has.
pub(super) fn link_of(line: &[u8]) -> Option<LineHash> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let rest = line.strip_suffix(BEHIND)?;
    let (rest, hash) = rest.split_at_checked(rest.len().checked_sub(HEX_BYTES)?)?;
    // Within a text of JSON no quotation mark stands alone, so this can be nothing but the member.
    rest.ends_with(BEFORE).then_some(())?;
    LineHash::parse(std::str::from_utf8(hash).ok()?)
}
