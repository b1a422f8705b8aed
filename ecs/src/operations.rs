//! Every operation of an ECS, by the reference point that serves it: what policies can speak of.

use crate::{
    edge4, edge6,
    oauth::{IssueToken, ReadKeys, ReadMetadata, ReadRevocations, RevokeAnyToken, RevokeToken, RotateKeys},
};
use edgeapp_authz::policy::{Catalogue, shipped};
use edgeapp_core::authorizer::{
    Operation,
    ReferencePoint::{Edge3, Edge4, Edge6, Operator},
};
use edgeapp_http::{clock, erasure};

/// What an ECS serves. An operation that does not stand here is refused, because no policy can permit it.
pub fn catalogue() -> Catalogue {
    let of_clients = [IssueToken::NAME, RevokeToken::NAME, ReadMetadata::NAME, ReadKeys::NAME];
    Catalogue::new(shipped::ECS)
        .serves(Edge4, edge4::service_provisioning::OPERATIONS)
        .serves(Edge6, edge6::ees_registration::OPERATIONS)
        .serves(Edge6, edge6::target_ees_discovery::OPERATIONS)
        .serves(Edge6, edge6::eas_info_management::OPERATIONS)
        .serves(Edge3, &of_clients)
        .serves(Edge4, &of_clients)
        .serves(Edge6, &of_clients)
        .serves(Edge6, &[ReadRevocations::NAME])
        .serves(Operator, &[RevokeAnyToken::NAME, RotateKeys::NAME])
        .serves(Operator, erasure::OPERATIONS)
        .serves(Operator, clock::OPERATIONS)
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
