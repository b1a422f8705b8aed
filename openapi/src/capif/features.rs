//! The optional features of the CAPIF APIs: the number of each that anything here depends on, and what our core function offers.
//!
//! Numbers from Release 18 on follow the order in which the standard names them.

use crate::{common::SupportedFeatures, features::NOTIFICATION_TEST_EVENT};

/// CAPIF_Discover_Service_API (TS 29.222 clause 8.1.6).
pub mod discover_service {
    use super::*;
    /// APIs can be asked for by the features that they support.
    pub const API_SUPPORTED_FEATURE_QUERY: u32 = 1;
    /// What our core function offers.
    pub const SERVED: SupportedFeatures = SupportedFeatures::of(&[API_SUPPORTED_FEATURE_QUERY]);
}

/// CAPIF_Publish_Service_API (TS 29.222 clause 8.2.6).
pub mod publish_service {
    use super::*;
    /// The features of an API are published with it.
    pub const API_SUPPORTED_FEATURE_PUBLISHING: u32 = 1;
    /// Descriptions can be patched.
    pub const PATCH_UPDATE: u32 = 2;
    /// Interfaces can have a name and a path prefix.
    pub const EXTENDED_INTF_DESC: u32 = 3;
    /// A resource can have several custom operations.
    pub const MULTIPLE_CUSTOM_OPERATIONS: u32 = 4;
    /// Protocols and data formats beyond the first ones.
    pub const PROTOC_DATA_FORMATS_EXT1: u32 = 5;
    /// An API can be active at some of its exposing functions only.
    pub const API_STATUS_MONITORING: u32 = 6;
    /// Provider names, performance and UE addresses for edge applications.
    pub const EDGE_APP_2: u32 = 7;
    /// What our core function offers.
    pub const SERVED: SupportedFeatures = SupportedFeatures::of(&[
        API_SUPPORTED_FEATURE_PUBLISHING,
        PATCH_UPDATE,
        EXTENDED_INTF_DESC,
        MULTIPLE_CUSTOM_OPERATIONS,
        PROTOC_DATA_FORMATS_EXT1,
        API_STATUS_MONITORING,
        EDGE_APP_2,
    ]);
}

/// CAPIF_Events_API (TS 29.222 clause 8.3.6).
pub mod events {
    use super::*;
    /// Filters, requirements and details.
    pub const ENHANCED_EVENT_REPORT: u32 = 3;
    /// What our core function offers.
    pub const SERVED: SupportedFeatures = SupportedFeatures::of(&[NOTIFICATION_TEST_EVENT, ENHANCED_EVENT_REPORT]);
}

/// CAPIF_API_Invoker_Management_API (TS 29.222 clause 8.4.6).
pub mod invoker_management {
    use super::*;
    /// Enrolments can be patched.
    pub const PATCH_UPDATE: u32 = 3;
    /// What our core function offers.
    pub const SERVED: SupportedFeatures = SupportedFeatures::of(&[NOTIFICATION_TEST_EVENT, PATCH_UPDATE]);
}

/// CAPIF_Security_API (TS 29.222 clause 8.5.6).
pub mod security {
    use super::*;
    /// Methods can be negotiated for each API.
    pub const SECURITY_INFO_PER_API: u32 = 3;
    /// What our core function offers.
    pub const SERVED: SupportedFeatures = SupportedFeatures::of(&[NOTIFICATION_TEST_EVENT, SECURITY_INFO_PER_API]);
}

/// CAPIF_API_Provider_Management_API (TS 29.222 clause 8.9.6).
pub mod provider_management {
    use super::*;
    /// Registrations can be patched.
    pub const PATCH_UPDATE: u32 = 1;
    /// What our core function offers.
    pub const SERVED: SupportedFeatures = SupportedFeatures::of(&[PATCH_UPDATE]);
}

/// APIs that define no features: Access_Control_Policy, Logging, Auditing, Routing_Info, AEF_Security.
pub const NONE: SupportedFeatures = SupportedFeatures::of(&[]);
