//! `dns`: asks for an EAS by its name, as a strict client does (RFC 8310): over TLS, of the server it was told of, or not at all.

use super::{CommandError, Outcome};
use crate::pki::Pki;
use anstream::println;
use edgeapp_core::principal::Role;
use edgeapp_dot::{
    client::{Ask, ClientError, DotClient, Pin},
    proto::{
        op::{Message, ResponseCode},
        rr::{Name, RecordType},
    },
    subnet::ClientSubnet,
};
use edgeapp_http::tls::client_config;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde_json::json;
use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is asked, of whom and as whom.
pub struct DnsQuestion<'a> {
    /// The name.
    pub name: &'a str,
    /// The types, each of which is asked for on the same connection.
    pub kinds: &'a [String],
    /// Where the server is.
    pub server: SocketAddr,
    /// The name that its certificate has to have.
    pub server_name: &'a str,
    /// Keys one of which it has to have, where there are any (RFC 7858).
    pub pins: &'a [String],
    /// Whose certificate is shown: the name of the file without its ending.
    pub who: Option<&'a str>,
    /// The network that it is asked for.
    pub subnet: Option<&'a str>,
    /// One JSON line for each answer, and nothing else.
    pub json: bool,
}

/// Whom the client believes, and whom it says it is.
fn tls(pki: &Pki, who: Option<&str>) -> Result<ClientConfig, CommandError> {
    let usage = |error: &dyn std::fmt::Display| CommandError::Usage(error.to_string());
    if let Some(who) = who {
        let identity = pki.files(who).identity().map_err(|error| usage(&error))?;
        let roots = pki.trust(Role::Ees).map_err(|error| usage(&error))?;
        return client_config(&identity, &roots).map_err(|error| usage(&error));
    }
    let authority = pki.ca(Role::Ees);
    let root = CertificateDer::from_pem_file(&authority)
        .map_err(|error| CommandError::Usage(format!("{}: {error}", authority.display())))?;
    let mut roots = RootCertStore::empty();
    roots.add(root).map_err(|error| usage(&error))?;
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(|error| usage(&error))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(what: &str, text: &str) -> Result<T, CommandError> {
    text.parse()
        .map_err(|error| CommandError::Usage(format!("{what} {text:?}: {error}")))
}

/// `dns`: asks with the certificates of a folder that `pki init` made, and prints what is answered. Good when every type has an answer.
///
/// # Errors
/// When the certificates cannot be used, the server is not who it should be, or there is no answer.
pub async fn dns(pki: &Path, question: &DnsQuestion<'_>) -> Result<Outcome, CommandError> {
    let pki = Pki::open(pki)?;
    let mut name: Name = parsed("the name", question.name)?;
    name.set_fqdn(true);
    let kinds = question.kinds.iter().map(|kind| kind.to_ascii_uppercase());
    let kinds: Vec<RecordType> = kinds.map(|kind| parsed("the type", &kind)).collect::<Result<_, _>>()?;
    let subnet = match question.subnet {
        Some(text) => Some(ClientSubnet::of(parsed("the network", text)?)),
        None => None,
    };
    let failed = |error: ClientError| CommandError::Failed(error.to_string());
    let tls = tls(&pki, question.who)?;
    let pins = question.pins.iter().map(|pin| parsed::<Pin>("the pin", pin));
    let pins: Vec<Pin> = pins.collect::<Result<_, _>>()?;
    let mut client = DotClient::connect_pinned(question.server, question.server_name, tls, &pins, PATIENCE)
        .await
        .map_err(failed)?;
    let mut outcome = Outcome::Good;
    for kind in kinds {
        let ask = Ask {
            name: name.clone(),
            kind,
            subnet,
        };
        let answer = client.ask(&ask).await.map_err(failed)?;
        if answer.metadata.response_code != ResponseCode::NoError || answer.answers.is_empty() {
            outcome = Outcome::Failed;
        }
        show(&name, kind, &answer, question.json);
    }
    Ok(outcome)
}

fn show(name: &Name, kind: RecordType, answer: &Message, json: bool) {
    let code = answer.metadata.response_code;
    if json {
        let records: Vec<_> = answer
            .answers
            .iter()
            .map(|record| {
                json!({
                    "name": record.name.to_ascii(),
                    "ttl": record.ttl,
                    "type": record.record_type().to_string(),
                    "data": record.data.to_string(),
                })
            })
            .collect();
        let line = json!({
            "name": name.to_ascii(),
            "type": kind.to_string(),
            "code": code.to_string(),
            "records": records,
        });
        println!("{line}");
        return;
    }
    if answer.answers.is_empty() {
        println!("{name} {kind}: none ({code})");
    }
    for record in &answer.answers {
        println!("{record}");
    }
}
