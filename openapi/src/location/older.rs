//! Where radio older than LTE sees a UE (TS 29.571 clause 5.4.4).

use super::user::{GeodeticInformation, GeographicalInformation, age};
use crate::common::{DateTime, PlmnId};
use crate::network::hex;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

text!(any_case
    /// A code of a location, routing or service area, or of a cell in it: four hexadecimal digits.
    AreaCode,
    r"^[A-Fa-f0-9]{4}$",
    |value| hex(value, 4, 4),
    "must be four hexadecimal digits"
);
text!(any_case
    /// A routing area code within a location area: two hexadecimal digits.
    Rac,
    r"^[A-Fa-f0-9]{2}$",
    |value| hex(value, 2, 2),
    "must be two hexadecimal digits"
);

/// A cell of UTRA or GERAN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CellGlobalId {
    /// `plmnId`: its network.
    pub plmn_id: PlmnId,
    /// `lac`: its location area.
    pub lac: AreaCode,
    /// `cellId`: the cell within the location area.
    pub cell_id: AreaCode,
}

/// A service area of UTRA.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceAreaId {
    /// `plmnId`: its network.
    pub plmn_id: PlmnId,
    /// `lac`: its location area.
    pub lac: AreaCode,
    /// `sac`: the service area within the location area.
    pub sac: AreaCode,
}

/// A location area of UTRA or GERAN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocationAreaId {
    /// `plmnId`: its network.
    pub plmn_id: PlmnId,
    /// `lac`: the location area.
    pub lac: AreaCode,
}

/// A routing area of UTRA or GERAN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoutingAreaId {
    /// `plmnId`: its network.
    pub plmn_id: PlmnId,
    /// `lac`: its location area.
    pub lac: AreaCode,
    /// `rac`: the routing area within the location area.
    pub rac: Rac,
}

/// Where UTRA sees a UE (TS 29.571 clause 5.4.4): by exactly one of `cgi`, `sai` and `rai`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase")]
pub struct UtraLocation {
    /// `cgi`: the cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cgi: Option<CellGlobalId>,
    /// `sai`: the service area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sai: Option<ServiceAreaId>,
    /// `lai`: the location area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lai: Option<LocationAreaId>,
    /// `rai`: the routing area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rai: Option<RoutingAreaId>,
    /// `ageOfLocationInformation`: for how many minutes this has not been confirmed, up to 32767.
    #[serde(default, deserialize_with = "age", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 32767)]
    pub age_of_location_information: Option<u16>,
    /// `ueLocationTimestamp`: when the UE was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_location_timestamp: Option<DateTime>,
    /// `geographicalInformation`: a point with a radius.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub geographical_information: Option<GeographicalInformation>,
    /// `geodeticInformation`: a calling geodetic location.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub geodetic_information: Option<GeodeticInformation>,
}

checked!(UtraLocation, |at| {
    match [at.cgi.is_some(), at.sai.is_some(), at.rai.is_some()]
        .iter()
        .filter(|given| **given)
        .count()
    {
        1 => Ok(()),
        _ => Err("must have exactly one of these members: cgi sai rai"),
    }
});

/// Where GERAN sees a UE (TS 29.571 clause 5.4.4): by exactly one of `cgi`, `sai` and `lai`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase")]
pub struct GeraLocation {
    /// `locationNumber`: a number that stands for the place, as in ITU-T Q.763.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub location_number: Option<String>,
    /// `cgi`: the cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cgi: Option<CellGlobalId>,
    /// `sai`: the service area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sai: Option<ServiceAreaId>,
    /// `lai`: the location area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lai: Option<LocationAreaId>,
    /// `rai`: the routing area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rai: Option<RoutingAreaId>,
    /// `vlrNumber`: number of the visitor location register.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub vlr_number: Option<String>,
    /// `mscNumber`: number of the switching centre.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub msc_number: Option<String>,
    /// `ageOfLocationInformation`: for how many minutes this has not been confirmed, up to 32767.
    #[serde(default, deserialize_with = "age", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 32767)]
    pub age_of_location_information: Option<u16>,
    /// `ueLocationTimestamp`: when the UE was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_location_timestamp: Option<DateTime>,
    /// `geographicalInformation`: a point with a radius.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub geographical_information: Option<GeographicalInformation>,
    /// `geodeticInformation`: a calling geodetic location.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub geodetic_information: Option<GeodeticInformation>,
}

checked!(GeraLocation, |at| {
    match [at.cgi.is_some(), at.sai.is_some(), at.lai.is_some()]
        .iter()
        .filter(|given| **given)
        .count()
    {
        1 => Ok(()),
        _ => Err("must have exactly one of these members: cgi sai lai"),
    }
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::location::UserLocation;
    use crate::proof::{needs, only, refused, same};

    const PLMN: &str = r#""plmnId": {"mcc": "001", "mnc": "01"}"#;
    const SEEN: &str = r#""ageOfLocationInformation": 5, "ueLocationTimestamp": "2026-01-01T12:00:00Z",
        "geographicalInformation": "0123456789ABCDEF", "geodeticInformation": "0123456789ABCDEF0123""#;

    #[test]
    fn older_radio_names_one_area() {
        let cgi = format!(r#"{{{PLMN}, "lac": "00a1", "cellId": "00a2"}}"#);
        let sai = format!(r#"{{{PLMN}, "lac": "00a1", "sac": "00a2"}}"#);
        let lai = format!(r#"{{{PLMN}, "lac": "00a1"}}"#);
        let rai = format!(r#"{{{PLMN}, "lac": "00a1", "rac": "a2"}}"#);
        needs::<CellGlobalId>(&cgi, &["plmnId", "lac", "cellId"]);
        needs::<ServiceAreaId>(&sai, &["plmnId", "lac", "sac"]);
        needs::<LocationAreaId>(&lai, &["plmnId", "lac"]);
        needs::<RoutingAreaId>(&rai, &["plmnId", "lac", "rac"]);
        let utra = format!(r#"{{"cgi": {cgi}, "lai": {lai}, {SEEN}}}"#);
        let gera = format!(
            r#"{{"sai": {sai}, "rai": {rai}, "locationNumber": "1", "vlrNumber": "2", "mscNumber": "3", {SEEN}}}"#
        );
        same::<UserLocation>(&format!(r#"{{"utraLocation": {utra}, "geraLocation": {gera}}}"#));
        only::<UtraLocation>(&utra, &[], &["cgi"]);
        only::<GeraLocation>(&gera, &[], &["sai"]);
        refused::<UtraLocation>(&format!(r#"{{"cgi": {cgi}, "rai": {rai}}}"#));
        refused::<GeraLocation>(&format!(r#"{{"cgi": {cgi}, "lai": {lai}}}"#));
        refused::<GeraLocation>(&format!(r#"{{"rai": {rai}}}"#));
        refused::<UtraLocation>(&format!(r#"{{"cgi": {cgi}, "ageOfLocationInformation": 32768}}"#));
        refused::<UtraLocation>(&format!(
            r#"{{"cgi": {cgi}, "geographicalInformation": "0123456789abcdef"}}"#
        ));
    }
}
