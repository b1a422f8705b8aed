//! DNS contexts: the rules for the messages of one UE, kept by the SMF that made them (TS 29.556 clause 5.2.2).
//!
//! A rule for a message that is held ([`Release`]) is done once and never kept: it travels in the record for a while, so that the replica
//! that holds the message learns of it, whichever replica was asked.

use super::{
    json_patch,
    rules::{Actions, Allowed, Rules, pointer},
};
use async_trait::async_trait;
use edgeapp_core::{
    callback::CallbackRule,
    error::Error,
    follow::Follower,
    kept::Kept,
    principal::Principal,
    room::{Decision, Room, contended, fresh_id},
    store::{Key, Revision},
};
use edgeapp_openapi::{
    common::{DateTime, Ipv4Addr, Ipv6Addr, Uri},
    easdf::{
        context::{ApplyAction, DnsContextCreateData, DnsContextCreatedData, DnsRule},
        patch::{PatchItem, PatchResult},
    },
    features,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

/// Where contexts lie.
pub const PREFIX: &str = "dns-context/";
/// For how many seconds a decision about a message is remembered: by then it is answered.
const REMEMBERED: i64 = 10;
/// Decisions that are remembered at most.
const DECISIONS: usize = 64;

/// A context as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DnsContext {
    /// When it was made: of several for one UE the newest counts.
    pub made: DateTime,
    /// What the SMF wrote, without rules for single messages.
    pub data: DnsContextCreateData,
    /// How often the reports of a rule that reports once were reset.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resets: BTreeMap<String, u32>,
    /// What was decided lately about messages that were held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub released: Vec<Release>,
}

/// A decision about a message that was held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// The message.
    pub message: String,
    /// When it was decided.
    pub at: DateTime,
    /// What is done with it.
    pub rule: DnsRule,
}

/// Where UEs ask, as SMFs are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Over IPv4.
    pub v4: Option<std::net::Ipv4Addr>,
    /// Over IPv6.
    pub v6: Option<std::net::Ipv6Addr>,
}

impl Addresses {
    /// The first of each family.
    pub fn of(all: &[IpAddr]) -> Self {
        let mut addresses = Self::default();
        for address in all.iter().filter(|address| !address.is_unspecified()) {
            match address {
                IpAddr::V4(address) => addresses.v4 = addresses.v4.or(Some(*address)),
                IpAddr::V6(address) => addresses.v6 = addresses.v6.or(Some(*address)),
            }
        }
        addresses
    }
}

/// What an EASDF does for SMFs.
#[async_trait]
pub trait DnsContexts: Send + Sync {
    /// Keeps a new context. Answers with its id.
    ///
    /// # Errors
    /// When a rule cannot be used, reports have nowhere to go, or there are too many.
    async fn create(
        &self,
        principal: &Principal,
        request: DnsContextCreateData,
    ) -> Result<(String, DnsContextCreatedData), Error>;

    /// Replaces a context.
    ///
    /// # Errors
    /// As [`DnsContexts::create`]; 404 when it is not there or somebody else's.
    async fn replace(&self, principal: &Principal, id: &str, request: DnsContextCreateData) -> Result<(), Error>;

    /// Changes parts of a context; what could not be changed is in the answer.
    ///
    /// # Errors
    /// As [`DnsContexts::replace`]; when nothing could be changed.
    async fn modify(&self, principal: &Principal, id: &str, patch: &[PatchItem]) -> Result<Option<PatchResult>, Error>;

    /// Removes a context. Messages of it that are held fail.
    ///
    /// # Errors
    /// 404 when it is not there or somebody else's.
    async fn remove(&self, principal: &Principal, id: &str) -> Result<(), Error>;
}

/// The service behind [`DnsContexts`].
pub struct DnsContextService {
    room: Room,
    callbacks: CallbackRule,
    allowed: Arc<Allowed>,
    addresses: Addresses,
    follower: Follower,
}

fn not_found() -> Error {
    Error::not_found("DNS context")
}

/// The key of a context.
pub fn key(id: &str) -> Key {
    Key::from(format!("{PREFIX}{}", Key::part(id)))
}

impl DnsContextService {
    /// A service over this room; `follower` keeps the rules at work in step with it.
    pub fn new(
        room: Room,
        callbacks: CallbackRule,
        allowed: Arc<Allowed>,
        addresses: Addresses,
        follower: Follower,
    ) -> Self {
        Self {
            room,
            callbacks,
            allowed,
            addresses,
            follower,
        }
    }

    fn check(&self, principal: &Principal, data: &DnsContextCreateData) -> Result<(), Error> {
        match &data.notify_uri {
            Some(uri) => self.callbacks.check_of(principal, uri, "/notifyUri").map(drop),
            None => Ok(()),
        }
    }

