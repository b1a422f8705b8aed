//! What is ready at about the same time leaves in one write.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

/// Drives a connection that serves or makes several requests at a time, as a task of its own.
///
/// The first answer that is ready wakes its connection, which by itself would run at once and write that answer alone: one system
/// call, one TLS record and one packet for each. This lets those go first that wait to run already, among them the other requests of
/// the same read, and takes their answers along. With nobody waiting it costs one more turn of the scheduler.
pub async fn gathering<F: Future>(connection: F) -> F::Output {
    let mut connection = pin!(connection);
    let mut let_others_go = false;
    poll_fn(move |context| {
        let_others_go = !let_others_go;
        if let_others_go {
            // A task that wakes itself while it runs goes to the end of the queue.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        connection.as_mut().poll(context)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tokio::sync::Notify;

    #[tokio::test]
    async fn others_that_wait_to_run_go_first() {
        let (ready, order) = (Arc::new(Notify::new()), Arc::new(Mutex::new(Vec::new())));
        let connection = {
            let (ready, order) = (ready.clone(), order.clone());
            tokio::spawn(gathering(async move {
                ready.notified().await;
                order.lock().expect("not poisoned").push("write");
            }))
        };
        tokio::task::yield_now().await;
        let answers = ["one", "two", "three"].map(|answer| {
            let (ready, order) = (ready.clone(), order.clone());
            tokio::spawn(async move {
                order.lock().expect("not poisoned").push(answer);
                ready.notify_one();
            })
        });
        for answer in answers {
            answer.await.expect("answered");
        }
        connection.await.expect("written");
        assert_eq!(order.lock().expect("not poisoned").last(), Some(&"write"));
        assert_eq!(order.lock().expect("not poisoned").len(), 4);
    }
}
