//! The rules of SMFs at work on the messages of the DNS listener.

use async_trait::async_trait;
use edgeapp_dot::steering::{SteeredQuery, SteeredResponse, Steering, Verdict, Way};
use edgeapp_ees_domain::easdf::{
    rules::{self, Query, Response},
    steering,
};
use std::{net::IpAddr, sync::Arc};

/// The rules of all contexts, as the DNS listener asks for them.
pub(crate) struct SteeredByContexts(pub(crate) Arc<steering::Steering>);

fn way(way: rules::Way) -> Way {
    Way {
        network: way.network,
        servers: way.servers,
    }
}

fn verdict(verdict: steering::Verdict) -> Verdict {
    match verdict {
        steering::Verdict::NoRule(next) => Verdict::NoRule(way(next)),
        steering::Verdict::Forward(next) => Verdict::Forward(way(next)),
        steering::Verdict::Respond(addresses) => Verdict::Respond(addresses),
        steering::Verdict::Again(next) => Verdict::Again(way(next)),
        steering::Verdict::Discard => Verdict::Discard,
        steering::Verdict::Gone => Verdict::Gone,
    }
}

#[async_trait]
impl Steering for SteeredByContexts {
    fn context_of(&self, from: IpAddr) -> Option<Arc<str>> {
        self.0.context_of(from)
    }

    async fn query(&self, context: &str, query: SteeredQuery<'_>) -> Verdict {
        let SteeredQuery { name, from } = query;
        verdict(self.0.query(context, Query { name, from }).await)
    }

    async fn response(&self, context: &str, response: SteeredResponse<'_>) -> Verdict {
        let SteeredResponse {
            name,
            addresses,
            network,
            server,
        } = response;
        let response = Response {
            name,
            addresses,
            network,
            server,
        };
        verdict(self.0.response(context, response).await)
    }
}
