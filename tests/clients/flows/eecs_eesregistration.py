"""A second EES registers with the ECS, changes and leaves (TS 29.558 clause 9.1)."""

from lab import made


def flow(api):
    ees = api.client("ees-b", "edge6")
    profile = api.EESProfile(
        ees_id="ees-b.example", end_pt=api.EndPoint(uri="https://ees-b.example:8443"), eas_ids=["eas.chess.example"],
        eec_reg_conf=True, svc_cont_supp=["EEC_EXECUTED_VIA_SOURCE_EES"],
    )
    answer = ees.create_ees_registration_with_http_info(api.EESRegistration(ees_prof=profile))
    location, registration = made(answer)
    wire = api.lab.get("ees-b", location)["eesProf"]
    assert wire["endPt"] == {"uri": "https://ees-b.example:8443"}, wire
    assert wire["svcContSupp"] == ["EEC_EXECUTED_VIA_SOURCE_EES"], wire
    assert ees.get_ind_ees_reg(registration).ees_prof.eas_ids == ["eas.chess.example"]

    profile.eas_ids = ["eas.chess.example", "eas.quiz.example"]
    changed = ees.modify_ind_ees_reg(registration, api.EESRegistrationPatch(ees_prof=profile))
    assert changed.ees_prof.eas_ids == profile.eas_ids, changed
    profile.end_pt = api.EndPoint(ipv6_addrs=["2001:db8::7"])
    assert ees.update_ind_ees_reg(registration, api.EESRegistration(ees_prof=profile)).ees_prof.end_pt == profile.end_pt
    ees.delete_ind_ees_reg(registration)
    api.refused(404, ees.get_ind_ees_reg, registration)
