//! The application client: numbered requests at a fixed period, to whichever server it is told.

use super::eas::{Answered, Numbered};
use crate::{
    call::segment,
    milestone::{Good, Milestone, Reply},
    record::Recorder,
};
use axum::http::Method;
use edgeapp_http::client::HttpClient;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

/// A running application client.
pub struct ApplicationClient {
    target: watch::Sender<String>,
    instance: watch::Receiver<Option<String>>,
    stop: CancellationToken,
    task: JoinHandle<Vec<Reply>>,
}

impl ApplicationClient {
    /// Starts to ask `root` on behalf of `ue`.
    pub fn start(client: HttpClient, recorder: Arc<Recorder>, ue: &str, period: Duration, root: &str) -> Self {
        let (target, asked) = watch::channel(root.to_owned());
        let (heard, instance) = watch::channel(None);
        let stop = CancellationToken::new();
        let path = format!("/sessions/{}/requests", segment(ue));
        let task = tokio::spawn(run(client, recorder, path, period, asked, heard, stop.clone()));
        Self {
            target,
            instance,
            stop,
            task,
        }
    }

    /// Asks another server from the next request on.
    pub fn switch(&self, root: &str) {
        self.target.send_replace(root.to_owned());
    }

    /// Waits for a reply of this instance.
    pub async fn served_by(&self, instance: &str) {
        let mut heard = self.instance.clone();
        let _ = heard.wait_for(|heard| heard.as_deref() == Some(instance)).await;
    }

    /// Ends it.
    pub async fn finish(self) -> Vec<Reply> {
        self.stop.cancel();
        self.task.await.unwrap_or_default()
    }
}

async fn run(
    client: HttpClient,
    recorder: Arc<Recorder>,
    path: String,
    period: Duration,
    target: watch::Receiver<String>,
    heard: watch::Sender<Option<String>>,
    stop: CancellationToken,
) -> Vec<Reply> {
    let mut replies = Vec::new();
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut first = None;
    for number in 1.. {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.cancelled() => break,
        }
        let url = format!("{}{path}", *target.borrow());
        let sent = recorder.now();
        let answer = client.call(Method::POST, &url, Some(&Numbered { number })).await;
        let done = recorder.now();
        let answer = answer
            .and_then(|answer| answer.json::<Answered>())
            .ok()
            .filter(|answer| answer.number == number);
        let good = answer.map(|answer| Good {
            instance: answer.instance,
            counter: answer.counter,
        });
        if let Some(good) = &good {
            let first = first.get_or_insert_with(|| good.instance.clone());
            if *first != good.instance {
                recorder.reach_at(Milestone::FirstTReply, done);
            }
            heard.send_if_modified(|heard| {
                let news = heard.as_ref() != Some(&good.instance);
                if news {
                    *heard = Some(good.instance.clone());
                }
                news
            });
        }
        replies.push(Reply {
            number,
            sent,
            done,
            good,
        });
    }
    let by_the_first = |reply: &&Reply| reply.good.as_ref().map(|good| &good.instance) == first.as_ref();
    let last = replies
        .iter()
        .rfind(by_the_first)
        .filter(|_| recorder.reached(Milestone::FirstTReply).is_some());
    if let Some(last) = last {
        recorder.reach_at(Milestone::LastSReply, last.done);
    }
    replies
}
