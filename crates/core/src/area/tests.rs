mod properties;

use super::{Contains::*, *};
use edgeapp_openapi::location::LocationInfo;
use serde_json::{Value, json};

fn area(json: Value) -> ServiceArea {
    serde_json::from_value(json).unwrap()
}

fn wanted(json: Value) -> LocationArea5G {
    serde_json::from_value(json).unwrap()
}

fn ue(json: Value) -> Position {
    Position::of_ue(&serde_json::from_value::<LocationInfo>(json).unwrap())
}

fn tai(tac: &str) -> Value {
    json!({"plmnId": {"mcc": "001", "mnc": "01"}, "tac": tac})
}

fn ncgi(cell: &str) -> Value {
    json!({"plmnId": {"mcc": "001", "mnc": "01"}, "nrCellId": cell})
}

fn nr(tac: &str, cell: &str) -> Value {
    json!({"userLocation": {"nrLocation": {"tai": tai(tac), "ncgi": ncgi(cell)}}})
}

fn circle(lon: f64, lat: f64, radius: f64) -> Value {
    json!({"shape": "POINT_UNCERTAINTY_CIRCLE", "point": {"lon": lon, "lat": lat}, "uncertainty": radius})
}

fn at(lon: f64, lat: f64) -> Value {
    json!({"geographicArea": {"shape": "POINT", "point": {"lon": lon, "lat": lat}}})
}

fn polygon(corners: &[(f64, f64)]) -> Value {
    let corners: Vec<_> = corners
        .iter()
        .map(|(lon, lat)| json!({"lon": lon, "lat": lat}))
        .collect();
    json!({"shape": "POLYGON", "pointList": corners})
}

fn of_shapes(shapes: Value) -> ServiceArea {
    area(json!({"geoServAr": {"geoArs": shapes}}))
}

mod topological {
    use super::*;

    #[test]
    fn an_area_that_states_nothing_is_everywhere() {
        for nothing in [
            json!({}),
            json!({"topServAr": {}}),
            json!({"geoServAr": {}, "topServAr": {}}),
        ] {
            assert_eq!(
                contains(&area(nothing.clone()), &ue(nr("000001", "000000001"))),
                Yes,
                "{nothing}"
            );
            assert_eq!(contains(&area(nothing), &Position::default()), Yes);
        }
    }

    #[test]
    fn each_kind_of_entry_contains_what_it_names() {
        let here = ue(nr("000001", "00000000a"));
        let plmn = json!({"mcc": "001", "mnc": "01"});
        for (entries, answer) in [
            (json!({"tais": [tai("000001")]}), Yes),
            (json!({"tais": [tai("000002")]}), No),
            (json!({"ncgis": [ncgi("00000000A")]}), Yes),
            (json!({"ncgis": [ncgi("00000000b")]}), No),
            (json!({"ncgis": [ncgi("00000000b")], "tais": [tai("000001")]}), Yes),
            (json!({"plmnIds": [plmn]}), Yes),
            (json!({"plmnIds": [{"mcc": "001", "mnc": "02"}]}), No),
            (
                json!({"plmnIds": [{"mcc": "001", "mnc": "01", "nid": "0000000000b"}]}),
                Unknown,
            ),
            (json!({"ecgis": [{"plmnId": plmn, "eutraCellId": "0000001"}]}), No),
        ] {
            assert_eq!(
                contains(&area(json!({"topServAr": entries})), &here),
                answer,
                "{entries}"
            );
        }
    }

    #[test]
    fn what_is_not_known_finely_enough_is_unknown() {
        let cells = area(json!({"topServAr": {"ncgis": [ncgi("000000001")]}}));
        let areas = area(json!({"topServAr": {"tais": [tai("000001")]}}));
        assert_eq!(contains(&cells, &ue(json!({"trackingAreaId": "00101000001"}))), Unknown);
        assert_eq!(contains(&cells, &ue(json!({"trackingAreaId": "00102000001"}))), No);
        assert_eq!(contains(&areas, &ue(json!({"cellId": "001-01-000000001"}))), Unknown);
        assert_eq!(contains(&areas, &ue(json!({"plmnId": "00101"}))), Unknown);
        assert_eq!(contains(&areas, &ue(json!({"plmnId": "999-70"}))), No);
        assert_eq!(contains(&areas, &Position::default()), Unknown);
        assert_eq!(contains(&areas, &ue(at(8.5, 47.4))), Unknown);
    }

