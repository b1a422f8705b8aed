//! The usual cast of a relocation: an S-EAS here that listens, an EEC that is registered and listens, a T-EAS and T-EES elsewhere.

use crate::harness::{Caller, Doors, Settings};
use serde_json::{Value, json};

pub(crate) const INITIATE: &str = "/eees-appctxtreloc/v1/initiate";
pub(crate) const DETERMINE: &str = "/eees-appctxtreloc/v1/determine";
pub(crate) const DECLARE: &str = "/eees-appctxtreloc/v1/declare";
pub(crate) const REGISTRATIONS: &str = "/eees-eecregistration/v1/registrations";
pub(crate) const ACR_EVENTS: &str = "/eees-acrevents/v1/subscriptions";
pub(crate) const ACR_MANAGEMENT: &str = "/eees-acrmgntevent/v1/subscriptions";
pub(crate) const ACR_STATUS: &str = "/eees-acrstatus-update/v1/request-acrupdate";
pub(crate) const CONTEXTS: &str = "/eees-eeccontextreloc/v1/eec-contexts";
/// The UE of every EEC here.
pub(crate) const UE: &str = "msisdn-491700000001";
/// Where the EEC hears of relocations.
pub(crate) const EEC_HEARS: &str = "https://ue.example/acr";
/// Where the S-EAS hears of relocations.
pub(crate) const EAS_HEARS: &str = "https://chess.edge-a.example/acr";
/// The S-EAS.
pub(crate) const SOURCE: &str = "chess.edge-a.example";
/// The T-EAS.
pub(crate) const TARGET: &str = "chess.edge-b.example";
/// The T-EES.
pub(crate) const T_EES: &str = "ees-b.example";

/// An EAS of the chess game at this host.
pub(crate) fn chess(host: &str) -> Value {
    json!({"easProf": {"easId": "eas.chess.example", "endPt": {"fqdn": host}, "provId": "games-inc",
        "svcKpi": {"maxReqRate": 100, "avail": 99}}})
}

/// An AC that plays chess.
pub(crate) fn player() -> Value {
    json!({"acId": "ac.chess", "eass": [{"easId": "eas.chess.example"}]})
}

/// Registers an EAS of the chess game.
pub(crate) async fn register_eas(eas: &Caller, host: &str) -> String {
    eas.post("/eees-easregistration/v1/registrations", chess(host))
        .await
        .created()
}

/// Subscribes an EAS to the start and stop of transfers.
pub(crate) async fn subscribe_eas(eas: &Caller, at: &str) -> String {
    let request = json!({"easId": "eas.chess.example", "eventSubscs": [{"event": "ACT_START_STOP"}], "notificationDestination": at});
    eas.post(ACR_MANAGEMENT, request).await.created()
}

/// Subscribes an EEC to one event about the chess game.
pub(crate) async fn subscribe_eec(eec: &Caller, event: &str) -> String {
    let request = json!({"eecId": "eec-1", "easIds": ["eas.chess.example"], "eventIds": event, "notificationDestination": EEC_HEARS});
    eec.post(ACR_EVENTS, request).await.created()
}

/// The last part of a URI.
pub(crate) fn id_of(uri: &str) -> &str {
    uri.rsplit('/').next().unwrap()
}

/// The cast, ready to relocate.
pub(crate) struct Scene {
    pub(crate) doors: Doors,
    pub(crate) eec: Caller,
    pub(crate) eas: Caller,
    /// The registration of the EEC.
    pub(crate) registration: String,
    /// The context of the EEC.
    pub(crate) context: String,
    /// The subscription of the S-EAS.
    pub(crate) eas_subscription: String,
    /// The subscription of the EEC to `ACR_COMPLETE`.
    pub(crate) complete: String,
    /// The subscription of the EEC to `TARGET_INFORMATION`.
    pub(crate) target: String,
}

impl Scene {
    pub(crate) async fn set() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let doors = Doors::with(settings).await;
        let (eec, eas) = (doors.eec("eec-1"), doors.eas("eas.chess.example#a1"));
        register_eas(&eas, SOURCE).await;
        let eas_subscription = subscribe_eas(&eas, EAS_HEARS).await;
        let request = json!({"eecId": "eec-1", "ueId": UE, "acProfs": [player()], "eecSvcContSupp": ["EEC_EXECUTED_VIA_SOURCE_EES"]});
        let made = eec.post(REGISTRATIONS, request).await;
        let complete = subscribe_eec(&eec, "ACR_COMPLETE").await;
        let target = subscribe_eec(&eec, "TARGET_INFORMATION").await;
        Self {
            registration: made.created(),
            context: made.body["eecCntxId"].as_str().unwrap().to_owned(),
            doors,
            eec,
            eas,
            eas_subscription,
            complete,
            target,
        }
    }

    /// Scenario B: the EEC asks its S-EES to relocate to this target, the context goes to the T-EES.
    pub(crate) fn executed_via_source(&self, target: &str) -> Value {
        json!({"requestorId": "eec-1", "ueId": UE, "acId": "ac.chess", "easId": "eas.chess.example", "easNotifInd": true,
            "sEasEndpoint": {"fqdn": SOURCE}, "tEasEndpoint": {"fqdn": target},
            "eecCtxtReloc": {"eecCtxtId": self.context, "tEesId": T_EES, "tEecEndpoint": {"uri": "https://ees-b.example"}}})
    }

    /// The report of the S-EAS.
    pub(crate) fn report(&self, result: &str) -> Value {
        json!({"easId": "eas.chess.example", "acId": "ac.chess",
            "actResultInfo": {"actResult": result, "ueId": UE, "easEndPoint": {"fqdn": TARGET}}})
    }

    /// What the S-EAS was told since the last look: status and the peer's host.
    pub(crate) async fn eas_told(&self) -> Vec<(String, String)> {
        self.doors.settled().await;
        let reports = self.doors.subscribers.told_at(EAS_HEARS);
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let said = |report: &Value| (word(&report["actStatus"]), word(&report["easEndPoint"]["fqdn"]));
        reports.iter().map(|told| said(&told["eventReports"][0])).collect()
    }

    /// What the EEC was told since the last look.
    pub(crate) async fn eec_told(&self) -> Vec<Value> {
        self.doors.settled().await;
        self.doors.subscribers.told_at(EEC_HEARS)
    }
}
