//! What a client asks of each API, read from its body: the members that the simulation acts on, with the rules that the standard has
//! for them. A resource itself is kept as it was sent.

mod members;

use super::model::{Accuracy, Target, unknown_ue};
use edgeapp_core::error::Error;
use edgeapp_openapi::common::DateTime;
use members::Members;
use serde_json::Value;

/// The APIs with resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Api {
    /// MonitoringEvent (TS 29.122 clause 5.3).
    Monitoring,
    /// TrafficInfluence (TS 29.522 clause 5.4).
    Influence,
    /// AsSessionWithQoS (TS 29.122 clause 5.14).
    Qos,
    /// AnalyticsExposure (TS 29.522 clause 5.6).
    Analytics,
    /// DeviceTriggering (TS 29.122 clause 5.7).
    Triggering,
}

impl Api {
    /// All of them.
    pub const ALL: [Api; 5] = [
        Self::Monitoring,
        Self::Influence,
        Self::Qos,
        Self::Analytics,
        Self::Triggering,
    ];

    /// Its name in a path.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Monitoring => "3gpp-monitoring-event",
            Self::Influence => "3gpp-traffic-influence",
            Self::Qos => "3gpp-as-session-with-qos",
            Self::Analytics => "3gpp-analyticsexposure",
            Self::Triggering => "3gpp-device-triggering",
        }
    }

    /// The API of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|api| api.name() == name)
    }

    /// What its resources lie under.
    pub const fn collection(self) -> &'static str {
        match self {
            Self::Triggering => "transactions",
            _ => "subscriptions",
        }
    }
}

/// What a location subscription wants.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    /// Whose location.
    pub target: Target,
    /// How fine.
    pub accuracy: Accuracy,
    /// Seconds between two reports about a UE, at least.
    pub interval: u32,
    /// After so many reports about a UE it is over.
    pub reports: Option<u32>,
    /// Then it is over.
    pub expires: Option<DateTime>,
    /// A report at once.
    pub immediate: bool,
    /// Where reports go.
    pub to: String,
    /// Where revocations of consent go.
    pub revocations: Option<String>,
}

impl Watch {
    /// Whether one answer is all that is wanted.
    pub fn is_one_shot(&self) -> bool {
        self.reports == Some(1) && self.expires.is_none()
    }
}

/// What an influence on paths wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Influence {
    /// Whose traffic.
    pub target: Target,
    /// Which traffic: the application, or the filters as they were sent.
    pub traffic: String,
    /// The data network it is for.
    pub dnn: Option<String>,
    /// The transaction that events carry.
    pub transaction: Option<String>,
    /// Events before a change.
    pub early: bool,
    /// Events after a change.
    pub late: bool,
    /// A change waits for an acknowledgement.
    pub acknowledged: bool,
    /// The DNAIs that the traffic may use, best first; empty to watch only.
    pub routes: Vec<String>,
    /// Where events go.
    pub to: Option<String>,
}

/// What a session with a quality wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose session.
    pub target: Target,
    /// The events that are told.
    pub events: Vec<String>,
    /// The reference that holds where the wanted one cannot.
    pub lesser: Option<String>,
    /// The flows by their numbers.
    pub flows: Vec<u32>,
    /// Where events go.
    pub to: String,
}

/// What a subscription to predictions wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prediction {
    /// Whose ways.
    pub targets: Vec<Target>,
    /// What notifications carry.
    pub id: String,
    /// Where they go.
    pub to: String,
}

/// What a trigger wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Who is woken.
    pub target: Target,
    /// Where the outcome goes.
    pub to: String,
}

/// What a resource wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Want {
    /// Locations.
    Watch(Watch),
    /// Paths.
    Influence(Influence),
    /// Quality.
    Session(Session),
    /// Predictions.
    Prediction(Prediction),
    /// A device that wakes.
    Trigger(Trigger),
}

