//! Zones: the records that an EAS is told by, and how it is told that there are none (RFC 1034, 2308, 2782,
//! 8020, 8482, 9460).

use crate::{
    directory::{Chosen, Found, Reach},
    message::{ExtendedError, Reply},
};
use hickory_proto::{
    op::ResponseCode,
    rr::{
        Name, RData, Record, RecordType,
        rdata::{
            A, AAAA, CNAME, HINFO, HTTPS, NS, SOA, SRV, SVCB,
            svcb::{Alpn, IpHint, SvcParamKey, SvcParamValue},
        },
    },
};
use std::net::IpAddr;

/// Answers that depend on where a client is live so long at most.
const MOVING: u32 = 10;
/// No answer lives longer.
const LONGEST: u32 = 300;
/// How often somebody who copied the zone would look again, if anybody could.
const REFRESH: i32 = 3600;

/// A name as it is looked up: small letters, without the last dot. `None` when it is no name of a host or a service.
pub fn plain(name: &Name) -> Option<String> {
    let mut text = String::with_capacity(name.len());
    for label in name {
        if !text.is_empty() {
            text.push('.');
        }
        for byte in label {
            match byte {
                b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => text.push(char::from(*byte)),
                b'A'..=b'Z' => text.push(char::from(byte.to_ascii_lowercase())),
                _ => return None,
            }
        }
    }
    Some(text)
}

/// Whether `name` is this zone or below it; both plain.
pub fn is_within(name: &str, zone: &str) -> bool {
    name.strip_suffix(zone)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// How long answers live, and what stands in them beside addresses.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Seconds that a positive answer lives at most.
    pub ttl: u32,
    /// Seconds that a negative one does.
    pub negative_ttl: u32,
    /// What EASs with an `https` URI speak.
    pub https_alpn: Vec<String>,
}

/// What is said, and in which edition.
#[derive(Clone, Copy, Debug)]
pub struct Edition<'a> {
    /// The terms.
    pub terms: &'a Terms,
    /// The number of the zone's contents.
    pub serial: u32,
}

/// A zone that is served.
#[derive(Clone, Debug)]
pub struct Zone {
    /// Its name.
    pub origin: Name,
    /// The same, plain.
    pub plain: String,
    /// The name of its server.
    pub name_server: Name,
    /// The same, plain.
    pub plain_name_server: String,
    /// Where that is.
    pub name_server_addresses: Vec<IpAddr>,
}

