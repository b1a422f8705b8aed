//! Questions of clients whom somebody else has rules for: query, rules, answer, rules again.

use super::{Client, More, Responder};
use crate::{
    directory::Known,
    message::{Edns, ExtendedError, Question, Reply},
    steering::{SteeredQuery, SteeredResponse, Steering, Verdict, Way},
    subnet::ClientSubnet,
    upstream::Upstream,
    zone::{addresses_of, is_within, plain},
};
use hickory_proto::{
    op::ResponseCode,
    rr::{DNSClass, RData, RecordType},
};
use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex},
};

/// Seconds that an answer lives that somebody else made up: where the client is decides, and it moves.
const MADE_UP: u32 = 10;

/// A response on its way to the client.
struct OnItsWay {
    reply: Reply,
    server: Option<IpAddr>,
}

impl Responder {
    /// The same, steered by this. Of servers that it names these can be asked.
    pub fn steered_by(self, steering: Arc<dyn Steering>, servers: BTreeMap<IpAddr, Upstream>) -> Self {
        Self {
            steering: Some(steering),
            servers,
            ..self
        }
    }

    /// The rules for this client, if there are any.
    pub(super) fn context_of(&self, question: &Question, client: &Client) -> Option<Arc<str>> {
        let steering = self.steering.as_ref()?;
        let about_names = question.query.query_class() == DNSClass::IN
            && !matches!(
                question.record_type(),
                RecordType::AXFR | RecordType::IXFR | RecordType::OPT
            );
        about_names.then(|| steering.context_of(client.address)).flatten()
    }

    /// Answers by these rules; nothing where a response is dropped.
    pub(super) async fn steered(
        self: Arc<Self>,
        question: Question,
        client: Arc<Client>,
        context: Arc<str>,
    ) -> Vec<u8> {
        match self.decide(&question, &client, &context).await {
            Some(mut reply) => {
                // The network that the client asked for decided nothing.
                reply.scope = 0;
                self.written(&question, &reply)
            }
            None => Vec::new(),
        }
    }

    async fn decide(&self, question: &Question, client: &Client, context: &str) -> Option<Reply> {
        let (Some(steering), Some(name)) = (&self.steering, plain(question.name())) else {
            let way = Way::default();
            return Some(self.resolve(question, client, &way, true).await.reply);
        };
        let query = SteeredQuery {
            name: &name,
            from: client.address,
        };
        let (mut way, mut no_rule) = match steering.query(context, query).await {
            Verdict::NoRule(way) => (way, true),
            Verdict::Forward(way) | Verdict::Again(way) => (way, false),
            Verdict::Respond(addresses) => return Some(self.made_up(question, &name, &addresses)),
            // A stub would wait, and ask elsewhere.
            Verdict::Discard => return Some(Reply::refused(ResponseCode::Refused, ExtendedError::Blocked)),
            Verdict::Gone => return Some(gone()),
        };
        let mut again = true;
        loop {
            let response = self.resolve(question, client, &way, no_rule).await;
            let addresses = addresses_in(&response.reply);
            let met = SteeredResponse {
                name: &name,
                addresses: &addresses,
                network: way.network,
                server: response.server,
            };
            match steering.response(context, met).await {
                // Once: what is asked then comes to an end.
                Verdict::Again(next) if again => (way, no_rule, again) = (next, false, false),
                Verdict::NoRule(_) | Verdict::Forward(_) | Verdict::Again(_) => return Some(response.reply),
                Verdict::Respond(addresses) => return Some(self.made_up(question, &name, &addresses)),
                Verdict::Discard => return None,
                Verdict::Gone => return Some(gone()),
            }
        }
    }

    /// The answer to a question this way; where no rule says so, what is registered comes first.
    async fn resolve(&self, question: &Question, client: &Client, way: &Way, no_rule: bool) -> OnItsWay {
        let here = |name: &str| self.zones.iter().any(|zone| is_within(name, &zone.plain));
        let served = plain(question.name()).is_some_and(|name| here(&name));
        let usual = Way::default();
        let way = if no_rule && served { &usual } else { way };
        if !way.servers.is_empty() {
            return self.ask_one_of(question, way).await;
        }
        let mut known = match &client.principal {
            Some(principal) => match client.known() {
                Some(known) => Some(known),
                None => {
                    let found_out = tokio::time::timeout(super::PATIENCE, self.directory.known(principal)).await;
                    let known = Arc::new(found_out.unwrap_or_default());
                    client.learn(known.clone());
                    Some(known)
                }
            },
            None => None,
        };
        let mut asked = question.clone();
        if let Some(network) = way.network {
            asked.edns = Some(Edns {
                subnet: Some(ClientSubnet::of(network)),
                ..asked.edns.unwrap_or_default()
            });
            // The core network knows better where the client is.
            known = known.map(|known| {
                Arc::new(Known {
                    place: None,
                    relocations: known.relocations.clone(),
                })
            });
        }
        // Whom the core network has rules for may ask.
        let admitted = Client {
            address: client.address,
            principal: client.principal.clone(),
            admitted: true,
            trusted: client.trusted || way.network.is_some(),
            place: client.place.clone(),
            key: client.key.clone(),
            known: Mutex::default(),
        };
        let reply = self.reply(&asked, &admitted, known.as_deref());
        match (self.wants_more(&asked, &admitted, &reply), &self.upstream) {
            (Some(More::All), Some(upstream)) => {
                let (reply, server) = upstream.forward_for(question, way.network).await;
                OnItsWay { reply, server }
            }
            (Some(more), _) => OnItsWay {
                reply: self.complete(question, reply, more).await,
                server: None,
            },
            (None, _) => OnItsWay { reply, server: None },
        }
    }

    async fn ask_one_of(&self, question: &Question, way: &Way) -> OnItsWay {
        let mut last = Reply::refused(ResponseCode::ServFail, ExtendedError::NoReachableAuthority);
        for server in &way.servers {
            let Some(upstream) = self.servers.get(server) else {
                continue;
            };
            let (reply, answered) = upstream.forward_for(question, way.network).await;
            if reply.code != ResponseCode::ServFail {
                return OnItsWay {
                    reply,
                    server: answered,
                };
            }
            last = reply;
        }
        OnItsWay {
            reply: last,
            server: None,
        }
    }

    /// The answer with addresses that somebody else made up; nothing where the question is for something else.
    fn made_up(&self, question: &Question, name: &str, addresses: &[IpAddr]) -> Reply {
        let answers = addresses_of(question.name(), question.record_type(), addresses, MADE_UP);
        let zone = self.zones.iter().find(|zone| is_within(name, &zone.plain));
        match zone.filter(|_| answers.is_empty()) {
            Some(zone) => zone.no_data(self.edition()),
            None => Reply {
                authoritative: zone.is_some(),
                answers,
                ..Reply::default()
            },
        }
    }
}

fn gone() -> Reply {
    Reply::refused(ResponseCode::ServFail, ExtendedError::NotReady)
}

fn addresses_in(reply: &Reply) -> Vec<IpAddr> {
    let data = reply.answers.iter().filter_map(|record| match &record.data {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        RData::AAAA(address) => Some(IpAddr::V6(address.0)),
        _ => None,
    });
    data.collect()
}

#[cfg(test)]
mod tests;
