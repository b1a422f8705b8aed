//! Where a UE was observed (`LocationInfo`, TS 29.122, MonitoringEvent; TS 29.572).

use super::{
    CivicAddress, GeographicArea, UserLocation, VelocityEstimate,
    shapes::{angle, metres},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a UE was observed: each member is another way to say it, or says how good or old the observation is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocationInfo {
    /// `ageOfLocationInfo`: for how many minutes this has not been confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub age_of_location_info: Option<u32>,
    /// `cellId`: the cell, as plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cell_id: Option<String>,
    /// `enodeBId`: the eNodeB, as plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub enode_b_id: Option<String>,
    /// `routingAreaId`: the routing area, as plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub routing_area_id: Option<String>,
    /// `trackingAreaId`: the tracking area, as plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tracking_area_id: Option<String>,
    /// `plmnId`: the network, as plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub plmn_id: Option<String>,
    /// `twanId`: the trusted WLAN, as plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub twan_id: Option<String>,
    /// `userLocation`: cells and tracking areas in parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub user_location: Option<UserLocation>,
    /// `geographicArea`: on the globe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub geographic_area: Option<GeographicArea>,
    /// `civicAddress`: as an address for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub civic_address: Option<CivicAddress>,
    /// `positionMethod`: how the position was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub position_method: Option<PositioningMethod>,
    /// `qosFulfilInd`: whether the position is as exact as was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub qos_fulfil_ind: Option<AccuracyFulfilmentIndicator>,
    /// `ueVelocity`: how the UE moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_velocity: Option<VelocityEstimate>,
    /// `ldrType`: which deferred location report this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ldr_type: Option<LdrType>,
    /// `achievedQos`: how exact the position is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub achieved_qos: Option<MinorLocationQoS>,
    /// `relAppLayerId`: the other UE that a relative position is seen from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rel_app_layer_id: Option<String>,
    /// `rangeDirection`: distance and direction from the other UE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub range_direction: Option<RangeDirection>,
    /// `twoDRelLoc`: position in the plane, seen from the other UE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub two_d_rel_loc: Option<RelativeLocation2D>,
    /// `threeDRelLoc`: position in space, seen from the other UE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub three_d_rel_loc: Option<RelativeLocation3D>,
    /// `relVelocity`: how the UE moved, seen from the other UE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rel_velocity: Option<VelocityEstimate>,
    /// `upCumEvtRep`: reports that went over the user plane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub up_cum_evt_rep: Option<UpCumEvtRep>,
}

/// What went over the user plane instead (TS 29.122, MonitoringEvent).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpCumEvtRep {
    /// `upLocRepStat`: how many location reports went over the user plane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub up_loc_rep_stat: Option<u64>,
}

open_enum!(
    /// How a position was found (TS 29.572 clause 6.1.6.3).
    PositioningMethod as "PositioningMethod" {
        /// By the cell.
        CellId = "CELLID",
        /// By the cell and measurements in it.
        Ecid = "ECID",
        /// By arrival times at the UE.
        Otdoa = "OTDOA",
        /// By air pressure.
        BarometricPressure = "BAROMETRIC_PRESSURE",
        /// By WLAN.
        Wlan = "WLAN",
        /// By Bluetooth.
        Bluetooth = "BLUETOOTH",
        /// By a metropolitan beacon system.
        Mbs = "MBS",
        /// By the UE's motion sensors.
        MotionSensor = "MOTION_SENSOR",
        /// By downlink arrival times.
        DlTdoa = "DL_TDOA",
        /// By downlink angles.
        DlAod = "DL_AOD",
        /// By round trips to several cells.
        MultiRtt = "MULTI-RTT",
        /// By the NR cell and measurements in it.
        NrEcid = "NR_ECID",
        /// By uplink arrival times.
        UlTdoa = "UL_TDOA",
        /// By uplink angles.
        UlAoa = "UL_AOA",
        /// In a way of the network's own.
        NetworkSpecific = "NETWORK_SPECIFIC",
        /// By sidelink arrival time differences.
        SlTdoa = "SL_TDOA",
        /// By sidelink arrival times.
        SlToa = "SL_TOA",
        /// By sidelink angles.
        SlAoa = "SL_AoA",
        /// By sidelink round trips.
        SlRt = "SL_RT",
    }
);

open_enum!(
    /// Whether a position is as exact as was asked for (TS 29.572 clause 6.1.6.3).
    AccuracyFulfilmentIndicator as "AccuracyFulfilmentIndicator" {
        /// It is.
        Fulfilled = "REQUESTED_ACCURACY_FULFILLED",
        /// It is not.
        NotFulfilled = "REQUESTED_ACCURACY_NOT_FULFILLED",
    }
);

