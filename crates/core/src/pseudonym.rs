//! Pseudonyms of users and devices: what stands in logs, traces and the audit log for a GPSI, an EECID, the address of a UE.
//!
//! A pseudonym is made from the name by a key (HMAC-SHA-256, shortened): who has the key finds everything about one name, who has
//! not can neither read the name nor try names out. One name has one pseudonym everywhere, so that lines about it can be put together.
//! EASs, EESs, ECSs and operators are no users and are called by their names: without them nobody could be called to account. Nor are our own
//! listeners: their addresses stay, with their ports ([`ours`]).
//!
//! ```
//! use edgeapp_core::pseudonym::Pseudonyms;
//! let names = Pseudonyms::keyed(b"a key of at least sixteen bytes");
//! let line = names.scrub("no UE msisdn-491700000001 at 192.0.2.7:4433").into_owned();
//! assert!(!line.contains("49170") && !line.contains("192.0.2.7"), "{line}");
//! assert!(line.contains(&names.of("msisdn-491700000001")));
//! ```

use crate::{principal::Owner, store::Key};
use aws_lc_rs::hmac;
use percent_encoding::percent_decode_str;
use std::{
    borrow::Cow,
    fmt,
    net::{IpAddr, SocketAddr},
    sync::{Arc, LazyLock, PoisonError, RwLock},
};

/// Bytes of a pseudonym: enough that no two of a network's users share one.
const LENGTH: usize = 12;
/// What every pseudonym begins with.
const MARK: char = '~';

/// How names are written.
#[derive(Clone)]
pub struct Pseudonyms(Option<hmac::Key>);

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Some(_) => "Pseudonyms(keyed)",
            None => "Pseudonyms(as they are)",
        })
    }
}

impl Pseudonyms {
    /// Made by this key.
    pub fn keyed(key: &[u8]) -> Self {
        Self(Some(hmac::Key::new(hmac::HMAC_SHA256, key)))
    }

    /// None at all: names are written as they are. For laboratories.
    pub fn names_as_they_are() -> Self {
        Self(None)
    }

    /// What stands for this name.
    pub fn of(&self, name: &str) -> String {
        let Some(key) = &self.0 else {
            return name.to_owned();
        };
        let tag = hmac::sign(key, name.as_bytes());
        let mut text = String::with_capacity(1 + 2 * LENGTH);
        text.push(MARK);
        for byte in &tag.as_ref()[..LENGTH] {
            text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or(MARK));
            text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or(MARK));
        }
        text
    }

    /// What stands for this owner: an EEC is somebody's, and so is the address of who proved nothing; the others are not.
    pub fn of_owner(&self, owner: &Owner) -> String {
        let of = |urn: &str| Some(format!("{urn}{}", self.of(&decoded(owner.as_str().strip_prefix(urn)?))));
        [EEC, STRANGER]
            .into_iter()
            .find_map(of)
            .unwrap_or_else(|| owner.as_str().to_owned())
    }

    /// What stands for a path or the key of an entry, of which `known` parts at the beginning name nobody.
    pub fn of_path(&self, path: &str, known: usize) -> String {
        let parts = path.split('/').enumerate().map(|(place, part)| match part {
            part if place < known || part.is_empty() || self.0.is_none() => part.to_owned(),
            part => self.of(&decoded(part)),
        });
        parts.collect::<Vec<_>>().join("/")
    }

    /// A text of others, with everything replaced that looks like a user identifier, the identity of an EEC or an address.
    pub fn scrub<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.0.is_none() {
            return Cow::Borrowed(text);
        }
        let (mut scrubbed, mut from) = (String::new(), 0);
        let mut rest = text;
        let mut at = 0;
        while let Some(begin) = rest.find(in_a_word) {
            let word = &rest[begin..];
            let mut word = &word[..word.find(|c| !in_a_word(c)).unwrap_or(word.len())];
            if text[..at + begin].ends_with("\u{1b}[") {
                // Colours of a terminal end with a letter, and a word may follow at once.
                word = &word[..word.find('m').map_or(word.len(), |end| end + 1)];
            }
            if let Some(other) = self.of_word(word) {
                scrubbed.push_str(&text[from..at + begin]);
                scrubbed.push_str(&other);
                from = at + begin + word.len();
            }
            at += begin + word.len();
            rest = &text[at..];
        }
        if from == 0 {
            return Cow::Borrowed(text);
        }
        scrubbed.push_str(&text[from..]);
        Cow::Owned(scrubbed)
    }

    fn of_word(&self, word: &str) -> Option<String> {
        let name = word.trim_end_matches([':', '.', '-', '#']);
        let after = &word[name.len()..];
        if let Some(at) = [EEC, GPSI, STRANGER]
            .iter()
            .find_map(|urn| Some(name.find(urn)? + urn.len()))
        {
            let (urn, id) = name.split_at(at);
            return (!id.is_empty() && !id.starts_with(MARK)).then(|| format!("{urn}{}{after}", self.of(&decoded(id))));
        }
        if let Some(at) = user_identifier(name) {
            let (before, id) = name.split_at(at);
            return Some(format!("{before}{}{after}", self.of(&decoded(id))));
        }
        if let Ok(address) = name.parse::<IpAddr>() {
            // `::` and the like are paths of programs.
            let real = name.contains(|c: char| c.is_ascii_digit());
            return real.then(|| format!("{}{after}", self.of(&address.to_canonical().to_string())));
        }
        let address = name.parse::<SocketAddr>().ok()?;
        if is_ours(&address) {
            return None;
        }
        let (ip, port) = (address.ip().to_canonical().to_string(), address.port());
        Some(format!("{}:{port}{after}", self.of(&ip)))
    }
}

