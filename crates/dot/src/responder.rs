//! Questions in, answers out, whatever carries them.

use crate::{
    directory::{Asked, Directory, Known, Whereabouts},
    message::{self, ExtendedError, Question, Read, Reply},
    meters::Meters,
    steering::Steering,
    subnet::{PrefixTable, client_network},
    upstream::Upstream,
    zone::{Edition, Terms, Within, Zone, is_within, plain},
};
use edgeapp_core::{
    evidence::{Evidence, SecurityEvent, SecurityEventKind},
    principal::Principal,
};
use hickory_proto::{
    op::ResponseCode,
    rr::{DNSClass, Name, RData, RecordType, rdata::CNAME},
};
use std::{
    collections::BTreeMap,
    future::Future,
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// For how long what was found out of a client is taken for true.
const FRESH: Duration = Duration::from_secs(1);
/// How long finding it out may hold up an answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the evidence is told of refusals.
const TELL: Duration = Duration::from_secs(10);

/// What a responder is made of.
pub struct Responder {
    zones: Vec<Zone>,
    terms: Terms,
    directory: Arc<dyn Directory>,
    admitted: PrefixTable<()>,
    trusted: PrefixTable<()>,
    places: PrefixTable<Whereabouts>,
    evidence: Arc<dyn Evidence>,
    upstream: Option<Upstream>,
    steering: Option<Arc<dyn Steering>>,
    servers: BTreeMap<IpAddr, Upstream>,
    idle: u16,
    meters: Meters,
    refusals: Refusals,
}

/// What a responder goes by.
pub struct Rules {
    /// The zones that are served.
    pub zones: Vec<Zone>,
    /// How long answers live.
    pub terms: Terms,
    /// Who may ask without a certificate.
    pub admitted: PrefixTable<()>,
    /// Whose client subnets are believed.
    pub trusted: PrefixTable<()>,
    /// Where networks are.
    pub places: PrefixTable<Whereabouts>,
    /// How long a connection may be idle.
    pub idle: Duration,
}

/// A client, for as long as its connection stands.
pub struct Client {
    address: IpAddr,
    principal: Option<Arc<Principal>>,
    admitted: bool,
    trusted: bool,
    place: Option<Whereabouts>,
    key: String,
    known: Mutex<Option<(Instant, Arc<Known>)>>,
}

/// What is missing in an answer.
enum More {
    /// All of it.
    All,
    /// The addresses of this host, which live so long at most.
    Addresses(Name, u32),
}

/// What becomes of a message.
pub enum Outcome {
    /// This answer.
    Now(Vec<u8>),
    /// An answer that takes its time; others need not wait for it. One of no bytes is none.
    Later(Pin<Box<dyn Future<Output = Vec<u8>> + Send>>),
    /// Nothing.
    Nothing,
    /// Its sender does not speak DNS: the connection ends.
    Hangup,
}

impl Client {
    fn known(&self) -> Option<Arc<Known>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .as_ref()
            .filter(|(since, _)| since.elapsed() < FRESH)
            .map(|(_, known)| known.clone())
    }

    fn learn(&self, known: Arc<Known>) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), known));
    }
}

impl Responder {
    /// Answers from this directory, by these rules.
    pub fn new(rules: Rules, directory: Arc<dyn Directory>, evidence: Arc<dyn Evidence>) -> Self {
        let Rules {
            mut zones,
            terms,
            admitted,
            trusted,
            places,
            idle,
        } = rules;
        // Of zones within each other the inner one counts.
        zones.sort_by_key(|zone| std::cmp::Reverse(zone.plain.len()));
        Self {
            zones,
            terms,
            directory,
            admitted,
            trusted,
            places,
            evidence,
            upstream: None,
            steering: None,
            servers: BTreeMap::new(),
            idle: u16::try_from(idle.as_millis() / 100).unwrap_or(u16::MAX),
            meters: Meters::default(),
            refusals: Refusals::default(),
        }
    }

    /// The same, which asks these resolvers for names that are served elsewhere.
    pub fn asking(self, upstream: Option<Upstream>) -> Self {
        Self { upstream, ..self }
    }

