//! The door of names: DNS over TLS in front of [`EasNames`] (TS 23.548 clause 6.2, TS 33.558).

use async_trait::async_trait;
use edgeapp_core::{
    area::Position,
    evidence::Evidence,
    principal::{Principal, Role},
};
use edgeapp_dot::{
    directory::{Asked, Chosen, Directory, Found, Known, Reach, Relocation, Whereabouts},
    responder::Responder,
    server::DotServer,
    settings::{DnsSettings, host_name},
    steering::Steering,
    upstream::{Upstream, UpstreamError},
};
use edgeapp_ees_domain::eas_names::{Answer, EasNames, InForce, Naming, Sought};
use edgeapp_http::{
    assembly::{ListenAt, OtherProtocol},
    tls::Speaks,
};
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// What the operator decided about names. The settings are good.
pub(crate) fn naming(settings: &DnsSettings) -> Naming {
    let plain = |names: &[String]| names.iter().filter_map(|name| host_name(name)).collect();
    let of_applications = settings.names.iter();
    let owners = settings.owners.iter();
    let hosts = settings.hosts.iter();
    Naming {
        zones: plain(&settings.zones),
        of_applications: of_applications
            .filter_map(|(eas_id, name)| Some((eas_id.clone(), host_name(name)?)))
            .collect(),
        owners: owners.map(|(eas_id, names)| (eas_id.clone(), plain(names))).collect(),
        hosts: hosts
            .filter_map(|(name, addresses)| Some((host_name(name)?, addresses.clone())))
            .collect(),
        publish_loopback_addresses: settings.publish_loopback_addresses,
    }
}

/// Where it listens, in the form of all listeners.
pub(crate) fn listen_at(settings: &DnsSettings) -> ListenAt {
    ListenAt {
        listen: settings.listen,
        api_root: None,
    }
}

/// The protocol of a listener at this address that answers with these names.
pub(crate) fn protocol(
    settings: &DnsSettings,
    listening: SocketAddr,
    names: Arc<EasNames>,
    evidence: Arc<dyn Evidence>,
    steering: Option<(Arc<dyn Steering>, BTreeMap<IpAddr, Upstream>)>,
) -> Result<OtherProtocol, UpstreamError> {
    let directory = Arc::new(RegisteredEass(names));
    let responder = Responder::new(settings.rules(listening), directory, evidence);
    let responder = responder.asking(settings.upstream()?);
    let responder = Arc::new(match steering {
        Some((steering, servers)) => responder.steered_by(steering, servers),
        None => responder,
    });
    Ok(OtherProtocol {
        name: "dns",
        speaks: Speaks::Other {
            alpn: "dot",
            certificates: settings.client_certificates,
        },
        callers: vec![Role::Eec],
        settings: settings.limits(),
        limits: settings.session_limits(),
        sessions: Arc::new(DotServer::new(responder, settings.patience())),
    })
}

/// The EASs that are registered here, by their names.
struct RegisteredEass(Arc<EasNames>);

fn relocation(in_force: InForce) -> Relocation {
    Relocation {
        eas_id: in_force.eas_id,
        target: in_force.target,
        running: in_force.running,
    }
}

#[async_trait]
impl Directory for RegisteredEass {
    fn find(&self, asked: &Asked<'_>) -> Found {
        let relocations: Vec<InForce> = asked
            .relocations
            .iter()
            .map(|relocation| InForce {
                eas_id: relocation.eas_id.clone(),
                target: relocation.target.clone(),
                running: relocation.running,
            })
            .collect();
        let nowhere = Position::default();
        let answer = self.0.find(&Sought {
            name: asked.name,
            client: asked.client,
            dnai: asked.place.and_then(|place| place.dnai.as_ref()),
            position: asked.place.map_or(&nowhere, |place| &place.position),
            relocations: &relocations,
        });
        match answer {
            Answer::Nothing => Found::Nothing,
            Answer::OnlyBelow => Found::OnlyBelow,
            Answer::Nobody => Found::Nobody,
            Answer::Eas(led) => Found::Eas(Chosen {
                reach: Reach {
                    addresses: led.reach.addresses,
                    host: led.reach.host,
                    scheme: led.reach.scheme,
                    port: led.reach.port,
                },
                seconds: led.seconds,
                by_place: led.by_place,
                relocating: led.relocating,
            }),
        }
    }

    fn serial(&self) -> u32 {
        self.0.serial()
    }

    async fn known(&self, principal: &Principal) -> Known {
        let known = self.0.known(principal).await;
        Known {
            place: known.position.map(|position| Whereabouts { dnai: None, position }),
            relocations: known.relocations.into_iter().map(relocation).collect(),
        }
    }
}
