//! `[easdf]` of a configuration.

use edgeapp_core::hardening::Check;
use edgeapp_dot::{
    settings::{DnsSettings, UpstreamSettings, host_name},
    upstream::{Upstream, UpstreamError},
};
use edgeapp_ees_domain::easdf::{contexts::Addresses, held::HoldLimits, rules::Allowed};
use edgeapp_http::assembly::ListenAt;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

/// A stub gives up after five seconds: what is held longer is held for nobody.
const LONGEST: u32 = 4000;

/// The EASDF: the core network steers the discovery of EASs by name (N88).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EasdfSettings {
    /// `listen`: address and port for SMFs; port 0 takes any free one.
    pub listen: SocketAddr,
    /// `api_root`: scheme, authority and optional prefix under which SMFs reach it; without it each `Location` has the authority of its
    /// request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_root: Option<String>,
    /// `addresses`: where UEs ask, as SMFs are told; those of the name server in `[dns]` when not given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// `server`: DNS servers to which rules may have queries sent, most often those of local data networks. No others are asked.
    #[serde(default, rename = "server", skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<UpstreamSettings>,
    /// `server_roots`: PEM file with the roots of their certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_roots: Option<PathBuf>,
    /// `hold_milliseconds`: how long a message waits for the decision of an SMF, 2000 when not given.
    #[serde(default = "hold_milliseconds")]
    pub hold_milliseconds: u32,
    /// `held_per_context`: how many messages of one UE wait at a time, 16 when not given.
    #[serde(default = "held_per_context")]
    pub held_per_context: u32,
    /// `held`: how many messages wait at a time, 10000 when not given.
    #[serde(default = "held")]
    pub held: u32,
}

const fn hold_milliseconds() -> u32 {
    2000
}

const fn held_per_context() -> u32 {
    16
}

const fn held() -> u32 {
    10_000
}

impl EasdfSettings {
    /// What is weaker than the hardened reference.
    pub const CHECKS: &[Check<Self>] = &[
        Check::new(
            "easdf.listen",
            "an address of one network",
            |easdf| easdf.listen_at().on_every_address(),
            "it is reached from every network of the machine, not only from the one it is for",
        ),
        Check::most(
            "easdf.held",
            100_000,
            |easdf| easdf.held.into(),
            "an SMF that decides nothing lets messages fill the memory",
        ),
    ];

    /// Where it listens, in the form of all listeners.
    pub fn listen_at(&self) -> ListenAt {
        ListenAt {
            listen: self.listen,
            api_root: self.api_root.clone(),
        }
    }

    /// What is wrong, by key, beside this `[dns]`.
    pub fn wrong(&self, dns: Option<&DnsSettings>) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        if dns.is_none() {
            let reason = "needs [dns]: the messages that rules are about arrive there";
            wrong.push(("easdf.listen", reason.to_owned()));
        }
        if dns.is_some_and(|dns| self.addresses(dns) == Addresses::default()) {
            let reason = "is needed where dns.listen is every address: SMFs have to be told where UEs ask";
            wrong.push(("easdf.addresses", reason.to_owned()));
        }
        if self.servers.is_empty() != self.server_roots.is_none() {
            let reason = "goes with [[easdf.server]]: give both or neither";
            wrong.push(("easdf.server_roots", reason.to_owned()));
        }
        for server in self.servers.iter().filter(|server| host_name(&server.name).is_none()) {
            wrong.push(("easdf.server.name", format!("{:?} is no name of a host", server.name)));
        }
        let mut seen = BTreeMap::new();
        for server in &self.servers {
            if seen.insert(server.address.ip(), ()).is_some() {
                let reason = format!(
                    "{} stands there twice: rules tell servers apart by it",
                    server.address.ip()
                );
                wrong.push(("easdf.server.address", reason));
            }
        }
        if !(1..=LONGEST).contains(&self.hold_milliseconds) {
            wrong.push((
                "easdf.hold_milliseconds",
                format!("must be 1 to {LONGEST}: UEs do not wait longer"),
            ));
        }
        for (key, value) in [
            ("easdf.held_per_context", self.held_per_context),
            ("easdf.held", self.held),
        ] {
            if value == 0 {
                wrong.push((key, "must be at least 1".to_owned()));
            }
        }
        wrong
    }

    /// Makes the paths relative to `folder`, where they are relative.
    pub fn resolve(&mut self, folder: &Path) {
        if let Some(roots) = &mut self.server_roots {
            *roots = folder.join(&*roots);
        }
    }

    /// Where UEs ask, beside this `[dns]`.
    pub fn addresses(&self, dns: &DnsSettings) -> Addresses {
        let listening = [dns.listen.ip()];
        let all = [&self.addresses, &dns.name_server_addresses, &listening[..]];
        let first = all.into_iter().find(|addresses| !addresses.is_empty());
        Addresses::of(first.unwrap_or_default())
    }

    /// What rules may do.
    pub fn allowed(&self) -> Allowed {
        Allowed {
            servers: self.servers.iter().map(|server| server.address.ip()).collect(),
        }
    }

    /// How much is held.
    pub fn hold_limits(&self) -> HoldLimits {
        let number = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        HoldLimits {
            per_context: number(self.held_per_context),
            in_total: number(self.held),
            time: Duration::from_millis(self.hold_milliseconds.into()),
        }
    }

    /// The DNS servers that rules may name.
    ///
    /// # Errors
    /// When the file of their roots cannot be used.
    pub fn servers(&self) -> Result<BTreeMap<IpAddr, Upstream>, UpstreamError> {
        let Some(roots) = &self.server_roots else {
            return Ok(BTreeMap::new());
        };
        let servers = self.servers.iter();
        servers
            .map(|server| Ok((server.address.ip(), Upstream::new(std::slice::from_ref(server), roots)?)))
            .collect()
    }
}