    /// A client that came from this address, with this certificate.
    pub fn client(&self, address: IpAddr, principal: Option<Arc<Principal>>) -> Client {
        let address = address.to_canonical();
        Client {
            address,
            admitted: principal.is_some() || self.admitted.of(address).is_some(),
            trusted: self.trusted.of(address).is_some(),
            place: self.places.of(address).cloned(),
            key: match &principal {
                Some(principal) => principal.owner().as_str().to_owned(),
                None => client_network(address).to_string(),
            },
            principal,
            known: Mutex::default(),
        }
    }

    /// Answers a message of this client.
    pub fn answer(self: &Arc<Self>, message: &[u8], client: &Arc<Client>) -> Outcome {
        let question = match message::read(message) {
            Read::Question(question) => question,
            Read::Refused(code, answer) => {
                self.meters.count(code, false);
                return Outcome::Now(answer);
            }
            Read::Answer => return Outcome::Nothing,
            Read::Nothing => return Outcome::Hangup,
        };
        if let Some(context) = self.context_of(&question, client) {
            return Outcome::Later(Box::pin(self.clone().steered(question, client.clone(), context)));
        }
        let known = match &client.principal {
            Some(principal) => match client.known() {
                Some(known) => Some(known),
                None => return Outcome::Later(self.find_out(question, client, principal)),
            },
            None => None,
        };
        let reply = self.reply(&question, client, known.as_deref());
        match self.wants_more(&question, client, &reply) {
            None => Outcome::Now(self.written(&question, &reply)),
            Some(more) => {
                let responder = self.clone();
                Outcome::Later(Box::pin(async move {
                    let reply = responder.complete(&question, reply, more).await;
                    responder.written(&question, &reply)
                }))
            }
        }
    }

    /// What others have to be asked for before this is an answer.
    fn wants_more(&self, question: &Question, client: &Client, reply: &Reply) -> Option<More> {
        self.upstream.as_ref()?;
        if reply.error == Some(ExtendedError::NotAuthoritative)
            && client.admitted
            && question.query.query_class() == DNSClass::IN
        {
            return Some(More::All);
        }
        let (kind, [alias]) = (question.record_type(), reply.answers.as_slice()) else {
            return None;
        };
        match &alias.data {
            RData::CNAME(CNAME(host))
                if matches!(kind, RecordType::A | RecordType::AAAA)
                    && !self.zones.iter().any(|zone| zone.origin.zone_of(host)) =>
            {
                Some(More::Addresses(host.clone(), alias.ttl))
            }
            _ => None,
        }
    }

    async fn complete(&self, question: &Question, mut reply: Reply, more: More) -> Reply {
        let Some(upstream) = &self.upstream else {
            return reply;
        };
        match more {
            More::All => upstream.forward(question).await,
            More::Addresses(host, ttl) => {
                // The alias alone is still an answer, which a resolver can go on from.
                match upstream.records(&host, question.record_type(), ttl).await {
                    Ok(records) => reply.answers.extend(records),
                    Err(error) => reply.error = Some(error),
                }
                reply
            }
        }
    }

    /// Answers once it is known where the client is.
    fn find_out(
        self: &Arc<Self>,
        question: Question,
        client: &Arc<Client>,
        principal: &Arc<Principal>,
    ) -> Pin<Box<dyn Future<Output = Vec<u8>> + Send>> {
        let (responder, client, principal) = (self.clone(), client.clone(), principal.clone());
        Box::pin(async move {
            let found_out = tokio::time::timeout(PATIENCE, responder.directory.known(&principal)).await;
            let known = Arc::new(found_out.unwrap_or_default());
            client.learn(known.clone());
            let mut reply = responder.reply(&question, &client, Some(&known));
            if let Some(more) = responder.wants_more(&question, &client, &reply) {
                reply = responder.complete(&question, reply, more).await;
            }
            responder.written(&question, &reply)
        })
    }

