"""An EES announces the EAS that serves a group, and an EEC of the group is led to it (TS 29.558 clause 8.11)."""

GROUP = "announced-players"


def flow(api):
    ees = api.client("ees-b", "edge9")
    common = api.CommonEASInfo(requestor_id="ees-b.example", eas_id="eas.chess.example", app_grp_id=GROUP,
                               eas_end_pt=api.EndPoint(fqdn="chess.edge-b.example"),
                               requestor_end_pt=api.EndPoint(uri="https://ees-b.example"))
    ees.declare(common)
    assert ees.sent[-1]["easEndPt"] == {"fqdn": "chess.edge-b.example"}, ees.sent
    ees.declare(common)
    common.requestor_id = "ees-a.example"
    api.refused(403, ees.declare, common)
