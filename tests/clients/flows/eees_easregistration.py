"""An EAS registers, is read back as it was sent, changes and leaves (TS 29.558 clause 8.1)."""

import datetime

from lab import made


def flow(api):
    eas = api.client("eas-chess-a", "edge3")
    area = api.ServiceArea(
        top_serv_ar=api.TopologicalServiceArea(tais=[api.Tai(plmn_id=api.PlmnId(mcc="001", mnc="01"), tac="000001")]),
        geo_serv_ar=api.GeographicalServiceArea(geo_ars=[api.GeographicArea(api.PointUncertaintyCircle(
            shape="POINT_UNCERTAINTY_CIRCLE", point=api.GeographicalCoordinates(lon=13.4, lat=52.5), uncertainty=200))]),
    )
    profile = api.EASProfile(
        eas_id="eas.chess.example", end_pt=api.EndPoint(fqdn="chess.edge-a.example"), svc_area=area, type="V2X",
        svc_cont_supp=["EEC_INITIATED", "A_LATER_SCENARIO"],
    )
    answer = eas.create_eas_registration_with_http_info(api.EASRegistration(eas_prof=profile))
    location, registration = made(answer)
    assert answer.data.eas_prof == profile, answer.data

    on_the_wire = api.lab.get("eas-chess-a", location)["easProf"]
    on_the_wire.pop("easSyncSupp", None)
    assert on_the_wire == {
        "easId": "eas.chess.example", "endPt": {"fqdn": "chess.edge-a.example"}, "type": "V2X",
        "svcContSupp": ["EEC_INITIATED", "A_LATER_SCENARIO"],
        "svcArea": {
            "topServAr": {"tais": [{"plmnId": {"mcc": "001", "mnc": "01"}, "tac": "000001"}]},
            "geoServAr": {"geoArs": [{"shape": "POINT_UNCERTAINTY_CIRCLE", "point": {"lon": 13.4, "lat": 52.5},
                                      "uncertainty": 200}]},
        },
    }, on_the_wire
    assert eas.read_ind_eas_registration(registration).eas_prof == profile

    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=5)
    changed = eas.modify_ind_eas_registration(registration, api.EASRegistrationPatch(exp_time=soon))
    assert changed.exp_time <= soon
    eas.modify_ind_eas_registration(registration, api.EASRegistrationPatch(exp_time=None))
    assert eas.sent[-1] == {"expTime": None}, "null is what takes a member away"

    profile.end_pt = api.EndPoint(ipv4_addrs=["192.0.2.7"])
    replaced = eas.update_ind_eas_registration(registration, api.EASRegistration(eas_prof=profile))
    assert replaced.eas_prof.end_pt.ipv4_addrs == ["192.0.2.7"] and replaced.eas_prof.end_pt.fqdn is None

    both = api.EndPoint(fqdn="chess.edge-a.example", uri="https://chess.edge-a.example")
    problem = api.refused(400, eas.create_eas_registration,
                          api.EASRegistration(eas_prof=api.EASProfile(eas_id="eas.chess.example", end_pt=both)))
    assert problem.invalid_params[0].param == "/easProf/endPt", problem

    eas.delete_ind_eas_registration(registration)
    api.refused(404, eas.read_ind_eas_registration, registration)
