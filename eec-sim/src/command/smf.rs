//! `smf`: a simulated SMF. It says what becomes of the DNS messages of a UE (TS 29.556), prints what it is told of them, and lets go what is
//! held.

use super::{CommandError, Outcome};
use crate::{
    call,
    pki::Pki,
    world::nef::{
        doors::{Reply, Request},
        server::accept,
    },
};
use anstream::println;
use axum::http::Method;
use bytes::Bytes;
use edgeapp_core::principal::Role;
use edgeapp_http::{assembly::stop_signal, client::HttpClient, request::JSON_PATCH_JSON, tls::server_config};
use serde_json::{Value, json};
use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
    pin::pin,
    time::Duration,
};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::sync::CancellationToken;

/// What becomes of the DNS messages of a UE.
pub struct Steered<'a> {
    /// `apiRoot` of the EASDF, such as `https://localhost:9188`.
    pub easdf: &'a str,
    /// Whose certificate is shown: the name of the file without its ending.
    pub who: &'a str,
    /// Where the queries of the UE come from.
    pub ue: IpAddr,
    /// The network for which they are asked, such as `10.45.3.0/24`.
    pub network: Option<&'a str>,
    /// What they are answered with; nothing in particular when there is none.
    pub respond: &'a [IpAddr],
    /// Responses are held for so long, as if the traffic of the UE were led elsewhere meanwhile.
    pub hold: Option<Duration>,
    /// The port for reports on loopback; 0 lets the system choose.
    pub port: u16,
    /// Prints JSON lines and nothing else.
    pub json: bool,
}

/// The network of a client subnet, as an `EcsOption`.
fn network(text: &str) -> Result<Value, CommandError> {
    let wrong = || CommandError::Usage(format!("{text:?} is no network; write 10.45.3.0/24"));
    let (address, length) = text.split_once('/').ok_or_else(wrong)?;
    let (address, length): (IpAddr, u8) = (
        address.parse().map_err(|_| wrong())?,
        length.parse().map_err(|_| wrong())?,
    );
    let member = match address {
        IpAddr::V4(_) if length <= 32 => "ipv4Addr",
        IpAddr::V6(_) if length <= 128 => "ipv6Addr",
        _ => return Err(wrong()),
    };
    Ok(json!({"sourcePrefixLength": length, "ipAddr": {member: address}}))
}

impl Steered<'_> {
    /// The context of the UE; reports go there.
    fn context(&self, reports: &str) -> Result<Value, CommandError> {
        let report = json!({"applyAction": "REPORT"});
        let of = |v4: bool| self.respond.iter().filter(move |address| address.is_ipv4() == v4);
        let done = match (self.respond, self.network) {
            ([], None) => json!({"applyAction": "FORWARD"}),
            ([], Some(text)) => json!({"applyAction": "FORWARD",
                "fwdParas": {"ecsOptionInfo": {"ecsOption": network(text)?}}}),
            (_, None) => {
                let lists = [("easIpv4Addresses", true), ("easIpv6Addresses", false)];
                let lists = lists.map(|(name, v4)| (name, of(v4).collect::<Vec<_>>()));
                let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
                let lists: serde_json::Map<_, _> = lists.map(|(name, list)| (name.to_owned(), json!(list))).collect();
                json!({"applyAction": "RESPOND", "respParas": lists})
            }
            (_, Some(_)) => {
                return Err(CommandError::Usage(
                    "what is answered here is asked of nobody: --respond or --network".to_owned(),
                ));
            }
        };
        let mut rules = json!({"1": {"dnsQueryMdtList": {"any": {"mdtId": "any"}},
            "actionList": {"report": report, "do": done}}});
        if self.hold.is_some() {
            rules["2"] = json!({"dnsRspMdtList": {"any": {"mdtId": "any"}},
                "actionList": {"report": report, "hold": {"applyAction": "BUFFER"}}});
        }
        let mut context = json!({"dnn": "edge", "sNssai": {"sst": 1}, "notifyUri": reports, "dnsRules": rules});
        match self.ue {
            IpAddr::V4(address) => context["ueIpv4Addr"] = json!(address),
            IpAddr::V6(address) => context["ueIpv6Prefix"] = json!(format!("{address}/128")),
        }
        Ok(context)
    }

    fn say(&self, what: &str, about: &Value) {
        match self.json {
            true => println!("{}", json!({"type": what, "about": about})),
            false => println!("{what}: {about}"),
        }
    }

    /// Lets go the message that a report is about, when its time has come.
    fn let_go(&self, client: &HttpClient, context: &str, report: &Value) {
        let (Some(hold), Some(id)) = (self.hold, report.get("dnsMsgId")) else {
            return;
        };
        let once = json!([{"op": "add", "path": "/dnsRules/once",
            "value": {"dnsMsgId": id, "actionList": {"go": {"applyAction": "FORWARD"}}}}]);
        let (client, context) = (client.clone(), context.to_owned());
        tokio::spawn(async move {
            tokio::time::sleep(hold).await;
            let body = Bytes::from(once.to_string());
            if let Err(error) = client.send(Method::PATCH, &context, JSON_PATCH_JSON, Some(body)).await {
                tracing::warn!(%error, "a message that is held cannot be let go");
            }
        });
    }
}

