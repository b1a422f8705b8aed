//! How one entry is sealed: plain functions over keys of data, without a store.
//!
//! Both halves of an entry are sealed with AES-256-GCM-SIV (RFC 8452), which stays safe when nonces repeat.
//!
//! *Values*: a header with version and number of the key, a random nonce, ciphertext and tag. The whole key of the entry is bound to it
//! (associated data), so that a value under another key does not open.
//!
//! *Keys*: each part of the path by itself, always to the same text under the same folder, so that a prefix that ends with a slash is
//! still a prefix. What stays readable are the first part, a word of ours such as `eec`, and the instants of the index of expiry, whose
//! order counts. Somebody who reads the file sees how many entries lie under one name and which entries share it, but no name.

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use edgeapp_core::{room::EXPIRY, store::Key};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Bytes of every key.
pub(super) const KEY: usize = 32;
/// The layout of sealed values, their first byte.
const VERSION: u8 = 1;
/// Version and number of the key.
const HEAD: usize = 5;
/// What every sealed part of a key begins with; no part that rooms make does.
const MARK: char = '~';
/// Bytes of an authentication tag.
const TAG: usize = 16;

/// Why an entry does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    /// It was sealed by a key that is not in the ring.
    UnknownKey(u32),
    /// It is not what was sealed.
    Changed,
}

/// The keys of the data, as they are kept: whoever has these bytes can read the state.
pub(super) struct Ring {
    /// Whether all of the state is sealed; without it plain entries may still be among the sealed ones.
    pub(super) complete: bool,
    names: Zeroizing<[u8; KEY]>,
    values: BTreeMap<u32, Zeroizing<[u8; KEY]>>,
}

impl Ring {
    /// New keys for a state of which nothing is sealed.
    pub(super) fn generate() -> Option<Self> {
        let values = BTreeMap::from([(1, fresh()?)]);
        Some(Self {
            complete: false,
            names: fresh()?,
            values,
        })
    }

    /// Adds a key of values. What is written from here on is sealed by it; older values keep theirs.
    pub(super) fn renew(&mut self) -> Option<()> {
        let newest = self.values.keys().next_back()?;
        self.values.insert(newest.checked_add(1)?, fresh()?);
        Some(())
    }

    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(1 + KEY + self.values.len() * (4 + KEY)));
        bytes.push(u8::from(self.complete));
        bytes.extend_from_slice(self.names.as_slice());
        for (number, key) in &self.values {
            bytes.extend_from_slice(&number.to_be_bytes());
            bytes.extend_from_slice(key.as_slice());
        }
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (complete, rest) = bytes.split_first()?;
        let (names, rest) = rest.split_first_chunk()?;
        let mut values = BTreeMap::new();
        for one in rest.chunks(4 + KEY) {
            let (number, key) = one.split_first_chunk()?;
            let key: [u8; KEY] = key.try_into().ok()?;
            values.insert(u32::from_be_bytes(*number), Zeroizing::new(key));
        }
        (!values.is_empty()).then(|| Self {
            complete: *complete == 1,
            names: Zeroizing::new(*names),
            values,
        })
    }

    /// Ready to seal with.
    pub(super) fn seal(&self) -> Option<Seal> {
        let mut values = BTreeMap::new();
        for (number, key) in &self.values {
            values.insert(*number, cipher(key)?);
        }
        Some(Seal {
            names: cipher(&self.names)?,
            newest: *values.keys().next_back()?,
            values,
        })
    }
}

/// Random bytes for a key; nothing when there is no randomness.
pub(super) fn fresh() -> Option<Zeroizing<[u8; KEY]>> {
    let mut key = Zeroizing::new([0; KEY]);
    rand::fill(key.as_mut_slice()).ok()?;
    Some(key)
}

pub(super) fn cipher(key: &[u8; KEY]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM_SIV, key).ok().map(LessSafeKey::new)
}

