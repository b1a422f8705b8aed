//! Keeping up with the issuer: keys and revocations are pulled, kept in the store, and are there again after a restart, with the issuer
//! up or down.

use super::{
    keys::{BadKeys, KeySet},
    revocations::{BadList, Revocations},
    verifier::{Known, Verifier},
};
use crate::token::{claims::Expected, jws};
use async_trait::async_trait;
use edgeapp_core::{
    clock::Clock,
    error::Error,
    evidence::{Evidence, SecurityEvent, SecurityEventKind},
    store::{Commit, Key, Store},
    token::{JwkSet, REVOCATIONS, RevocationList},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, Notify};

const KEYS: &str = "token/keys";
const REVOKED: &str = "token/revocations";

/// Keys are asked for again after so many seconds, though nothing says that they have changed.
const KEYS_AGE: u64 = 300;
/// How often it is written down that nothing has changed, in seconds.
const MARK_EVERY: u64 = 60;
/// Unknown names of keys make us ask for keys no more often than this.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// The port to the issuer.
#[async_trait]
pub trait Issuer: Send + Sync + 'static {
    /// Its JWK set.
    ///
    /// # Errors
    /// When it cannot be had; says why.
    async fn keys(&self) -> Result<Vec<u8>, String>;

    /// Its signed list of revocations.
    ///
    /// # Errors
    /// When it cannot be had; says why.
    async fn revocations(&self) -> Result<String, String>;
}

/// Keys as they are kept.
#[derive(Debug, Serialize, Deserialize)]
struct KeptKeys {
    heard: u64,
    set: JwkSet,
}

/// Revocations as they are kept.
#[derive(Debug, Serialize, Deserialize)]
struct KeptRevocations {
    heard: u64,
    revocations: Revocations,
}

