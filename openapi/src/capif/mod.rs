//! CAPIF: how service APIs are published, discovered, secured, logged and audited (TS 29.222). One module per API.
//!
//! | module | API | clause |
//! |---|---|---|
//! | [`discover_service`] | CAPIF_Discover_Service_API | 8.1 |
//! | [`publish_service`] | CAPIF_Publish_Service_API | 8.2 |
//! | [`events`] | CAPIF_Events_API | 8.3 |
//! | [`invoker_management`] | CAPIF_API_Invoker_Management_API | 8.4 |
//! | [`security`] | CAPIF_Security_API | 8.5 |
//! | [`access_control_policy`] | CAPIF_Access_Control_Policy_API | 8.6 |
//! | [`logging`] | CAPIF_Logging_API_Invocation_API | 8.7 |
//! | [`auditing`] | CAPIF_Auditing_API | 8.8 |
//! | [`provider_management`] | CAPIF_API_Provider_Management_API | 8.9 |
//! | [`routing_info`] | CAPIF_Routing_Info_API | 8.10 |
//! | [`aef_security`] | AEF_Security_API | 9.1 |
//!
//! Where the text of the standard and its OpenAPI files encode a thing differently, the files count (annex A.1).

pub mod access_control_policy;
pub mod aef_security;
pub mod auditing;
pub mod discover_service;
pub mod events;
pub mod features;
pub mod invoker_management;
pub mod logging;
pub mod provider_management;
pub mod publish_service;
pub mod routing_info;
pub mod security;

identifier!(
    /// Identifier of an API invoker, given by the CAPIF core function that onboarded it.
    ApiInvokerId
);
identifier!(
    /// Identifier of a function of an API provider domain (AEF, APF or AMF), given by the CAPIF core function.
    FunctionId
);
identifier!(
    /// Identifier of a published service API, given by the CAPIF core function.
    ServiceApiId
);
identifier!(
    /// Identifier of an API provider domain, given by the CAPIF core function.
    DomainId
);
identifier!(
    /// Identifier of a stored invocation log, given by the CAPIF core function.
    LogId
);
