//! Invocations of our APIs that a CAPIF core function has to hear of (TS 29.222 clause 8.7): they wait in the outbox until it has.

use async_trait::async_trait;
use edgeapp_core::outbox::{Outcome, Task, Todo};
use edgeapp_openapi::capif::logging::InvocationLog;

use crate::event::Work;

/// Where invocations are told.
#[async_trait]
pub trait InvocationLogs: Send + Sync + 'static {
    /// Tells of these once.
    async fn deliver(&self, log: &InvocationLog) -> Outcome;
}

/// No core function: nobody wants to hear of invocations any more.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCoreFunction;

#[async_trait]
impl InvocationLogs for NoCoreFunction {
    async fn deliver(&self, _: &InvocationLog) -> Outcome {
        Outcome::Hopeless("there is no CAPIF core function any more to tell of invocations".to_owned())
    }
}

/// The work that logs lead to: each invoker has a lane of its own, so that one that is refused holds up no other.
pub(crate) fn todos(logs: Vec<InvocationLog>) -> Vec<Todo<Work>> {
    let todo = |log: InvocationLog| Todo {
        lane: format!("invocations/{}", log.api_invoker_id),
        task: Task {
            work: Work::Invocations(Box::new(log)),
            guard: None,
            until: None,
        },
    };
    logs.into_iter().map(todo).collect()
}
