//! Every operation of an EES, by the reference point that serves it: what policies can speak of.

use crate::{capif::news, easdf, edge1, edge2, edge3, edge9};
use edgeapp_authz::policy::{Catalogue, shipped};
use edgeapp_capif_doors::aef_security;
use edgeapp_core::authorizer::{
    Operation,
    ReferencePoint::{Capif3, Edge1, Edge2, Edge3, Edge9, N88, Operator},
};
use edgeapp_http::{clock, erasure};

/// What an EES serves. An operation that does not stand here is refused, because no policy can permit it.
pub fn catalogue() -> Catalogue {
    // Of EAS discovery, EASs and other EESs have the request only.
    let discovery = [edge1::eas_discovery::RequestEasDiscovery::NAME];
    // Authorizations are taken back by the core function alone.
    let check = [aef_security::CheckAuthentication::NAME];
    Catalogue::new(shipped::EES)
        .serves(Capif3, aef_security::OPERATIONS)
        .serves(Capif3, news::OPERATIONS)
        .serves(Edge3, &check)
        .serves(Edge1, edge1::eec_registration::OPERATIONS)
        .serves(Edge1, edge1::eas_discovery::OPERATIONS)
        .serves(Edge1, edge1::acr_events::OPERATIONS)
        .serves(Edge1, edge1::app_context_relocation::OPERATIONS)
        .serves(Edge1, edge1::eas_information_provisioning::OPERATIONS)
        .serves(Edge1, edge3::ue_identifier::OPERATIONS)
        .serves(Edge2, edge2::reports::OPERATIONS)
        .serves(Edge3, edge3::eas_registration::OPERATIONS)
        .serves(Edge3, edge3::acr_management_event::OPERATIONS)
        .serves(Edge3, edge3::acr_status_update::OPERATIONS)
        .serves(Edge3, edge3::eel_managed_acr::OPERATIONS)
        .serves(Edge3, edge3::app_contexts::OPERATIONS)
        .serves(Edge3, edge3::ue_location::OPERATIONS)
        .serves(Edge3, edge3::ue_identifier::OPERATIONS)
        .serves(Edge3, edge3::session_with_qos::OPERATIONS)
        .serves(Edge3, edge3::traffic_influence_eas::OPERATIONS)
        .serves(Edge3, edge3::app_client_information::OPERATIONS)
        .serves(Edge3, &discovery)
        .serves(Edge3, edge1::app_context_relocation::OPERATIONS)
        .serves(Edge9, edge9::eec_context_relocation::OPERATIONS)
        .serves(Edge9, edge9::common_eas_announcement::OPERATIONS)
        .serves(Edge9, edge9::acr_parameter_information::OPERATIONS)
        .serves(Edge9, &discovery)
        .serves(Operator, erasure::OPERATIONS)
        .serves(Operator, clock::OPERATIONS)
        .serves(N88, easdf::dns_context::OPERATIONS)
        .serves(N88, easdf::baseline_dns_pattern::OPERATIONS)
}

#[cfg(test)]
mod tests {
    #[test]
    fn shipped_policies_are_equal_to_role_of_reference_point() {
        edgeapp_testkit::policy::shipped_policies_permit_each_role_its_reference_point(&super::catalogue());
    }

    #[test]
    fn without_a_rule_exactly_its_operations_are_refused() {
        edgeapp_testkit::policy::without_a_rule_exactly_its_operations_are_refused(&super::catalogue());
    }
}
