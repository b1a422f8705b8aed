"""An EAS asks for a quality of a session (TS 29.558 clause 8.5)."""

from lab import made, registered_eas

CHESS = "eas.chess.example"


def flow(api):
    with registered_eas(api.lab):
        eas = api.client("eas-chess-a", "edge3")
        request = api.SessionWithQoS(
            eas_id=CHESS, ue_id="msisdn-491700000001", ip_flows=["permit out ip from any to any"], qos_reference="gold",
            events=["QOS_NOT_GUARANTEED"], notification_destination="https://127.0.0.1:9/qos",
        )
        session = made(eas.create_ind_session_with_qo_s_with_http_info(request))[1]
        assert eas.read_ind_session_with_qo_s(session).qos_reference == "gold"
        assert len(eas.read_all_sessions_with_qo_s(CHESS)) == 1
        changed = eas.modify_ind_session_with_qo_s(session, api.SessionWithQoSPatch(qos_reference="silver"))
        assert changed.qos_reference == "silver", changed
        assert eas.update_ind_session_with_qo_s(session, request).qos_reference == "gold"
        eas.delete_ind_session_with_qo_s(session)
        api.refused(404, eas.read_ind_session_with_qo_s, session)
