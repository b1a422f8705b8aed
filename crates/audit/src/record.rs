//! What a line of the log looks like.
//!
//! `number` counts from 1 without gaps, over files and restarts. `time` is the wall clock, `monotonic_ms` the time since the process
//! began, which no change of the clock moves. `prev` is the SHA-256 of the line before, without its end; that of record 1 is the
//! SHA-256 of the log's name. A checkpoint ends with `sig`, the signature over everything before it.

use aws_lc_rs::digest;
use edgeapp_core::evidence::visible;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// Longest text in a member, in bytes; what is longer is cut.
pub const MAX_TEXT: usize = 256;
/// The event of a record that signs all before it.
pub const CHECKPOINT: &str = "CHECKPOINT";
/// The event of a record that says how many records were removed from the beginning of the log, because its place is limited.
pub const PRUNED: &str = "PRUNED";

/// SHA-256, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, bytes);
    digest
        .as_ref()
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// What a record says, apart from its place in the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Content {
    /// Wall clock, RFC 3339.
    pub time: String,
    /// Milliseconds since the process began.
    pub monotonic_ms: u64,
    /// What happened: a name of the catalogue, [`CHECKPOINT`] or [`PRUNED`].
    pub event: String,
    /// Who did it: an identity URI, that of an EEC with a pseudonym.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The pseudonym of the address it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Of how many events it speaks, where that is not one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// In [`PRUNED`]: the last record that is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub through: Option<u64>,
    /// In [`CHECKPOINT`]: the name of the key that signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

#[derive(Serialize)]
struct Numbered<'a> {
    number: u64,
    #[serde(flatten)]
    content: &'a Content,
    prev: &'a str,
}

/// What a reader needs to know of a line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Seen {
    /// Its number.
    pub number: u64,
    /// When it was written.
    pub time: jiff::Timestamp,
    /// What happened.
    pub event: String,
    /// The SHA-256 of the line before.
    pub prev: String,
    /// In [`PRUNED`]: the last record that is gone.
    #[serde(default)]
    pub through: Option<u64>,
    /// In [`CHECKPOINT`]: the name of the key that signed.
    #[serde(default)]
    pub key: Option<String>,
}

/// The line of a record, without its end.
pub fn line(number: u64, content: &Content, prev: &str) -> String {
    let numbered = Numbered { number, content, prev };
    let json = serde_json::to_string(&numbered).unwrap_or_default();
    visible(&json).into_owned()
}

/// A text as it may stand in a record: not longer than [`MAX_TEXT`].
pub fn capped(text: &str) -> String {
    if text.len() <= MAX_TEXT {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(MAX_TEXT)])
}

const SIGNATURE: &str = ",\"sig\":\"";

/// The line with its signature at the end.
pub fn signed(line: &str, signature: &str) -> String {
    let open = line.strip_suffix('}').unwrap_or(line);
    format!("{open}{SIGNATURE}{signature}\"}}")
}

/// The line that was signed, and the signature.
pub fn signature_of(line: &str) -> Option<(String, &str)> {
    let (open, rest) = line.rsplit_once(SIGNATURE)?;
    Some((format!("{open}}}"), rest.strip_suffix("\"}")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(reason: &str) -> Content {
        Content {
            time: "2026-01-05T12:00:00Z".to_owned(),
            event: "BODY_REJECTED".to_owned(),
            reason: Some(reason.to_owned()),
            ..Content::default()
        }
    }

    #[test]
    fn a_line_has_its_members_in_one_order() {
        assert_eq!(
            line(7, &content("no JSON"), "00"),
            "{\"number\":7,\"time\":\"2026-01-05T12:00:00Z\",\"monotonic_ms\":0,\"event\":\"BODY_REJECTED\",\"reason\":\"no JSON\",\"prev\":\"00\"}"
        );
    }

    #[test]
    fn no_text_breaks_out_of_its_line() {
        for hidden in (0..=0x1f)
            .chain(0x7f..=0x9f)
            .chain([0x61c, 0x200e, 0x2028, 0x2029, 0x202e, 0x2066, 0x2069, 0xfeff])
        {
            let hidden = char::from_u32(hidden).expect("a character");
            let text = format!("a{hidden}b\"}},\"event\":\"START");
            let line = line(1, &content(&text), "00");
            assert!(!line.contains(hidden), "{:x}", u32::from(hidden));
            let read: serde_json::Value = serde_json::from_str(&line).expect("JSON");
            assert_eq!(
                (read["reason"].as_str(), read["event"].as_str()),
                (Some(&*text), Some("BODY_REJECTED"))
            );
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let long = "ä".repeat(MAX_TEXT);
        let cut = capped(&long);
        assert!(cut.len() <= MAX_TEXT + '…'.len_utf8() && cut.ends_with('…'));
        assert_eq!(capped("short"), "short");
    }

    #[test]
    fn a_signature_is_found_at_the_end_only() {
        let tricky = line(1, &content(",\"sig\":\"forged\"}"), "00");
        assert_eq!(signature_of(&tricky), None);
        let signed = signed(&tricky, "abc");
        assert_eq!(signature_of(&signed), Some((tricky, "abc")));
    }
}
