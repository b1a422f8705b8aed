//! Rules at work: which context a query is of, what its rules come to, what is held and what is told.
//!
//! Contexts and patterns are followed in the store and kept ready in memory; a query looks up the address that it comes from.

use super::{
    contexts::{self, DnsContext},
    held::{Decided, Held, HoldLimits},
    patterns,
    reports::{Recipients, Reports},
    rules::{Actions, Allowed, Pattern, Patterns, Query, Response, Rule, Rules, Then, Way, network_of},
};
use async_trait::async_trait;
use edgeapp_core::{
    follow::View,
    kept::Kept,
    notifier::Notifier,
    principal::Owner,
    room::Room,
    store::{Change, Entry, Key},
};
use edgeapp_openapi::{
    common::{DateTime, Fqdn, IpAddr as WireAddr, Ipv4Addr, Ipv6Addr, Uri},
    easdf::{
        context::{DnsContextEventReport, DnsQueryReport, DnsRspReport, EcsOption},
        pattern::BaseDnsPatternCreateData,
    },
};
use ipnet::IpNet;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::IpAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError, RwLock},
};

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No rule is about it. Names that nobody here serves go this way.
    NoRule(Way),
    /// It goes on: a query this way, a response to the UE.
    Forward(Way),
    /// The query is answered with these addresses.
    Respond(Vec<IpAddr>),
    /// Instead of the response, this way is asked.
    Again(Way),
    /// It is dropped.
    Discard,
    /// The context went while the message was held.
    Gone,
}

/// A context at work.
#[derive(Debug)]
struct AtWork {
    id: Arc<str>,
    owner: Owner,
    made: DateTime,
    notify: Option<Uri>,
    rules: Rules,
    resets: BTreeMap<String, u32>,
    /// Which rules that report once have reported, and after how many resets.
    reported: Arc<Mutex<BTreeMap<String, u32>>>,
    from: Vec<IpNet>,
}

impl AtWork {
    fn new(id: &str, kept: &Kept<DnsContext>, allowed: &Allowed, before: Option<&Self>) -> Self {
        let data = &kept.value.data;
        let v4 = data.ue_ipv4_addr.map(|address| IpNet::from(IpAddr::V4(address.0)));
        let v6 = data.ue_ipv6_prefix.as_ref().and_then(network_of);
        let rules = Rules::new(&data.dns_rules, allowed).unwrap_or_else(|error| {
            // They were good once: the operator has taken servers away since.
            tracing::warn!(context = id, %error, "the rules of a DNS context can no longer be used");
            Rules::default()
        });
        Self {
            id: id.into(),
            owner: kept.owner.clone(),
            made: kept.value.made,
            notify: data.notify_uri.clone(),
            rules,
            resets: kept.value.resets.clone(),
            reported: before.map(|before| before.reported.clone()).unwrap_or_default(),
            // All zero: where it will be is not known yet.
            from: v4
                .into_iter()
                .chain(v6)
                .filter(|network| !network.addr().is_unspecified())
                .collect(),
        }
    }

    /// Whether this is the first message that this rule reports, since its reports were reset.
    fn is_first(&self, rule: &str) -> bool {
        let resets = self.resets.get(rule).copied().unwrap_or_default();
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        reported.insert(rule.to_owned(), resets) != Some(resets)
    }
}

/// Contexts by what they are found by.
#[derive(Default)]
struct Contexts {
    by_id: HashMap<String, Arc<AtWork>>,
    /// Of several for one network the last one counts.
    by_network: HashMap<IpNet, Vec<Arc<AtWork>>>,
    /// How many networks of each length there are.
    lengths: BTreeMap<(bool, u8), usize>,
}

fn length_of(network: &IpNet) -> (bool, u8) {
    (matches!(network, IpNet::V6(_)), network.prefix_len())
}

impl Contexts {
    fn put(&mut self, context: Arc<AtWork>) {
        self.remove(&context.id);
        for network in &context.from {
            let here = self.by_network.entry(*network).or_default();
            if here.is_empty() {
                *self.lengths.entry(length_of(network)).or_default() += 1;
            }
            here.push(context.clone());
            here.sort_by(|one, other| (one.made, &one.id).cmp(&(other.made, &other.id)));
        }
        self.by_id.insert(context.id.to_string(), context);
    }

