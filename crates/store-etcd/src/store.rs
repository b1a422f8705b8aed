//! The port in etcd's words.

use crate::options::{ConnectError, EtcdOptions};
use async_trait::async_trait;
use bytes::Bytes;
use edgeapp_core::store::{Batch, Change, Commit, Entry, Expect, Key, Range, Revision, Span, Store, StoreError, Watch};
use etcd_client::{
    Client, Compare, CompareOp, Event, EventType, GetOptions, GetResponse, KeyValue, KvClient, ResponseHeader, Txn,
    TxnOp, WatchClient, WatchOptions, WatchResponse, WatchStream,
};
use std::time::Duration;
use tokio::sync::mpsc;

/// Entries asked for at once, so that neither side holds a whole long range in one message.
const PAGE: usize = 500;

/// Batches that may wait for one watcher. One more, and it is cut off.
const WATCHER_BACKLOG: usize = 1024;

/// gRPC's own bound of 4 MiB is less than a page of large values.
const MESSAGE_BYTES: usize = 1 << 30;

/// A store that several processes share. See the crate's words.
pub struct EtcdStore {
    requests: KvClient,
    watches: WatchClient,
    namespace: String,
    timeout: Duration,
    /// Tries per read: one for each member, and one more.
    tries: usize,
}

impl EtcdStore {
    /// Connects, and makes sure that a member answers.
    ///
    /// # Errors
    /// When the options make no sense or nobody answers in time.
    pub async fn connect(options: EtcdOptions) -> Result<Self, ConnectError> {
        let namespace = options.namespace()?;
        let for_client = options.for_client().await?;
        let silent = || ConnectError::Silent {
            endpoints: options.endpoints.join(", "),
            timeout: options.timeout,
        };
        let refused = |error| ConnectError::Client(Box::new(error));
        let begun = async {
            let client = Client::connect(&options.endpoints, Some(for_client)).await?;
            client.kv_client().get(namespace.as_str(), None).await?;
            Ok(client)
        };
        let client = tokio::time::timeout(options.timeout, begun)
            .await
            .map_err(|_| silent())?
            .map_err(refused)?;
        Ok(Self {
            requests: client.kv_client().max_decoding_message_size(MESSAGE_BYTES),
            watches: client.watch_client().max_decoding_message_size(MESSAGE_BYTES),
            namespace,
            timeout: options.timeout,
            tries: options.endpoints.len() + 1,
        })
    }

    fn full(&self, key: &str) -> String {
        format!("{}{key}", self.namespace)
    }

    /// Reads as of a revision (0: the present). A member that is gone is made up for by asking another.
    async fn read(&self, key: &str, options: GetOptions, at: Revision) -> Result<GetResponse, StoreError> {
        let options = options.with_revision(number(at));
        let mut outcome = Err(StoreError::Unavailable("etcd was not asked".into()));
        for _ in 0..self.tries {
            outcome = self.within(self.requests.clone().get(key, Some(options.clone()))).await;
            match outcome {
                Err(StoreError::Unavailable(_)) => {}
                Err(StoreError::Compacted(_)) => return Err(StoreError::Compacted(at)),
                settled => return settled,
            }
        }
        outcome
    }

    async fn within<T>(&self, request: impl Future<Output = Result<T, etcd_client::Error>>) -> Result<T, StoreError> {
        match tokio::time::timeout(self.timeout, request).await {
            Ok(outcome) => outcome.map_err(store_error),
            Err(_) => Err(StoreError::Unavailable("etcd does not answer in time".into())),
        }
    }

    /// The revision of the present.
    async fn now(&self) -> Result<Revision, StoreError> {
        at(self
            .read(&self.namespace, GetOptions::new().with_count_only(), Revision(0))
            .await?
            .header())
    }

    /// Whether history after `from` is still there. Asked first, because etcd would tell the watcher only, and late.
    async fn remembers(&self, from: Revision) -> Result<(), StoreError> {
        if from >= self.now().await? {
            return Ok(());
        }
        let next = Revision(from.0 + 1);
        match self
            .read(&self.namespace, GetOptions::new().with_count_only(), next)
            .await
        {
            Err(StoreError::Compacted(_)) => Err(StoreError::Compacted(from)),
            other => other.map(|_| ()),
        }
    }

