//! A read model of subscriptions that finds those an event may concern without looking at the others.
//!
//! A subscription is *filed* under terms: an event that it matches has one of them at least. An event asks for its own terms and gets
//! the few subscriptions that are filed there; what decides is the exact match, as if all had been looked at. So matching costs what
//! the event concerns, however many subscriptions there are.
//!
//! ```
//! # use edgeapp_core::{filed::Filed, follow::View, kept::Kept, principal::Principal, store::{Entry, Revision}};
//! // A subscription names a colour; one that names none is filed under the empty word, for which every event asks.
//! let filed = Filed::<String, String>::new(|colour| vec![colour.clone()]);
//! let owner = Principal::from_names(["urn:edgeapp:eec:eec-1"], [])?;
//! let entry = |key: &str, colour: &str| -> Result<Entry, edgeapp_core::error::Error> {
//!     let value = Kept::new(&owner, None, colour.to_owned()).to_bytes()?;
//!     Ok(Entry { key: key.into(), value, revision: Revision(1) })
//! };
//! filed.reset(vec![entry("s/1", "red")?, entry("s/2", "blue")?, entry("s/3", "")?]);
//! let concerned = filed.candidates(&["red".to_owned(), String::new()]);
//! assert_eq!(concerned.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["s/1", "s/3"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::{
    follow::View,
    kept::Kept,
    store::{Change, Entry, Key},
};
use serde::de::DeserializeOwned;
use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

/// Subscriptions of one kind, filed under terms.
pub struct Filed<T, Term> {
    terms: fn(&T) -> Vec<Term>,
    files: RwLock<Files<T, Term>>,
}

/// Subscriptions by key.
type Folder<T> = BTreeMap<Key, Arc<Kept<T>>>;

struct Files<T, Term> {
    all: HashMap<Key, Arc<Kept<T>>>,
    under: HashMap<Term, Folder<T>>,
}

impl<T, Term> Default for Files<T, Term> {
    fn default() -> Self {
        Self {
            all: HashMap::new(),
            under: HashMap::new(),
        }
    }
}

impl<T: DeserializeOwned, Term: Eq + Hash> Files<T, Term> {
    fn put(&mut self, terms: fn(&T) -> Vec<Term>, entry: &Entry) {
        self.remove(terms, &entry.key);
        // One that cannot be read matches nothing; it must not keep the others from their news.
        let kept = match Kept::from_entry(entry) {
            Ok(kept) => Arc::new(kept),
            Err(error) => return tracing::error!(%error, "a subscription cannot be read"),
        };
        for term in terms(&kept.value) {
            self.under
                .entry(term)
                .or_default()
                .insert(entry.key.clone(), kept.clone());
        }
        self.all.insert(entry.key.clone(), kept);
    }
}

impl<T, Term: Eq + Hash> Files<T, Term> {
    fn remove(&mut self, terms: fn(&T) -> Vec<Term>, key: &Key) {
        let Some(kept) = self.all.remove(key) else { return };
        for term in terms(&kept.value) {
            if let Some(folder) = self.under.get_mut(&term) {
                folder.remove(key);
                if folder.is_empty() {
                    self.under.remove(&term);
                }
            }
        }
    }
}

impl<T, Term: Eq + Hash> Filed<T, Term> {
    /// Nothing yet; `terms` tells under which terms a subscription is filed. What is filed nowhere is never found.
    pub fn new(terms: fn(&T) -> Vec<Term>) -> Self {
        Self {
            terms,
            files: RwLock::default(),
        }
    }

    fn files(&self) -> RwLockReadGuard<'_, Files<T, Term>> {
        self.files.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is no subscription at all.
    pub fn is_empty(&self) -> bool {
        self.files().all.is_empty()
    }

    /// Whether anything is filed under one of these terms.
    pub fn has_any<'a>(&self, terms: impl IntoIterator<Item = &'a Term>) -> bool
    where
        Term: 'a,
    {
        let files = self.files();
        !files.under.is_empty() && terms.into_iter().any(|term| files.under.contains_key(term))
    }

    /// What is filed under one of these terms, each once and in the order of the keys. Some may have expired.
    pub fn candidates<'a>(&self, terms: impl IntoIterator<Item = &'a Term>) -> Vec<(Key, Arc<Kept<T>>)>
    where
        Term: 'a,
    {
        let files = self.files();
        let mut found = Folder::new();
        for folder in terms.into_iter().filter_map(|term| files.under.get(term)) {
            found.extend(folder.iter().map(|(key, kept)| (key.clone(), kept.clone())));
        }
        found.into_iter().collect()
    }
}

impl<T, Term> View for Filed<T, Term>
where
    T: DeserializeOwned + Send + Sync + 'static,
    Term: Eq + Hash + Send + Sync + 'static,
{
    fn reset(&self, entries: Vec<Entry>) {
        let mut fresh = Files::default();
        for entry in &entries {
            fresh.put(self.terms, entry);
        }
        *self.files.write().unwrap_or_else(PoisonError::into_inner) = fresh;
    }

    fn apply(&self, changes: Vec<Change>) {
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            match change {
                Change::Put(entry) => files.put(self.terms, &entry),
                Change::Deleted(key, _) => files.remove(self.terms, &key),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{principal::Principal, store::Revision};

    fn entry(key: &str, words: &str) -> Entry {
        let owner = Principal::from_names(["urn:edgeapp:eec:eec-1"], []).unwrap();
        let value = Kept::new(&owner, None, words.to_owned()).to_bytes().unwrap();
        let (key, revision) = (Key::from(key), Revision(1));
        Entry { key, value, revision }
    }

    fn by_word() -> Filed<String, String> {
        Filed::new(|words| words.split(' ').map(str::to_owned).collect())
    }

    fn found(filed: &Filed<String, String>, terms: &[&str]) -> Vec<String> {
        let terms: Vec<String> = terms.iter().map(|term| (*term).to_owned()).collect();
        let found = filed.candidates(&terms);
        assert_eq!(filed.has_any(&terms), !found.is_empty());
        found.into_iter().map(|(key, _)| key.to_string()).collect()
    }

    #[test]
    fn each_is_found_once_under_any_of_its_terms() {
        let filed = by_word();
        assert!(filed.is_empty());
        filed.reset(vec![entry("s/2", "blue red"), entry("s/1", "red")]);
        assert_eq!(found(&filed, &["red", "blue"]), ["s/1", "s/2"]);
        assert_eq!(found(&filed, &["blue"]), ["s/2"]);
        assert_eq!(found(&filed, &["green"]), [""; 0]);
    }

    #[test]
    fn a_change_files_anew_and_a_removal_leaves_nothing() {
        let filed = by_word();
        filed.reset(vec![entry("s/1", "red")]);
        filed.apply(vec![Change::Put(entry("s/1", "blue"))]);
        assert_eq!(found(&filed, &["red"]), [""; 0]);
        assert_eq!(found(&filed, &["blue"]), ["s/1"]);
        filed.apply(vec![Change::Deleted(Key::from("s/1"), Revision(2))]);
        assert!(filed.is_empty() && filed.files().under.is_empty());
    }

    #[test]
    fn one_that_cannot_be_read_keeps_no_other_from_being_found() {
        let filed = by_word();
        let unreadable = Entry {
            value: "{".into(),
            ..entry("s/1", "red")
        };
        filed.reset(vec![unreadable.clone(), entry("s/2", "red")]);
        assert_eq!(found(&filed, &["red"]), ["s/2"]);
        filed.apply(vec![Change::Put(Entry {
            key: Key::from("s/2"),
            ..unreadable
        })]);
        assert!(filed.is_empty());
    }
}
