"""Another EES tells of the prediction that a relocation rests on (TS 29.558 clause 8.10)."""

from datetime import datetime, timedelta, timezone

from lab import registered_eas, registered_eec


def flow(api):
    with registered_eas(api.lab), registered_eec(api.lab, ue_id="msisdn-491700000001"):
        ees = api.client("ees-b", "edge9")
        parameters = api.ACRParameters(predict_exp_time=datetime.now(timezone.utc) + timedelta(hours=1))
        told = api.ACRParamsInfo(
            requestor_id="ees-b.example", eec_id="eec-1", ac_id="ac.chess", acr_params=parameters,
            s_as_end_point=api.EndPoint(fqdn="chess.edge-b.example"), t_as_end_point=api.EndPoint(fqdn="chess.edge-a.example"))
        ees.request(told)
        assert ees.sent[-1]["tAsEndPoint"] == {"fqdn": "chess.edge-a.example"}, ees.sent
        # The UE has arrived.
        told.acr_params = api.ACRParameters()
        ees.request(told)
        assert ees.sent[-1]["acrParams"] == {}, ees.sent
        told.requestor_id = "ees-c.example"
        api.refused(403, ees.request, told)