impl Want {
    /// Reads a body of this API.
    ///
    /// # Errors
    /// 400 with the pointers of what is missing or wrong.
    pub fn read(api: Api, body: &Value, now: DateTime) -> Result<Self, Error> {
        let members = Members::of(body)?;
        match api {
            Api::Monitoring => watch(members, now).map(Self::Watch),
            Api::Influence => influence(members).map(Self::Influence),
            Api::Qos => session(members).map(Self::Session),
            Api::Analytics => prediction(members).map(Self::Prediction),
            Api::Triggering => trigger(members).map(Self::Trigger),
        }
    }

    /// The UEs it is about.
    pub fn targets(&self) -> &[Target] {
        match self {
            Self::Watch(want) => std::slice::from_ref(&want.target),
            Self::Influence(want) => std::slice::from_ref(&want.target),
            Self::Session(want) => std::slice::from_ref(&want.target),
            Self::Trigger(want) => std::slice::from_ref(&want.target),
            Self::Prediction(want) => &want.targets,
        }
    }
}

fn watch(members: Members<'_>, now: DateTime) -> Result<Watch, Error> {
    let kind = members.mandatory("monitoringType", members.text("monitoringType")?)?;
    if kind != "LOCATION_REPORTING" {
        return Err(Error::mandatory_incorrect(
            "/monitoringType",
            "only LOCATION_REPORTING is simulated",
        ));
    }
    let (reports, expires) = (
        members.number("maximumNumberOfReports")?,
        members.instant("monitorExpireTime")?,
    );
    if reports.is_none() && expires.is_none() {
        let reason = "one of maximumNumberOfReports, monitorExpireTime has to be there";
        return Err(Error::mandatory_missing("/maximumNumberOfReports", reason));
    }
    if reports == Some(0) {
        return Err(Error::optional_incorrect(
            "/maximumNumberOfReports",
            "must be at least 1",
        ));
    }
    if expires.is_some_and(|at| at <= now) {
        return Err(Error::optional_incorrect("/monitorExpireTime", "must be in the future"));
    }
    let accuracy = match members.text("accuracy")? {
        None | Some("CGI_ECGI" | "ENODEB") => Accuracy::Cell,
        Some("TA_RA") => Accuracy::Tracking,
        Some("PLMN") => Accuracy::Plmn,
        Some("GEO_AREA") => Accuracy::Area,
        Some(_) => return Err(Error::optional_incorrect("/accuracy", "this accuracy is not simulated")),
    };
    Ok(Watch {
        target: members.target(&[
            "externalId",
            "msisdn",
            "externalGroupId",
            "ipv4Addr",
            "ipv6Addr",
            "ueIpAddr",
        ])?,
        accuracy,
        interval: members.number("minimumReportInterval")?.unwrap_or(0),
        reports,
        expires,
        immediate: members.flag("immediateRep")?,
        to: members.mandatory("notificationDestination", members.link("notificationDestination")?)?,
        revocations: members.link("revocationNotifUri")?,
    })
}