    #[test]
    fn an_ignored_cell_is_not_known() {
        let mut seen = nr("000001", "000000001");
        seen["userLocation"]["nrLocation"]["ignoreNcgi"] = true.into();
        assert_eq!(
            contains(&area(json!({"topServAr": {"ncgis": [ncgi("000000001")]}})), &ue(seen)),
            Unknown
        );
    }

    #[test]
    fn a_radio_node_stands_for_its_cells() {
        let node = json!({"plmnId": {"mcc": "001", "mnc": "01"}, "gNbId": {"bitLength": 24, "gNBValue": "0000ab"}});
        let near = wanted(json!({"nwAreaInfo": {"gRanNodeIds": [node]}}));
        assert_eq!(
            overlaps(&near, &area(json!({"topServAr": {"ncgis": [ncgi("0000ab001")]}}))),
            Yes
        );
        assert_eq!(
            overlaps(&near, &area(json!({"topServAr": {"ncgis": [ncgi("0000ac001")]}}))),
            No
        );
        assert_eq!(
            overlaps(&near, &area(json!({"topServAr": {"tais": [tai("000001")]}}))),
            Unknown
        );
        let node = json!({"plmnId": {"mcc": "001", "mnc": "01"}, "eNbId": "MacroeNB-000ab"});
        let near = wanted(json!({"nwAreaInfo": {"gRanNodeIds": [node]}}));
        let cell = json!({"plmnId": {"mcc": "001", "mnc": "01"}, "eutraCellId": "000ab07"});
        assert_eq!(overlaps(&near, &area(json!({"topServAr": {"ecgis": [cell]}}))), Yes);
    }

    #[test]
    fn an_area_is_covered_by_entries_of_its_own_or_a_coarser_kind() {
        let plmn = json!({"plmnIds": [{"mcc": "001", "mnc": "01"}]});
        for (outer, inner, answer) in [
            (
                json!({"tais": [tai("000001"), tai("000002")]}),
                json!({"tais": [tai("000002")]}),
                Yes,
            ),
            (
                json!({"tais": [tai("000001")]}),
                json!({"tais": [tai("000001"), tai("000002")]}),
                No,
            ),
            (
                json!({"tais": [tai("000001")]}),
                json!({"ncgis": [ncgi("000000001")]}),
                Unknown,
            ),
            (
                plmn.clone(),
                json!({"ncgis": [ncgi("000000001")], "tais": [tai("000001")]}),
                Yes,
            ),
            (json!({"tais": [tai("000001")]}), plmn, No),
            (json!({"tais": [tai("000001")]}), json!({}), Yes),
        ] {
            let of = |entries: &Value| area(json!({"topServAr": entries}));
            assert_eq!(covers(&of(&outer), &of(&inner)), answer, "{inner} in {outer}");
        }
        assert_eq!(
            covers(&area(json!({})), &area(json!({"topServAr": {"tais": [tai("000001")]}}))),
            Yes
        );
        let by_globe = of_shapes(json!([circle(8.5, 47.4, 100.0)]));
        assert_eq!(
            covers(&area(json!({"topServAr": {"tais": [tai("000001")]}})), &by_globe),
            Unknown
        );
    }
}

mod in_words {
    use super::*;

    #[test]
    fn strings_mean_what_the_structure_means() {
        let mut structured = ue(nr("0000a1", "00000000a"));
        for seen in [
            json!({"cellId": "0010100000000a", "trackingAreaId": "001010000a1"}),
            json!({"cellId": "ncgi:001-01-00000000a", "trackingAreaId": "tai/001/01/0000a1"}),
            json!({"cellId": "00000000A", "trackingAreaId": "0000A1", "plmnId": "001-01"}),
        ] {
            let position = ue(seen.clone());
            structured.places[0].network.clone_from(&position.places[0].network);
            assert_eq!(position, structured, "{seen}");
        }
        let eutra = ue(json!({"cellId": "0010100000a1", "trackingAreaId": "0010100a1"}));
        assert!(matches!(eutra.places[0].cell, Some(Cell::Eutra(_))));
        assert_eq!(eutra.places[0].tai.as_ref().unwrap().tac.as_str(), "00a1");
    }

