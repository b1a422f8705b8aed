//! Which relocation something belongs to: everybody who takes part in several at once looks it up here, by UE and application.

use crate::{
    record::{Part, Recorder},
    witness::Witness,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// One relocation of one application client, from the preparation to the end.
pub struct Track {
    /// The UE's GPSI.
    pub ue: String,
    /// The application client.
    pub ac: String,
    /// The instance that serves at first.
    pub source: String,
    /// The EES of that.
    pub source_ees: String,
    target: Mutex<Option<String>>,
    /// Where it is written down.
    pub recorder: Arc<Recorder>,
    /// What was seen of it.
    pub witness: Arc<Witness>,
}

impl Track {
    /// A relocation from this instance, at this EES.
    pub fn new(
        (ue, ac): (&str, &str),
        (source, source_ees): (&str, &str),
        target: Option<&str>,
        recorder: Arc<Recorder>,
    ) -> Arc<Self> {
        Arc::new(Self {
            ue: ue.to_owned(),
            ac: ac.to_owned(),
            source: source.to_owned(),
            source_ees: source_ees.to_owned(),
            target: Mutex::new(target.map(str::to_owned)),
            recorder,
            witness: Arc::default(),
        })
    }

    /// The instance that is to serve, as far as the way of the UE tells.
    pub fn set_target(&self, instance: &str) {
        *lock(&self.target) = Some(instance.to_owned());
    }

    /// The part that an instance of the application has in it.
    pub fn part_of(&self, instance: &str) -> Option<Part> {
        if self.source == instance {
            return Some(Part::SEas);
        }
        (lock(&self.target).as_deref() == Some(instance)).then_some(Part::TEas)
    }
}

/// The EES of an EAS.
pub fn ees_of(eas: Part) -> Part {
    if eas == Part::SEas { Part::SEes } else { Part::TEes }
}

type Of = (String, String);

/// All relocations, and who holds which application context.
#[derive(Default)]
pub struct Tracks {
    present: Mutex<BTreeMap<Of, Arc<Track>>>,
    holders: Mutex<BTreeMap<Of, BTreeMap<String, String>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tracks {
    /// From now on what happens to this application of the UE belongs to this relocation.
    pub fn begin(&self, application: &str, track: Arc<Track>) {
        lock(&self.present).insert((track.ue.clone(), application.to_owned()), track);
    }

    /// The relocation of an application of a UE.
    pub fn of(&self, ue: &str, application: &str) -> Option<Arc<Track>> {
        lock(&self.present)
            .get(&(ue.to_owned(), application.to_owned()))
            .cloned()
    }

    /// The relocations of a UE.
    pub fn of_ue(&self, ue: &str) -> Vec<Arc<Track>> {
        // Those of one UE lie together: there may be many others.
        let present = lock(&self.present);
        let of = present.range((ue.to_owned(), String::new())..);
        of.take_while(|((of, _), _)| of == ue)
            .map(|(_, track)| track.clone())
            .collect()
    }

    /// The relocations of an application.
    pub fn of_application(&self, application: &str) -> Vec<Arc<Track>> {
        let present = lock(&self.present);
        let of = present.iter().filter(|((_, of), _)| of == application);
        of.map(|(_, track)| track.clone()).collect()
    }

    /// An instance holds a context, which was given this number when it was made.
    pub fn holds(&self, ue: &str, application: &str, instance: &str, origin: &str) {
        let mut holders = lock(&self.holders);
        let of = holders.entry((ue.to_owned(), application.to_owned())).or_default();
        of.insert(instance.to_owned(), origin.to_owned());
    }

    /// An instance holds it no more.
    pub fn dropped(&self, ue: &str, application: &str, instance: &str) {
        if let Some(of) = lock(&self.holders).get_mut(&(ue.to_owned(), application.to_owned())) {
            of.remove(instance);
        }
    }

    /// Who holds a context, and its number.
    pub fn holders(&self, ue: &str, application: &str) -> BTreeMap<String, String> {
        let holders = lock(&self.holders);
        holders
            .get(&(ue.to_owned(), application.to_owned()))
            .cloned()
            .unwrap_or_default()
    }
}
