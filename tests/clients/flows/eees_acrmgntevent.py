"""An EAS subscribes to relocations that concern it (TS 29.558 clause 8.6)."""

from lab import made, registered_eas


def flow(api):
    with registered_eas(api.lab):
        eas = api.client("eas-chess-a", "edge3")
        one_ue = api.TargetUeIdentification(gpsi="msisdn-491700000001")
        request = api.AcrMgntEventsSubscription(
            eas_id="eas.chess.example", notification_destination="https://127.0.0.1:9/news",
            event_subscs=[api.AcrMgntEventSubsc(event="ACT_START_STOP", tgt_ue_id=one_ue)],
        )
        answer = eas.create_acr_mng_event_subscr_with_http_info(request)
        location, subscription = made(answer)
        wire = api.lab.get("eas-chess-a", location)["eventSubscs"][0]
        assert (wire["event"], wire["tgtUeId"]) == ("ACT_START_STOP", {"gpsi": "msisdn-491700000001"}), wire
        assert eas.get_ind_acr_mng_event_subscr(subscription).event_subscs[0].tgt_ue_id == one_ue
        assert len(eas.get_acr_mng_event_subscrs()) == 1
        changed = eas.modify_ind_acr_mng_event_subscr(
            subscription, api.AcrMgntEventsSubscriptionPatch(notification_destination="https://127.0.0.1:9/other"))
        assert changed.notification_destination.endswith("/other"), changed
        assert eas.update_ind_acr_mng_event_subscr(subscription, request).notification_destination.endswith("/news")
        paths = api.AcrMgntEventSubsc(event="UP_PATH_CHG", tgt_ue_id=one_ue, dnai_chg_type="EARLY", eas_ack_ind=True)
        changed = eas.modify_ind_acr_mng_event_subscr(
            subscription, api.AcrMgntEventsSubscriptionPatch(event_subscs=[paths, request.event_subscs[0]]))
        wire = api.lab.get("eas-chess-a", location)
        assert wire["availabilityInfo"] == {"availabilityStatus": "AVAILABLE"}, wire
        assert changed.event_subscs[0].eas_ack_ind is True, changed
        eas.delete_ind_acr_mng_event_subscr(subscription)
