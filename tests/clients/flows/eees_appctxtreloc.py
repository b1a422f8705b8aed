"""An EEC has its application relocated to an EAS it names (TS 24.558 clause 6.5)."""

from lab import registered_eas, registered_eec


def flow(api):
    here, there = "chess.edge-a.example", "chess-two.edge-a.example"
    with registered_eas(api.lab, fqdn=here), registered_eas(api.lab, who="eas-chess-b", fqdn=there), \
            registered_eec(api.lab, ue_id="msisdn-491700000001"):
        eec = api.client("eec-1", "edge1")
        eec.initiate(api.AcrInitReq(
            requestor_id="eec-1", ue_id="msisdn-491700000001", eas_id="eas.chess.example", ac_id="ac.chess",
            s_eas_endpoint=api.EndPoint(fqdn=here), t_eas_endpoint=api.EndPoint(fqdn=there), eas_notif_ind=False,
        ))
        assert eec.sent[-1]["tEasEndpoint"] == {"fqdn": there}, eec.sent
        eas = api.client("eas-chess-a", "edge3")
        eas.declare(api.AcrDecReq(ue_id="msisdn-491700000001", t_eas_id="eas.chess.example",
                                  t_eas_endpoint=api.EndPoint(fqdn=there)))
        # It comes to an end, so that others may relocate.
        status = api.lab.api("eees-acrstatus-update")
        result = status.ACTResultInfo(act_result="SUCCESSFUL", ue_id="msisdn-491700000001",
                                      eas_end_point=status.EndPoint(fqdn=there))
        status.client("eas-chess-a", "edge3").request_acr_update(
            status.ACRUpdateData(eas_id="eas.chess.example", act_result_info=result))
        elsewhere = api.EndPoint(fqdn="nobody.example")
        api.refused(404, eec.determine, api.AcrDetermReq(
            requestor_id="eec-1", ue_id="msisdn-491700000099", s_eas_endpoint=elsewhere, eas_id="eas.chess.example"))