/// A name within a zone, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Within<'a> {
    /// The zone itself.
    Apex,
    /// Its server.
    NameServer,
    /// A host.
    Host(&'a str),
    /// `_<port>._<scheme>` or `_<service>._<transport>` of a host.
    Service {
        /// The first label without its underscore.
        first: &'a str,
        /// The second one.
        second: &'a str,
        /// The host.
        host: &'a str,
    },
    /// Something between a service and its host.
    Between(&'a str),
}

impl Zone {
    /// What a plain name within this zone is.
    pub fn within<'a>(&self, name: &'a str) -> Within<'a> {
        if name == self.plain {
            return Within::Apex;
        }
        if name == self.plain_name_server {
            return Within::NameServer;
        }
        let Some(first) = name.strip_prefix('_') else {
            return Within::Host(name);
        };
        let Some((first, rest)) = first.split_once('.') else {
            return Within::Host(name);
        };
        match rest.strip_prefix('_').and_then(|rest| rest.split_once('.')) {
            Some((second, host)) => Within::Service { first, second, host },
            None => Within::Between(rest),
        }
    }

    fn soa(&self, edition: Edition<'_>) -> Record {
        let negative = edition.terms.negative_ttl;
        let contact = Name::from_ascii("hostmaster").and_then(|host| host.append_domain(&self.origin));
        let soa = SOA::new(
            self.name_server.clone(),
            contact.unwrap_or_else(|_| self.origin.clone()),
            edition.serial,
            REFRESH,
            REFRESH / 4,
            REFRESH * 24,
            negative,
        );
        Record::from_rdata(self.origin.clone(), negative, RData::SOA(soa))
    }

    fn none(&self, code: ResponseCode, edition: Edition<'_>) -> Reply {
        Reply {
            code,
            authoritative: true,
            authorities: vec![self.soa(edition)],
            ..Reply::default()
        }
    }

    /// There is no such name, nor any below it.
    pub fn no_name(&self, edition: Edition<'_>) -> Reply {
        self.none(ResponseCode::NXDomain, edition)
    }

    /// The name is there, but nothing of the type that was asked for.
    pub fn no_data(&self, edition: Edition<'_>) -> Reply {
        self.none(ResponseCode::NoError, edition)
    }

    fn with(&self, answers: Vec<Record>, edition: Edition<'_>) -> Reply {
        if answers.is_empty() {
            return self.no_data(edition);
        }
        Reply {
            authoritative: true,
            answers,
            ..Reply::default()
        }
    }

    /// What is said of the zone itself.
    pub fn apex(&self, owner: &Name, kind: RecordType, edition: Edition<'_>) -> Reply {
        let answers = match kind {
            RecordType::SOA => vec![self.soa(edition)],
            RecordType::NS => vec![Record::from_rdata(
                owner.clone(),
                LONGEST,
                RData::NS(NS(self.name_server.clone())),
            )],
            RecordType::ANY => vec![any(owner)],
            _ => Vec::new(),
        };
        let mut reply = self.with(answers, edition);
        if kind == RecordType::NS {
            let both = [RecordType::A, RecordType::AAAA];
            let addresses = &self.name_server_addresses;
            reply.additionals = both
                .into_iter()
                .flat_map(|kind| addresses_of(&self.name_server, kind, addresses, LONGEST))
                .collect();
        }
        reply
    }

    /// What is said of its server.
    pub fn name_server(&self, owner: &Name, kind: RecordType, edition: Edition<'_>) -> Reply {
        let answers = match kind {
            RecordType::ANY => vec![any(owner)],
            kind => addresses_of(owner, kind, &self.name_server_addresses, LONGEST),
        };
        self.with(answers, edition)
    }

    /// What is said of what was found under a name. `asked` is the plain name of the host, `service` what stood before it.
    pub fn found(
        &self,
        found: &Found,
        owner: &Name,
        kind: RecordType,
        (asked, service): (&str, Option<(&str, &str)>),
        edition: Edition<'_>,
    ) -> Reply {
        let chosen = match found {
            Found::Nothing => return self.no_name(edition),
            Found::OnlyBelow if service.is_some() => return self.no_name(edition),
            // Not that the name is not there: others may find somebody, and so may this client in a moment.
            Found::OnlyBelow | Found::Nobody => return self.no_data(edition),
            Found::Eas(chosen) => chosen,
        };
        if kind == RecordType::ANY {
            return self.with(vec![any(owner)], edition);
        }
        let ttl = life(chosen, edition.terms);
        match service {
            Some(service) => self.service(chosen, owner, kind, service, ttl, edition),
            None => self.host(chosen, owner, kind, asked, ttl, edition),
        }
    }

    fn host(
        &self,
        chosen: &Chosen,
        owner: &Name,
        kind: RecordType,
        asked: &str,
        ttl: u32,
        edition: Edition<'_>,
    ) -> Reply {
        let reach = &chosen.reach;
        let mut answers = Vec::new();
        let mut target = owner.clone();
        if let Some(host) = reach.host.as_deref().filter(|host| *host != asked) {
            let Ok(alias) = absolute(host) else {
                return Reply::refused(ResponseCode::ServFail, ExtendedError::NotReady);
            };
            answers.push(Record::from_rdata(
                owner.clone(),
                ttl,
                RData::CNAME(CNAME(alias.clone())),
            ));
            if kind == RecordType::CNAME {
                return self.with(answers, edition);
            }
            target = alias;
        }
        match kind {
            RecordType::A | RecordType::AAAA => answers.extend(addresses_of(&target, kind, &reach.addresses, ttl)),
            RecordType::HTTPS if reach.scheme.as_deref() == Some("https") => {
                answers.push(Record::from_rdata(
                    target,
                    ttl,
                    RData::HTTPS(HTTPS(binding(reach, edition.terms))),
                ));
            }
            _ => {}
        }
        let only_an_alias = answers.len() == 1 && matches!(answers[0].data, RData::CNAME(_));
        let within = reach.host.as_deref().is_some_and(|host| is_within(host, &self.plain));
        let mut reply = self.with(answers, edition);
        if only_an_alias && within {
            // Nothing of the type is at the end of the alias, which lies here too.
            reply.authorities = vec![self.soa(edition)];
        }
        reply
    }

    fn service(
        &self,
        chosen: &Chosen,
        owner: &Name,
        kind: RecordType,
        (first, second): (&str, &str),
        ttl: u32,
        edition: Edition<'_>,
    ) -> Reply {
        let reach = &chosen.reach;
        let target = match &reach.host {
            Some(host) => absolute(host),
            // Two labels before it make a service of a host.
            None => Ok(owner.trim_to(usize::from(owner.num_labels()).saturating_sub(2))),
        };
        let (Ok(target), Some(port), Some(scheme)) = (target, reach.port, reach.scheme.as_deref()) else {
            return self.no_data(edition);
        };
        match kind {
            RecordType::SRV if second == "tcp" && first == scheme => {
                let srv = SRV::new(0, 0, port, target.clone());
                let mut reply = self.with(vec![Record::from_rdata(owner.clone(), ttl, RData::SRV(srv))], edition);
                let both = [RecordType::A, RecordType::AAAA];
                reply.additionals = both
                    .into_iter()
                    .flat_map(|kind| addresses_of(&target, kind, &reach.addresses, ttl))
                    .collect();
                reply
            }
            RecordType::HTTPS | RecordType::SVCB if second == scheme && first == port.to_string() => {
                let mut binding = binding(reach, edition.terms);
                // Here "." would be this name, which is none of a host.
                binding.target_name = target;
                let data = match (kind, scheme) {
                    (RecordType::HTTPS, "https") => RData::HTTPS(HTTPS(binding)),
                    (RecordType::SVCB, scheme) if scheme != "https" && scheme != "http" => RData::SVCB(binding),
                    _ => return self.no_data(edition),
                };
                self.with(vec![Record::from_rdata(owner.clone(), ttl, data)], edition)
            }
            _ => self.no_data(edition),
        }
    }
}

