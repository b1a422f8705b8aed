//! The application client: numbered requests at a fixed period, to whichever server it is told.

use super::eas::{Answered, Numbered};
use crate::{
    call::segment,
    milestone::{Good, Reply},
    record::Recorder,
};
use axum::http::{Method, StatusCode};
use edgeapp_http::client::HttpClient;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;

/// How long the application goes on asking a server that says that the context is on its way.
const PATIENCE: Duration = Duration::from_secs(1);
/// From one such question to the next.
const AGAIN: Duration = Duration::from_millis(3);

/// A running application client.
pub struct ApplicationClient {
    target: watch::Sender<String>,
    heard: watch::Receiver<Option<(String, Duration)>>,
    stop: CancellationToken,
    task: JoinHandle<Vec<Reply>>,
}

/// A way to tell an application client where to ask, and to hear who answers.
#[derive(Clone)]
pub struct Handle {
    target: watch::Sender<String>,
    heard: watch::Receiver<Option<(String, Duration)>>,
}

impl Handle {
    /// Asks another server from the next request on.
    pub fn switch(&self, root: &str) {
        self.target.send_replace(root.to_owned());
    }

    /// Waits for a reply of this instance. Answers with when it came.
    pub async fn served_by(&self, instance: &str) -> Duration {
        let mut heard = self.heard.clone();
        let is_it = |heard: &Option<(String, Duration)>| heard.as_ref().is_some_and(|(by, _)| by == instance);
        let came = match heard.wait_for(is_it).await {
            Ok(heard) => Some(heard.as_ref().map(|(_, at)| *at).unwrap_or_default()),
            Err(_) => None,
        };
        match came {
            Some(at) => at,
            // Nothing will come any more.
            None => std::future::pending().await,
        }
    }
}

struct Asking {
    client: HttpClient,
    recorder: Arc<Recorder>,
    ac: String,
    path: String,
    period: Duration,
    target: watch::Receiver<String>,
    heard: watch::Sender<Option<(String, Duration)>>,
    stop: CancellationToken,
}

impl ApplicationClient {
    /// Starts to ask `root` on behalf of an application client of `ue`.
    pub fn start(
        client: HttpClient,
        recorder: Arc<Recorder>,
        (ue, ac): (&str, &str),
        period: Duration,
        root: &str,
    ) -> Self {
        let (target, asked) = watch::channel(root.to_owned());
        let (sender, heard) = watch::channel(None);
        let stop = CancellationToken::new();
        let asking = Asking {
            client,
            recorder,
            ac: ac.to_owned(),
            path: format!("/sessions/{}/requests", segment(ue)),
            period,
            target: asked,
            heard: sender,
            stop: stop.clone(),
        };
        Self {
            target,
            heard,
            stop,
            task: tokio::spawn(asking.run()),
        }
    }

    /// A way to tell it where to ask, and to hear who answers.
    pub fn handle(&self) -> Handle {
        Handle {
            target: self.target.clone(),
            heard: self.heard.clone(),
        }
    }

    /// Waits for a reply of this instance. Answers with when it came.
    pub async fn served_by(&self, instance: &str) -> Duration {
        self.handle().served_by(instance).await
    }

    /// Ends it.
    pub async fn finish(self) -> Vec<Reply> {
        self.stop.cancel();
        self.task.await.unwrap_or_default()
    }
}

impl Asking {
    async fn run(self) -> Vec<Reply> {
        let mut replies = Vec::new();
        let mut ticks = interval(self.period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for number in 1.. {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.stop.cancelled() => break,
            }
            let sent = self.recorder.now();
            let good = self.reply(number).await;
            let done = self.recorder.now();
            if let Some(good) = &good {
                self.heard.send_if_modified(|heard| {
                    let news = heard.as_ref().is_none_or(|(by, _)| *by != good.instance);
                    if news {
                        *heard = Some((good.instance.clone(), done));
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
        replies
    }

    /// One request: where the server says that the context is on its way, it is asked again, or the one that serves by then.
    async fn reply(&self, number: u64) -> Option<Good> {
        let began = Instant::now();
        loop {
            let url = format!("{}{}", *self.target.borrow(), self.path);
            let request = Numbered {
                number,
                ac: self.ac.clone(),
            };
            match self.client.call(Method::POST, &url, Some(&request)).await {
                Ok(answer) => {
                    let answer = answer.json::<Answered>().ok();
                    return answer.filter(|answer| answer.number == number).map(|answer| Good {
                        instance: answer.instance,
                        counter: answer.counter,
                    });
                }
                Err(error)
                    if error.status() == Some(StatusCode::SERVICE_UNAVAILABLE)
                        && began.elapsed() < PATIENCE
                        && !self.stop.is_cancelled() =>
                {
                    sleep(AGAIN).await;
                }
                Err(_) => return None,
            }
        }
    }
}
