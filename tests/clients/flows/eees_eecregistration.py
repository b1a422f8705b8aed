"""An EEC registers, asks for another end, replaces its registration and leaves (TS 24.558 clause 6.2)."""

from lab import made, registered_eas


def flow(api):
    with registered_eas(api.lab, svc_cont_supp=["EEC_INITIATED", "SOURCE_EAS_DECIDED"]):
        eec = api.client("eec-1", "edge1")
        wish = api.ACProfile(ac_id="ac.chess", eass=[api.EasDetail(eas_id="eas.chess.example")], ac_svc_cont_supp=["EEC_INITIATED"])
        request = api.EECRegistration(eec_id="eec-1", ue_id="msisdn-491700000001", ac_profs=[wish], eec_svc_cont_supp=["EEC_INITIATED"],
                                      eas_sel_req_ind=True)
        answer = eec.create_eec_reg_with_http_info(request)
        assert answer.data.eec_cntx_id and answer.data.eec_svc_cont_supp == ["EEC_INITIATED"], answer.data
        assert answer.data.discovered_eas[0].eas.end_pt.fqdn == "chess.edge-a.example", answer.data
        registration = made(answer)[1]

        changed = eec.modify_ind_eec_reg(registration, api.EECRegistrationPatch(ue_mobility_req=True))
        assert changed.ue_mobility_req is True, changed
        replaced = eec.update_ind_eec_reg(registration, request)
        assert replaced.ac_profs[0].ac_svc_cont_supp == ["EEC_INITIATED"], replaced

        api.refused(403, eec.create_eec_reg, api.EECRegistration(eec_id="eec-2"))
        eec.delete_ind_eec_reg(registration)
        api.refused(404, eec.delete_ind_eec_reg, registration)
