//! From committed events to work that is done at least once, in order per lane, across restarts.
//!
//! A change and its events are one transaction (see [`crate::room`]). The outbox turns each event into tasks ([`Reactions::react`])
//! and removes the event in the same transaction that keeps the tasks; then it does the tasks ([`Reactions::perform`]). A *lane* is a
//! queue whose tasks are done one after the other (one subscription, one relocation); lanes do not wait for each other.
//! Among replicas over one store, a lease makes one of them do all this, so that nothing leaves twice.

use crate::{
    error::{Cause, Error},
    pseudonym,
    room::{EVENT, Room, fresh_id},
    store::{Change, Commit, Entry, Expect, Key, Revision, Span, StoreError, Watch},
};
use async_trait::async_trait;
use bytes::Bytes;
use edgeapp_openapi::common::DateTime;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque, hash_map},
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};
use tokio::{sync::Semaphore, task::JoinSet, time::Instant};

/// Where tasks wait: `lane/<lane>/<revision of the event>-<n>`.
pub const LANE: &str = "lane/";
/// Where events go that cannot be understood, for a person to look at.
pub const DEAD: &str = "dead/";
const LEASE: &str = "lease/outbox";
/// Events turned into tasks by one commit.
const EVENTS_PER_COMMIT: usize = 24;
/// Tasks of one event in one commit, where they do not fit in one together: stores take at least so much.
const TASKS_PER_COMMIT: usize = 32;

/// Longest wait that a subscriber is granted: a task that nobody wants any more has to be noticed some day.
const LONGEST_WISH: Duration = Duration::from_secs(3600);

/// First attempts under way at a time, in all lanes together: each may hold a connection, and those of callers need room too.
const FIRST_ATTEMPTS: usize = 256;
/// Further attempts under way at a time: those that keep failing wait for each other, not for the first attempts of the rest.
const FURTHER_ATTEMPTS: usize = 64;

/// Something to do, in a lane.
#[derive(Clone, Debug)]
pub struct Todo<W> {
    /// The queue it belongs to.
    pub lane: String,
    /// What is to be done.
    pub task: Task<W>,
}

/// A piece of work with the conditions under which it is still wanted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Task<W> {
    /// What to do.
    pub work: W,
    /// Do it only while this resource exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<String>,
    /// Do not do it after this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime>,
}

/// What came of one attempt at a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// Not now: try again, not before this time has passed if one is given.
    Again {
        /// What went wrong.
        reason: String,
        /// How long to wait at least.
        after: Option<Duration>,
    },
    /// It cannot be done; the reason is logged.
    Hopeless(String),
}

/// What a product does about its events.
#[async_trait]
pub trait Reactions: Send + Sync + 'static {
    /// What happened.
    type Event: DeserializeOwned + Send + Sync;
    /// What is to be done about it.
    type Work: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Waits until the views that [`Reactions::react`] looks at for this event show all that was committed until `revision`, that of
    /// the event: another replica may have written it.
    ///
    /// # Errors
    /// When the state cannot be read: the event is tried again.
    async fn ready(&self, _event: &Self::Event, _revision: Revision) -> Result<(), Error> {
        Ok(())
    }

    /// The tasks that an event asks for. May look at the state, changes nothing; the same event may come again after a crash.
    ///
    /// # Errors
    /// When the state cannot be read: the event is tried again.
    async fn react(&self, event: Self::Event) -> Result<Vec<Todo<Self::Work>>, Error>;

    /// Whether this work may be left undone when its lane grows too long: the oldest gives way, see [`OutboxSettings::backlog`].
    fn may_give_way(&self, _work: &Self::Work) -> bool {
        false
    }

    /// Does one task. It may come again after a crash, so doing it twice must be harmless.
    async fn perform(&self, work: &Self::Work, attempt: u32) -> Outcome;
}

/// How the outbox behaves.
#[derive(Clone, Debug)]
pub struct OutboxSettings {
    /// Wait before the second attempt; doubles with each further one.
    pub first_retry: Duration,
    /// Longest wait between attempts.
    pub longest_retry: Duration,
    /// How long a replica that fell silent keeps the lease.
    pub lease: Duration,
    /// How many tasks may wait in one lane before the oldest that may give way do ([`Reactions::may_give_way`]).
    pub backlog: usize,
}

