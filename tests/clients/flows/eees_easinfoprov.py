"""An EEC tells which EAS it selected, for itself and for its group, and has relocation scenarios selected (TS 24.558 clause 6.6)."""

from lab import registered_eas, registered_eec

CHESS = "eas.chess.example"


def flow(api):
    with registered_eas(api.lab, svc_cont_supp=["EEC_INITIATED", "EEC_EXECUTED_VIA_SOURCE_EES"]), registered_eec(api.lab):
        eec = api.client("eec-1", "edge1")

        def told(**members):
            return api.EASInfoProvReq(eec_id="eec-1", ac_id="ac.chess", sel_eas_ids=[CHESS], **members)

        answer = eec.declare(told(req_type="EAS_SELECTION"))
        assert answer.inst_eas_info.eas.end_pt.fqdn == "chess.edge-a.example", answer
        answer = eec.declare(told(req_type="EAS_SELECTION", app_grp_id="choosing-players"))
        assert answer.com_eas_endpoint is None, answer
        wish = told(req_type="ACR_SCENARIO_SELECTION_REQUEST", eec_svc_cont_supp=["EEC_EXECUTED_VIA_SOURCE_EES", "EEC_INITIATED"])
        assert eec.declare(wish).sel_acr_scenario_list == ["EEC_EXECUTED_VIA_SOURCE_EES", "EEC_INITIATED"]
        eec.declare(told(req_type="ACR_SCENARIO_SELECTION_ANNOUNCEMENT", sel_acr_scenarios=["EEC_INITIATED"]))
        nothing = told(req_type="ACR_SCENARIO_SELECTION_REQUEST", eec_svc_cont_supp=["SOURCE_EAS_DECIDED"])
        assert api.refused(404, eec.declare, nothing).cause == "NO_COMMON_ACR_SCENARIO"
