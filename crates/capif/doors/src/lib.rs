//! The doors of a CAPIF core function: what is HTTP about the APIs of TS 29.222, one file each, and what operators and everybody else
//! ask it for. What is true about any of it stands in `edgeapp_capif`.
//!
//! All APIs stand on one listener under one `apiRoot`. Who calls is told by the certificate: an API invoker (CAPIF-1), a function of a
//! provider (CAPIF-3 to 5), or somebody without one who wants to be onboarded or to register.

pub mod access_control_policy;
pub mod aef_security;
pub mod auditing;
pub mod discover_service;
pub mod events;
pub mod invoker_management;
pub mod logging;
pub mod operator;
pub mod provider_management;
pub mod publish_service;
pub mod routing_info;
pub mod security;

use axum::Router;
use edgeapp_capif::{caller::Proof, core_function::CoreFunction};
use edgeapp_core::authorizer::Operation;
use edgeapp_http::{documents::Api, request::Permit};
use std::sync::Arc;

/// What a caller proved, for the rooms.
fn proof<Op: Operation>(permit: &Permit<Op>) -> Proof<'_> {
    Proof {
        principal: permit.principal(),
        thumbprint: permit.thumbprint(),
    }
}

/// The APIs of a core function.
pub fn apis(core: &Arc<CoreFunction>) -> Vec<Api> {
    vec![
        provider_management::api(core.clone()),
        publish_service::api(core.clone()),
        discover_service::api(core.clone()),
        invoker_management::api(core.clone()),
        security::api(core.clone()),
        access_control_policy::api(core.clone()),
        events::api(core.clone()),
        logging::api(core.clone()),
        auditing::api(core.clone()),
        routing_info::api(core.clone()),
    ]
}

/// All of it but what is for operators: the same for every caller, because a refusal says more than a path that is not there.
pub fn router(core: &Arc<CoreFunction>) -> Router {
    let apis = apis(core);
    let all = apis.iter().fold(Router::new(), |all, api| all.merge(api.router()));
    all.merge(operator::for_everybody(core.clone()))
}
