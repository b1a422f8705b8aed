//! DNS messages that are held until an SMF decides about them: in memory, few, and not for long.

use super::rules::Actions;
use edgeapp_core::room::fresh_id;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::oneshot;

/// How much is held at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldLimits {
    /// Messages of one context.
    pub per_context: usize,
    /// Messages of all.
    pub in_total: usize,
    /// For how long one is held.
    pub time: Duration,
}

impl Default for HoldLimits {
    fn default() -> Self {
        Self {
            per_context: 16,
            in_total: 10_000,
            // A stub gives up after five seconds.
            time: Duration::from_secs(2),
        }
    }
}

/// What was decided about a message that was held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// This is done with it.
    Actions(Actions),
    /// Its context is gone.
    Gone,
    /// Nobody decided in time.
    Late,
}

/// The messages that are held.
#[derive(Debug, Default)]
pub struct Held {
    limits: HoldLimits,
    messages: Arc<Messages>,
}

#[derive(Debug, Default)]
struct Messages(Mutex<Inside>);

#[derive(Debug, Default)]
struct Inside {
    /// By context, then by message.
    contexts: HashMap<String, HashMap<String, oneshot::Sender<Actions>>>,
    total: usize,
}

impl Messages {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn take(&mut self, context: &str, message: &str) -> Option<oneshot::Sender<Actions>> {
        let of_context = self.contexts.get_mut(context)?;
        let taken = of_context.remove(message)?;
        if of_context.is_empty() {
            self.contexts.remove(context);
        }
        self.total -= 1;
        Some(taken)
    }
}

/// A message that is held. It no longer is when this value goes away.
#[derive(Debug)]
pub struct Holding {
    context: String,
    /// Its name, by which the SMF speaks of it.
    pub message: String,
    messages: Arc<Messages>,
    decision: oneshot::Receiver<Actions>,
    time: Duration,
}

impl Held {
    /// Nothing yet, and never more than this.
    pub fn new(limits: HoldLimits) -> Self {
        Self {
            limits,
            messages: Arc::default(),
        }
    }

    /// Holds a message of a context; `None` when there are too many.
    pub fn hold(&self, context: &str) -> Option<Holding> {
        let mut inside = self.messages.inside();
        let of_context = inside.contexts.get(context).map_or(0, HashMap::len);
        if inside.total >= self.limits.in_total || of_context >= self.limits.per_context {
            metrics::counter!("edgeapp_easdf_not_held_total").increment(1);
            return None;
        }
        let (sender, decision) = oneshot::channel();
        let message = fresh_id();
        let messages = inside.contexts.entry(context.to_owned()).or_default();
        messages.insert(message.clone(), sender);
        inside.total += 1;
        Some(Holding {
            context: context.to_owned(),
            message,
            messages: self.messages.clone(),
            decision,
            time: self.limits.time,
        })
    }

    /// Lets a message go; whether it was held.
    pub fn decide(&self, context: &str, message: &str, actions: Actions) -> bool {
        let taken = self.messages.inside().take(context, message);
        taken.is_some_and(|sender| sender.send(actions).is_ok())
    }

    /// The context is gone, and so is what was held of it.
    pub fn drop_all_of(&self, context: &str) {
        let mut inside = self.messages.inside();
        if let Some(messages) = inside.contexts.remove(context) {
            inside.total -= messages.len();
        }
    }

    /// How many are held.
    pub fn len(&self) -> usize {
        self.messages.inside().total
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Holding {
    /// Waits for what is decided.
    pub async fn decided(mut self) -> Decided {
        match tokio::time::timeout(self.time, &mut self.decision).await {
            Ok(Ok(actions)) => Decided::Actions(actions),
            Ok(Err(_)) => Decided::Gone,
            Err(_) => Decided::Late,
        }
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.messages.inside().take(&self.context, &self.message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::easdf::rules::{Destination, Then, Way};

    fn forward() -> Actions {
        Actions {
            report: None,
            hold: false,
            then: Then::Forward(Destination::Way(Way::default())),
        }
    }

    fn held(per_context: usize, in_total: usize) -> Held {
        Held::new(HoldLimits {
            per_context,
            in_total,
            time: Duration::from_millis(20),
        })
    }

    #[tokio::test]
    async fn a_message_is_let_go_once() {
        let held = held(2, 2);
        let holding = held.hold("a").expect("room");
        let name = holding.message.clone();
        assert!(!held.decide("b", &name, forward()), "the context of another");
        assert!(held.decide("a", &name, forward()));
        assert!(!held.decide("a", &name, forward()), "once is enough");
        assert_eq!(holding.decided().await, Decided::Actions(forward()));
        assert!(held.is_empty());
    }

    #[tokio::test]
    async fn a_context_that_goes_takes_its_messages_along() {
        let held = held(2, 3);
        let (one, other) = (held.hold("a").expect("room"), held.hold("b").expect("room"));
        held.drop_all_of("a");
        assert_eq!(one.decided().await, Decided::Gone);
        assert_eq!(held.len(), 1);
        assert_eq!(other.decided().await, Decided::Late);
        assert!(held.is_empty());
    }

    #[test]
    fn no_more_are_held_than_there_is_room_for() {
        let held = held(2, 3);
        let one = held.hold("a").expect("room");
        let _two = held.hold("a").expect("room");
        assert!(held.hold("a").is_none(), "the share of a context");
        let _three = held.hold("b").expect("room");
        assert!(held.hold("c").is_none(), "all there is");
        // Who asked has gone.
        drop(one);
        assert!(held.hold("c").is_some());
    }
}
