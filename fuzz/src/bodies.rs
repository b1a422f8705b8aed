//! Bodies of requests, by the parse path that every door uses.

use crate::{Target, refusal};
use edgeapp_core::parse::{self, Wire};
use edgeapp_openapi::{
    acr_events::AcrEventsSubscription,
    acr_management_event::AcrMgntEventsSubscription,
    acr_parameter_information::AcrParamsInfo,
    acr_status_update::AcrUpdateData,
    app_client_information::AcInfoSubscription,
    app_context_relocation::{AcrDecReq, AcrDetermReq, AcrInitReq},
    common_eas_announcement::CommonEasInfo,
    eas_discovery::{EasDiscoveryReq, EasDiscoverySubscription},
    eas_info_management::CommonEasBindReq,
    eas_information_provisioning::EasInfoProvReq,
    eas_registration::EasRegistration,
    easdf::{context::DnsContextCreateData, pattern::BaseDnsPatternCreateData},
    eec_context_relocation::EecContextPush,
    eec_registration::EecRegistration,
    eel_managed_acr::{ActStatusSubsc, EelAcrReq},
    ees_registration::EesRegistration,
    service_provisioning::{EcsServProvReq, EcsServProvSubscription},
    session_with_qos::SessionWithQos,
    traffic_influence_eas::AppTrafficInfluence,
    ue_identifier::{UserInfo, UserInformation},
    ue_location::{LocationRequest, LocationSubscription},
};
use serde::Serialize;

/// One for each body of the published documents, under the name of its schema.
pub static TARGETS: &[Target] = &[
    of::<AcInfoSubscription>("body-ACInfoSubscription"),
    of::<AcrDecReq>("body-AcrDecReq"),
    of::<AcrDetermReq>("body-AcrDetermReq"),
    of::<AcrEventsSubscription>("body-ACREventsSubscription"),
    of::<AcrInitReq>("body-AcrInitReq"),
    of::<AcrMgntEventsSubscription>("body-AcrMgntEventsSubscription"),
    of::<AcrParamsInfo>("body-ACRParamsInfo"),
    of::<AcrUpdateData>("body-ACRUpdateData"),
    of::<ActStatusSubsc>("body-ACTStatusSubsc"),
    of::<AppTrafficInfluence>("body-AppTrafficInfluence"),
    of::<BaseDnsPatternCreateData>("body-BaseDnsPatternCreateData"),
    of::<CommonEasBindReq>("body-CommonEASBindReq"),
    of::<CommonEasInfo>("body-CommonEASInfo"),
    of::<DnsContextCreateData>("body-DnsContextCreateData"),
    of::<EasDiscoveryReq>("body-EasDiscoveryReq"),
    of::<EasDiscoverySubscription>("body-EasDiscoverySubscription"),
    of::<EasInfoProvReq>("body-EASInfoProvReq"),
    of::<EasRegistration>("body-EASRegistration"),
    of::<EcsServProvReq>("body-ECSServProvReq"),
    of::<EcsServProvSubscription>("body-ECSServProvSubscription"),
    of::<EecContextPush>("body-EECContextPush"),
    of::<EecRegistration>("body-EECRegistration"),
    of::<EelAcrReq>("body-EELACRReq"),
    of::<EesRegistration>("body-EESRegistration"),
    of::<LocationRequest>("body-LocationRequest"),
    of::<LocationSubscription>("body-LocationSubscription"),
    of::<SessionWithQos>("body-SessionWithQoS"),
    of::<UserInfo>("body-UserInfo"),
    of::<UserInformation>("body-UserInformation"),
];

const fn of<T: Wire + Serialize>(name: &'static str) -> Target {
    Target { name, run: body::<T> }
}

/// What parses is written, and parses to the same.
pub(crate) fn same_again<T: Wire + Serialize>(value: &T) {
    let written = serde_json::to_vec(value).expect("what parsed can be written");
    let again = parse::from_slice::<T>(&written).unwrap_or_else(|error| {
        panic!(
            "what was written does not parse: {error:?}: {}",
            String::from_utf8_lossy(&written)
        )
    });
    let twice = serde_json::to_vec(&again).expect("written");
    assert_eq!(
        String::from_utf8_lossy(&written),
        String::from_utf8_lossy(&twice),
        "it changes on its way"
    );
}

pub(crate) fn body<T: Wire + Serialize>(bytes: &[u8]) {
    match parse::from_slice::<T>(bytes) {
        Ok(value) => same_again(&value),
        Err(error) => refusal(&error),
    }
}
