"""An EAS reports how a transfer of application contexts went (TS 29.558 clause 8.9)."""

from lab import registered_eas


def flow(api):
    with registered_eas(api.lab):
        eas = api.client("eas-chess-a", "edge3")
        result = api.ACTResultInfo(act_result="SUCCESSFUL", ue_id="msisdn-491700000001",
                                   eas_end_point=api.EndPoint(fqdn="chess-two.edge-a.example"))
        eas.request_acr_update(api.ACRUpdateData(eas_id="eas.chess.example", act_result_info=result))
        assert eas.sent[-1]["actResultInfo"] == {
            "actResult": "SUCCESSFUL", "ueId": "msisdn-491700000001", "easEndPoint": {"fqdn": "chess-two.edge-a.example"}}
        problem = api.refused(400, eas.request_acr_update, api.ACRUpdateData(eas_id="eas.chess.example"))
        assert problem.cause, problem