impl Default for OutboxSettings {
    fn default() -> Self {
        Self {
            first_retry: Duration::from_millis(250),
            longest_retry: Duration::from_secs(60),
            lease: Duration::from_secs(6),
            backlog: 1000,
        }
    }
}

struct Job<W> {
    key: Key,
    task: Task<W>,
}

type Lanes<W> = Arc<Mutex<HashMap<String, VecDeque<Arc<Job<W>>>>>>;

/// Room for attempts.
struct Places {
    first: Semaphore,
    further: Semaphore,
}

/// The outbox of one server.
pub struct Outbox<R: Reactions> {
    room: Room,
    reactions: Arc<R>,
    settings: OutboxSettings,
    places: Arc<Places>,
}

/// Stops the work of one term when it ends, however it ends.
struct Term<W> {
    lanes: Lanes<W>,
    workers: JoinSet<()>,
    /// Lanes that are too long, so that each is in the log once.
    too_long: HashSet<String>,
}

impl<R: Reactions> Outbox<R> {
    /// An outbox over this room.
    pub fn new(room: Room, reactions: Arc<R>, settings: OutboxSettings) -> Self {
        let places = Places {
            first: Semaphore::new(FIRST_ATTEMPTS),
            further: Semaphore::new(FURTHER_ATTEMPTS),
        };
        Self {
            room,
            reactions,
            settings,
            places: Arc::new(places),
        }
    }