/// Why nothing new was learnt.
#[derive(Debug, thiserror::Error)]
pub enum NotHeard {
    /// The issuer cannot be reached or does not answer.
    #[error("{0}")]
    Unreachable(String),
    /// Its keys cannot be used.
    #[error("its keys: {0}")]
    Keys(#[from] BadKeys),
    /// Its list cannot be used.
    #[error("its revocations: {0}")]
    List(#[from] BadList),
}

/// Keeps a verifier in step with the issuer.
pub struct Follower {
    verifier: Arc<Verifier>,
    issuer: Arc<dyn Issuer>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    evidence: Arc<dyn Evidence>,
    every: Duration,
    unknown_key: Arc<Notify>,
    /// When it was last written down that nothing has changed; also sees to it that one pull runs at a time.
    marked: Mutex<u64>,
}

impl Follower {
    /// Takes up what the store remembers, and asks the issuer once.
    ///
    /// # Errors
    /// When the store cannot be read. That the issuer cannot be reached is no error.
    pub async fn start(
        verifier: Arc<Verifier>,
        issuer: Arc<dyn Issuer>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        evidence: Arc<dyn Evidence>,
        every: Duration,
    ) -> Result<Self, Error> {
        let mut known = Known::default();
        if let Some(KeptKeys { heard, set }) = kept(&store, KEYS).await? {
            let document = serde_json::to_vec(&set).map_err(Error::internal)?;
            known.keys = KeySet::parse(&document).unwrap_or_default();
            known.keys_heard = Some(heard);
        }
        if let Some(KeptRevocations { heard, revocations }) = kept(&store, REVOKED).await? {
            known.revocations = revocations;
            known.revocations_heard = Some(heard);
        }
        verifier.learn(known);
        let follower = Self {
            verifier,
            issuer,
            store,
            clock,
            evidence,
            every,
            unknown_key: Arc::default(),
            marked: Mutex::default(),
        };
        if let Err(reason) = follower.pull(false).await {
            tracing::warn!(%reason, "the issuer of tokens cannot be asked yet");
        }
        Ok(follower)
    }

    /// Whom to tell of tokens that name a key which is not known.
    pub fn unknown_key(&self) -> Arc<Notify> {
        self.unknown_key.clone()
    }

    /// Asks the issuer again and again, until dropped.
    pub async fn run(self) {
        let mut ticks = tokio::time::interval(self.every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut failing, mut asked) = (false, None::<Instant>);
        loop {
            let wanted = tokio::select! {
                _ = ticks.tick() => false,
                () = self.unknown_key.notified() => true,
            };
            if wanted {
                if asked.is_some_and(|at| at.elapsed() < ASK_AGAIN) {
                    continue;
                }
                asked = Some(Instant::now());
            }
            let outcome = self.pull(wanted).await;
            match &outcome {
                Ok(()) if failing => tracing::info!("the issuer of tokens answers again"),
                Ok(()) => {}
                Err(reason) if failing => tracing::debug!(%reason, "the issuer of tokens still cannot be asked"),
                Err(reason) => {
                    tracing::warn!(%reason, "the issuer of tokens cannot be asked; what is known of it counts for a while");
                    if matches!(reason, NotHeard::List(_) | NotHeard::Keys(_)) {
                        let event = SecurityEvent::new(SecurityEventKind::TokenInvalid, reason.to_string());
                        self.evidence.record(event.about("revocations"));
                    }
                }
            }
            failing = outcome.is_err();
        }
    }

    /// Asks the issuer once: for revocations, and for keys where they are old, unknown ones are named, or `keys` says so.
    ///
    /// # Errors
    /// When nothing new was learnt.
    pub async fn pull(&self, keys: bool) -> Result<(), NotHeard> {
        let outcome = self.ask(keys).await;
        let refused = |reason: &NotHeard| matches!(reason, NotHeard::List(_) | NotHeard::Keys(_));
        let refused = outcome.as_ref().err().filter(|reason| refused(reason));
        self.verifier.heard_nonsense(refused.map(ToString::to_string));
        outcome
    }

    async fn ask(&self, keys: bool) -> Result<(), NotHeard> {
        let mut marked = self.marked.lock().await;
        let signed = self.issuer.revocations().await.map_err(NotHeard::Unreachable)?;
        let now = u64::try_from(self.clock.now().0.as_second()).unwrap_or_default();
        let before = self.verifier.known();
        let mut next = Known::clone(&before);
        let old = next.keys_heard.is_none_or(|at| now >= at.saturating_add(KEYS_AGE));
        let mut list = open(&signed, &next.keys);
        // A key that was withdrawn stays so, whatever a restored issuer says: nothing that it signs counts, lists neither.
        let left = |name: &str| before.revocations.has_left(name, now);
        let unknown =
            |list: &RevocationList, keys: &KeySet| list.keys.iter().any(|name| !keys.has(name) && !left(name));
        if keys || old || list.as_ref().map_or(true, |list| unknown(list, &next.keys)) {
            let document = self.issuer.keys().await.map_err(NotHeard::Unreachable)?;
            next.keys = KeySet::parse(&document)?.but(left);
            next.keys_heard = Some(now);
            list = open(&signed, &next.keys);
        }
        let list = list?;
        let Expected { issuer, audience } = &self.verifier.rules().expected;
        let leaving = before
            .keys
            .names()
            .filter(|name| !list.keys.iter().any(|kept| kept == name));
        next.revocations = next
            .revocations
            .heard(&list, issuer, audience, now)?
            .without(leaving, now);
        next.revocations_heard = Some(now);
        next.keys = next.keys.only(&list.keys);
        let mark = now >= marked.saturating_add(MARK_EVERY);
        let changed = next.keys != before.keys || next.revocations.seq() != before.revocations.seq();
        if changed || mark {
            // First on disk: what was refused once is refused after a restart too.
            match self.keep(&next).await {
                Ok(()) => *marked = now,
                Err(error) => tracing::warn!(%error, "what the issuer of tokens said cannot be kept"),
            }
        }
        self.verifier.learn(next);
        Ok(())
    }

    async fn keep(&self, known: &Known) -> Result<(), Error> {
        let keys = KeptKeys {
            heard: known.keys_heard.unwrap_or_default(),
            set: known.keys.document(),
        };
        let revocations = KeptRevocations {
            heard: known.revocations_heard.unwrap_or_default(),
            revocations: known.revocations.clone(),
        };
        let commit = Commit::new()
            .put(KEYS, serde_json::to_vec(&keys).map_err(Error::internal)?)
            .put(REVOKED, serde_json::to_vec(&revocations).map_err(Error::internal)?);
        self.store.commit(commit).await?;
        Ok(())
    }
}

fn open(signed: &str, keys: &KeySet) -> Result<RevocationList, BadList> {
    let (payload, _) = jws::open(signed, jws::LONGEST_LIST, &[REVOCATIONS], keys).map_err(|_| BadList::NotSigned)?;
    serde_json::from_slice(&payload).map_err(|_| BadList::NotSigned)
}

async fn kept<T: DeserializeOwned>(store: &Arc<dyn Store>, key: &str) -> Result<Option<T>, Error> {
    let entry = store.get(&Key::new(key)).await?;
    let read = |entry: &edgeapp_core::store::Entry| {
        serde_json::from_slice(&entry.value)
            .map_err(|error| Error::internal(format_args!("{key} cannot be read: {error}")))
    };
    entry.as_ref().map(read).transpose()
}
