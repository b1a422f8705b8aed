//! What SMFs are told of DNS messages: at once, in order, together where several wait for one address, and never more than fits.
//!
//! Reports are kept in memory only: they are about messages that are answered within seconds, and no answer waits for them.

use async_trait::async_trait;
use edgeapp_core::notifier::{NotDelivered, Notifier};
use edgeapp_openapi::{
    common::Uri,
    easdf::context::{DnsContextEventReport, DnsContextNotification},
};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Semaphore;

/// Reports that wait for one address; the oldest give way.
const WAITING: usize = 256;
/// Reports that wait in all.
const IN_TOTAL: usize = 65_536;
/// Reports that are sent together.
const TOGETHER: usize = 32;
/// How often one is offered to who refuses it.
const REFUSALS: u32 = 3;
/// How often one is offered to who is away, with longer and longer pauses: a minute in all.
const ATTEMPTS: u32 = 8;
/// The first pause; the next ones are twice as long each.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// Addresses that are called at a time.
const AT_A_TIME: usize = 64;

/// Knows who wants reports.
#[async_trait]
pub trait Recipients: Send + Sync {
    /// Whether this context is still there.
    fn want(&self, context: &str) -> bool;

    /// The reports of this context go from one address to another for good.
    async fn moved(&self, context: &str, from: &Uri, to: &Uri);
}

/// Reports on their way.
pub struct Reports {
    notifier: Arc<dyn Notifier>,
    recipients: Arc<dyn Recipients>,
    waiting: Mutex<Waiting>,
    places: Semaphore,
}

#[derive(Default)]
struct Waiting {
    /// By address; there is a task for each that is in here.
    queues: HashMap<Uri, VecDeque<Waits>>,
    total: usize,
}

#[derive(Clone)]
struct Waits {
    context: String,
    report: DnsContextEventReport,
}