/// Seals `plain` behind `head`, which is bound to it together with `about`.
pub(super) fn seal_behind(head: &[u8], cipher: &LessSafeKey, about: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
    let mut nonce = [0; NONCE_LEN];
    rand::fill(&mut nonce).ok()?;
    let mut sealed = Vec::with_capacity(head.len() + NONCE_LEN + plain.len() + TAG);
    sealed.extend_from_slice(head);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plain);
    let text = &mut sealed[head.len() + NONCE_LEN..];
    let about = [head, about].concat();
    let tag = cipher
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(about), text)
        .ok()?;
    sealed.extend_from_slice(tag.as_ref());
    Some(sealed)
}

/// What [`seal_behind`] sealed; `None` when it is something else.
pub(super) fn open_behind(
    head: usize,
    cipher: &LessSafeKey,
    about: &[u8],
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let (head, rest) = sealed.split_at_checked(head)?;
    let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>()?;
    let mut text = Zeroizing::new(text.to_vec());
    let about = [head, about].concat();
    let length = cipher
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(about), &mut text)
        .ok()?
        .len();
    text.truncate(length);
    Some(text)
}

/// What seals and opens entries.
pub(super) struct Seal {
    names: LessSafeKey,
    values: BTreeMap<u32, LessSafeKey>,
    newest: u32,
}

impl Seal {
    /// The value of this key as it is kept. Nothing when there is no randomness.
    pub(super) fn value(&self, key: &Key, plain: &[u8]) -> Option<Bytes> {
        let mut head = [VERSION; HEAD];
        head[1..].copy_from_slice(&self.newest.to_be_bytes());
        let cipher = self.values.get(&self.newest)?;
        seal_behind(&head, cipher, key.as_str().as_bytes(), plain).map(Bytes::from)
    }

    /// The value of this key as it was put.
    pub(super) fn open_value(&self, key: &Key, sealed: &[u8]) -> Result<Bytes, Defect> {
        let head: &[u8; HEAD] = sealed.first_chunk().ok_or(Defect::Changed)?;
        let [VERSION, number @ ..] = head else {
            return Err(Defect::Changed);
        };
        let number = u32::from_be_bytes(*number);
        let cipher = self.values.get(&number).ok_or(Defect::UnknownKey(number))?;
        let mut plain = open_behind(HEAD, cipher, key.as_str().as_bytes(), sealed).ok_or(Defect::Changed)?;
        Ok(Bytes::from(std::mem::take(&mut *plain)))
    }

    /// A key, or the folder that a prefix begins with, as it is kept.
    pub(super) fn path(&self, path: &str) -> String {
        let mut sealed = String::with_capacity(3 * path.len() + 64);
        for (at, part) in parts(path) {
            if at > 0 {
                sealed.push('/');
            }
            if keeps(path, at) || part.is_empty() {
                sealed.push_str(part);
            } else {
                let mut text = part.as_bytes().to_vec();
                if self
                    .names
                    .seal_in_place_append_tag(always(), Aad::from(&path.as_bytes()[..at]), &mut text)
                    .is_ok()
                {
                    sealed.push(MARK);
                    BASE64_URL_SAFE_NO_PAD.encode_string(text, &mut sealed);
                }
            }
        }
        sealed
    }

    /// What [`Seal::path`] made it of.
    pub(super) fn open_path(&self, sealed: &str) -> Result<Key, Defect> {
        let mut path = String::with_capacity(sealed.len());
        for (at, part) in parts(sealed) {
            if at > 0 {
                path.push('/');
            }
            if keeps(sealed, at) || part.is_empty() {
                path.push_str(part);
                continue;
            }
            let text = part.strip_prefix(MARK).ok_or(Defect::Changed)?;
            let mut text = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| Defect::Changed)?;
            let text = self
                .names
                .open_in_place(always(), Aad::from(path.as_bytes()), &mut text)
                .map_err(|_| Defect::Changed)?;
            path.push_str(std::str::from_utf8(text).map_err(|_| Defect::Changed)?);
        }
        Ok(Key::from(path))
    }
}

/// One text has one sealed form: this nonce, under a key that seals nothing else. The mode of operation is made to withstand that.
fn always() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

/// The parts of a path, each with the place where it begins.
fn parts(path: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    path.split('/').map(move |part| {
        let here = at;
        at += part.len() + 1;
        (here, part)
    })
}