fn absolute(plain: &str) -> Result<Name, hickory_proto::ProtoError> {
    let mut name = Name::from_ascii(plain)?;
    name.set_fqdn(true);
    Ok(name)
}

/// A name is there; it takes a question for one type to learn what (RFC 8482).
fn any(owner: &Name) -> Record {
    let data = RData::HINFO(HINFO::new("RFC8482".to_owned(), String::new()));
    Record::from_rdata(owner.clone(), LONGEST, data)
}

/// For how many seconds an answer may be kept: until something could be different, and never for long where the client can move.
pub fn life(chosen: &Chosen, terms: &Terms) -> u32 {
    if chosen.relocating {
        return 0;
    }
    let most = if chosen.by_place { MOVING } else { LONGEST };
    terms.ttl.min(most).min(chosen.seconds.unwrap_or(u32::MAX)).max(1)
}

pub(crate) fn addresses_of(owner: &Name, kind: RecordType, addresses: &[IpAddr], ttl: u32) -> Vec<Record> {
    let data = addresses.iter().filter_map(|address| match (kind, address) {
        (RecordType::A, IpAddr::V4(address)) => Some(RData::A(A(*address))),
        (RecordType::AAAA, IpAddr::V6(address)) => Some(RData::AAAA(AAAA(*address))),
        _ => None,
    });
    data.map(|data| Record::from_rdata(owner.clone(), ttl, data)).collect()
}

/// How an EAS is spoken to: the same addresses as in the records of addresses (RFC 9460 clause 7).
fn binding(reach: &Reach, terms: &Terms) -> SVCB {
    let mut parameters = Vec::new();
    if reach.scheme.as_deref() == Some("https") && !terms.https_alpn.is_empty() {
        parameters.push((SvcParamKey::Alpn, SvcParamValue::Alpn(Alpn(terms.https_alpn.clone()))));
    }
    if let Some(port) = reach.port.filter(|port| *port != 443) {
        parameters.push((SvcParamKey::Port, SvcParamValue::Port(port)));
    }
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for address in &reach.addresses {
        match address {
            IpAddr::V4(address) => v4.push(A(*address)),
            IpAddr::V6(address) => v6.push(AAAA(*address)),
        }
    }
    if !v4.is_empty() {
        parameters.push((SvcParamKey::Ipv4Hint, SvcParamValue::Ipv4Hint(IpHint(v4))));
    }
    if !v6.is_empty() {
        parameters.push((SvcParamKey::Ipv6Hint, SvcParamValue::Ipv6Hint(IpHint(v6))));
    }
    SVCB::new(1, Name::root(), parameters)
}
