//! Where the network sees a UE (`UserLocation`, TS 29.571 clause 5.4.4).

use super::{Ecgi, GatewayId, GeraLocation, GlobalRanNodeId, Ncgi, Tac, Tai, UtraLocation};
use crate::common::{DateTime, Ipv4Addr, Ipv6Addr, PlmnIdNid, TransportProtocol, non_empty, within};
use crate::network::hex;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// Where the network sees a UE, for each kind of access that it uses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserLocation {
    /// `eutraLocation`: over E-UTRA (LTE).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eutra_location: Option<EutraLocation>,
    /// `nrLocation`: over NR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub nr_location: Option<NrLocation>,
    /// `n3gaLocation`: over access outside 3GPP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub n3ga_location: Option<N3gaLocation>,
    /// `utraLocation`: over UTRA (3G).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub utra_location: Option<UtraLocation>,
    /// `geraLocation`: over GERAN (2G).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub gera_location: Option<GeraLocation>,
}

pub(super) fn age<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    within(deserializer, 0.0, 32767.0)
}

fn upper_hex(value: &str, length: usize) -> bool {
    hex(value, length, length) && !value.bytes().any(|digit| digit.is_ascii_lowercase())
}

text!(
    /// A point with a radius, in the bits of TS 23.032: sixteen hexadecimal digits, letters in upper case.
    GeographicalInformation,
    r"^[0-9A-F]{16}$",
    |value| upper_hex(value, 16),
    "must be sixteen hexadecimal digits, letters in upper case"
);
text!(
    /// A calling geodetic location, in the bits of ITU-T Q.763: twenty hexadecimal digits, letters in upper case.
    GeodeticInformation,
    r"^[0-9A-F]{20}$",
    |value| upper_hex(value, 20),
    "must be twenty hexadecimal digits, letters in upper case"
);

/// Where E-UTRA sees a UE (TS 29.571 clause 5.4.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EutraLocation {
    /// `tai`: the tracking area.
    pub tai: Tai,
    /// `ignoreTai`: the tracking area means nothing; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore_tai: bool,
    /// `ecgi`: the cell.
    pub ecgi: Ecgi,
    /// `ignoreEcgi`: the cell means nothing; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore_ecgi: bool,
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
    /// `globalNgenbId`: the ng-eNB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub global_ngenb_id: Option<GlobalRanNodeId>,
    /// `globalENbId`: the eNB.
    #[serde(rename = "globalENbId", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub global_enb_id: Option<GlobalRanNodeId>,
}

/// Where NR sees a UE (TS 29.571 clause 5.4.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NrLocation {
    /// `tai`: the tracking area.
    pub tai: Tai,
    /// `ncgi`: the cell.
    pub ncgi: Ncgi,
    /// `ignoreNcgi`: the cell means nothing; false when absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore_ncgi: bool,
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
    /// `globalGnbId`: the gNB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub global_gnb_id: Option<GlobalRanNodeId>,
    /// `ntnTaiInfo`: the tracking areas that a satellite cell sends out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ntn_tai_info: Option<NtnTaiInfo>,
}

/// The tracking areas that a satellite cell sends out (TS 29.571 clause 5.4.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NtnTaiInfo {
    /// `plmnId`: the network.
    pub plmn_id: PlmnIdNid,
    /// `tacList`: the tracking areas, at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub tac_list: Vec<Tac>,
    /// `derivedTac`: the tracking area that the UE itself is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub derived_tac: Option<Tac>,
}

open_enum!(
    /// A kind of fixed line (TS 29.571 clause 5.4.3).
    LineType as "LineType" {
        /// Over copper.
        Dsl = "DSL",
        /// Passive optical.
        Pon = "PON",
    }
);

/// Where access outside 3GPP sees a UE (TS 29.571 clause 5.4.4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct N3gaLocation {
    /// `n3gppTai`: the tracking area that stands for the access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub n3gpp_tai: Option<Tai>,
    /// `n3IwfId`: the N3IWF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub n3_iwf_id: Option<GatewayId>,
    /// `ueIpv4Addr`: the UE's IPv4 address outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_ipv4_addr: Option<Ipv4Addr>,
    /// `ueIpv6Addr`: the UE's IPv6 address outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_ipv6_addr: Option<Ipv6Addr>,
    /// `portNumber`: the UE's port outside, where there is address translation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub port_number: Option<u64>,
    /// `protocol`: the transport protocol of that port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub protocol: Option<TransportProtocol>,
    /// `tnapId`: the access point of a trusted network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tnap_id: Option<TnapId>,
    /// `twapId`: the access point of a trusted WLAN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub twap_id: Option<TwapId>,
    /// `hfcNodeId`: the node of a hybrid fibre and coax line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub hfc_node_id: Option<HfcNodeId>,
    /// `gli`: global line identifier, base 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "byte")]
    pub gli: Option<String>,
    /// `w5gbanLineType`: the kind of fixed line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub w5gban_line_type: Option<LineType>,
    /// `gci`: global cable identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub gci: Option<String>,
}