const EEC: &str = "urn:edgeapp:eec:";
const GPSI: &str = "urn:edgeapp:gpsi:";
const STRANGER: &str = "urn:edgeapp:stranger:";

fn decoded(part: &str) -> Cow<'_, str> {
    percent_decode_str(part).decode_utf8_lossy()
}

fn in_a_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | ':' | '-' | '_' | '@' | '%' | '+' | '#' | '~')
}

/// Where in a word an identifier of a user or a subscription begins (TS 29.571 clause 5.3.2).
fn user_identifier(word: &str) -> Option<usize> {
    let followed = |kind: &str, by: fn(&str) -> bool| {
        word.match_indices(kind)
            .map(|(at, _)| at)
            .find(|at| by(&word[at + kind.len()..]))
    };
    let digits = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    let at_a_domain = |rest: &str| rest.contains('@') || rest.contains("%40");
    ["msisdn-", "imsi-", "tel:+"]
        .into_iter()
        .filter_map(|kind| followed(kind, digits))
        .chain(
            ["extid-", "nai-"]
                .into_iter()
                .filter_map(|kind| followed(kind, at_a_domain)),
        )
        .min()
}

/// In use until [`install`]: a key that nobody knows and that ends with the process.
static IN_USE: LazyLock<RwLock<Arc<Pseudonyms>>> =
    LazyLock::new(|| RwLock::new(Arc::new(Pseudonyms::keyed(&rand::random::<[u8; 32]>()))));

/// Makes this the way in which the whole process writes names.
pub fn install(names: Pseudonyms) {
    *IN_USE.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(names);
}

/// The way in which this process writes names.
pub fn in_use() -> Arc<Pseudonyms> {
    IN_USE.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Where this process listens.
static OURS: RwLock<Vec<SocketAddr>> = RwLock::new(Vec::new());

/// This is an address of ours: it stays in texts as it is, with its port and not without. Somebody else may call from the same machine.
pub fn ours(address: SocketAddr) {
    let mut ours = OURS.write().unwrap_or_else(PoisonError::into_inner);
    if !ours.contains(&address) {
        ours.push(address);
    }
}

fn is_ours(address: &SocketAddr) -> bool {
    OURS.read().unwrap_or_else(PoisonError::into_inner).contains(address)
}

/// Something whose pseudonym is made when it is written: a log line that nobody reads costs nothing.
pub struct Pseudonym<T>(T, fn(&Pseudonyms, &str) -> String);

impl<T: fmt::Display> fmt::Display for Pseudonym<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.1(&in_use(), &self.0.to_string()))
    }
}

/// What stands for this name: a GPSI, an EECID.
pub fn of<T: fmt::Display>(name: T) -> Pseudonym<T> {
    Pseudonym(name, |names, name| names.of(name))
}

/// What stands for this address.
pub fn of_address(address: IpAddr) -> Pseudonym<IpAddr> {
    of(address.to_canonical())
}

/// What stands for the key of an entry: its first part says what it is, the others may say whose.
pub fn of_key(key: &Key) -> Pseudonym<&Key> {
    Pseudonym(key, |names, key| names.of_path(key, 1))
}