    /// Commits what `decide` makes of the context.
    async fn change<R: Send>(
        &self,
        principal: &Principal,
        id: &str,
        decide: impl Fn(&DnsContext, DateTime) -> Result<(DnsContext, R), Error> + Send + Sync,
    ) -> Result<R, Error> {
        let key = key(id);
        for mut seen in self.room.attempts() {
            let kept = seen.kept::<DnsContext>(&key).await?;
            let kept = kept.filter(|kept| kept.is_of(principal)).ok_or_else(not_found)?;
            let (value, answer) = decide(&kept.value, seen.now())?;
            self.check(principal, &value.data)?;
            let next = Kept { value, ..kept };
            let decision = Decision::of(answer).put(&key, &next)?;
            if let Some((answer, revision)) = self.room.commit(seen, decision).await? {
                self.at_work(revision).await;
                return Ok(answer);
            }
        }
        Err(contended())
    }

    /// The answer to a change comes when the rules are at work.
    async fn at_work(&self, revision: Revision) {
        self.follower.caught_up(revision).await;
    }
}

/// Pure: what is kept of what an SMF writes over what was there.
///
/// # Errors
/// When a rule cannot be used, reports have nowhere to go, or nothing but rules for single messages is left.
pub fn kept(
    before: Option<&DnsContext>,
    mut next: DnsContextCreateData,
    allowed: &Allowed,
    now: DateTime,
) -> Result<DnsContext, Error> {
    next.supported_features = next.supported_features.map(|offered| features::NONE.common(&offered));
    let rules = Rules::new(&next.dns_rules, allowed)?;
    let mut reports = rules.report();
    let mut released: Vec<Release> = before
        .into_iter()
        .flat_map(|before| before.released.iter())
        .filter(|release| now.0.as_second() - release.at.0.as_second() < REMEMBERED)
        .cloned()
        .collect();
    let single: Vec<String> = next
        .dns_rules
        .iter()
        .filter(|(_, rule)| rule.dns_msg_id.is_some())
        .map(|(key, _)| key.clone())
        .collect();
    for key in single {
        let at = pointer(&["dnsRules", &key]);
        let Some(rule) = next.dns_rules.remove(&key) else {
            continue;
        };
        let Some(message) = rule.dns_msg_id.clone() else {
            continue;
        };
        if before.is_none() {
            let reason = "names a message that is held, and a new context has none";
            return Err(Error::optional_incorrect(format!("{at}/dnsMsgId"), reason));
        }
        reports |= Actions::of_held(&rule, &at, allowed)?.report.is_some();
        // What was decided is decided.
        if !released.iter().any(|release| release.message == message) {
            released.push(Release { message, at: now, rule });
        }
    }
    let surplus = released.len().saturating_sub(DECISIONS);
    released.drain(..surplus);
    if next.dns_rules.is_empty() {
        let reason = "must have a rule that is not for a single message";
        return Err(Error::mandatory_incorrect("/dnsRules", reason));
    }
    if reports && next.notify_uri.is_none() {
        let reason = "is mandatory where a rule reports";
        return Err(Error::mandatory_missing("/notifyUri", reason));
    }
    let mut resets = before.map(|before| before.resets.clone()).unwrap_or_default();
    resets.retain(|key, _| next.dns_rules.contains_key(key));
    for (key, rule) in &mut next.dns_rules {
        for action in rule.action_list.values_mut() {
            // A wish, not a state: it counts once, when it is written.
            if action.reset_reporting_once_ind == Some(true) {
                action.reset_reporting_once_ind = Some(false);
                if action.apply_action == ApplyAction::Report {
                    *resets.entry(key.clone()).or_default() += 1;
                }
            }
        }
    }
    Ok(DnsContext {
        made: before.map_or(now, |before| before.made),
        data: next,
        resets,
        released,
    })
}

#[async_trait]
impl DnsContexts for DnsContextService {
    async fn create(
        &self,
        principal: &Principal,
        request: DnsContextCreateData,
    ) -> Result<(String, DnsContextCreatedData), Error> {
        self.check(principal, &request)?;
        let id = fresh_id();
        let key = key(&id);
        for mut seen in self.room.attempts() {
            let context = kept(None, request.clone(), &self.allowed, seen.now())?;
            let made = DnsContextCreatedData {
                easdf_ipv4_addr: self.addresses.v4.map(Ipv4Addr),
                easdf_ipv6_addr: self.addresses.v6.map(Ipv6Addr),
                supported_features: context.data.supported_features,
            };
            seen.fresh(&key);
            let decision = Decision::of(made).put(&key, &Kept::new(principal, None, context))?;
            if let Some((made, revision)) = self.room.commit(seen, decision).await? {
                self.at_work(revision).await;
                return Ok((id, made));
            }
        }
        Err(contended())
    }

    async fn replace(&self, principal: &Principal, id: &str, request: DnsContextCreateData) -> Result<(), Error> {
        self.change(principal, id, |before, now| {
            Ok((kept(Some(before), request.clone(), &self.allowed, now)?, ()))
        })
        .await
    }