fn influence(members: Members<'_>) -> Result<Influence, Error> {
    let traffic = members.exactly_one(&["afAppId", "trafficFilters", "ethTrafficFilters"])?;
    let events = members.texts("subscribedEvents")?;
    let to = members.link("notificationDestination")?;
    if !events.is_empty() && to.is_none() {
        return Err(Error::mandatory_missing(
            "/notificationDestination",
            "subscribed events need a place to go",
        ));
    }
    let subscribed = events.iter().any(|event| event == "UP_PATH_CHANGE");
    let (early, late) = match members.text("dnaiChgType")? {
        _ if !subscribed => (false, false),
        Some("EARLY") => (true, false),
        Some("LATE") => (false, true),
        None | Some("EARLY_LATE") => (true, true),
        Some(_) => {
            return Err(Error::optional_incorrect(
                "/dnaiChgType",
                "must be EARLY, LATE or EARLY_LATE",
            ));
        }
    };
    let dnais = |routes: &Value| {
        let routes = routes.as_array().filter(|routes| !routes.is_empty())?;
        routes
            .iter()
            .map(|route| route.get("dnai")?.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
    };
    let routes = members.read("trafficRoutes", "must be a list of routes, each with its dnai", dnais)?;
    Ok(Influence {
        target: members.target(&["ipv4Addr", "ipv6Addr", "macAddr", "gpsi", "externalGroupId", "anyUeInd"])?,
        traffic: match members.body[traffic].as_str() {
            Some(application) => application.to_owned(),
            None => members.body[traffic].to_string(),
        },
        dnn: members.text("dnn")?.map(str::to_owned),
        transaction: members.text("afTransId")?.map(str::to_owned),
        early,
        late,
        acknowledged: members.flag("afAckInd")?,
        routes: routes.unwrap_or_default(),
        to,
    })
}

fn session(members: Members<'_>) -> Result<Session, Error> {
    let numbers = |flows: &Value| {
        let number = |flow: &Value| u32::try_from(flow.get("flowId")?.as_u64()?).ok();
        flows.as_array()?.iter().map(number).collect::<Option<Vec<_>>>()
    };
    let flows = members.read("flowInfo", "must be a list of flows, each with its flowId", numbers)?;
    if flows.is_none() && !members.has("exterAppId") {
        return Err(Error::mandatory_missing(
            "/flowInfo",
            "one of flowInfo, exterAppId has to be there",
        ));
    }
    Ok(Session {
        target: members.target(&["ueIpv4Addr", "ueIpv6Addr", "macAddr", "gpsi", "extGroupId"])?,
        events: members.texts("events")?,
        lesser: members.texts("altQoSReferences")?.into_iter().next(),
        flows: flows.unwrap_or_default(),
        to: members.mandatory("notificationDestination", members.link("notificationDestination")?)?,
    })
}

fn prediction(members: Members<'_>) -> Result<Prediction, Error> {
    let subscribed = members.mandatory("analyEventsSubs", members.body.get("analyEventsSubs"))?;
    let items = subscribed.as_array().filter(|items| !items.is_empty());
    let items = items.ok_or_else(|| Error::mandatory_incorrect("/analyEventsSubs", "must be a list with an item"))?;
    let mut targets = Vec::new();
    for (number, item) in items.iter().enumerate() {
        targets.push(mobility_of(item, &format!("/analyEventsSubs/{number}"))?);
    }
    Ok(Prediction {
        targets,
        id: members.mandatory("notifId", members.text("notifId")?)?.to_owned(),
        to: members.mandatory("notifUri", members.link("notifUri")?)?,
    })
}

/// Whose mobility is asked for: `analyEvent` and `tgtUe` of a subscription or of a fetch.
///
/// # Errors
/// When it is another event or no target.
pub fn mobility_of(body: &Value, at: &str) -> Result<Target, Error> {
    let members = Members { body, at };
    let event = members.mandatory("analyEvent", members.text("analyEvent")?)?;
    if event != "UE_MOBILITY" {
        return Err(Error::mandatory_incorrect(
            members.pointer("analyEvent"),
            "only UE_MOBILITY is simulated",
        ));
    }
    let body = members.mandatory("tgtUe", members.body.get("tgtUe"))?;
    let at = members.pointer("tgtUe");
    Members { body, at: &at }.target(&["gpsi", "exterGroupId", "anyUeInd"])
}

/// Whom a UEId request asks for.
///
/// # Errors
/// When it has no `afId`, or not one address.
pub fn address_of(body: &Value) -> Result<Target, Error> {
    let members = Members::of(body)?;
    members.mandatory("afId", members.text("afId")?)?;
    match members.exactly_one(&["ueIpAddr", "ueMacAddr"])? {
        "ueIpAddr" => members.target(&["ueIpAddr"]),
        _ => Err(unknown_ue()),
    }
}

fn trigger(members: Members<'_>) -> Result<Trigger, Error> {
    let target = members.target(&["externalId", "msisdn"])?;
    members.mandatory("validityPeriod", members.number("validityPeriod")?)?;
    members.mandatory("priority", members.text("priority")?)?;
    members.mandatory("applicationPortId", members.number("applicationPortId")?)?;
    members.mandatory("triggerPayload", members.text("triggerPayload")?)?;
    Ok(Trigger {
        target,
        to: members.mandatory("notificationDestination", members.link("notificationDestination")?)?,
    })
}