open_enum!(
    /// What a deferred location request waits for (TS 29.572 clause 6.1.6.3).
    LdrType as "LdrType" {
        /// The UE can be reached.
        UeAvailable = "UE_AVAILABLE",
        /// A period.
        Periodic = "PERIODIC",
        /// The UE enters an area.
        EnteringIntoArea = "ENTERING_INTO_AREA",
        /// The UE leaves an area.
        LeavingFromArea = "LEAVING_FROM_AREA",
        /// The UE is in an area.
        BeingInsideArea = "BEING_INSIDE_AREA",
        /// The UE moves.
        Motion = "MOTION",
    }
);

/// How exact a position is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MinorLocationQoS {
    /// `hAccuracy`: metres in the plane.
    #[serde(default, deserialize_with = "metres", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0)]
    pub h_accuracy: Option<f64>,
    /// `vAccuracy`: metres in height.
    #[serde(default, deserialize_with = "metres", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0)]
    pub v_accuracy: Option<f64>,
}

/// Distance and direction from another UE.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RangeDirection {
    /// `distance`: metres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub distance: Option<f64>,
    /// `azimuthDirection`: degrees in the plane, 0 to 360.
    #[serde(default, deserialize_with = "angle", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 360)]
    pub azimuth_direction: Option<u16>,
    /// `elevationDirection`: degrees of height, 0 to 360.
    #[serde(default, deserialize_with = "angle", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 360)]
    pub elevation_direction: Option<u16>,
}

/// Position in the plane, seen from another UE.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RelativeLocation2D {
    /// `semiMinor`: half the short axis of the uncertainty, in metres.
    #[serde(default, deserialize_with = "metres", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0)]
    pub semi_minor: Option<f64>,
    /// `semiMajor`: half the long axis of the uncertainty, in metres.
    #[serde(default, deserialize_with = "metres", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0)]
    pub semi_major: Option<f64>,
    /// `orientationAngle`: degrees from north to the long axis, 0 to 360.
    #[serde(default, deserialize_with = "angle", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 360)]
    pub orientation_angle: Option<u16>,
}

/// Position in space, seen from another UE.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RelativeLocation3D {
    /// `semiMinor`: half the short axis of the uncertainty, in metres.
    #[serde(default, deserialize_with = "metres", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0)]
    pub semi_minor: Option<f64>,
    /// `semiMajor`: half the long axis of the uncertainty, in metres.
    #[serde(default, deserialize_with = "metres", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0)]
    pub semi_major: Option<f64>,
    /// `verticalUncertainty`: half the vertical axis of the uncertainty, in metres.
    #[serde(default, deserialize_with = "metres", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0)]
    pub vertical_uncertainty: Option<f64>,
    /// `orientationAngle`: degrees from north to the long axis, 0 to 360.
    #[serde(default, deserialize_with = "angle", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 360)]
    pub orientation_angle: Option<u16>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{only, same};

    #[test]
    fn every_member_is_optional() {
        let text = r#"{"ageOfLocationInfo": 3, "cellId": "c", "enodeBId": "e", "routingAreaId": "r", "trackingAreaId": "t",
            "plmnId": "00101", "twanId": "w", "userLocation": {}, "geographicArea": {"shape": "POINT", "point": {"lon": 1.0, "lat": 2.0}},
            "civicAddress": {"country": "DE"}, "positionMethod": "MULTI-RTT", "qosFulfilInd": "NOT_YET_NAMED",
            "ueVelocity": {"hSpeed": 5.0, "bearing": 90}, "ldrType": "MOTION", "achievedQos": {"hAccuracy": 1.5, "vAccuracy": 2.5},
            "relAppLayerId": "other", "rangeDirection": {"distance": 7.0, "azimuthDirection": 1, "elevationDirection": 2},
            "twoDRelLoc": {"semiMinor": 1.0, "semiMajor": 2.0, "orientationAngle": 3},
            "threeDRelLoc": {"semiMinor": 1.0, "semiMajor": 2.0, "verticalUncertainty": 4.0, "orientationAngle": 3},
            "relVelocity": {"hSpeed": 5.0, "bearing": 90}, "upCumEvtRep": {"upLocRepStat": 9}}"#;
        let info: LocationInfo = same(text);
        assert_eq!(info.position_method, Some(PositioningMethod::MultiRtt));
        assert_eq!(
            info.qos_fulfil_ind,
            Some(AccuracyFulfilmentIndicator::Other("NOT_YET_NAMED".into()))
        );
        only::<LocationInfo>(text, &[], &[]);
        same::<LocationInfo>("{}");
    }

    #[test]
    fn a_bad_number_is_pointed_at() {
        let text = r#"{"ueVelocity": {"hSpeed": 5, "bearing": 361}}"#;
        let error = serde_path_to_error::deserialize::<_, LocationInfo>(&mut serde_json::Deserializer::from_str(text));
        assert_eq!(error.unwrap_err().path().to_string(), "ueVelocity.bearing");
    }
}
