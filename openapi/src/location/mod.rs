//! Where UEs and servers are: service areas, cells, shapes on the globe, addresses, observed positions.
//!
//! The standard has three types for areas, and this module keeps them apart:
//!
//! | type | says | of |
//! |---|---|---|
//! | [`ServiceArea`] | where UEs have to be | an EAS or EES that registers (TS 29.558) |
//! | [`LocationArea5G`] | where UEs have to be, or are expected | what EECs read and write, and query parameters (TS 29.122) |
//! | [`LocationInfo`] | where one UE is | requests for discovery and provisioning (TS 29.122) |
//!
//! ```
//! use edgeapp_openapi::location::{GeographicArea, ServiceArea};
//! let area: ServiceArea = serde_json::from_str(
//!     r#"{"geoServAr": {"geoArs": [{"shape": "POINT_UNCERTAINTY_CIRCLE", "point": {"lon": 8.5, "lat": 47.4}, "uncertainty": 500}]}}"#,
//! )?;
//! let circle = &area.geo_serv_ar.unwrap().geo_ars[0];
//! assert!(matches!(circle, GeographicArea::PointUncertaintyCircle { uncertainty: 500.0, .. }));
//! # Ok::<(), serde_json::Error>(())
//! ```

mod cells;
mod civic;
mod observed;
mod older;
mod shapes;
mod user;
mod velocity;

pub use cells::*;
pub use civic::*;
pub use observed::*;
pub use older::*;
pub use shapes::{GeographicArea, GeographicalCoordinates, SupportedGadShapes, UncertaintyEllipse};
pub use user::*;
pub use velocity::*;

use crate::common::{PlmnIdNid, non_empty};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where UEs have to be to be served (TS 29.558 clause 9.1.5.2.5): by topology, on the globe, or both.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceArea {
    /// `topServAr`: in terms of the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub top_serv_ar: Option<TopologicalServiceArea>,
    /// `geoServAr`: in terms of the globe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub geo_serv_ar: Option<GeographicalServiceArea>,
}

/// Parts of networks (TS 29.558 clause 9.1.5.2.6): a UE is inside when one of the parts has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopologicalServiceArea {
    /// `ecgis`: E-UTRA cells.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ecgis: Vec<Ecgi>,
    /// `ncgis`: NR cells.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ncgis: Vec<Ncgi>,
    /// `tais`: tracking areas.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub tais: Vec<Tai>,
    /// `plmnIds`: whole networks.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub plmn_ids: Vec<PlmnIdNid>,
}

/// Parts of the globe (TS 29.558 clause 9.1.5.2.7): a UE is inside when one of the parts has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GeographicalServiceArea {
    /// `geoArs`: shapes.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub geo_ars: Vec<GeographicArea>,
    /// `civicAddrs`: addresses.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub civic_addrs: Vec<CivicAddress>,
}

/// An area or a place (`LocationArea5G`, TS 29.122 clause 5.2.1.2); either list may be empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocationArea5G {
    /// `geographicAreas`: shapes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub geographic_areas: Vec<GeographicArea>,
    /// `civicAddresses`: addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub civic_addresses: Vec<CivicAddress>,
    /// `nwAreaInfo`: parts of the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub nw_area_info: Option<NetworkAreaInfo>,
}

/// Parts of the network (`NetworkAreaInfo`, TS 29.554): a UE is inside when one of the parts has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkAreaInfo {
    /// `ecgis`: E-UTRA cells.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ecgis: Vec<Ecgi>,
    /// `ncgis`: NR cells.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ncgis: Vec<Ncgi>,
    /// `gRanNodeIds`: radio nodes.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub g_ran_node_ids: Vec<GlobalRanNodeId>,
    /// `tais`: tracking areas.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub tais: Vec<Tai>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{refused, same};

    const PLMN: &str = r#"{"mcc": "001", "mnc": "01"}"#;

    #[test]
    fn areas_round_trip() {
        let cells = format!(
            r#""ecgis": [{{"plmnId": {PLMN}, "eutraCellId": "000000a"}}], "ncgis": [{{"plmnId": {PLMN}, "nrCellId": "00000000a"}}],
            "tais": [{{"plmnId": {PLMN}, "tac": "00000a"}}]"#
        );
        let shape = r#"[{"shape": "POINT", "point": {"lon": 1.5, "lat": 2.5}}]"#;
        same::<ServiceArea>(&format!(
            r#"{{"topServAr": {{{cells}, "plmnIds": [{{"mcc": "001", "mnc": "01", "nid": "0000000000b"}}]}},
            "geoServAr": {{"geoArs": {shape}, "civicAddrs": [{{"A3": "Ulm"}}]}}}}"#
        ));
        same::<LocationArea5G>(&format!(
            r#"{{"geographicAreas": {shape}, "civicAddresses": [{{"A3": "Ulm"}}],
            "nwAreaInfo": {{{cells}, "gRanNodeIds": [{{"plmnId": {PLMN}, "wagfId": "a"}}]}}}}"#
        ));
    }

    #[test]
    fn lists_that_must_not_be_empty() {
        for list in ["ecgis", "ncgis", "tais", "plmnIds"] {
            refused::<TopologicalServiceArea>(&format!(r#"{{"{list}": []}}"#));
        }
        for list in ["geoArs", "civicAddrs"] {
            refused::<GeographicalServiceArea>(&format!(r#"{{"{list}": []}}"#));
        }
        for list in ["ecgis", "ncgis", "tais", "gRanNodeIds"] {
            refused::<NetworkAreaInfo>(&format!(r#"{{"{list}": []}}"#));
        }
        let empty = r#"{"geographicAreas": [], "civicAddresses": []}"#;
        assert_eq!(
            serde_json::from_str::<LocationArea5G>(empty).unwrap(),
            LocationArea5G::default()
        );
    }
}