/// `smf`: says what becomes of the DNS messages of a UE, prints every report, and takes it all back when told to end.
///
/// # Errors
/// When the certificates cannot be used, the port cannot be had, or the EASDF refuses or cannot be reached.
pub async fn smf(pki: &Path, steered: &Steered<'_>) -> Result<Outcome, CommandError> {
    let pki = Pki::open(pki)?;
    let usage = |error: edgeapp_http::tls::TlsError| CommandError::Usage(error.to_string());
    let failed = |error: &dyn std::fmt::Display| CommandError::Failed(error.to_string());
    let end = stop_signal().map_err(|error| failed(&format_args!("signals cannot be listened for: {error}")))?;
    let identity = pki.files(steered.who).identity().map_err(usage)?;
    let easdfs = pki.trust(Role::Ees).map_err(usage)?;
    let client = call::client(&identity, &easdfs, call::PATIENCE).map_err(usage)?;
    let tls = server_config(&identity, &[(Role::Ees, easdfs)], true).map_err(usage)?;
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, steered.port)).await;
    let socket =
        socket.map_err(|error| CommandError::Usage(format!("port {} cannot be had: {error}", steered.port)))?;
    let port = socket.local_addr().map_err(|error| failed(&error))?.port();
    let (tell, mut told) = mpsc::unbounded_channel();
    let handler = move |request: Request| {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        // Nobody listens any more when it is about to end.
        let _ = tell.send(body);
        async { Some(Reply::nothing()) }
    };
    let stop = CancellationToken::new();
    let listening = tokio::spawn(accept(socket, tls, stop.clone(), handler));

    let contexts = format!(
        "{}/neasdf-dnscontext/v1/dns-contexts",
        steered.easdf.trim_end_matches('/')
    );
    let context = steered.context(&format!("https://localhost:{port}/reports"))?;
    let made = client.call(Method::POST, &contexts, Some(&context)).await;
    let made = made.map_err(|error| failed(&error))?;
    let context = made
        .location
        .ok_or_else(|| failed(&"the EASDF does not say where the context is"))?;
    steered.say("context", &json!(context));
    let mut end = pin!(end);
    loop {
        tokio::select! {
            () = end.as_mut() => break,
            Some(body) = told.recv() => {
                for report in body["eventreportList"].as_array().into_iter().flatten() {
                    steered.say("report", report);
                    steered.let_go(&client, &context, report);
                }
            }
        }
    }
    let ended = client.call::<Value>(Method::DELETE, &context, None).await;
    stop.cancel();
    // It ends with the token.
    let _ = listening.await;
    ended.map_err(|error| failed(&error))?;
    Ok(Outcome::Good)
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgeapp_openapi::easdf::context::DnsContextCreateData;

    fn steered<'a>(network: Option<&'a str>, respond: &'a [IpAddr]) -> Steered<'a> {
        Steered {
            easdf: "https://localhost:9188",
            who: "smf",
            ue: IpAddr::from([127, 0, 0, 1]),
            network,
            respond,
            hold: Some(Duration::from_millis(100)),
            port: 0,
            json: false,
        }
    }

    #[test]
    fn contexts_are_those_of_the_standard() {
        let addresses = [IpAddr::from([192, 0, 2, 9]), "2001:db8::9".parse().unwrap()];
        for steered in [
            steered(None, &[]),
            steered(Some("10.45.3.0/24"), &[]),
            steered(None, &addresses),
            Steered {
                ue: "2001:db8::1".parse().unwrap(),
                ..steered(Some("2001:db8::/56"), &[])
            },
        ] {
            let context = steered.context("https://localhost:9999/reports").unwrap();
            let read: DnsContextCreateData = serde_json::from_value(context).unwrap();
            assert_eq!(read.dns_rules.len(), 2);
        }
    }

    #[test]
    fn what_is_no_network_is_said() {
        for text in ["10.45.3.0", "10.45.3.0/33", "edge/24", "2001:db8::/129"] {
            let refused = steered(Some(text), &[]).context("https://localhost:9999/reports");
            assert!(refused.unwrap_err().to_string().contains(text), "{text}");
        }
    }
}