/// What stands for a text that others have written, such as the reason of an error.
pub fn of_text<T: fmt::Display>(text: T) -> Pseudonym<T> {
    Pseudonym(text, |names, text| names.scrub(text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    // The key of the pseudonyms leaves in no form.
    static_assertions::assert_not_impl_any!(Pseudonyms: fmt::Display, serde::Serialize);

    fn names() -> Pseudonyms {
        Pseudonyms::keyed(&[7; 32])
    }

    #[test]
    fn one_name_has_one_pseudonym_that_depends_on_the_key() {
        assert_eq!(names().of("eec-1"), names().of("eec-1"));
        assert_ne!(names().of("eec-1"), names().of("eec-2"));
        assert_ne!(names().of("eec-1"), Pseudonyms::keyed(&[8; 32]).of("eec-1"));
        assert_eq!(names().of("eec-1").len(), 1 + 2 * LENGTH);
    }

    #[test]
    fn what_looks_like_a_user_or_an_address_is_replaced_wherever_it_stands() {
        for (text, secret) in [
            ("msisdn-491700000001", "4917"),
            ("the UE extid-alice@example.com: gone", "alice"),
            ("/3gpp/v1/msisdn-491700000001/subscriptions", "4917"),
            ("{\"gpsi\":\"imsi-262011234567890\"}", "262011234567890"),
            ("\\nmsisdn-491700000001", "4917"),
            ("extid-alice%40example.com", "alice"),
            ("tcp connect 192.0.2.7:9301 refused", "192.0.2.7"),
            ("https://192.0.2.7:9301/eees", "192.0.2.7"),
            ("from [2001:db8::7]:443", "db8::7"),
            ("2001:db8::7.", "db8::7"),
            ("of urn:edgeapp:eec:alice%20s: refused", "alice"),
            ("urn:edgeapp:gpsi:msisdn-491700000001", "4917"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("\u{1b}[3mremote\u{1b}[0m=\u{1b}[0m192.0.2.7 gone", "192.0.2.7"),
        ] {
            let scrubbed = names().scrub(text).into_owned();
            assert!(
                !scrubbed.contains(secret) && scrubbed.contains(MARK),
                "{text}: {scrubbed}"
            );
        }
        let mapped = names().scrub("::ffff:192.0.2.7").into_owned();
        assert_eq!(mapped, names().of("192.0.2.7"));
    }

    /// Who proved nothing is called by the address, and that is a UE's perhaps.
    #[test]
    fn strangers_have_the_pseudonyms_of_their_addresses() {
        for address in ["192.0.2.7", "2001:db8::7"] {
            let stranger = crate::principal::Principal::stranger(address.parse().expect("an address"));
            let wanted = format!("urn:edgeapp:stranger:{}", names().of(address));
            assert_eq!(names().of_owner(stranger.owner()), wanted);
            assert_eq!(
                names().scrub(&format!("of {stranger}: refused")),
                format!("of {wanted}: refused")
            );
        }
    }

    #[test]
    fn where_we_listen_stays_and_who_calls_from_there_does_not() {
        ours("192.0.2.200:9101".parse().expect("an address"));
        let text = "https://192.0.2.200:9101/x is ours, 192.0.2.200:9102 and 192.0.2.200 are not";
        let name = names().of("192.0.2.200");
        let wanted = format!("https://192.0.2.200:9101/x is ours, {name}:9102 and {name} are not");
        assert_eq!(names().scrub(text), wanted);
    }

    #[test]
    fn everything_else_stays() {
        for text in [
            "",
            "edgeapp_http::server: version 1.2.3 at 2026-01-05T12:00:00.123456Z",
            "urn:edgeapp:ees:ees-a.example",
            "urn:edgeapp:eas:eas.chess.example#a",
            "urn:edgeapp:request:0123abcd-7",
            "the DNAI dnai-a, a::b, port 9301",
            "Ärger ≠ 12:30",
        ] {
            assert_eq!(names().scrub(text), text);
        }
        let once = names().scrub("urn:edgeapp:eec:alice").into_owned();
        assert_eq!(names().scrub(&once), once, "a pseudonym is none of a pseudonym");
    }

    #[test]
    fn an_eec_has_the_same_pseudonym_as_owner_in_keys_and_in_text() {
        let owner = Owner::eec(&"Ärger 1".parse().expect("an id"));
        let pseudonym = names().of("Ärger 1");
        assert_eq!(names().of_owner(&owner), format!("urn:edgeapp:eec:{pseudonym}"));
        assert_eq!(names().scrub(owner.as_str()), format!("urn:edgeapp:eec:{pseudonym}"));
        let key = format!("eec/{}/1", Key::part("Ärger 1"));
        assert_eq!(names().of_path(&key, 1), format!("eec/{pseudonym}/{}", names().of("1")));
    }

    #[test]
    fn in_a_laboratory_names_can_stay_as_they_are() {
        let names = Pseudonyms::names_as_they_are();
        assert_eq!(names.of("eec-1"), "eec-1");
        assert_eq!(names.scrub("msisdn-491700000001"), "msisdn-491700000001");
        assert_eq!(names.of_path("eec/a%20b", 1), "eec/a%20b");
    }

    #[test]
    fn the_key_is_not_shown() {
        assert_eq!(format!("{:?}", names()), "Pseudonyms(keyed)");
    }
}