    fn remove(&mut self, id: &str) {
        let Some(gone) = self.by_id.remove(id) else { return };
        for network in &gone.from {
            let Some(here) = self.by_network.get_mut(network) else {
                continue;
            };
            here.retain(|context| *context.id != *id);
            if here.is_empty() {
                self.by_network.remove(network);
                let length = length_of(network);
                if let Some(number) = self.lengths.get_mut(&length) {
                    *number -= 1;
                    if *number == 0 {
                        self.lengths.remove(&length);
                    }
                }
            }
        }
    }

    /// The context of who is at this address: the newest for the smallest network.
    fn of(&self, address: IpAddr) -> Option<&Arc<AtWork>> {
        let of_v6 = address.is_ipv6();
        let lengths = self.lengths.range((of_v6, 0)..=(of_v6, 128)).rev();
        lengths
            .filter_map(|((_, length), _)| IpNet::new(address, *length).ok())
            .find_map(|network| {
                self.by_network
                    .get(&network.trunc())
                    .and_then(|contexts| contexts.last())
            })
    }
}

/// The rules of all contexts, at work.
pub struct Steering {
    room: Room,
    allowed: Arc<Allowed>,
    contexts: RwLock<Contexts>,
    patterns: RwLock<BTreeMap<Key, Arc<Pattern>>>,
    held: Held,
    reports: OnceLock<Arc<Reports>>,
}

/// Follows the contexts in the store.
pub struct FollowedContexts(pub Arc<Steering>);

/// Follows the baseline patterns in the store.
pub struct FollowedPatterns(pub Arc<Steering>);

/// The patterns that contexts of this owner refer to.
struct PatternsOf<'a>(&'a Steering, &'a Owner);

impl Patterns for PatternsOf<'_> {
    fn pattern(&self, name: &str) -> Option<Arc<Pattern>> {
        let patterns = self.0.patterns.read().unwrap_or_else(PoisonError::into_inner);
        patterns.get(&patterns::key(self.1, name)).cloned()
    }
}

/// A message and where a rule met it.
enum Met<'a> {
    Query(&'a Query<'a>),
    Response(&'a Response<'a>),
}

impl Steering {
    /// No rules yet. What they may do is `allowed`, and what they hold is limited.
    pub fn new(room: Room, allowed: Arc<Allowed>, limits: HoldLimits) -> Arc<Self> {
        Arc::new(Self {
            room,
            allowed,
            contexts: RwLock::default(),
            patterns: RwLock::default(),
            held: Held::new(limits),
            reports: OnceLock::new(),
        })
    }

    /// From now on SMFs are told by this notifier.
    pub fn report_by(self: &Arc<Self>, notifier: Arc<dyn Notifier>) {
        let _ = self.reports.set(Reports::new(notifier, self.clone()));
    }

    /// The messages that are held.
    pub fn held(&self) -> &Held {
        &self.held
    }

    fn at_work(&self, id: &str) -> Option<Arc<AtWork>> {
        let contexts = self.contexts.read().unwrap_or_else(PoisonError::into_inner);
        contexts.by_id.get(id).cloned()
    }

    /// The context of who asks from this address, if there is one.
    pub fn context_of(&self, from: IpAddr) -> Option<Arc<str>> {
        let contexts = self.contexts.read().unwrap_or_else(PoisonError::into_inner);
        contexts.of(from.to_canonical()).map(|context| context.id.clone())
    }

    /// What becomes of a query of this context. Takes as long as it is held.
    pub async fn query(&self, context: &str, query: Query<'_>) -> Verdict {
        let Some(context) = self.at_work(context) else {
            return Verdict::NoRule(Way::default());
        };
        let patterns = PatternsOf(self, &context.owner);
        match context.rules.of_query(&query, &patterns) {
            Some(rule) => self.act(&context, rule, Met::Query(&query)).await,
            None => Verdict::NoRule(self.baseline(&context.owner, &query)),
        }
    }

