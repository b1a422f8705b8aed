//! What holds for all areas and positions.

use super::{at, ue};
use crate::area::{Contains::*, *};
use edgeapp_openapi::location::{GeographicArea, GeographicalCoordinates};
use proptest::prelude::*;
use serde_json::json;

fn any_topology() -> impl Strategy<Value = TopologicalServiceArea> {
    let plmn = || prop_oneof![Just("01"), Just("02")];
    let tais = prop::collection::vec((plmn(), 0..3u8), 0..3);
    let ncgis = prop::collection::vec((plmn(), 0..3u8), 0..3);
    (tais, ncgis, prop::collection::vec(plmn(), 0..2)).prop_map(|(tais, ncgis, plmns)| TopologicalServiceArea {
        tais: tais
            .into_iter()
            .map(|(mnc, n)| {
                serde_json::from_value(json!({"plmnId": {"mcc": "001", "mnc": mnc}, "tac": format!("{n:06}")})).unwrap()
            })
            .collect(),
        ncgis: ncgis
            .into_iter()
            .map(|(mnc, n)| {
                serde_json::from_value(json!({"plmnId": {"mcc": "001", "mnc": mnc}, "nrCellId": format!("{n:09}")}))
                    .unwrap()
            })
            .collect(),
        plmn_ids: plmns
            .into_iter()
            .map(|mnc| serde_json::from_value(json!({"mcc": "001", "mnc": mnc})).unwrap())
            .collect(),
        ecgis: Vec::new(),
    })
}

fn any_circle() -> impl Strategy<Value = GeographicArea> {
    (7.0..9.0f64, 46.0..48.0f64, 0.0..60_000.0f64).prop_map(|(lon, lat, uncertainty)| {
        GeographicArea::PointUncertaintyCircle {
            point: GeographicalCoordinates { lon, lat },
            uncertainty,
        }
    })
}

fn any_shape() -> impl Strategy<Value = GeographicArea> {
    let boxes = (7.0..8.0f64, 46.0..47.0f64, 0.01..1.0f64, 0.01..1.0f64).prop_map(|(lon, lat, width, height)| {
        let corner = |east: f64, north: f64| GeographicalCoordinates {
            lon: lon + east,
            lat: lat + north,
        };
        GeographicArea::Polygon {
            point_list: vec![
                corner(0.0, 0.0),
                corner(width, 0.0),
                corner(width, height),
                corner(0.0, height),
            ],
        }
    });
    prop_oneof![any_circle(), boxes]
}

fn any_area() -> impl Strategy<Value = ServiceArea> {
    (
        prop::option::of(any_topology()),
        prop::collection::vec(any_shape(), 0..3),
    )
        .prop_map(|(top, shapes)| ServiceArea {
            top_serv_ar: top,
            geo_serv_ar: Some(GeographicalServiceArea {
                geo_ars: shapes,
                civic_addrs: Vec::new(),
            }),
        })
}

fn any_position() -> impl Strategy<Value = Position> {
    (
        prop::option::of(0..3u8),
        prop::option::of(0..3u8),
        prop::option::of((7.0..9.0f64, 46.0..48.0f64)),
    )
        .prop_map(|(tac, cell, point)| {
            let mut seen = point.map_or(json!({}), |(lon, lat)| at(lon, lat));
            if let Some(tac) = tac {
                seen["trackingAreaId"] = format!("001-01-{tac:06}").into();
            }
            if let Some(cell) = cell {
                seen["cellId"] = format!("001-01-{cell:09}").into();
            }
            ue(seen)
        })
}

proptest! {
    #[test]
    fn what_is_inside_the_inner_area_is_inside_the_outer_one(
        outer in any_topology(), inner in any_topology(), position in any_position()
    ) {
        let of = |top: TopologicalServiceArea| ServiceArea { top_serv_ar: Some(top), geo_serv_ar: None };
        let (outer, inner) = (of(outer), of(inner));
        if covers(&outer, &inner) == Yes && !is_everywhere(&inner) && contains(&inner, &position) == Yes {
            prop_assert_eq!(contains(&outer, &position), Yes);
        }
    }

    #[test]
    fn what_is_inside_the_inner_shape_meets_the_outer_one(outer in any_shape(), inner in any_shape(), at in any_circle()) {
        let (outer, inner, at) = (Shape::from(&outer), Shape::from(&inner), Shape::from(&at));
        if let (true, Shape::Circle(point, _)) = (outer.holds(&inner), &at) {
            let point = Shape::Point(*point);
            // The drawn circle lies a little inside the true one.
            if inner.meets(&point) && !matches!((&outer, &inner), (Shape::Region(_), Shape::Circle(..))) {
                prop_assert!(outer.meets(&point));
            }
        }
        prop_assert_eq!(outer.meets(&inner), inner.meets(&outer));
        prop_assert!(!outer.holds(&inner) || outer.meets(&inner));
    }

    #[test]
    fn every_area_overlaps_and_covers_itself(area in any_area()) {
        prop_assert_eq!(covers(&area, &area), Yes);
        prop_assert!(overlaps(&to_location_area(&area), &area).unless_no());
    }

    #[test]
    fn knowing_less_never_turns_outside_into_inside(area in any_area(), position in any_position()) {
        let mut vague = position.clone();
        vague.places.iter_mut().for_each(|place| place.cell = None);
        vague.places.retain(|place| place.tai.is_some());
        if contains(&area, &position) == Yes && position.shapes.is_empty() {
            prop_assert!(contains(&area, &vague).unless_no());
        }
    }
}
