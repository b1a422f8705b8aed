//! The port to who steers DNS messages: in a 5G core the SMF, by an EASDF (TS 23.548 clause 6.2.3.2.2).

use async_trait::async_trait;
use ipnet::IpNet;
use std::{net::IpAddr, sync::Arc};

/// Where a query goes, and for which network. Nothing said is the usual way: to the registrations, then upstream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// For this network, whatever the client said (RFC 7871).
    pub network: Option<IpNet>,
    /// To the first of these servers that answers.
    pub servers: Vec<IpAddr>,
}

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No rule is about it: registrations answer, and what they do not know goes this way.
    NoRule(Way),
    /// It goes on: a query this way, a response to the client.
    Forward(Way),
    /// The query is answered with these addresses.
    Respond(Vec<IpAddr>),
    /// Instead of the response, this way is asked.
    Again(Way),
    /// It is dropped.
    Discard,
    /// Nobody can decide any more.
    Gone,
}

/// A query.
#[derive(Clone, Copy, Debug)]
pub struct SteeredQuery<'a> {
    /// What it asks for: small letters, without the last dot.
    pub name: &'a str,
    /// Where it comes from.
    pub from: IpAddr,
}

/// A response, before the client sees it.
#[derive(Clone, Copy, Debug)]
pub struct SteeredResponse<'a> {
    /// What was asked for: small letters, without the last dot.
    pub name: &'a str,
    /// The addresses in it.
    pub addresses: &'a [IpAddr],
    /// The network that was asked for.
    pub network: Option<IpNet>,
    /// The server that it comes from, when that is another one.
    pub server: Option<IpAddr>,
}

/// Steers messages. What it decides comes before everything that is known here.
#[async_trait]
pub trait Steering: Send + Sync + 'static {
    /// The rules for who asks from this address, if there are any. Asked for each query: has to be quick.
    fn context_of(&self, from: IpAddr) -> Option<Arc<str>>;

    /// What becomes of a query by these rules. May take its time.
    async fn query(&self, context: &str, query: SteeredQuery<'_>) -> Verdict;

    /// What becomes of a response by these rules. May take its time.
    async fn response(&self, context: &str, response: SteeredResponse<'_>) -> Verdict;
}