    /// Works until dropped. Store failures are logged and tried again.
    pub async fn run(self) {
        let holder = fresh_id();
        let mut pause = self.settings.first_retry;
        loop {
            let began = Instant::now();
            if let Err(error) = self.lead(&holder).await {
                tracing::warn!(%error, "the outbox begins again");
            }
            if began.elapsed() > self.settings.longest_retry {
                // It worked for a while: this is a new trouble, not the old one.
                pause = self.settings.first_retry;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(self.settings.longest_retry);
        }
    }

    /// One term: waits for the lease, works while it holds it.
    async fn lead(&self, holder: &str) -> Result<(), Error> {
        if !self.room.store().is_shared() {
            return self.work().await;
        }
        let mut lease = self.acquire(holder).await?;
        tracing::info!(holder, "this replica now sends what is to be sent");
        let work = self.work();
        tokio::pin!(work);
        loop {
            tokio::select! {
                ended = &mut work => return ended,
                () = tokio::time::sleep(self.settings.lease / 3) => {
                    let renewal = Commit::new().expect(Expect::At(Key::new(LEASE), lease)).put(LEASE, holder.to_owned());
                    // A renewal that takes longer than the lease may come too late: stop sending first.
                    lease = tokio::time::timeout(self.settings.lease / 3, self.room.store().commit(renewal))
                        .await
                        .map_err(|_| StoreError::Unavailable("the lease could not be renewed in time".into()))??;
                }
            }
        }
    }

    /// Waits until nobody else holds the lease: until it has not been renewed for its whole length, by our own clock.
    async fn acquire(&self, holder: &str) -> Result<Revision, Error> {
        let key = Key::new(LEASE);
        let mut seen: Option<(Revision, Instant)> = None;
        loop {
            let entry = self.room.store().get(&key).await?;
            let expect = match &entry {
                None => Some(Expect::Absent(key.clone())),
                Some(entry) => match seen {
                    Some((revision, since)) if revision == entry.revision => {
                        (since.elapsed() >= self.settings.lease).then(|| Expect::At(key.clone(), revision))
                    }
                    _ => {
                        seen = Some((entry.revision, Instant::now()));
                        None
                    }
                },
            };
            if let Some(expect) = expect {
                match self
                    .room
                    .store()
                    .commit(Commit::new().expect(expect).put(LEASE, holder.to_owned()))
                    .await
                {
                    Ok(revision) => return Ok(revision),
                    Err(StoreError::Conflict) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            tokio::time::sleep(self.settings.lease / 6).await;
        }
    }

    async fn work(&self) -> Result<(), Error> {
        let mut term = Term {
            lanes: Lanes::default(),
            workers: JoinSet::new(),
            too_long: HashSet::new(),
        };
        metrics::gauge!("edgeapp_outbox_waiting").set(0.0);
        for entry in self.room.store().range(Span::prefix(LANE)).await?.entries {
            self.enqueue(&mut term, entry.key, &entry.value);
        }
        let waiting = self.room.store().range(Span::prefix(EVENT)).await?;
        let mut watch = self.room.store().watch(EVENT, waiting.revision).await?;
        let mut events = waiting.entries;
        events.sort_by(|a, b| (a.revision, &a.key).cmp(&(b.revision, &b.key)));
        loop {
            for batch in events.chunks(EVENTS_PER_COMMIT) {
                self.turn_into_tasks(&mut term, batch).await?;
            }
            while term.workers.try_join_next().is_some() {}
            events = next_events(&mut watch).await?;
        }
    }

    async fn turn_into_tasks(&self, term: &mut Term<R::Work>, events: &[Entry]) -> Result<(), Error> {
        let mut commit = Commit::new();
        for entry in events {
            commit = commit
                .expect(Expect::At(entry.key.clone(), entry.revision))
                .delete(entry.key.clone());
            match self.todos(entry).await {
                Ok(todos) => {
                    for (n, todo) in todos.into_iter().enumerate() {
                        let lane = Key::part(&todo.lane);
                        let suffix = entry.key.as_str().rsplit('-').next().unwrap_or_default();
                        let key = format!("{LANE}{lane}/{:020}-{suffix}-{n:06}", entry.revision.0);
                        commit = commit.put(key, serde_json::to_vec(&todo.task).map_err(Error::internal)?);
                    }
                }
                // The store's trouble passes; this one would stand in the way of all events after it.
                Err(error) if error.cause == Cause::SystemFailure => {
                    tracing::error!(key = %pseudonym::of_key(&entry.key), "an event leads nowhere; it is put aside");
                    commit = commit.put(format!("{DEAD}{}", entry.key), entry.value.clone());
                }
                Err(error) => return Err(error),
            }
        }
        let tasks: Vec<(Key, Bytes)> = commit
            .puts
            .iter()
            .filter(|(key, _)| key.as_str().starts_with(LANE))
            .cloned()
            .collect();
        let giving_way = self.too_many(term, &tasks);
        for key in giving_way.values().flatten() {
            commit = commit.delete(key.clone());
        }
        match self.room.store().commit(commit).await {
            Ok(_) => {}
            Err(StoreError::Full(_)) if events.len() > 1 => {
                for entry in events {
                    Box::pin(self.turn_into_tasks(term, std::slice::from_ref(entry))).await?;
                }
                return Ok(());
            }
            Err(StoreError::Full(_)) if tasks.len() > TASKS_PER_COMMIT => {
                return self.in_parts(term, &events[0], tasks).await;
            }
            // Another replica was faster with some of them: begin again from the state as it is now.
            Err(error) => return Err(error.into()),
        }
        forget(term, giving_way);
        for (key, task) in tasks {
            self.enqueue(term, key, &task);
        }
        Ok(())
    }

    /// Tasks of one event that are too many for one commit. What a crash leaves half done is done again: the same tasks under the same keys.
    async fn in_parts(&self, term: &mut Term<R::Work>, event: &Entry, tasks: Vec<(Key, Bytes)>) -> Result<(), Error> {
        let at_event = || Commit::new().expect(Expect::At(event.key.clone(), event.revision));
        for part in tasks.chunks(TASKS_PER_COMMIT) {
            let commit = part
                .iter()
                .fold(at_event(), |commit, (key, task)| commit.put(key.clone(), task.clone()));
            self.room.store().commit(commit).await?;
        }
        self.room.store().commit(at_event().delete(event.key.clone())).await?;
        for (key, task) in tasks {
            self.enqueue(term, key, &task);
        }
        Ok(())
    }

    /// The tasks that give way to these new ones, oldest first, by lane. The one at the front is under way: it stays.
    fn too_many(&self, term: &Term<R::Work>, fresh: &[(Key, Bytes)]) -> BTreeMap<String, Vec<Key>> {
        let mut coming: BTreeMap<&str, usize> = BTreeMap::new();
        for (key, _) in fresh {
            *coming.entry(lane_of(key)).or_default() += 1;
        }
        let lanes = term.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let giving_way = coming.into_iter().filter_map(|(lane, more)| {
            let queue = lanes.get(lane)?;
            let excess = (queue.len() + more).saturating_sub(self.settings.backlog.max(1));
            let oldest = queue.iter().skip(1);
            let keys: Vec<Key> = oldest
                .filter(|job| self.reactions.may_give_way(&job.task.work))
                .take(excess)
                .map(|job| job.key.clone())
                .collect();
            (!keys.is_empty()).then(|| (lane.to_owned(), keys))
        });
        giving_way.collect()
    }

    /// What an event asks for.
    async fn todos(&self, entry: &Entry) -> Result<Vec<Todo<R::Work>>, Error> {
        let event = serde_json::from_slice(&entry.value).map_err(Error::internal)?;
        self.reactions.ready(&event, entry.revision).await?;
        caught(self.reactions.react(event))
            .await
            .unwrap_or_else(|panic| Err(Error::internal(panic)))
    }

    fn enqueue(&self, term: &mut Term<R::Work>, key: Key, task: &[u8]) {
        let task = match serde_json::from_slice(task) {
            Ok(task) => task,
            Err(error) => {
                return tracing::error!(key = %pseudonym::of_key(&key), %error, "a task cannot be understood; it stays where it is");
            }
        };
        let lane = lane_of(&key).to_owned();
        let job = Arc::new(Job { key, task });
        metrics::gauge!("edgeapp_outbox_waiting").increment(1.0);
        let mut lanes = term.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        match lanes.entry(lane.clone()) {
            hash_map::Entry::Occupied(mut queue) => queue.get_mut().push_back(job),
            hash_map::Entry::Vacant(place) => {
                place.insert(VecDeque::from([job]));
                let worker = Worker {
                    room: self.room.clone(),
                    reactions: self.reactions.clone(),
                    settings: self.settings.clone(),
                    lanes: term.lanes.clone(),
                    places: self.places.clone(),
                };
                term.workers.spawn(worker.work_off(lane));
            }
        }
    }
}

/// The lane of a task.
fn lane_of(key: &Key) -> &str {
    key.as_str()[LANE.len()..].split('/').next().unwrap_or_default()
}

/// Takes what gave way out of the lanes, once the store has let it go. What is under way meanwhile is finished.
fn forget<W>(term: &mut Term<W>, giving_way: BTreeMap<String, Vec<Key>>) {
    let mut lanes = term.lanes.lock().unwrap_or_else(PoisonError::into_inner);
    term.too_long.retain(|lane| lanes.contains_key(lane));
    for (lane, keys) in giving_way {
        let Some(queue) = lanes.get_mut(&lane) else { continue };
        let Some(front) = queue.pop_front() else { continue };
        let before = queue.len();
        let keys: HashSet<Key> = keys.into_iter().collect();
        queue.retain(|job| !keys.contains(&job.key));
        let gone = before - queue.len();
        queue.push_front(front);
        metrics::gauge!("edgeapp_outbox_waiting").decrement(u32::try_from(gone).unwrap_or(u32::MAX));
        metrics::counter!("edgeapp_outbox_gave_way_total").increment(u64::try_from(gone).unwrap_or(u64::MAX));
        if term.too_long.insert(lane.clone()) {
            tracing::warn!(
                lane = %pseudonym::of(&lane),
                "too many tasks wait: the oldest give way until the lane is empty again"
            );
        }
    }
}

/// The outcome of `work`, or the words of its panic: one bad task must not stop its lane, nor one bad event all of them.
async fn caught<T>(work: impl Future<Output = T>) -> Result<T, String> {
    let mut work = pin!(work);
    poll_fn(
        |context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => {
                let words = panic
                    .downcast_ref::<String>()
                    .map(String::as_str)
                    .or_else(|| panic.downcast_ref::<&str>().copied());
                let words = format!("a reaction panicked: {}", words.unwrap_or("it does not say why"));
                tracing::error!(words, "a defect");
                Poll::Ready(Err(words))
            }
        },
    )
    .await
}

/// Waits for changes and returns all new events that are there.
async fn next_events(watch: &mut Watch) -> Result<Vec<Entry>, Error> {
    let mut events = Vec::new();
    let mut batch = watch.recv().await;
    while let Some(changes) = batch {
        events.extend(changes.changes.into_iter().filter_map(|change| match change {
            Change::Put(entry) => Some(entry),
            Change::Deleted(..) => None,
        }));
        batch = watch.try_recv().ok();
        if batch.is_none() {
            return Ok(events);
        }
    }
    Err(StoreError::Unavailable("the watch on events ended".into()).into())
}

struct Worker<R: Reactions> {
    room: Room,
    reactions: Arc<R>,
    settings: OutboxSettings,
    lanes: Lanes<R::Work>,
    places: Arc<Places>,
}

impl<R: Reactions> Worker<R> {
    async fn work_off(self, lane: String) {
        while let Some(job) = self.front(&lane) {
            self.finish(&job).await;
            metrics::gauge!("edgeapp_outbox_waiting").decrement(1.0);
            let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
            if let hash_map::Entry::Occupied(mut queue) = lanes.entry(lane.clone()) {
                queue.get_mut().pop_front();
                if queue.get().is_empty() {
                    queue.remove();
                    return;
                }
            }
        }
    }

    fn front(&self, lane: &str) -> Option<Arc<Job<R::Work>>> {
        self.lanes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(lane)?
            .front()
            .cloned()
    }

    /// Attempts a task until it is done, unwanted or hopeless; then removes it.
    async fn finish(&self, job: &Job<R::Work>) {
        let mut attempt = 0;
        loop {
            let places = if attempt == 0 {
                &self.places.first
            } else {
                &self.places.further
            };
            // Never closed; if it were, the attempt would be made without a place.
            let place = places.acquire().await.ok();
            let outcome = match self.wanted(&job.task).await {
                Ok(true) => {
                    let performed = caught(self.reactions.perform(&job.task.work, attempt)).await;
                    performed.unwrap_or_else(|panic| Outcome::Again {
                        reason: panic,
                        after: None,
                    })
                }
                Ok(false) => Outcome::Hopeless("nobody wants it any more".into()),
                Err(error) => Outcome::Again {
                    reason: error.to_string(),
                    after: None,
                },
            };
            drop(place);
            match outcome {
                Outcome::Done => {
                    metrics::counter!("edgeapp_outbox_done_total").increment(1);
                    break;
                }
                Outcome::Hopeless(reason) => {
                    metrics::counter!("edgeapp_outbox_dropped_total").increment(1);
                    tracing::info!(key = %pseudonym::of_key(&job.key), reason, "a task is given up");
                    break;
                }
                Outcome::Again { reason, after } => {
                    metrics::counter!("edgeapp_outbox_retried_total").increment(1);
                    let wait = after.unwrap_or_default().min(LONGEST_WISH).max(self.backoff(attempt));
                    tracing::debug!(key = %pseudonym::of_key(&job.key), attempt, reason, ?wait, "a task is tried again");
                    tokio::time::sleep(wait).await;
                    attempt = attempt.saturating_add(1);
                }
            }
        }
        let mut pause = self.settings.first_retry;
        while let Err(error) = self.room.store().commit(Commit::new().delete(job.key.clone())).await {
            tracing::warn!(key = %pseudonym::of_key(&job.key), %error, "a finished task cannot be removed yet");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(self.settings.longest_retry);
        }
    }

    async fn wanted(&self, task: &Task<R::Work>) -> Result<bool, Error> {
        if task.until.is_some_and(|until| until <= self.room.now()) {
            return Ok(false);
        }
        match &task.guard {
            None => Ok(true),
            Some(guard) => Ok(self
                .room
                .read::<serde::de::IgnoredAny>(&Key::new(guard.as_str()))
                .await?
                .is_some()),
        }
    }

    /// Doubles with each attempt, with a random part so that many that failed together do not come back together.
    fn backoff(&self, attempt: u32) -> Duration {
        let full = self
            .settings
            .first_retry
            .saturating_mul(1 << attempt.min(16))
            .min(self.settings.longest_retry);
        full.mul_f64(rand::random_range(0.5..1.0))
    }
}
