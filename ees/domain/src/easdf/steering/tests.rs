use super::*;
use crate::easdf::contexts::{Addresses, DnsContextService, DnsContexts};
use bytes::Bytes;
use edgeapp_core::{
    callback::CallbackRule,
    clock::ManualClock,
    follow::Follower,
    notifier::{Delivered, NotDelivered},
    principal::Principal,
    store::Store,
};
use edgeapp_openapi::easdf::patch::PatchItem;
use edgeapp_store::MemoryStore;
use serde_json::{Value, json};
use std::time::Duration;

/// Remembers what it was told.
#[derive(Default)]
struct Smf(Mutex<Vec<Value>>);

#[async_trait]
impl Notifier for Smf {
    async fn notify(&self, _: &Uri, body: Bytes) -> Result<Delivered, NotDelivered> {
        self.0.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
        Ok(Delivered {
            status: 204,
            body: Bytes::new(),
            moved_to: None,
        })
    }
}

impl Smf {
    fn reports(&self) -> Vec<Value> {
        let heard = self.0.lock().unwrap();
        let lists = heard
            .iter()
            .flat_map(|body| body["eventreportList"].as_array().unwrap());
        lists.cloned().collect()
    }

    /// The message in the report of this number, once it is there.
    async fn message(&self, number: usize) -> String {
        let there = async {
            loop {
                if let Some(report) = self.reports().get(number) {
                    return report["dnsMsgId"].as_str().unwrap_or_default().to_owned();
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), there).await.unwrap()
    }
}

struct Site {
    store: Arc<dyn Store>,
    steering: Arc<Steering>,
    contexts: DnsContextService,
    smf: Arc<Smf>,
}

const SHORT: Duration = Duration::from_millis(400);

impl Site {
    async fn open() -> Self {
        Self::over(Arc::new(MemoryStore::new())).await
    }

    async fn over(store: Arc<dyn Store>) -> Self {
        let clock = ManualClock::at("2026-01-05T12:00:00Z".parse().unwrap());
        let room = Room::new(store.clone(), clock);
        let allowed = Arc::new(Allowed::default());
        let limits = HoldLimits {
            time: SHORT,
            ..HoldLimits::default()
        };
        let steering = Steering::new(room.clone(), allowed.clone(), limits);
        let smf = Arc::new(Smf::default());
        steering.report_by(smf.clone());
        let view = Arc::new(FollowedContexts(steering.clone()));
        let follower = Follower::start(store.clone(), contexts::PREFIX, view).await.unwrap();
        let callbacks = CallbackRule {
            allowed_hosts: vec!["*.example".parse().unwrap()],
            ..CallbackRule::default()
        };
        let addresses = Addresses::of(&[IpAddr::from([192, 0, 2, 53])]);
        let contexts = DnsContextService::new(room, callbacks, allowed, addresses, follower);
        Self {
            store,
            steering,
            contexts,
            smf,
        }
    }

    async fn create(&self, ue: &str, rules: Value) -> String {
        let request = json!({"ueIpv4Addr": ue, "dnn": "edge", "sNssai": {"sst": 1}, "notifyUri": "https://smf.example/n",
            "dnsRules": rules});
        let request = serde_json::from_value(request).unwrap();
        self.contexts.create(&smf(), request).await.unwrap().0
    }

    async fn patch(&self, id: &str, patch: Value) {
        let patch: Vec<PatchItem> = serde_json::from_value(patch).unwrap();
        assert_eq!(self.contexts.modify(&smf(), id, &patch).await.unwrap(), None);
    }

    async fn query(&self, context: &str) -> Verdict {
        let query = Query {
            name: "chess.edge.example",
            from: UE,
        };
        self.steering.query(context, query).await
    }
}

const UE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 45, 0, 7));

fn smf() -> Principal {
    Principal::from_names(["urn:edgeapp:smf:smf-1"], []).unwrap()
}

fn hold() -> Value {
    json!({"r": {"dnsRuleId": "7", "actionList": {"a": {"applyAction": "REPORT"}, "b": {"applyAction": "BUFFER"}}}})
}

fn once(message: &str, action: &Value) -> Value {
    json!([{"op": "add", "path": "/dnsRules/once", "value": {"dnsMsgId": message, "actionList": {"x": action}}}])
}

