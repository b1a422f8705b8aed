"""An EES binds the EAS of a group at the ECS (TS 29.558 clause 9.3)."""

from lab import made

EES = "ees-a.example"


def flow(api):
    ees = api.client("ees-a", "edge6")
    asked = {"requestor_id": EES, "app_group_id": "team", "eas_id": "eas.chess.example"}
    binding = api.CommonEASBinding(
        app_group_id="team", eas_id="eas.chess.example", eas_endpoints=[api.EndPoint(fqdn="one.edge-a.example")])
    answer = ees.store_eas_info_with_http_info(api.CommonEASBindReq(requestor_id=EES, binding=binding))
    assert made(answer)[1] and answer.data.binding.eas_endpoints[0].fqdn == "one.edge-a.example", answer.data
    assert ees.get_eas_info(**asked).binding.app_group_id == "team"
    assert api.refused(403, ees.get_eas_info, **{**asked, "requestor_id": "ees-b.example"}).cause == "OWNER_MISMATCH"
