//! Invocation logs (TS 29.222 clause 8.7). An invocation is committed before the invoker is answered, several in one transaction, together
//! with what was used of a bounded total; the outbox tells the core function afterwards, however long that is away.

use super::upkeep::Asking;
use async_trait::async_trait;
use edgeapp_capif::admission::Admission;
use edgeapp_core::{
    error::Error,
    outbox::Outcome,
    room::{Decision, Room, contended},
    store::{Key, Span},
};
use edgeapp_ees_domain::{event::Event, invocations::InvocationLogs};
use edgeapp_openapi::capif::{
    ApiInvokerId, FunctionId, ServiceApiId,
    logging::{InvocationLog, Log},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::{mpsc, oneshot};

/// What was used of bounded totals: `capif-aef/used/<invoker>/<apiId>`.
const USED: &str = "capif-aef/used/";
/// Invocations that may wait to be committed; more wait with their answers.
const WAITING: usize = 4096;
/// Invocations in one transaction.
const TOGETHER: usize = 256;
/// How long an answer waits for a store that cannot write.
const PATIENCE: Duration = Duration::from_secs(5);

/// One invocation.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) aef_id: FunctionId,
    pub(crate) invoker: ApiInvokerId,
    pub(crate) log: Log,
    /// Whether it counts towards a bounded total.
    pub(crate) counts: bool,
}

struct Written {
    invocation: Invocation,
    done: oneshot::Sender<()>,
}

/// Where invocations are put down. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Writer(mpsc::Sender<Written>);

impl Writer {
    /// Puts one down, and waits until it is kept.
    pub(crate) async fn write(&self, invocation: Invocation) {
        let (done, kept) = oneshot::channel();
        let work = async {
            self.0.send(Written { invocation, done }).await.ok()?;
            kept.await.ok()
        };
        if !matches!(tokio::time::timeout(PATIENCE, work).await, Ok(Some(()))) {
            // The invocation itself was served: its answer cannot be taken back.
            tracing::error!("an invocation is answered before it could be kept; it is, once the store can write again");
        }
    }
}

/// Commits invocations.
pub(crate) struct Journal {
    room: Room,
    admission: Arc<Admission>,
    sender: mpsc::Sender<Written>,
    receiver: mpsc::Receiver<Written>,
}

fn used_key(invoker: &str, api: &str) -> Key {
    Key::from(format!("{USED}{}/{}", Key::part(invoker), Key::part(api)))
}

/// Pure: the logs of these invocations, one per exposing function and invoker, in the order in which they came.
fn logs_of(all: &[Invocation]) -> Vec<InvocationLog> {
    let mut logs: Vec<InvocationLog> = Vec::new();
    for one in all {
        let of_invoker = logs
            .iter_mut()
            .find(|log| log.api_invoker_id == one.invoker && log.aef_id == one.aef_id);
        match of_invoker {
            Some(log) => log.logs.push(one.log.clone()),
            None => logs.push(InvocationLog {
                aef_id: one.aef_id.clone(),
                api_invoker_id: one.invoker.clone(),
                logs: vec![one.log.clone()],
                supported_features: None,
            }),
        }
    }
    logs
}

impl Journal {
    /// Takes up what was used before.
    pub(crate) async fn open(room: Room, admission: Arc<Admission>) -> Result<Self, Error> {
        let used = room.store().range(Span::prefix(USED)).await?;
        for entry in used.entries {
            if let Ok((invoker, api, total)) = serde_json::from_slice::<(String, String, u64)>(&entry.value) {
                admission.used_before(&invoker, &api, total);
            }
        }
        let (sender, receiver) = mpsc::channel(WAITING);
        Ok(Self {
            room,
            admission,
            sender,
            receiver,
        })
    }

    /// Where invocations are put down.
    pub(crate) fn writer(&self) -> Writer {
        Writer(self.sender.clone())
    }