/// An access point of a trusted network outside 3GPP (TS 29.571 clause 5.4.4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TnapId {
    /// `ssId`: name of the WLAN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ss_id: Option<String>,
    /// `bssId`: identifier of the access point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub bss_id: Option<String>,
    /// `civicAddress`: where it stands, in the bits of RFC 4776, base 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "byte")]
    pub civic_address: Option<String>,
}

/// An access point of a trusted WLAN (TS 29.571 clause 5.4.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TwapId {
    /// `ssId`: name of the WLAN.
    pub ss_id: String,
    /// `bssId`: identifier of the access point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub bss_id: Option<String>,
    /// `civicAddress`: where it stands, in the bits of RFC 4776, base 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "byte")]
    pub civic_address: Option<String>,
}

/// A node of a hybrid fibre and coax line (TS 29.571 clause 5.4.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HfcNodeId {
    /// `hfcNId`: the node.
    pub hfc_n_id: HfcNId,
}

text!(
    /// Number of a node of a hybrid fibre and coax line: at most six characters.
    HfcNId,
    r"^.{0,6}$",
    |value| value.chars().count() <= 6,
    "must have at most six characters"
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    const PLMN: &str = r#""plmnId": {"mcc": "001", "mnc": "01"}"#;
    const SEEN: &str = r#""ageOfLocationInformation": 5, "ueLocationTimestamp": "2026-01-01T12:00:00Z",
        "geographicalInformation": "0123456789ABCDEF", "geodeticInformation": "0123456789ABCDEF0123""#;

    #[test]
    fn new_radio_and_lte() {
        let tai = format!(r#""tai": {{{PLMN}, "tac": "000001"}}"#);
        let node = format!(r#"{{{PLMN}, "wagfId": "a"}}"#);
        let nr = format!(
            r#"{{{tai}, "ncgi": {{{PLMN}, "nrCellId": "000000001"}}, "ignoreNcgi": true, {SEEN}, "globalGnbId": {node},
            "ntnTaiInfo": {{"plmnId": {{"mcc": "001", "mnc": "01"}}, "tacList": ["000001"], "derivedTac": "0001"}}}}"#
        );
        needs::<NrLocation>(&nr, &["tai", "ncgi"]);
        let eutra = format!(
            r#"{{{tai}, "ecgi": {{{PLMN}, "eutraCellId": "0000001"}}, "ignoreTai": true, "ignoreEcgi": true, {SEEN},
            "globalNgenbId": {node}, "globalENbId": {node}}}"#
        );
        needs::<EutraLocation>(&eutra, &["tai", "ecgi"]);
        same::<UserLocation>(&format!(r#"{{"nrLocation": {nr}, "eutraLocation": {eutra}}}"#));
        needs::<NtnTaiInfo>(
            r#"{"plmnId": {"mcc": "001", "mnc": "01"}, "tacList": ["000001"]}"#,
            &["plmnId", "tacList"],
        );
        refused::<NtnTaiInfo>(r#"{"plmnId": {"mcc": "001", "mnc": "01"}, "tacList": []}"#);
    }

    #[test]
    fn access_outside_3gpp() {
        same::<UserLocation>(
            r#"{"n3gaLocation": {"n3gppTai": {"plmnId": {"mcc": "001", "mnc": "01"}, "tac": "000001"}, "n3IwfId": "a1",
            "ueIpv4Addr": "192.0.2.1", "ueIpv6Addr": "2001:db8::1", "portNumber": 500, "protocol": "SCTP",
            "tnapId": {"ssId": "s", "bssId": "b", "civicAddress": "AAEC"}, "twapId": {"ssId": "s", "bssId": "b"},
            "hfcNodeId": {"hfcNId": "abc123"}, "gli": "AAEC", "w5gbanLineType": "PON", "gci": "g"}}"#,
        );
        refused::<HfcNodeId>(r#"{"hfcNId": "abc1234"}"#);
        refused::<HfcNodeId>("{}");
        needs::<TwapId>(r#"{"ssId": "s", "bssId": "b"}"#, &["ssId"]);
    }
}