    fn edition(&self) -> Edition<'_> {
        Edition {
            terms: &self.terms,
            serial: self.directory.serial(),
        }
    }

    fn written(&self, question: &Question, reply: &Reply) -> Vec<u8> {
        self.meters.count(reply.code, !reply.answers.is_empty());
        reply.write(question, self.idle, self.upstream.is_some())
    }

    /// Pure but for the directory: what is answered.
    fn reply(&self, question: &Question, client: &Client, known: Option<&Known>) -> Reply {
        if !client.admitted {
            self.tell(
                client,
                "an address that is not among dns.clients asked, without a certificate",
            );
            return Reply::refused(ResponseCode::Refused, ExtendedError::Prohibited);
        }
        let (owner, kind) = (question.name(), question.record_type());
        match kind {
            RecordType::AXFR | RecordType::IXFR => {
                return Reply::refused(ResponseCode::Refused, ExtendedError::Prohibited);
            }
            RecordType::OPT => {
                return Reply {
                    code: ResponseCode::FormErr,
                    ..Reply::default()
                };
            }
            _ => {}
        }
        let elsewhere = || Reply::refused(ResponseCode::Refused, ExtendedError::NotAuthoritative);
        if question.query.query_class() != DNSClass::IN {
            return elsewhere();
        }
        let edition = self.edition();
        let Some(name) = plain(owner) else {
            // No host has such a name; but whether it is one of ours has to be told.
            let within = self.zones.iter().find(|zone| zone.origin.zone_of(owner));
            return within.map_or_else(elsewhere, |zone| zone.no_name(edition));
        };
        let Some(zone) = self.zones.iter().find(|zone| is_within(&name, &zone.plain)) else {
            return elsewhere();
        };
        let (host, service) = match zone.within(&name) {
            Within::Apex => return zone.apex(owner, kind, edition),
            Within::NameServer => return zone.name_server(owner, kind, edition),
            Within::Host(host) => (host, None),
            Within::Service { first, second, host } => (host, Some((first, second))),
            Within::Between(host) => {
                return match self.find(host, question, client, known).0 {
                    crate::directory::Found::Nothing | crate::directory::Found::OnlyBelow => zone.no_name(edition),
                    _ => zone.no_data(edition),
                };
            }
        };
        let (found, scope) = self.find(host, question, client, known);
        let mut reply = zone.found(&found, owner, kind, (host, service), edition);
        // What there is not, there is for nobody (RFC 7871 clause 7.4).
        if reply.code == ResponseCode::NoError && !reply.answers.is_empty() {
            reply.scope = scope;
        }
        reply
    }

    /// What this client finds, and how much of its subnet that depends on. Where it is comes from what is known of it, from the network
    /// that a trusted forwarder asks for, or from where it asks, in this order.
    fn find(
        &self,
        name: &str,
        question: &Question,
        client: &Client,
        known: Option<&Known>,
    ) -> (crate::directory::Found, u8) {
        let relocations = known.map_or(&[][..], |known| &known.relocations);
        let asked = |place, client| {
            self.directory.find(&Asked {
                name,
                client,
                place,
                relocations,
            })
        };
        if let Some(place) = known.and_then(|known| known.place.as_ref()) {
            return (asked(Some(place), &client.key), 0);
        }
        let subnet = question.edns.as_ref().and_then(|edns| edns.subnet.as_ref());
        if let Some(network) = subnet.and_then(|subnet| subnet.network()).filter(|_| client.trusted) {
            let looked = self.places.look(network);
            // All that get the same answer are one client: so nothing else of the network counts.
            let alike = crate::subnet::masked(network.addr(), looked.scope);
            let key = format!("{alike}/{}", looked.scope);
            return (asked(looked.value, &key), looked.scope);
        }
        (asked(client.place.as_ref(), &client.key), 0)
    }

    fn tell(&self, client: &Client, reason: &'static str) {
        if let Some(times) = self.refusals.happened() {
            let event = SecurityEvent::new(SecurityEventKind::DnsRefused, format!("{reason}; {times} refused"));
            self.evidence.record(event.from(client.address));
        }
    }
}

/// Counts refusals, and says now and then how many there were.
#[derive(Default)]
struct Refusals {
    times: AtomicU64,
    told: Mutex<Option<Instant>>,
}

impl Refusals {
    fn happened(&self) -> Option<u64> {
        self.times.fetch_add(1, Ordering::Relaxed);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_some_and(|told| told.elapsed() < TELL) {
            return None;
        }
        *told = Some(Instant::now());
        Some(self.times.swap(0, Ordering::Relaxed))
    }
}

mod steered;
#[cfg(test)]
mod tests;