    /// Commits until nobody writes any more.
    pub(crate) async fn run(self) {
        let Self {
            room,
            admission,
            sender,
            mut receiver,
        } = self;
        drop(sender);
        let mut waiting = Vec::new();
        while receiver.recv_many(&mut waiting, TOGETHER).await > 0 {
            let (invocations, done): (Vec<_>, Vec<_>) = waiting
                .drain(..)
                .map(|written| (written.invocation, written.done))
                .unzip();
            let mut pause = Duration::from_millis(20);
            while let Err(error) = keep(&room, &admission, &invocations).await {
                tracing::warn!(%error, "invocations cannot be kept yet; trying again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(5));
            }
            for done in done {
                let _ = done.send(());
            }
        }
    }
}

/// Commits invocations, and adds them to what was used.
async fn keep(room: &Room, admission: &Admission, all: &[Invocation]) -> Result<(), Error> {
    let mut counted: BTreeMap<(&ApiInvokerId, &ServiceApiId), u64> = BTreeMap::new();
    for one in all.iter().filter(|one| one.counts) {
        *counted.entry((&one.invoker, &one.log.api_id)).or_default() += 1;
    }
    for mut seen in room.attempts() {
        let mut decision = Decision::of(()).tell(&Event::Invoked(logs_of(all)))?;
        let mut totals = Vec::new();
        for ((invoker, api), more) in &counted {
            let key = used_key(invoker.as_str(), api.as_str());
            let before = seen.entry(&key).await?;
            let before = before.and_then(|entry| serde_json::from_slice::<(String, String, u64)>(&entry.value).ok());
            let total = before.map_or(0, |(_, _, total)| total) + more;
            let value = serde_json::to_vec(&(invoker.as_str(), api.as_str(), total)).map_err(Error::internal)?;
            decision = decision.put_bytes(&key, value.into(), None);
            totals.push((*invoker, *api, total));
        }
        if room.commit(seen, decision).await?.is_some() {
            // What replicas admitted counts too.
            for (invoker, api, total) in totals {
                admission.used_before(invoker.as_str(), api.as_str(), total);
            }
            return Ok(());
        }
    }
    Err(contended())
}

/// Tells the core function, as the exposing function that the EES is now.
pub(crate) struct Delivery(pub(crate) Arc<Asking>);

#[async_trait]
impl InvocationLogs for Delivery {
    async fn deliver(&self, log: &InvocationLog) -> Outcome {
        let again = |reason: String, after| Outcome::Again { reason, after };
        let Some(aef) = self.0.aef() else {
            return again("this EES is not registered at the core function".to_owned(), None);
        };
        let mut log = log.clone();
        if let Ok(id) = aef.id().parse() {
            log.aef_id = id;
        }
        match aef.log(&log).await {
            Ok(()) => Outcome::Done,
            Err(error) if error.is_passing() => again(error.to_string(), error.retry_after()),
            Err(error) => Outcome::Hopeless(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn invocation(invoker: u8, number: usize) -> Invocation {
        let log = serde_json::json!({"apiId": "a", "apiName": "n", "apiVersion": "v1", "resourceName": "r",
            "protocol": "HTTP_2", "result": number.to_string()});
        Invocation {
            aef_id: "AEF1".parse().expect("an identifier"),
            invoker: format!("INV{invoker}").parse().expect("an identifier"),
            log: serde_json::from_value(log).expect("a log"),
            counts: false,
        }
    }

    proptest! {
        /// Each invocation is told once, those of an invoker in their order.
        #[test]
        fn nothing_is_lost_in_grouping(invokers in prop::collection::vec(0u8..4, 0..40)) {
            let all: Vec<_> = invokers.iter().enumerate().map(|(number, invoker)| invocation(*invoker, number)).collect();
            let logs = logs_of(&all);
            for invoker in 0u8..4 {
                let id = format!("INV{invoker}");
                let told: Vec<_> = logs.iter().filter(|log| log.api_invoker_id.as_str() == id).collect();
                let expected: Vec<_> = all.iter().filter(|one| one.invoker.as_str() == id).map(|one| &one.log).collect();
                prop_assert!(told.len() <= 1);
                prop_assert_eq!(told.iter().flat_map(|log| &log.logs).collect::<Vec<_>>(), expected);
            }
        }
    }
}