    #[test]
    fn nonsense_is_unknown() {
        for nonsense in [
            "",
            "-",
            "x",
            "0010",
            "ncgi",
            "00ü01010000000001",
            "001-01-00000000g",
            "0010100000000100000",
        ] {
            assert!(
                ue(json!({"cellId": nonsense, "trackingAreaId": nonsense, "plmnId": nonsense})).is_unknown(),
                "{nonsense}"
            );
        }
    }
}

mod geographical {
    use super::*;

    #[test]
    fn a_circle_contains_points_by_distance() {
        let zurich = of_shapes(json!([circle(8.54, 47.37, 1000.0)]));
        assert_eq!(contains(&zurich, &ue(at(8.55, 47.37))), Yes);
        assert_eq!(contains(&zurich, &ue(at(8.56, 47.37))), No);
        assert_eq!(
            contains(&zurich, &ue(json!({"trackingAreaId": "00101000001"}))),
            Unknown
        );
    }

    #[test]
    fn a_polygon_contains_its_edge() {
        let square = of_shapes(json!([polygon(&[(8.0, 47.0), (9.0, 47.0), (9.0, 48.0), (8.0, 48.0)])]));
        for (lon, lat, answer) in [(8.5, 47.5, Yes), (8.0, 47.5, Yes), (9.0, 48.0, Yes), (9.001, 47.5, No)] {
            assert_eq!(contains(&square, &ue(at(lon, lat))), answer, "{lon} {lat}");
        }
    }

    #[test]
    fn the_date_line_is_no_border() {
        let islands = of_shapes(json!([polygon(&[
            (179.0, -18.0),
            (-179.0, -18.0),
            (-179.0, -16.0),
            (179.0, -16.0)
        ])]));
        assert_eq!(contains(&islands, &ue(at(-179.5, -17.0))), Yes);
        assert_eq!(contains(&islands, &ue(at(179.5, -17.0))), Yes);
        assert_eq!(contains(&islands, &ue(at(0.0, -17.0))), No);
        assert_eq!(
            contains(
                &of_shapes(json!([circle(179.999, 0.0, 1000.0)])),
                &ue(at(-179.999, 0.0))
            ),
            Yes
        );
    }

    #[test]
    fn an_ellipse_is_longer_along_its_axis() {
        let east_west = json!({"shape": "POINT_UNCERTAINTY_ELLIPSE", "point": {"lon": 0.0, "lat": 0.0}, "confidence": 90,
            "uncertaintyEllipse": {"semiMajor": 10_000.0, "semiMinor": 1000.0, "orientationMajor": 90}});
        let ellipse = of_shapes(json!([east_west]));
        assert_eq!(contains(&ellipse, &ue(at(0.08, 0.0))), Yes);
        assert_eq!(contains(&ellipse, &ue(at(0.0, 0.08))), No);
    }

    #[test]
    fn an_arc_leaves_out_its_inside_and_the_other_directions() {
        let arc = of_shapes(
            json!([{"shape": "ELLIPSOID_ARC", "point": {"lon": 0.0, "lat": 0.0}, "confidence": 90,
            "innerRadius": 5000, "uncertaintyRadius": 5000.0, "offsetAngle": 0, "includedAngle": 90}]),
        );
        for (lon, lat, answer) in [
            (0.047, 0.047, Yes),
            (0.01, 0.01, No),
            (-0.047, -0.047, No),
            (0.08, 0.08, No),
        ] {
            assert_eq!(contains(&arc, &ue(at(lon, lat))), answer, "{lon} {lat}");
        }
    }

