//! TLS of the programs: who gets in and who does not, and what happens when certificates, keys and lists change while they run.

mod files;
mod renewal;
mod strangers;

use crate::support::{DISCOVERY, metric};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::{
    caller::{Caller, tls},
    lab::{Lab, Plan},
    process::Process,
    wait::DEADLINE,
};
use eec_sim::pki::Files;
use rustls::{
    AlertDescription, ClientConfig,
    pki_types::{CertificateDer, ServerName},
};
use serde_json::json;
use std::{io, net::Ipv4Addr, sync::Arc};
use tokio::{io::AsyncReadExt, net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};

pub(crate) const EEC: &str = "eec-1";

/// An EES that looks at its files each second.
struct Site {
    lab: Lab,
    plan: Plan,
    ees: Process,
    operator: Caller,
}

impl Site {
    async fn open() -> Self {
        Self::with("").await
    }

    async fn with(settings: &str) -> Self {
        let lab = Lab::new();
        let plan = lab
            .ees("a")
            .with("eec_registration_required = false\n[tls]\ncheck_files_seconds = 1\n")
            .with("[limits]\nunlimited_rates_for_load_tests = true\n")
            .with(settings);
        let ees = plan.start().await;
        let operator = lab.operator(Role::Ees, ees.root("operator"));
        Self {
            lab,
            plan,
            ees,
            operator,
        }
    }

    fn address(&self) -> &str {
        self.ees.root("edge1").trim_start_matches("https://")
    }

    fn eec(&self, files: &Files) -> Caller {
        Caller::new(&self.lab, files, Role::Ees, self.ees.root("edge1"))
    }

    /// The certificate that it shows in a new handshake.
    async fn shown(&self) -> CertificateDer<'static> {
        let stream = connect(
            self.address(),
            tls(&self.lab, Some(&self.lab.pki.files(EEC)), Role::Ees),
        )
        .await
        .expect("a handshake");
        stream.get_ref().1.peer_certificates().expect("a certificate")[0].clone()
    }

    /// How the server refuses who comes with these settings.
    async fn refusal(&self, config: ClientConfig) -> AlertDescription {
        refusal(self.address(), config).await
    }

    /// How often handshakes were refused for this event.
    async fn refused(&self, event: &str) -> f64 {
        let name = format!("edgeapp_tls_handshakes_refused_total{{event=\"{event}\"}}");
        metric(&self.operator, &name).await.unwrap_or(0.0)
    }

    /// How many connections were ended for this event.
    async fn ended(&self, event: &str) -> f64 {
        let name = format!("edgeapp_tls_connections_ended_total{{event=\"{event}\"}}");
        metric(&self.operator, &name).await.unwrap_or(0.0)
    }
}

/// Whether this EEC is answered.
async fn is_served(eec: &Caller, id: &str) -> Result<(), String> {
    let question = json!({"requestorId": {"eecId": id}});
    let answer = eec.try_send(http::Method::POST, DISCOVERY, "application/json", question.to_string());
    match answer.await {
        Ok(answer) if answer.status == 404 || answer.status == 200 => Ok(()),
        Ok(answer) => Err(format!("{} {}", answer.status, answer.body)),
        Err(error) => Err(error),
    }
}

async fn connect(address: &str, config: ClientConfig) -> io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(address).await?;
    let name = ServerName::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST));
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

/// The alert that a server refuses with.
async fn refusal(address: &str, config: ClientConfig) -> AlertDescription {
    let waiting = async {
        // In TLS 1.3 the client is done before the server has looked at its certificate.
        match connect(address, config).await {
            Ok(mut stream) => stream.read_u8().await.expect_err("refused"),
            Err(error) => error,
        }
    };
    let error = timeout(DEADLINE, waiting).await.expect("the server decides");
    match error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::AlertReceived(alert)) => *alert,
        _ => panic!("no alert: {error:?}"),
    }
}