    async fn modify(&self, principal: &Principal, id: &str, patch: &[PatchItem]) -> Result<Option<PatchResult>, Error> {
        self.change(principal, id, |before, now| {
            let patched = json_patch::apply(&before.data, patch)?;
            let report = (!patched.failed.is_empty()).then_some(PatchResult { report: patched.failed });
            Ok((kept(Some(before), patched.value, &self.allowed, now)?, report))
        })
        .await
    }

    async fn remove(&self, principal: &Principal, id: &str) -> Result<(), Error> {
        let key = key(id);
        for mut seen in self.room.attempts() {
            let kept = seen.kept::<DnsContext>(&key).await?;
            kept.filter(|kept| kept.is_of(principal)).ok_or_else(not_found)?;
            if let Some(((), revision)) = self.room.commit(seen, Decision::of(()).delete(&key)).await? {
                self.at_work(revision).await;
                return Ok(());
            }
        }
        Err(contended())
    }
}

/// The SMF moved for good: reports of this context go to its new address.
///
/// # Errors
/// When the state cannot be read or written.
pub(super) async fn moved(room: &Room, id: &str, from: &Uri, to: &Uri) -> Result<(), Error> {
    let key = key(id);
    for mut seen in room.attempts() {
        let Some(mut kept) = seen.kept::<DnsContext>(&key).await? else {
            return Ok(());
        };
        // It may have named another one meanwhile.
        if kept.value.data.notify_uri.as_ref() != Some(from) {
            return Ok(());
        }
        kept.value.data.notify_uri = Some(to.clone());
        if room.commit(seen, Decision::of(()).put(&key, &kept)?).await?.is_some() {
            return Ok(());
        }
    }
    Err(contended())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn now() -> DateTime {
        "2026-01-05T12:00:00Z".parse().unwrap()
    }

    fn data(rules: Value, notify: bool) -> DnsContextCreateData {
        let mut text = json!({"ueIpv4Addr": "10.45.0.7", "dnn": "edge", "sNssai": {"sst": 1}, "dnsRules": rules});
        if notify {
            text["notifyUri"] = "https://smf.example/n".into();
        }
        serde_json::from_value(text).unwrap()
    }

    fn made(rules: Value) -> DnsContext {
        kept(None, data(rules, true), &Allowed::default(), now()).unwrap()
    }

    fn again(before: &DnsContext, rules: Value) -> Result<DnsContext, Error> {
        kept(Some(before), data(rules, true), &Allowed::default(), now())
    }

    const REPORT: &str = r#"{"applyAction": "REPORT", "reportingOnceInd": true, "resetReportingOnceInd": true}"#;

    #[test]
    fn a_rule_for_one_message_is_not_kept() {
        let forward = json!({"actionList": {"a": {"applyAction": "FORWARD"}}});
        let once = json!({"dnsMsgId": "m1", "actionList": {"a": {"applyAction": "FORWARD"}}});
        let before = made(json!({"r": forward}));
        let after = again(&before, json!({"r": forward, "once": once})).unwrap();
        assert_eq!(after.data.dns_rules.keys().collect::<Vec<_>>(), ["r"]);
        assert_eq!(after.released[0].message, "m1");
        let twice = again(&after, json!({"r": forward, "other": once})).unwrap();
        assert_eq!(twice.released.len(), 1, "what was decided is decided");
        assert_eq!(
            again(&before, json!({"once": once})).unwrap_err().invalid[0].param,
            "/dnsRules"
        );
        let new = kept(
            None,
            data(json!({"r": forward, "once": once}), true),
            &Allowed::default(),
            now(),
        );
        assert_eq!(new.unwrap_err().invalid[0].param, "/dnsRules/once/dnsMsgId");
        let hold =
            json!({"dnsMsgId": "m", "actionList": {"a": {"applyAction": "BUFFER"}, "b": {"applyAction": "REPORT"}}});
        again(&before, json!({"r": forward, "once": hold})).unwrap_err();
    }

    #[test]
    fn reports_need_somewhere_to_go() {
        let rules = json!({"r": {"actionList": {"a": {"applyAction": "REPORT"}}}});
        let error = kept(None, data(rules, false), &Allowed::default(), now()).unwrap_err();
        assert_eq!(
            (error.cause.as_str(), error.invalid[0].param.as_str()),
            ("MANDATORY_IE_MISSING", "/notifyUri")
        );
    }

    #[test]
    fn a_reset_counts_when_it_is_written_and_not_again() {
        let report: Value = serde_json::from_str(REPORT).unwrap();
        let first = made(json!({"r": {"actionList": {"a": report}}}));
        assert_eq!(first.resets["r"], 1);
        let kept_so = kept(Some(&first), first.data.clone(), &Allowed::default(), now()).unwrap();
        assert_eq!(kept_so.resets["r"], 1);
        let second = again(&kept_so, json!({"r": {"actionList": {"a": report}}})).unwrap();
        assert_eq!(second.resets["r"], 2);
    }
}