    fn entry(&self, stored: &KeyValue) -> Result<Entry, StoreError> {
        let key = self.key(stored)?;
        Ok(Entry {
            key,
            value: Bytes::copy_from_slice(stored.value()),
            revision: revision(stored.mod_revision()),
        })
    }

    fn key(&self, stored: &KeyValue) -> Result<Key, StoreError> {
        key_under(&self.namespace, stored)
    }
}

#[async_trait]
impl Store for EtcdStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        let found = self
            .read(&self.full(key.as_str()), GetOptions::new(), Revision(0))
            .await?;
        found.kvs().first().map(|stored| self.entry(stored)).transpose()
    }

    async fn range(&self, span: Span) -> Result<Range, StoreError> {
        let prefix = self.full(&span.prefix);
        let mut from = prefix.clone().into_bytes();
        if let Some(after) = &span.after {
            from = from.max(successor(&self.full(after.as_str())));
        }
        let mut end = prefix_end(prefix.as_bytes());
        if let Some(before) = &span.before {
            end = end.min(self.full(before.as_str()).into_bytes());
        }
        if from >= end {
            return Ok(Range {
                revision: self.now().await?,
                ..Range::default()
            });
        }

        let wanted = span.limit.unwrap_or(usize::MAX);
        let mut range = Range::default();
        loop {
            let size = (wanted - range.entries.len()).clamp(1, PAGE);
            let options = GetOptions::new().with_range(end.clone()).with_limit(size as i64);
            let key = std::str::from_utf8(&from).map_err(|_| StoreError::Damaged("a key is not text".into()))?;
            let page = self.read(key, options, range.revision).await?;
            if range.revision == Revision(0) {
                range.revision = at(page.header())?;
            }
            if wanted == 0 {
                range.more = page.count() > 0;
                return Ok(range);
            }
            for stored in page.kvs() {
                range.entries.push(self.entry(stored)?);
            }
            let Some(last) = page.kvs().last().filter(|_| page.more()) else {
                return Ok(range);
            };
            if range.entries.len() >= wanted {
                range.more = true;
                return Ok(range);
            }
            from = [last.key(), b"\0"].concat();
        }
    }

    async fn commit(&self, mut commit: Commit) -> Result<Revision, StoreError> {
        commit.settle();
        let expected: Vec<Compare> = commit
            .expect
            .iter()
            .map(|expect| match expect {
                Expect::Absent(key) => Compare::create_revision(self.full(key.as_str()), CompareOp::Equal, 0),
                // No key has a revision of 0, but to etcd an absent one does.
                Expect::At(key, Revision(0)) => Compare::mod_revision(self.full(key.as_str()), CompareOp::Equal, -1),
                Expect::At(key, at) => Compare::mod_revision(self.full(key.as_str()), CompareOp::Equal, number(*at)),
            })
            .collect();
        let puts = commit
            .puts
            .iter()
            .map(|(key, value)| TxnOp::put(self.full(key.as_str()), value.as_ref(), None));
        let deletes = commit
            .deletes
            .iter()
            .map(|key| TxnOp::delete(self.full(key.as_str()), None));
        let changes: Vec<TxnOp> = puts.chain(deletes).collect();

        let done = self
            .within(self.requests.clone().txn(Txn::new().when(expected).and_then(changes)))
            .await?;
        if done.succeeded() {
            at(done.header())
        } else {
            Err(StoreError::Conflict)
        }
    }

    async fn watch(&self, prefix: &str, from: Revision) -> Result<Watch, StoreError> {
        self.remembers(from).await?;
        let options = WatchOptions::new().with_prefix().with_start_revision(number(from) + 1);
        let events = self
            .within(self.watches.clone().watch(self.full(prefix), Some(options)))
            .await?;
        let (batches, watch) = mpsc::channel(WATCHER_BACKLOG);
        tokio::spawn(forward(events, self.namespace.clone(), batches));
        Ok(watch)
    }

    fn is_shared(&self) -> bool {
        true
    }
}