impl Reports {
    /// Sends by this notifier what these want.
    pub fn new(notifier: Arc<dyn Notifier>, recipients: Arc<dyn Recipients>) -> Arc<Self> {
        Arc::new(Self {
            notifier,
            recipients,
            waiting: Mutex::default(),
            places: Semaphore::new(AT_A_TIME),
        })
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells this of a message of a context. Returns at once.
    pub fn tell(self: &Arc<Self>, context: &str, to: &Uri, report: DnsContextEventReport) {
        let mut waiting = self.waiting();
        if waiting.total >= IN_TOTAL && !waiting.queues.contains_key(to) {
            return gave_way(1);
        }
        let begins = !waiting.queues.contains_key(to);
        let queue = waiting.queues.entry(to.clone()).or_default();
        queue.push_back(Waits {
            context: context.to_owned(),
            report,
        });
        if queue.len() > WAITING {
            queue.pop_front();
            gave_way(1);
        } else {
            waiting.total += 1;
        }
        drop(waiting);
        if begins {
            tokio::spawn(self.clone().send_to(to.clone()));
        }
    }

    /// The context is gone: nothing more is told of it.
    pub fn forget(&self, context: &str) {
        let mut waiting = self.waiting();
        let Waiting { queues, total } = &mut *waiting;
        for queue in queues.values_mut() {
            let before = queue.len();
            queue.retain(|waits| waits.context != context);
            *total -= before - queue.len();
        }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting().total
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is to be sent next; the queue ends when there is nothing.
    fn next(&self, to: &Uri) -> Vec<Waits> {
        let mut waiting = self.waiting();
        let Waiting { queues, total } = &mut *waiting;
        let Some(queue) = queues.get_mut(to) else {
            return Vec::new();
        };
        let next: Vec<Waits> = queue.drain(..queue.len().min(TOGETHER)).collect();
        *total -= next.len();
        if next.is_empty() {
            queues.remove(to);
        }
        next
    }

    /// What could not be sent waits again, before the rest, unless its context has gone meanwhile.
    fn again(&self, to: &Uri, reports: Vec<Waits>) {
        let mut waiting = self.waiting();
        let Waiting { queues, total } = &mut *waiting;
        let Some(queue) = queues.get_mut(to) else { return };
        for waits in reports.into_iter().rev() {
            if !self.recipients.want(&waits.context) {
                continue;
            }
            if queue.len() >= WAITING {
                gave_way(1);
            } else {
                queue.push_front(waits);
                *total += 1;
            }
        }
    }

    async fn send_to(self: Arc<Self>, to: Uri) {
        let (mut refused, mut failed) = (0, 0);
        loop {
            let next = self.next(&to);
            let Some(first) = next.first().cloned() else {
                return;
            };
            let notification = DnsContextNotification {
                event_report_list: next.iter().map(|waits| waits.report.clone()).collect(),
            };
            let number = u64::try_from(next.len()).unwrap_or(u64::MAX);
            let body = match serde_json::to_vec(&notification) {
                Ok(body) => body.into(),
                Err(error) => {
                    tracing::error!(%error, "reports of DNS messages cannot be written");
                    continue;
                }
            };
            let told = {
                let _place = self.places.acquire().await;
                self.notifier.notify(&to, body).await
            };
            let pause = match told {
                Ok(delivered) => {
                    (refused, failed) = (0, 0);
                    metrics::counter!("edgeapp_easdf_reports_total").increment(number);
                    if let Some(moved_to) = &delivered.moved_to {
                        self.recipients.moved(&first.context, &to, moved_to).await;
                    }
                    continue;
                }
                Err(NotDelivered::Later { reason, after }) if failed + 1 < ATTEMPTS => {
                    failed += 1;
                    tracing::debug!(%reason, "reports of DNS messages wait for the SMF");
                    let usual = FIRST_PAUSE.saturating_mul(1 << failed.min(16)) / 2;
                    usual.max(after.unwrap_or_default()).min(LONGEST_PAUSE)
                }
                Err(NotDelivered::Refused(_)) if refused + 1 < REFUSALS => {
                    refused += 1;
                    FIRST_PAUSE
                }
                Err(error) => {
                    (refused, failed) = (0, 0);
                    tracing::warn!(%error, reports = number, "an SMF could not be told of DNS messages");
                    gave_way(number);
                    continue;
                }
            };
            self.again(&to, next);
            tokio::time::sleep(pause).await;
        }
    }
}

fn gave_way(number: u64) {
    metrics::counter!("edgeapp_easdf_reports_lost_total").increment(number);
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use edgeapp_core::notifier::Delivered;
    use serde_json::Value;

    #[derive(Default)]
    struct Smf {
        script: Mutex<VecDeque<Result<Delivered, NotDelivered>>>,
        heard: Mutex<Vec<Value>>,
        moves: Mutex<Vec<(String, String)>>,
    }

    fn thanks() -> Delivered {
        Delivered {
            status: 204,
            body: Bytes::new(),
            moved_to: None,
        }
    }

    #[async_trait]
    impl Notifier for Smf {
        async fn notify(&self, _: &Uri, body: Bytes) -> Result<Delivered, NotDelivered> {
            let said = self.script.lock().unwrap().pop_front().unwrap_or_else(|| Ok(thanks()));
            if said.is_ok() {
                self.heard.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
            }
            said
        }
    }

    #[async_trait]
    impl Recipients for Smf {
        fn want(&self, _: &str) -> bool {
            true
        }

        async fn moved(&self, context: &str, _: &Uri, to: &Uri) {
            self.moves.lock().unwrap().push((context.to_owned(), to.to_string()));
        }
    }

    fn report(number: u32) -> DnsContextEventReport {
        DnsContextEventReport {
            timestamp: "2026-01-05T12:00:00Z".parse().unwrap(),
            dns_rule_id: Some(number),
            dns_query_report: None,
            dns_rsp_report: None,
            dns_msg_id: None,
        }
    }

    fn address() -> Uri {
        "https://smf.example/n".parse().unwrap()
    }

    async fn until_idle(reports: &Arc<Reports>) {
        let idle = async {
            while !reports.waiting().queues.is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), idle).await.unwrap();
    }

    fn numbers(smf: &Smf) -> Vec<u64> {
        let heard = smf.heard.lock().unwrap();
        let lists = heard
            .iter()
            .flat_map(|body| body["eventreportList"].as_array().unwrap());
        lists.map(|report| report["dnsRuleId"].as_u64().unwrap()).collect()
    }

    #[tokio::test]
    async fn reports_arrive_in_order_though_the_smf_was_away() {
        let smf = Arc::new(Smf::default());
        let away = || NotDelivered::Later {
            reason: "away".to_owned(),
            after: None,
        };
        smf.script.lock().unwrap().extend([Err(away()), Err(away())]);
        let reports = Reports::new(smf.clone(), smf.clone());
        for number in 0..40 {
            reports.tell("a", &address(), report(number));
        }
        until_idle(&reports).await;
        assert_eq!(numbers(&smf), (0..40).collect::<Vec<_>>());
        assert!(smf.heard.lock().unwrap().len() < 40, "several go together");
    }

    #[tokio::test]
    async fn the_oldest_give_way_and_a_context_that_is_gone_is_not_told_of() {
        let smf = Arc::new(Smf::default());
        let reports = Reports::new(smf.clone(), smf.clone());
        for number in 0..300 {
            reports.tell(if number % 2 == 0 { "a" } else { "b" }, &address(), report(number));
        }
        assert_eq!(reports.len(), WAITING);
        reports.forget("b");
        until_idle(&reports).await;
        assert_eq!(numbers(&smf), (44..300).step_by(2).collect::<Vec<u64>>());
        assert!(reports.is_empty());
    }

    #[tokio::test]
    async fn an_smf_that_refuses_is_left_alone_and_one_that_moved_is_followed() {
        let smf = Arc::new(Smf::default());
        let reports = Reports::new(smf.clone(), smf.clone());
        let refusals = std::iter::repeat_with(|| Err(NotDelivered::Refused(404))).take(3);
        smf.script.lock().unwrap().extend(refusals);
        reports.tell("a", &address(), report(1));
        until_idle(&reports).await;
        assert!(numbers(&smf).is_empty());
        smf.script.lock().unwrap().push_back(Ok(Delivered {
            moved_to: Some("https://smf.example/new".parse().unwrap()),
            ..thanks()
        }));
        reports.tell("a", &address(), report(2));
        until_idle(&reports).await;
        assert_eq!(numbers(&smf), [2]);
        let moves = smf.moves.lock().unwrap();
        assert_eq!(*moves, [("a".to_owned(), "https://smf.example/new".to_owned())]);
    }
}
