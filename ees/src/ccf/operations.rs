//! Every operation of a core function, by who calls: what its policies can speak of.

use edgeapp_authz::policy::{Catalogue, shipped};
use edgeapp_capif_doors::{
    access_control_policy, auditing, discover_service, events, invoker_management, logging, operator,
    provider_management, publish_service, routing_info, security,
};
use edgeapp_core::authorizer::ReferencePoint::{Capif1, Capif5, Operator};

/// What a core function serves. Both kinds of callers get to all of it, because a refusal behind the door says which function an
/// operation is for.
pub fn catalogue() -> Catalogue {
    let all = [
        provider_management::OPERATIONS,
        publish_service::OPERATIONS,
        discover_service::OPERATIONS,
        invoker_management::OPERATIONS,
        security::OPERATIONS,
        access_control_policy::OPERATIONS,
        events::OPERATIONS,
        logging::OPERATIONS,
        auditing::OPERATIONS,
        routing_info::OPERATIONS,
    ];
    let catalogue = all.into_iter().fold(Catalogue::new(shipped::CCF), |catalogue, of_api| {
        catalogue.serves(Capif1, of_api).serves(Capif5, of_api)
    });
    catalogue.serves(Operator, operator::OPERATIONS)
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
