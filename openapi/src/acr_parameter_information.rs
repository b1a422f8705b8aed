//! Eees_ACRParameterInformation: an EES tells another of parameters of a relocation (TS 29.558 clause 8.10).

use crate::{
    acr_management_event::AcrParameters,
    eas_registration::EndPoint,
    ids::{AcId, EecId, RequestorName},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Parameters of a relocation (clause 8.10.6.2.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ACRParamsInfo)]
pub struct AcrParamsInfo {
    /// `requestorId`: the EES that tells.
    pub requestor_id: RequestorName,
    /// `eecId`: the EEC on the UE.
    pub eec_id: EecId,
    /// `acId`: the application client.
    pub ac_id: AcId,
    /// `sAsEndPoint`: the application server that the context comes from.
    pub s_as_end_point: EndPoint,
    /// `tAsEndPoint`: the application server that it goes to.
    pub t_as_end_point: EndPoint,
    /// `acrParams`: the parameters.
    pub acr_params: AcrParameters,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, same};

    #[test]
    fn every_mandatory_member_is_needed() {
        let text = r#"{"requestorId": "r", "eecId": "c", "acId": "a", "sAsEndPoint": {"fqdn": "s.example"}, "tAsEndPoint": {"fqdn": "t.example"}, "acrParams": {}}"#;
        same::<AcrParamsInfo>(text);
        needs::<AcrParamsInfo>(
            text,
            &[
                "requestorId",
                "eecId",
                "acId",
                "sAsEndPoint",
                "tAsEndPoint",
                "acrParams",
            ],
        );
    }
}