#[tokio::test]
async fn a_held_message_goes_where_the_smf_says_and_only_once() {
    let site = Site::open().await;
    let context = site.create("10.45.0.7", hold()).await;
    assert_eq!(site.steering.context_of(UE).as_deref(), Some(&*context));
    let decide = async {
        let message = site.smf.message(0).await;
        let respond = json!({"applyAction": "RESPOND", "respParas": {"easIpv4Addresses": ["192.0.2.1"]}});
        site.patch(&context, once(&message, &respond)).await;
        message
    };
    let (verdict, message) = tokio::join!(site.query(&context), decide);
    assert_eq!(verdict, Verdict::Respond(vec![IpAddr::from([192, 0, 2, 1])]));
    let report = &site.smf.reports()[0];
    assert_eq!(
        (&report["dnsRuleId"], &report["dnsQueryReport"]["fqdn"]),
        (&json!(7), &json!("chess.edge.example"))
    );
    // Nobody waits for it any more: nothing happens.
    site.patch(&context, once(&message, &json!({"applyAction": "DISCARD"})))
        .await;
    assert!(site.steering.held().is_empty());
}

#[tokio::test]
async fn a_message_that_nobody_decides_about_goes_on() {
    let site = Site::open().await;
    let context = site.create("10.45.0.7", hold()).await;
    let began = std::time::Instant::now();
    assert_eq!(site.query(&context).await, Verdict::Forward(Way::default()));
    assert!(began.elapsed() >= SHORT);
}

#[tokio::test]
async fn what_is_held_fails_with_its_context() {
    let site = Site::open().await;
    let context = site.create("10.45.0.7", hold()).await;
    let end = async {
        site.smf.message(0).await;
        site.contexts.remove(&smf(), &context).await.unwrap();
    };
    let (verdict, ()) = tokio::join!(site.query(&context), end);
    assert_eq!(verdict, Verdict::Gone);
    assert_eq!(site.steering.context_of(UE), None);
}

#[tokio::test]
async fn a_rule_reports_once_until_it_is_reset() {
    let site = Site::open().await;
    let rule = |reset: bool| json!({"r": {"actionList": {"a": {"applyAction": "REPORT", "reportingOnceInd": true, "resetReportingOnceInd": reset}}}});
    let context = site.create("10.45.0.7", rule(false)).await;
    for _ in 0..3 {
        site.query(&context).await;
    }
    site.smf.message(0).await;
    site.patch(&context, json!([{"op": "add", "path": "/label", "value": "x"}, {"op": "add", "path": "/hplmnId", "value": {"mcc": "001", "mnc": "01"}}])).await;
    site.query(&context).await;
    site.patch(
        &context,
        json!([{"op": "replace", "path": "/dnsRules/r/actionList/a/resetReportingOnceInd", "value": true}]),
    )
    .await;
    for _ in 0..3 {
        site.query(&context).await;
    }
    site.smf.message(1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(site.smf.reports().len(), 2);
}

#[tokio::test]
async fn of_several_contexts_for_one_ue_the_newest_counts_and_none_for_nobody() {
    let site = Site::open().await;
    let rules = json!({"r": {"actionList": {"a": {"applyAction": "FORWARD"}}}});
    let nobody = site.create("0.0.0.0", rules.clone()).await;
    assert_eq!(site.steering.context_of(IpAddr::from([0, 0, 0, 0])), None);
    let first = site.create("10.45.0.7", rules.clone()).await;
    assert_eq!(site.steering.context_of(UE).as_deref(), Some(&*first));
    // A21: where it is becomes known.
    site.patch(
        &nobody,
        json!([{"op": "replace", "path": "/ueIpv4Addr", "value": "10.45.0.8"}]),
    )
    .await;
    assert_eq!(
        site.steering.context_of(IpAddr::from([10, 45, 0, 8])).as_deref(),
        Some(&*nobody)
    );
    let v6 = json!({"ueIpv6Prefix": "2001:db8:1::/64", "dnn": "edge", "sNssai": {"sst": 1}, "dnsRules": rules});
    let v6 = site
        .contexts
        .create(&smf(), serde_json::from_value(v6).unwrap())
        .await
        .unwrap();
    assert_eq!(
        v6.1.easdf_ipv4_addr.map(|address| address.to_string()).as_deref(),
        Some("192.0.2.53")
    );
    let inside = "2001:db8:1::9".parse().unwrap();
    assert_eq!(site.steering.context_of(inside).as_deref(), Some(&*v6.0));
    assert_eq!(site.steering.context_of("2001:db8:1:1::9".parse().unwrap()), None);
}

#[tokio::test]
async fn contexts_survive_a_restart() {
    let site = Site::open().await;
    let context = site
        .create(
            "10.45.0.7",
            json!({"r": {"actionList": {"a": {"applyAction": "DISCARD"}}}}),
        )
        .await;
    let again = Site::over(site.store.clone()).await;
    assert_eq!(again.steering.context_of(UE).as_deref(), Some(&*context));
    assert_eq!(again.query(&context).await, Verdict::Discard);
    let stranger = Principal::from_names(["urn:edgeapp:smf:smf-2"], []).unwrap();
    again
        .contexts
        .remove(&stranger, &context)
        .await
        .expect_err("a stranger's");
    again.contexts.remove(&smf(), &context).await.expect("its owner's");
}