/// Passes batches on until either side is gone. Whatever ends it, the watcher sees a closed channel.
async fn forward(mut events: WatchStream, namespace: String, batches: mpsc::Sender<Batch>) {
    loop {
        let answer = tokio::select! {
            answer = events.message() => answer,
            () = batches.closed() => return,
        };
        let told = match answer {
            Ok(Some(answer)) if answer.canceled() => Err(answer.cancel_reason().to_owned()),
            Ok(Some(answer)) => tell(&answer, &namespace, &batches),
            Ok(None) => Err("etcd ended it".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(reason) = told {
            tracing::warn!(reason, "a watch ended");
            return;
        }
    }
}

/// One batch for each revision in the answer.
fn tell(answer: &WatchResponse, namespace: &str, batches: &mpsc::Sender<Batch>) -> Result<(), String> {
    let revision_of = |event: &Event| event.kv().map(KeyValue::mod_revision);
    for events in answer
        .events()
        .chunk_by(|one, next| revision_of(one) == revision_of(next))
    {
        let changes: Result<Vec<Change>, String> = events.iter().map(|event| change(event, namespace)).collect();
        let made = events.first().and_then(revision_of).map(revision).unwrap_or_default();
        let batch = Batch {
            revision: made,
            changes: changes?,
        };
        batches
            .try_send(batch)
            .map_err(|_| "the watcher fell behind".to_owned())?;
    }
    Ok(())
}

fn change(event: &Event, namespace: &str) -> Result<Change, String> {
    let stored = event.kv().ok_or("an event without a key")?;
    let key = key_under(namespace, stored).map_err(|error| error.to_string())?;
    let revision = revision(stored.mod_revision());
    Ok(match event.event_type() {
        EventType::Put => Change::Put(Entry {
            key,
            value: Bytes::copy_from_slice(stored.value()),
            revision,
        }),
        EventType::Delete => Change::Deleted(key, revision),
    })
}

fn key_under(namespace: &str, stored: &KeyValue) -> Result<Key, StoreError> {
    let text = stored
        .key_str()
        .map_err(|_| StoreError::Damaged("a key is not text".into()))?;
    let key = text.strip_prefix(namespace);
    key.map(Key::new)
        .ok_or_else(|| StoreError::Damaged("a key of somebody else".into()))
}

/// The least key greater than this one.
fn successor(key: &str) -> Vec<u8> {
    [key.as_bytes(), b"\0"].concat()
}

/// The least byte string greater than all that begin with `prefix`.
fn prefix_end(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    // Text has no byte 0xff, and the namespace is never empty.
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}

fn revision(number: i64) -> Revision {
    Revision(number.try_into().unwrap_or(0))
}

fn number(revision: Revision) -> i64 {
    revision.0.try_into().unwrap_or(i64::MAX - 1)
}

fn at(header: Option<&ResponseHeader>) -> Result<Revision, StoreError> {
    let header = header.ok_or_else(|| StoreError::Damaged("an answer of etcd has no header".into()))?;
    Ok(revision(header.revision()))
}

/// etcd's refusals by their gRPC codes. Whatever else goes wrong leaves the outcome unknown.
fn store_error(error: etcd_client::Error) -> StoreError {
    const INVALID_ARGUMENT: i32 = 3;
    const RESOURCE_EXHAUSTED: i32 = 8;
    const OUT_OF_RANGE: i32 = 11;
    let etcd_client::Error::GRpcStatus(status) = &error else {
        return StoreError::Unavailable(error.to_string());
    };
    let message = status.message().to_owned();
    match status.code().into() {
        // Too large, too many operations; or no space left.
        INVALID_ARGUMENT => StoreError::Full(message),
        RESOURCE_EXHAUSTED if message.contains("space exceeded") => StoreError::Full(message),
        OUT_OF_RANGE if message.contains("compacted") => StoreError::Compacted(Revision(0)),
        _ => StoreError::Unavailable(message),
    }
}