    #[test]
    fn addresses_are_compared_on_what_the_area_gives() {
        let town = area(json!({"geoServAr": {"civicAddrs": [{"country": "CH", "A3": "Bern"}]}}));
        let seen = |address: Value| ue(json!({"civicAddress": address}));
        assert_eq!(
            contains(&town, &seen(json!({"country": "ch", "A3": " bern", "HNO": "7"}))),
            Yes
        );
        assert_eq!(contains(&town, &seen(json!({"country": "CH", "A3": "Thun"}))), No);
        assert_eq!(contains(&town, &seen(json!({"country": "CH"}))), Unknown);
    }

    #[test]
    fn both_parts_have_to_agree_where_both_can_be_told() {
        let both =
            area(json!({"topServAr": {"tais": [tai("000001")]}, "geoServAr": {"geoArs": [circle(8.5, 47.4, 100.0)]}}));
        let seen = |tac: &str, lon: f64| {
            let mut seen = nr(tac, "000000001");
            seen["geographicArea"] = at(lon, 47.4)["geographicArea"].clone();
            ue(seen)
        };
        assert_eq!(contains(&both, &seen("000001", 8.5)), Yes);
        assert_eq!(contains(&both, &seen("000001", 9.5)), No);
        assert_eq!(contains(&both, &seen("000002", 8.5)), No);
        assert_eq!(contains(&both, &ue(nr("000001", "000000001"))), Yes);
        assert_eq!(contains(&both, &Position::default()), Unknown);
    }

    #[test]
    fn shapes_are_covered_by_one_shape() {
        let square = polygon(&[(8.0, 47.0), (9.0, 47.0), (9.0, 48.0), (8.0, 48.0)]);
        let notched = polygon(&[(8.0, 47.0), (9.0, 47.0), (8.5, 47.5), (9.0, 48.0), (8.0, 48.0)]);
        for (outer, inner, answer) in [
            (square.clone(), circle(8.5, 47.5, 10_000.0), Yes),
            (square.clone(), circle(8.0, 47.5, 10_000.0), No),
            (circle(8.5, 47.5, 100_000.0), square.clone(), Yes),
            (circle(8.5, 47.5, 50_000.0), square.clone(), No),
            (square.clone(), square.clone(), Yes),
            (square.clone(), notched.clone(), Yes),
            (notched, square, No),
        ] {
            assert_eq!(
                covers(&of_shapes(json!([outer])), &of_shapes(json!([inner]))),
                answer,
                "{inner} in {outer}"
            );
        }
    }

    #[test]
    fn absurd_sizes_do_no_harm() {
        let huge = json!([circle(0.0, 0.0, 1e300), {"shape": "POINT_UNCERTAINTY_ELLIPSE", "point": {"lon": 180.0, "lat": 90.0},
            "confidence": 1, "uncertaintyEllipse": {"semiMajor": 1e308, "semiMinor": 1e308, "orientationMajor": 1}}]);
        let flat = json!([polygon(&[(0.0, 0.0), (0.0, 0.0), (0.0, 0.0)]), circle(0.0, 0.0, 0.0)]);
        for (outer, inner) in [(&huge, &flat), (&flat, &huge), (&huge, &huge), (&flat, &flat)] {
            let _ = covers(&of_shapes(outer.clone()), &of_shapes(inner.clone()));
            let _ = overlaps(&wanted(json!({"geographicAreas": inner})), &of_shapes(outer.clone()));
        }
    }
}

#[test]
fn the_area_that_eecs_read_loses_whole_networks_alone() {
    let full = area(
        json!({"topServAr": {"tais": [tai("000001")], "plmnIds": [{"mcc": "001", "mnc": "01"}]},
        "geoServAr": {"geoArs": [circle(8.5, 47.4, 100.0)], "civicAddrs": [{"country": "CH"}]}}),
    );
    let read = serde_json::to_value(to_location_area(&full)).unwrap();
    assert_eq!(
        read,
        json!({"nwAreaInfo": {"tais": [tai("000001")]}, "geographicAreas": [circle(8.5, 47.4, 100.0)],
        "civicAddresses": [{"country": "CH"}]})
    );
    assert_eq!(
        to_location_area(&area(json!({"topServAr": {"plmnIds": [{"mcc": "001", "mnc": "01"}]}}))),
        LocationArea5G::default()
    );
}
