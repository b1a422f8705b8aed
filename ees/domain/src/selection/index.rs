//! The registrations as a read model: an immutable snapshot behind a pointer swap, brought up to date change by change.

use super::{
    Selection,
    posting::Posting,
    terms::{Narrowed, Term, terms_of, terms_of_names},
};
use crate::eas_names::{Named, Naming};
use arc_swap::ArcSwap;
use bytes::Bytes;
use edgeapp_core::{
    follow::View,
    kept::Kept,
    principal::Owner,
    store::{self, Change, Key},
};
use edgeapp_openapi::{
    common::DateTime,
    eas_discovery::DiscoveredEas,
    eas_registration::{EasProfile, EasRegistration, EndPoint},
    ids::EasId,
};
use imbl::{HashMap, Vector};
use roaring::RoaringBitmap;
use std::{
    borrow::Cow,
    collections::HashMap as Numbers,
    sync::{Arc, Mutex, PoisonError},
};

/// One registered EAS, ready to be sent.
#[derive(Debug)]
pub struct Entry {
    /// The key of its registration.
    pub key: Key,
    /// Who registered it.
    pub owner: Owner,
    /// What is said of it.
    pub discovered: Arc<DiscoveredEas>,
    /// The JSON of [`Entry::discovered`].
    pub json: Bytes,
    /// Under which names it is found, and how it is reached; nothing where names are not served.
    pub named: Named,
}

impl Entry {
    /// The profile.
    pub fn profile(&self) -> &EasProfile {
        &self.discovered.eas
    }

    /// Whether the registration still lives at `now`.
    pub fn is_live(&self, now: DateTime) -> bool {
        self.discovered.life_time.is_none_or(|end| now < end)
    }

    fn terms(&self) -> Vec<Term> {
        let mut terms = terms_of(self.profile());
        terms.extend(terms_of_names(&self.named.names));
        terms
    }

    fn read(entry: &store::Entry, ees: Option<&EndPoint>, naming: Option<&Naming>) -> Option<Self> {
        // What cannot be read is logged and not offered to anybody.
        let kept = Kept::<EasRegistration>::from_entry(entry).ok()?;
        let discovered = Arc::new(DiscoveredEas {
            eas: kept.value.eas_prof,
            ees_end_pt: ees.cloned(),
            life_time: kept.expires_at,
        });
        let json = serde_json::to_vec(&*discovered).ok()?.into_boxed_slice().into();
        Some(Self {
            key: entry.key.clone(),
            owner: kept.owner,
            named: naming.map(|naming| naming.of(&discovered.eas)).unwrap_or_default(),
            discovered,
            json,
        })
    }
}

/// All registered EASs at one moment. Copies share what did not change.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    entries: Vector<Option<Arc<Entry>>>,
    postings: HashMap<Term, Posting>,
    changes: u32,
}

impl Snapshot {
    /// Another number whenever something else than how long registrations live has changed.
    pub fn changes(&self) -> u32 {
        self.changes
    }

    /// All EASs that are found under this name, expired ones too.
    pub fn of_name(&self, name: &str) -> impl Iterator<Item = &Entry> {
        let numbers = self.numbers(&Term::Name(name.into())).into_owned();
        numbers.into_iter().filter_map(|number| self.entry(number))
    }

    /// Whether a name at which EASs are found is below this one.
    pub fn is_above_names(&self, name: &str) -> bool {
        self.postings.contains_key(&Term::Above(name.into()))
    }

