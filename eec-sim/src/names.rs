//! A stub resolver as a UE has it: over TLS, of the server that it was told of, or not at all (RFC 8310, profile *strict*). Answers are
//! kept as long as they live, and forgotten earlier where the EEC hears that its EAS changes (TS 23.548 clause 6.2.3.3).

use edgeapp_dot::{
    client::{Ask, ClientError, DotClient},
    proto::{
        op::{Message, ResponseCode},
        rr::{
            Name, RData, RecordType,
            rdata::svcb::{SVCB, SvcParamValue},
        },
    },
};
use rustls::ClientConfig;
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The name that the certificates of a laboratory's servers have.
const SERVER: &str = "localhost";

/// Where an application is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The root of its URLs.
    pub root: String,
    /// Nobody was asked: the answer to an earlier question still lives.
    pub kept: bool,
}

/// The resolver.
pub struct Names {
    tls: ClientConfig,
    kept: Mutex<BTreeMap<String, (String, Instant)>>,
}

impl Names {
    /// Asks over this TLS, which says whom it is believed and whose certificate is shown.
    pub fn new(tls: ClientConfig) -> Self {
        Self {
            tls,
            kept: Mutex::default(),
        }
    }

    /// Where the application of this name is; `None` when the server knows nobody.
    ///
    /// # Errors
    /// When the server is not who it should be, or does not answer as it should.
    pub async fn locate(&self, server: SocketAddr, name: &str) -> Result<Option<Located>, ClientError> {
        if let Some(root) = self.kept_until_now(name, Instant::now()) {
            return Ok(Some(Located { root, kept: true }));
        }
        let mut asked = Name::from_ascii(name).map_err(|error| ClientError::NoAnswer(error.to_string()))?;
        asked.set_fqdn(true);
        let mut client = DotClient::connect(server, SERVER, self.tls.clone(), PATIENCE).await?;
        let service = client.ask(&Ask::new(asked.clone(), RecordType::HTTPS)).await?;
        let mut addresses = client.ask(&Ask::new(asked.clone(), RecordType::A)).await?;
        if addresses.answers.is_empty() {
            addresses = client.ask(&Ask::new(asked, RecordType::AAAA)).await?;
        }
        let Some((root, seconds)) = root(&service, &addresses)? else {
            return Ok(None);
        };
        self.keep(name, &root, Instant::now() + Duration::from_secs(seconds.into()));
        Ok(Some(Located { root, kept: false }))
    }

    /// Forgets what is known of a name: the next question goes to the server.
    pub fn flush(&self, name: &str) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    fn keep(&self, name: &str, root: &str, until: Instant) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(name.to_owned(), (root.to_owned(), until));
    }

    fn kept_until_now(&self, name: &str, now: Instant) -> Option<String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (root, until) = kept.get(name)?;
        (*until > now).then(|| root.clone())
    }
}

/// The root of URLs that these records tell, and for how many seconds.
fn root(service: &Message, addresses: &Message) -> Result<Option<(String, u32)>, ClientError> {
    for answer in [service, addresses] {
        let code = answer.metadata.response_code;
        if !matches!(code, ResponseCode::NoError | ResponseCode::NXDomain) {
            return Err(ClientError::NoAnswer(format!("the server answers {code}")));
        }
    }
    let bound = service.answers.iter().find_map(|record| match &record.data {
        RData::HTTPS(https) => Some((&https.0, record.ttl)),
        _ => None,
    });
    let address = addresses.answers.iter().find_map(|record| match &record.data {
        RData::A(address) => Some((IpAddr::V4(address.0), record.ttl)),
        RData::AAAA(address) => Some((IpAddr::V6(address.0), record.ttl)),
        _ => None,
    });
    let Some(((binding, ttl), (address, life))) = bound.zip(address) else {
        return Ok(None);
    };
    let (port, hints) = told(binding);
    if !hints.is_empty() && !hints.contains(&address) {
        let reason = format!("HTTPS and addresses are of two servers: {hints:?}, {address}");
        return Err(ClientError::NoAnswer(reason));
    }
    let host = match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    let root = match port {
        443 => format!("https://{host}"),
        port => format!("https://{host}:{port}"),
    };
    Ok(Some((root, ttl.min(life))))
}

/// Port and addresses of an HTTPS record.
fn told(binding: &SVCB) -> (u16, Vec<IpAddr>) {
    let (mut port, mut hints) = (443, Vec::new());
    for (_, value) in &binding.svc_params {
        match value {
            SvcParamValue::Port(told) => port = *told,
            SvcParamValue::Ipv4Hint(addresses) => {
                hints.extend(addresses.0.iter().map(|address| IpAddr::V4(address.0)));
            }
            SvcParamValue::Ipv6Hint(addresses) => {
                hints.extend(addresses.0.iter().map(|address| IpAddr::V6(address.0)));
            }
            _ => {}
        }
    }
    (port, hints)
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgeapp_dot::proto::{
        op::{MessageType, OpCode},
        rr::{
            Record,
            rdata::{
                A, HTTPS,
                svcb::{IpHint, SvcParamKey},
            },
        },
    };
    use rustls::{RootCertStore, crypto::aws_lc_rs};
    use std::sync::Arc;

    const NAME: &str = "chess.edge.example";

    fn answer(data: RData, ttl: u32) -> Message {
        let mut message = Message::new(7, MessageType::Response, OpCode::Query);
        message.add_answer(Record::from_rdata(Name::from_ascii(NAME).unwrap(), ttl, data));
        message
    }

    fn service(hint: [u8; 4]) -> Message {
        let parameters = vec![
            (SvcParamKey::Port, SvcParamValue::Port(8443)),
            (
                SvcParamKey::Ipv4Hint,
                SvcParamValue::Ipv4Hint(IpHint(vec![A(hint.into())])),
            ),
        ];
        answer(RData::HTTPS(HTTPS(SVCB::new(1, Name::root(), parameters))), 9)
    }

    #[test]
    fn an_address_and_a_port_make_a_root() {
        let address = answer(RData::A(A([192, 0, 2, 1].into())), 10);
        let found = root(&service([192, 0, 2, 1]), &address).unwrap();
        assert_eq!(found, Some(("https://192.0.2.1:8443".to_owned(), 9)));
        assert!(root(&service([192, 0, 2, 2]), &address).is_err(), "two servers");
        let nothing = Message::new(7, MessageType::Response, OpCode::Query);
        assert_eq!(root(&nothing, &address).unwrap(), None);
    }

    #[test]
    fn what_is_kept_lives_as_long_as_it_may_and_goes_when_it_must() {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let (names, now) = (Names::new(tls), Instant::now());
        names.keep(NAME, "https://192.0.2.1", now + Duration::from_secs(10));
        let later = |seconds| names.kept_until_now(NAME, now + Duration::from_secs(seconds));
        assert!(later(9).is_some() && later(10).is_none());
        names.flush(NAME);
        assert_eq!(later(0), None);
    }
}