    /// What becomes of a response for this context. Takes as long as it is held.
    pub async fn response(&self, context: &str, response: Response<'_>) -> Verdict {
        let Some(context) = self.at_work(context) else {
            return Verdict::NoRule(Way::default());
        };
        let patterns = PatternsOf(self, &context.owner);
        match context.rules.of_response(&response, &patterns) {
            Some(rule) => self.act(&context, rule, Met::Response(&response)).await,
            None => Verdict::NoRule(Way::default()),
        }
    }

    /// Where a query goes that no rule is about: by the first pattern of the SMF that says so.
    fn baseline(&self, owner: &Owner, query: &Query<'_>) -> Way {
        let prefix = patterns::folder(owner);
        let patterns = self.patterns.read().unwrap_or_else(PoisonError::into_inner);
        let own = patterns.range(Key::new(prefix.as_str())..);
        let mut own = own.take_while(|(key, _)| key.as_str().starts_with(&prefix));
        own.find_map(|(_, pattern)| pattern.default_for(query).cloned())
            .unwrap_or_default()
    }

    async fn act(&self, context: &AtWork, rule: &Rule, met: Met<'_>) -> Verdict {
        let actions = &rule.actions;
        let told = actions.report.is_some_and(|once| !once || context.is_first(&rule.key));
        // What nobody hears of nobody can let go.
        let holding = match actions.hold && told {
            true => self.held.hold(&context.id),
            false => None,
        };
        if told {
            let message = holding.as_ref().map(|holding| holding.message.clone());
            self.tell(context, &rule.id, &met, message);
        }
        let patterns = PatternsOf(self, &context.owner);
        let Some(holding) = holding else {
            return counted(&met, verdict(actions, &met, &patterns));
        };
        metrics::counter!("edgeapp_easdf_held_total").increment(1);
        match holding.decided().await {
            Decided::Actions(decided) => {
                if decided.report.is_some() {
                    self.tell(context, &rule.id, &met, None);
                }
                counted(&met, verdict(&decided, &met, &patterns))
            }
            Decided::Gone => counted(&met, Verdict::Gone),
            Decided::Late => {
                metrics::counter!("edgeapp_easdf_held_too_long_total").increment(1);
                counted(&met, verdict(actions, &met, &patterns))
            }
        }
    }

    fn tell(&self, context: &AtWork, rule: &str, met: &Met<'_>, message: Option<String>) {
        let (Some(reports), Some(to)) = (self.reports.get(), &context.notify) else {
            return;
        };
        let fqdn = |name: &str| name.parse::<Fqdn>().ok();
        let (mut query, mut response) = (None, None);
        match met {
            Met::Query(met) => query = Some(DnsQueryReport { fqdn: fqdn(met.name) }),
            Met::Response(met) => {
                let mut report = DnsRspReport {
                    fqdn: fqdn(met.name),
                    ecs_option: met.network.map(|network| EcsOption {
                        source_prefix_length: network.prefix_len(),
                        scope_prefix_length: None,
                        ip_addr: match network.network() {
                            IpAddr::V4(address) => WireAddr::Ipv4Addr(Ipv4Addr(address)),
                            IpAddr::V6(address) => WireAddr::Ipv6Addr(Ipv6Addr(address)),
                        },
                    }),
                    ..DnsRspReport::default()
                };
                for address in met.addresses {
                    match address {
                        IpAddr::V4(address) => report.eas_ipv4_addresses.push(Ipv4Addr(*address)),
                        IpAddr::V6(address) => report.eas_ipv6_addresses.push(Ipv6Addr(*address)),
                    }
                }
                response = Some(report);
            }
        }
        let report = DnsContextEventReport {
            timestamp: self.room.now(),
            dns_rule_id: rule.parse().ok(),
            dns_query_report: query,
            dns_rsp_report: response,
            dns_msg_id: message,
        };
        reports.tell(&context.id, to, report);
    }

    fn put_context(&self, entry: &Entry) {
        let kept = match Kept::<DnsContext>::from_entry(entry) {
            Ok(kept) => kept,
            Err(error) => return tracing::error!(%error, "a DNS context cannot be read"),
        };
        let id = id_of(&entry.key);
        let before = self.at_work(&id);
        let context = AtWork::new(&id, &kept, &self.allowed, before.as_deref());
        let mut contexts = self.contexts.write().unwrap_or_else(PoisonError::into_inner);
        contexts.put(Arc::new(context));
        drop(contexts);
        for release in &kept.value.released {
            if let Ok(actions) = Actions::of_held(&release.rule, "", &self.allowed) {
                self.held.decide(&id, &release.message, actions);
            }
        }
    }