    /// The numbers of the EASs that have this term.
    pub(super) fn numbers(&self, term: &Term) -> Cow<'_, RoaringBitmap> {
        self.postings.get(term).map_or_else(Cow::default, Posting::numbers)
    }

    /// All EASs, expired ones too.
    pub fn all(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().flatten().map(Arc::as_ref)
    }

    /// All instances of an application, expired ones too.
    pub fn instances(&self, eas_id: &EasId) -> impl Iterator<Item = &Entry> {
        let numbers = self.numbers(&Term::Application(eas_id.clone())).into_owned();
        numbers.into_iter().filter_map(|number| self.entry(number))
    }

    fn entry(&self, number: u32) -> Option<&Entry> {
        self.entries.get(usize::try_from(number).ok()?)?.as_deref()
    }

    /// Every EAS that can fit, in order, and some that do not.
    pub(super) fn candidates<'a>(&'a self, wanted: &Selection) -> Box<dyn Iterator<Item = &'a Entry> + 'a> {
        match self.narrowed(wanted) {
            Narrowed::All => Box::new(self.all()),
            Narrowed::To(Cow::Borrowed(numbers)) => Box::new(numbers.iter().filter_map(|number| self.entry(number))),
            Narrowed::To(Cow::Owned(numbers)) => Box::new(numbers.into_iter().filter_map(|number| self.entry(number))),
        }
    }

    fn add(&mut self, number: u32, term: Term) {
        self.postings.entry(term).or_insert(Posting::One(number)).insert(number);
    }

    fn take(&mut self, number: u32, term: &Term) {
        if self
            .postings
            .get_mut(term)
            .is_some_and(|numbers| !numbers.remove(number))
        {
            self.postings.remove(term);
        }
    }

    /// Puts an entry in place of the one of this number, or takes that away.
    fn set(&mut self, number: u32, entry: Option<Arc<Entry>>) {
        let place = number as usize;
        let present = self.entries.get(place).and_then(Option::as_deref);
        if present.map(Entry::profile) != entry.as_deref().map(Entry::profile) {
            self.changes = self.changes.wrapping_add(1);
        }
        let before = present.map(Entry::terms);
        let after = entry.as_deref().map(Entry::terms);
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        if before != after {
            before.iter().for_each(|term| self.take(number, term));
            after.into_iter().for_each(|term| self.add(number, term));
        }
        if place < self.entries.len() {
            self.entries.set(place, entry);
        } else {
            self.entries.push_back(entry);
        }
    }
}

/// Which number each registration has; only the writer needs to know.
#[derive(Debug, Default)]
struct Writer {
    numbers: Numbers<Key, u32>,
    free: Vec<u32>,
}

impl Writer {
    fn put(&mut self, next: &mut Snapshot, entry: Entry) {
        let number = match self.numbers.get(&entry.key) {
            Some(number) => *number,
            None => {
                let fresh = || u32::try_from(next.entries.len()).unwrap_or(u32::MAX);
                let number = self.free.pop().unwrap_or_else(fresh);
                self.numbers.insert(entry.key.clone(), number);
                number
            }
        };
        next.set(number, Some(Arc::new(entry)));
    }

    fn remove(&mut self, next: &mut Snapshot, key: &Key) {
        if let Some(number) = self.numbers.remove(key) {
            next.set(number, None);
            self.free.push(number);
        }
    }
}

/// The registered EASs, always as of the latest commit that was seen. Follows the registrations, prefix `eas/`.
#[derive(Debug, Default)]
pub struct EasIndex {
    ees: Option<EndPoint>,
    naming: Option<Arc<Naming>>,
    snapshot: ArcSwap<Snapshot>,
    writer: Mutex<Writer>,
}

impl EasIndex {
    /// An empty index. What is found names `ees` as the EES where it is registered.
    pub fn new(ees: Option<EndPoint>) -> Self {
        Self { ees, ..Self::default() }
    }

    /// The same, which also finds EASs by the names that this gives them.
    pub fn named_by(self, naming: Arc<Naming>) -> Self {
        Self {
            naming: Some(naming),
            ..self
        }
    }

    /// The EASs as they are now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    fn write(&self, from: Snapshot, changes: impl FnOnce(&mut Writer, &mut Snapshot), writer: &mut Writer) {
        let mut next = from;
        changes(writer, &mut next);
        self.snapshot.store(Arc::new(next));
    }

    fn put(&self, writer: &mut Writer, next: &mut Snapshot, entry: &store::Entry) {
        match Entry::read(entry, self.ees.as_ref(), self.naming.as_deref()) {
            Some(entry) => writer.put(next, entry),
            None => writer.remove(next, &entry.key),
        }
    }
}

impl View for EasIndex {
    fn reset(&self, entries: Vec<store::Entry>) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        *writer = Writer::default();
        let all =
            |writer: &mut Writer, next: &mut Snapshot| entries.iter().for_each(|entry| self.put(writer, next, entry));
        // What was told before must not come again under the same number.
        let empty = Snapshot {
            changes: self.snapshot.load().changes,
            ..Snapshot::default()
        };
        self.write(empty, all, &mut writer);
    }

    fn apply(&self, changes: Vec<Change>) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let present = Snapshot::clone(&self.snapshot.load());
        let all = |writer: &mut Writer, next: &mut Snapshot| {
            for change in changes {
                match change {
                    Change::Put(entry) => self.put(writer, next, &entry),
                    Change::Deleted(key, _) => writer.remove(next, &key),
                }
            }
        };
        self.write(present, all, &mut writer);
    }
}
