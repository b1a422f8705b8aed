//! The port to whoever knows the EASs: names in, one EAS out.

use async_trait::async_trait;
use edgeapp_core::{area::Position, principal::Principal};
use edgeapp_openapi::{
    eas_registration::EndPoint,
    ids::{Dnai, EasId},
};
use std::net::IpAddr;

/// Where a client is, as far as that is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Whereabouts {
    /// Where its traffic reaches the edge data network.
    pub dnai: Option<Dnai>,
    /// Its position.
    pub position: Position,
}

/// A relocation of an application of a client: the EAS that it is led to, whatever else would be best.
#[derive(Clone, Debug, PartialEq)]
pub struct Relocation {
    /// The application.
    pub eas_id: EasId,
    /// The T-EAS.
    pub target: EndPoint,
    /// It has not come to its end yet.
    pub running: bool,
}

/// What is known of a client with a certificate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// Where it is.
    pub place: Option<Whereabouts>,
    /// Its relocations that are in force.
    pub relocations: Vec<Relocation>,
}

/// Who asks for a name.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The name: small letters, without its last dot.
    pub name: &'a str,
    /// The same for the same client, so that it is led to the same one of several EASs that are equally good.
    pub client: &'a str,
    /// Where it is.
    pub place: Option<&'a Whereabouts>,
    /// Its relocations that are in force.
    pub relocations: &'a [Relocation],
}

/// How an EAS is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// At these addresses; at a host whose addresses are not known here when there are none.
    pub addresses: Vec<IpAddr>,
    /// At this host, small letters, without its last dot.
    pub host: Option<String>,
    /// By this scheme.
    pub scheme: Option<String>,
    /// At this port.
    pub port: Option<u16>,
}

/// The EAS that a client is led to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// How it is reached.
    pub reach: Reach,
    /// For how many seconds that is so at most: until it expires, or a schedule begins or ends.
    pub seconds: Option<u32>,
    /// Another place would lead, or could lead, to another EAS.
    pub by_place: bool,
    /// The client is on its way to this EAS right now.
    pub relocating: bool,
}

/// What there is under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing, and nothing below it.
    Nothing,
    /// Nothing, but there are names below it.
    OnlyBelow,
    /// An application none of whose EASs suits this client now.
    Nobody,
    /// This EAS.
    Eas(Chosen),
}

/// Knows the EASs.
#[async_trait]
pub trait Directory: Send + Sync + 'static {
    /// What this client finds under a name. Depends on client, name, and what is registered, and on nothing else: the answers to
    /// questions for several types are of the same EAS.
    fn find(&self, asked: &Asked<'_>) -> Found;

    /// Another number, and a later one, whenever something under any name may have changed.
    fn serial(&self) -> u32;

    /// What is known of a client with this certificate.
    async fn known(&self, principal: &Principal) -> Known;
}