    fn remove_context(&self, key: &Key) {
        let id = id_of(key);
        let mut contexts = self.contexts.write().unwrap_or_else(PoisonError::into_inner);
        contexts.remove(&id);
        drop(contexts);
        self.held.drop_all_of(&id);
        if let Some(reports) = self.reports.get() {
            reports.forget(&id);
        }
    }

    fn put_pattern(&self, entry: &Entry) {
        let pattern = Kept::<BaseDnsPatternCreateData>::from_entry(entry)
            .and_then(|kept| Pattern::new(&kept.value, &self.allowed));
        let pattern = pattern.unwrap_or_else(|error| {
            tracing::warn!(%error, "a baseline DNS pattern can no longer be used");
            Pattern::default()
        });
        let mut patterns = self.patterns.write().unwrap_or_else(PoisonError::into_inner);
        patterns.insert(entry.key.clone(), Arc::new(pattern));
    }
}

fn id_of(key: &Key) -> String {
    let id = key.as_str().strip_prefix(contexts::PREFIX);
    id.unwrap_or_default().to_owned()
}

fn verdict(actions: &Actions, met: &Met<'_>, patterns: &dyn Patterns) -> Verdict {
    match &actions.then {
        Then::Forward(destination) => Verdict::Forward(destination.way(patterns)),
        Then::Respond(addresses) => Verdict::Respond(addresses.clone()),
        Then::Discard => Verdict::Discard,
        // Of a query that was held nothing was asked yet.
        Then::Again(destination) => match met {
            Met::Query(_) => Verdict::Forward(destination.way(patterns)),
            Met::Response(_) => Verdict::Again(destination.way(patterns)),
        },
    }
}

fn counted(met: &Met<'_>, verdict: Verdict) -> Verdict {
    let message = match met {
        Met::Query(_) => "query",
        Met::Response(_) => "response",
    };
    let action = match &verdict {
        Verdict::NoRule(_) => "none",
        Verdict::Forward(_) => "forward",
        Verdict::Respond(_) => "respond",
        Verdict::Again(_) => "another_query",
        Verdict::Discard => "discard",
        Verdict::Gone => "gone",
    };
    metrics::counter!("edgeapp_easdf_messages_total", "message" => message, "action" => action).increment(1);
    verdict
}

#[async_trait]
impl Recipients for Steering {
    fn want(&self, context: &str) -> bool {
        self.at_work(context).is_some()
    }

    async fn moved(&self, context: &str, from: &Uri, to: &Uri) {
        if let Err(error) = contexts::moved(&self.room, context, from, to).await {
            // The next report is redirected again: nothing is lost.
            tracing::warn!(%error, "the new address of an SMF could not be kept");
        }
    }
}

impl View for FollowedContexts {
    fn reset(&self, entries: Vec<Entry>) {
        let there: HashSet<String> = entries.iter().map(|entry| id_of(&entry.key)).collect();
        let contexts = self.0.contexts.read().unwrap_or_else(PoisonError::into_inner);
        let gone: Vec<String> = contexts
            .by_id
            .keys()
            .filter(|id| !there.contains(*id))
            .cloned()
            .collect();
        drop(contexts);
        for id in gone {
            self.0.remove_context(&contexts::key(&id));
        }
        entries.iter().for_each(|entry| self.0.put_context(entry));
    }

    fn apply(&self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Put(entry) => self.0.put_context(&entry),
                Change::Deleted(key, _) => self.0.remove_context(&key),
            }
        }
    }
}

impl View for FollowedPatterns {
    fn reset(&self, entries: Vec<Entry>) {
        self.0.patterns.write().unwrap_or_else(PoisonError::into_inner).clear();
        entries.iter().for_each(|entry| self.0.put_pattern(entry));
    }

    fn apply(&self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Put(entry) => self.0.put_pattern(&entry),
                Change::Deleted(key, _) => {
                    let mut patterns = self.0.patterns.write().unwrap_or_else(PoisonError::into_inner);
                    patterns.remove(&key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
