//! JSON merge patches on a resource of each kind that takes them.

use crate::{Target, bodies::same_again, refusal};
use edgeapp_core::{collection::Resource, parse, patch};
use edgeapp_ecs_domain::Ecs;
use edgeapp_ees_domain::Ees;
use edgeapp_openapi::{
    acr_events::AcrEventsSubscription, acr_management_event::AcrMgntEventsSubscription,
    app_client_information::AcInfoSubscription, eas_discovery::EasDiscoverySubscription,
    eas_registration::EasRegistration, eec_registration::EecRegistration, ees_registration::EesRegistration,
    service_provisioning::EcsServProvSubscription, session_with_qos::SessionWithQos,
    traffic_influence_eas::AppTrafficInfluence, ue_location::LocationSubscription,
};

macro_rules! targets {
    ($($name:literal: $home:ty, $type:ty;)+) => {
        /// One for each resource that takes patches, under the name of its schema.
        pub static TARGETS: &[Target] = &[$(Target {
            name: concat!("patch-", $name),
            run: |bytes| patched::<$home, $type>(
                include_bytes!(concat!("../corpus/body-", $name, "/example.json")),
                bytes,
            ),
        }),+];
    };
}

targets! {
    "ACInfoSubscription": Ees, AcInfoSubscription;
    "ACREventsSubscription": Ees, AcrEventsSubscription;
    "AcrMgntEventsSubscription": Ees, AcrMgntEventsSubscription;
    "AppTrafficInfluence": Ees, AppTrafficInfluence;
    "EASRegistration": Ees, EasRegistration;
    "EasDiscoverySubscription": Ees, EasDiscoverySubscription;
    "EECRegistration": Ees, EecRegistration;
    "LocationSubscription": Ees, LocationSubscription;
    "SessionWithQoS": Ees, SessionWithQos;
    "ECSServProvSubscription": Ecs, EcsServProvSubscription;
    "EESRegistration": Ecs, EesRegistration;
}

/// What a patch leaves is what could have been put whole.
fn patched<Home, T: Resource<Home>>(stored: &[u8], bytes: &[u8]) {
    let stored: T = parse::from_slice(stored).expect("the example of the document");
    let patched = parse::patch_from_slice(bytes).and_then(|patch| patch::apply(&stored, &patch, &T::PATCH));
    match patched {
        Ok(value) => same_again(&value),
        Err(error) => refusal(&error),
    }
}
