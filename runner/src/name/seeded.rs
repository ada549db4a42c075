//! The characters that CPython's `random.choice` draws after `random.seed(text)`.
//!
//! Rally puts them into a name when the task's id has too few characters, or one that the format does not allow.
//! This is no random generator for our own use: its only purpose is to draw what Python 3.2 and later drew.
//!
//! The invariant: equal seed, characters and count give equal text, on every platform.

use rand_mt::Mt;
use sha2::{Digest, Sha512};

/// Draws `count` of the `characters`, in Python's order for that seed. Without characters there is nothing to draw.
///
/// Right for seeds of up to 2,432 bytes: of a longer key than its own state, 624 words, `rand_mt` 6.1 mixes in the
/// start alone, where CPython mixes in all. The longest task id stays far below.
pub(super) fn draw(seed: &str, characters: &[char], count: usize) -> String {
    let Ok(choices) = u32::try_from(characters.len()) else {
        return String::new();
    };
    if choices == 0 {
        return String::new();
    }
    let mut twister = Mt::new_with_key(key(seed));
    (0..count)
        .filter_map(|_| {
            let at = usize::try_from(below(&mut twister, choices)).ok()?;
            characters.get(at).copied()
        })
        .collect()
}

/// The key with which `random.seed(str)` of version 2 initialises the twister: the text and its SHA-512 read as one
/// big-endian number, cut into 32-bit words, the lowest first, without zeros at the top.
fn key(seed: &str) -> Vec<u32> {
    let mut number = seed.as_bytes().to_vec();
    number.extend_from_slice(&Sha512::digest(seed.as_bytes()));
    let mut words: Vec<u32> = number
        .rchunks(4)
        .map(|bytes| {
            bytes
                .iter()
                .fold(0, |word, &byte| word << 8 | u32::from(byte))
        })
        .collect();
    while words.len() > 1 && words.last() == Some(&0) {
        words.pop();
    }
    words
}

/// A number below `limit`, which is not zero: as many top bits of a word as `limit` has, redrawn until small enough.
fn below(twister: &mut Mt, limit: u32) -> u32 {
    let unwanted_bits = limit.leading_zeros();
    loop {
        let number = twister.next_u32() >> unwanted_bits;
        if number < limit {
            return number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_what_python_draws() {
        let digits: Vec<char> = ('0'..='9').collect();
        let uuid = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
        assert_eq!(draw(uuid, &digits, 8), "87054294");
        assert_eq!(draw(uuid, &['.', '.', 'a'], 3), "a..");
    }

    #[test]
    fn one_character_is_drawn_for_ever_and_none_never() {
        assert_eq!(draw("seed", &['é'], 4), "éééé");
        assert_eq!(draw("seed", &[], 4), "");
    }

    #[test]
    fn the_longest_task_id_is_drawn_right() {
        let longest = "\u{1f600}".repeat(crate::name::TASK_ID_CHARS_MAX);
        assert!(key(&longest).len() <= 624);
        assert_eq!(
            draw(&longest, &['a', 'b', 'c', 'd', 'e'], 12),
            "caabdbeeabcb"
        );
    }

    #[test]
    fn zeros_at_the_top_of_the_number_are_no_part_of_the_key() {
        // 4 bytes of text are exactly one word above the 16 words of the digest.
        assert_eq!(key("\0\0\0\0").len(), 16);
        assert_eq!(key("\0\0\0a").len(), 17);
        assert_eq!(key("").len(), 16);
    }
}