/// Whether the part of a path that begins here stays readable.
pub(super) fn keeps(path: &str, at: usize) -> bool {
    at == 0 || (at == EXPIRY.len() && path.starts_with(EXPIRY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // A secret that can be shown is shown, sooner or later.
    static_assertions::assert_not_impl_any!(Ring: std::fmt::Debug, std::fmt::Display, Clone);
    static_assertions::assert_not_impl_any!(Seal: std::fmt::Debug, std::fmt::Display, Clone);

    fn seal() -> Seal {
        Ring::generate().and_then(|ring| ring.seal()).expect("keys")
    }

    proptest! {
        /// Whatever was sealed opens again, and no part but the first stands there as it is.
        ///
        /// Proves: WP-46
        #[test]
        fn entries_survive_their_seal(parts in prop::collection::vec("[a-z0-9%~.-]{0,12}", 1..5), value: Vec<u8>) {
            let (seal, path) = (seal(), parts.join("/"));
            let sealed = seal.path(&path);
            prop_assert_eq!(seal.open_path(&sealed).map(|key| key.as_str().to_owned()), Ok(path.clone()));
            prop_assert_eq!(&sealed, &seal.path(&path), "one text has one sealed form");
            prop_assert_eq!(sealed.split('/').count(), parts.len());
            let key = Key::from(path);
            let kept = seal.value(&key, &value).expect("sealed");
            prop_assert_eq!(seal.open_value(&key, &kept), Ok(Bytes::from(value)));
        }

        /// A byte that changed anywhere, in value or key, opens nothing.
        ///
        /// Proves: WP-46
        #[test]
        fn a_changed_byte_is_found(value: Vec<u8>, place: prop::sample::Index, other in 1..=255_u8) {
            let (seal, key) = (seal(), Key::new("eec/alice/1"));
            let mut kept = seal.value(&key, &value).expect("sealed").to_vec();
            let at = place.index(kept.len());
            kept[at] ^= other;
            prop_assert!(seal.open_value(&key, &kept).is_err());
            let mut path = seal.path(key.as_str()).into_bytes();
            let at = "eec/".len() + place.index(path.len() - "eec/".len());
            path[at] = if path[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(path).expect("text");
            prop_assert!(seal.open_path(&changed).is_err(), "{}", changed);
        }
    }

    /// Proves: WP-46
    #[test]
    fn a_value_opens_under_its_own_key_alone() {
        let seal = seal();
        let kept = seal.value(&Key::new("eec/alice/1"), b"hers").expect("sealed");
        assert_eq!(seal.open_value(&Key::new("eec/bob/1"), &kept), Err(Defect::Changed));
        let others = super::tests::seal();
        assert_eq!(others.open_value(&Key::new("eec/alice/1"), &kept), Err(Defect::Changed));
        let again = seal.value(&Key::new("eec/alice/1"), b"hers").expect("sealed");
        assert_ne!(kept, again, "each has a nonce of its own");
    }

    /// One name under two folders is two texts: the folders cannot be joined by it.
    #[test]
    fn a_part_depends_on_its_folder() {
        let seal = seal();
        let last = |path: &str| seal.path(path).rsplit('/').next().map(str::to_owned);
        assert_ne!(last("ue-location/msisdn-49"), last("eec-by-ue/msisdn-49"));
        let instants = seal.path("expiry/00000000000000000007/eec/alice");
        assert!(instants.starts_with("expiry/00000000000000000007/~"), "{instants}");
    }

    #[test]
    fn a_ring_survives_its_bytes_and_keeps_old_keys() {
        let mut ring = Ring::generate().expect("keys");
        let key = Key::new("a/b");
        let old = ring.seal().and_then(|seal| seal.value(&key, b"old")).expect("sealed");
        ring.renew().expect("another key");
        let read = Ring::from_bytes(&ring.to_bytes()).expect("a ring");
        let seal = read.seal().expect("keys");
        assert_eq!(seal.open_value(&key, &old), Ok(Bytes::from_static(b"old")));
        let new = seal.value(&key, b"new").expect("sealed");
        assert_eq!((old[4], new[4]), (1, 2), "what is written is sealed by the newest");
        assert!(Ring::from_bytes(&ring.to_bytes()[..40]).is_none() && Ring::from_bytes(&[]).is_none());
    }
}
