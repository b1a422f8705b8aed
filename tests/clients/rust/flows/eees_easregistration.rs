//! An EAS registers, is read back as it was sent, changes and leaves (TS 29.558 clause 8.1).

use crate::world::{CHESS, World, made, read, refused};
use edgeapp_client_tests::eees_easregistration::{
    Client,
    types::{AcrScenario, EasRegistration, EndPoint, Fqdn, GeographicArea, GeographicalServiceArea, ServiceArea},
};
use serde_json::json;

const WHO: &str = "eas.chess.example#1";

#[tokio::test]
async fn registers_and_is_read_back_as_sent() {
    let world = World::open().await;
    let (base, client) = world.way(WHO, "edge3", "eees-easregistration");
    let client = Client::new_with_client(&base, client);

    let mut request: EasRegistration = read(json!({"easProf": {"easId": CHESS, "endPt": {}}}));
    request.eas_prof.end_pt = EndPoint {
        fqdn: Some(Fqdn::try_from("chess.edge-a.example").unwrap()),
        ..EndPoint::default()
    };
    request.eas_prof.svc_cont_supp = vec![
        AcrScenario("EEC_INITIATED".to_owned()),
        AcrScenario("A_LATER_SCENARIO".to_owned()),
    ];
    let circle = json!({"shape": "POINT_UNCERTAINTY_CIRCLE", "point": {"lon": 13.4, "lat": 52.5}, "uncertainty": 200.0});
    let area: GeographicArea = read(circle.clone());
    assert!(matches!(area, GeographicArea::PointUncertaintyCircle { .. }), "{area:?}");
    request.eas_prof.svc_area = Some(ServiceArea {
        geo_serv_ar: Some(GeographicalServiceArea {
            geo_ars: vec![area],
            ..GeographicalServiceArea::default()
        }),
        ..ServiceArea::default()
    });

    let answer = client.create_eas_registration(&request).await.unwrap();
    let (id, location) = made(answer.headers());
    let wire = world.look(WHO, "edge3", &location).await.body;
    assert_eq!(wire["easProf"]["endPt"], json!({"fqdn": "chess.edge-a.example"}));
    assert_eq!(wire["easProf"]["svcContSupp"], json!(["EEC_INITIATED", "A_LATER_SCENARIO"]));
    assert_eq!(wire["easProf"]["svcArea"], json!({"geoServAr": {"geoArs": [circle]}}));

    let patch = read(json!({"expTime": "2020-01-01T00:00:00Z"}));
    refused!(client.modify_ind_eas_registration(&id, &patch), 400);
    let mut changed = client.read_ind_eas_registration(&id).await.unwrap().into_inner();
    changed.eas_prof.svc_area = None;
    let patch = read(json!({"easProf": changed.eas_prof}));
    assert!(client.modify_ind_eas_registration(&id, &patch).await.is_ok());
    let replaced = client.update_ind_eas_registration(&id, &changed).await.unwrap();
    assert!(replaced.eas_prof.svc_area.is_none());

    assert!(client.delete_ind_eas_registration(&id).await.is_ok());
    refused!(client.read_ind_eas_registration(&id), 404);
}
