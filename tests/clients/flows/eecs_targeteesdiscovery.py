"""An EES asks the ECS where a UE may move to (TS 29.558 clause 9.2)."""

import json
import urllib.parse

from lab import made


def flow(api):
    registering = api.lab.api("eecs-eesregistration")
    target = registering.client("ees-b", "edge6")
    profile = registering.EESProfile(
        ees_id="ees-b.example", end_pt=registering.EndPoint(uri="https://ees-b.example:8443"),
        eas_ids=["eas.chess.example"], eec_reg_conf=True, svc_cont_supp=["EEC_INITIATED", "SOURCE_EAS_DECIDED"],
    )
    registration = made(target.create_ees_registration_with_http_info(registering.EESRegistration(ees_prof=profile)))[1]

    source = api.client("ees-a", "edge6")
    here = api.Tai(plmn_id=api.PlmnId(mcc="001", mnc="01"), tac="000002")
    found = source.get_ees_profiles(
        ees_id="ees-a.example", eas_id="eas.chess.example",
        ue_location=api.LocationArea5G(nw_area_info=api.NetworkAreaInfo(tais=[here])),
        ac_svc_cont_supp=["EEC_INITIATED", "SOURCE_EAS_DECIDED"],
    )
    assert found.edn_cnfg_info[0].eess[0].end_pt.uri == "https://ees-b.example:8443", found
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(source.urls[-1]).query)
    assert json.loads(query["ue-location"][0]) == {
        "nwAreaInfo": {"tais": [{"plmnId": {"mcc": "001", "mnc": "01"}, "tac": "000002"}]}}, query
    assert query["ac-svc-cont-supp"] == ["EEC_INITIATED", "SOURCE_EAS_DECIDED"], query
    api.refused(404, source.get_ees_profiles, ees_id="ees-a.example", eas_id="eas.unknown.example")
    target.delete_ind_ees_reg(registration)
