//! Mutations of seeds: of bytes, and of the words that a text is made of.

use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

/// Words that parsers stumble over.
const WORDS: &[&[u8]] = &[
    b"null",
    b"true",
    b"{}",
    b"[]",
    b"\"\"",
    b"0",
    b"-1",
    b"-0.0",
    b"1e400",
    b"4294967296",
    b"18446744073709551616",
    b"99999999999999999999999999999999999999999999",
    b"\"\\ud800\"",
    b"\"\\u0000\"",
    b"\"\xff\"",
    b"\"\xef\xbb\xbf\"",
    b"\"9999-12-31T23:59:60Z\"",
    b"\"+262143-01-01T00:00:00Z\"",
    b"\"https://[::1]\"",
    b"\"UNKNOWN_WORD\"",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"%00",
    b"%ff%fe",
    b"%7B",
    b"&",
    b"=",
    b",",
    b"..",
    b"//",
    b"@",
    b"#",
    b"\\",
    b"\r\n",
    b"\0",
];

/// A seed with one to six changes.
pub(crate) fn mutation(seeds: &[Vec<u8>], random: &mut StdRng) -> Vec<u8> {
    let mut bytes = seeds.choose(random).cloned().unwrap_or_default();
    for _ in 0..random.random_range(1..=6) {
        change(&mut bytes, seeds, random);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut StdRng) {
    let at = random.random_range(0..=bytes.len());
    let to = random.random_range(at..=bytes.len()).min(at + 64);
    match random.random_range(0..9) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
        1 if at < bytes.len() => bytes[at] = random.random(),
        2 => drop(bytes.drain(at..to)),
        3 => {
            let part = bytes[at..to].to_vec();
            bytes.splice(at..at, part);
        }
        4 => bytes.truncate(at),
        5 => {
            let word = WORDS.choose(random).copied().unwrap_or_default();
            bytes.splice(at..at, word.iter().copied());
        }
        6 => {
            // A part of another seed instead of a part of this one.
            let other = seeds.choose(random).map(|seed| token(seed, random)).unwrap_or_default();
            let here = token_at(bytes, at);
            bytes.splice(here, other);
        }
        7 if at < bytes.len() => {
            // Longer than anything that an answer may repeat.
            let byte = bytes[at];
            bytes.splice(at..at, std::iter::repeat_n(byte, 3000));
        }
        _ => {
            let word = WORDS.choose(random).copied().unwrap_or_default();
            let here = token_at(bytes, at);
            bytes.splice(here, word.iter().copied());
        }
    }
}

fn is_delimiter(byte: u8) -> bool {
    b"{}[],:&=/?#. ".contains(&byte)
}

/// The word around this place.
fn token_at(bytes: &[u8], at: usize) -> std::ops::Range<usize> {
    let at = at.min(bytes.len());
    let start = bytes[..at]
        .iter()
        .rposition(|byte| is_delimiter(*byte))
        .map_or(0, |found| found + 1);
    let end = bytes[at..]
        .iter()
        .position(|byte| is_delimiter(*byte))
        .map_or(bytes.len(), |found| at + found);
    start..end
}

fn token(bytes: &[u8], random: &mut StdRng) -> Vec<u8> {
    let at = random.random_range(0..=bytes.len());
    bytes[token_at(bytes, at)].to_vec()
}
