//! What happens in an EES, and what is to be done about it.
//!
//! Events are committed with the change they tell of; the outbox turns them into work, in order per lane, at least once.

use crate::{
    ac_information::{
        known::AcsKnown,
        reports::{AcWork, Due},
    },
    core_links::LinkWork,
};
use edgeapp_core::network::Token;
use edgeapp_openapi::{
    common::{DateTime, Uri},
    eas_registration::{EasProfile, EndPoint},
    ees_registration::AcrScenario,
    ids::{AcId, EasId, EecId, Gpsi},
};
use serde::{Deserialize, Serialize};

/// Something that was committed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Event {
    /// An EAS was registered (`before` absent), updated, or is gone (`after` absent).
    EasChanged {
        /// Its profile until now.
        before: Option<Box<EasProfile>>,
        /// Its profile from now on.
        after: Option<Box<EasProfile>>,
        /// Until when the registration lives.
        expires_at: Option<DateTime>,
    },
    /// A registration of an EAS ended, deregistered, expired or taken over by somebody else.
    EasRegistrationEnded(crate::ending::RegistrationEnded),
    /// A subscriber asked for a test notification (TS 29.122 clause 5.2.5.3).
    TestAsked {
        /// Key of the subscription.
        subscription: String,
        /// Its URI, which the test notification carries.
        uri: String,
        /// Where to send it.
        destination: Uri,
    },
    /// A subscriber has to be told something.
    Tell(Box<Notification>),
    /// A subscriber has to be told something for the last time: its subscription ends once that is done.
    TellLast(Box<Notification>),
    /// A subscriber has to be told something, though its subscription has ended.
    Farewell {
        /// What it is told.
        notification: Box<Notification>,
        /// Nobody has to be told after this instant.
        until: DateTime,
    },
    /// A resource that may hold links to the core network is gone.
    HolderGone {
        /// Its key.
        key: String,
    },
    /// A resource that stays no longer needs these links to the core network.
    LinksGivenBack {
        /// Its key.
        key: String,
        /// The links.
        links: Vec<Token>,
    },
    /// The core network ended a link.
    LinkLost {
        /// The link.
        token: Token,
    },
    /// It is time to compare our links with what runs at the core network.
    LinkUpkeep,
    /// The scenarios were selected in which the sessions of a UE with an EAS relocate.
    ScenariosSelected(Box<ScenariosSelected>),
    /// A common EAS was chosen here.
    CommonEas(crate::common_eas::announcing::CommonEasEvent),
    /// A CAS was selected, which has to hear of this EES.
    SelectedEes(Box<crate::selected_ees::Declaration>),
    /// A relocation moved on.
    Acr(crate::acr::AcrEvent),
    /// A user plane path changes, or a UE is expected elsewhere.
    Path(crate::acr_management::PathEvent),
    /// Application clients are known, or otherwise than before.
    AcsKnown(Box<AcsKnown>),
    /// It is time to look what a subscriber to application clients has to be told.
    AcReportDue {
        /// Key of the subscription.
        subscription: String,
        /// Why.
        why: Due,
    },
    /// Our APIs were invoked, and the CAPIF core function has to hear of it.
    Invoked(Vec<edgeapp_openapi::capif::logging::InvocationLog>),
    /// An EEC is no longer registered.
    EecGone {
        /// The EEC.
        eec_id: EecId,
    },
}

/// The scenarios in which the sessions of a UE with an EAS relocate (TS 29.558 clause 5.10.2.3.2).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScenariosSelected {
    /// The application.
    pub eas_id: EasId,
    /// The EAS.
    pub eas: EndPoint,
    /// The UE.
    pub ue_id: Gpsi,
    /// The application clients.
    pub ac_ids: Vec<AcId>,
    /// The scenarios, in the order of preference.
    pub scenarios: Vec<AcrScenario>,
}

/// A piece of work that an event led to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Work {
    /// Send this to a subscriber.
    Notify(Notification),
    /// End what ended with the last registration of an EAS.
    EndSubscriptions(crate::ending::RegistrationEnded),
    /// Take the next step of a relocation.
    Acr(crate::acr::AcrWork),
    /// Tell others of a common EAS.
    CommonEas(crate::common_eas::announcing::CommonEasWork),
    /// Tell a CAS which EES was selected.
    SelectedEes(Box<crate::selected_ees::Declaration>),
    /// Follow up on a change of a user plane path.
    Path(crate::acr_management::PathWork),
    /// Tell the CAPIF core function of invocations.
    Invocations(Box<edgeapp_openapi::capif::logging::InvocationLog>),
    /// Wake up an EEC.
    Wake(crate::waking::Awakening),
    /// Look after a link to the core network.
    Link(LinkWork),
    /// See to what subscribers to application clients have to be told.
    AcInformation(AcWork),
    /// End the subscription under this key, which has said all it had to say.
    End(String),
}

/// A notification on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Notification {
    /// Where it goes.
    pub destination: Uri,
    /// Key of the subscription it is for.
    pub subscription: String,
    /// What it says: the JSON body.
    pub body: serde_json::Value,
    /// The relocation that wants to hear how it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_acr: Option<crate::acr::AcrRef>,
}
