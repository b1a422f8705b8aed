"""An EEC subscribes to news of relocations (TS 24.558 clause 6.4)."""

from lab import made, registered_eec


def flow(api):
    with registered_eec(api.lab, ue_id="msisdn-491700000001"):
        eec = api.client("eec-1", "edge1")
        request = api.ACREventsSubscription(
            eec_id="eec-1", ue_id="msisdn-491700000001", eas_ids=["eas.chess.example"], event_ids="ACR_COMPLETE",
            notification_destination="https://127.0.0.1:9/news",
        )
        answer = eec.create_acr_events_subscripton_with_http_info(request)
        subscription = made(answer)[1]
        assert answer.data.event_ids == "ACR_COMPLETE" and answer.data.eas_ids == ["eas.chess.example"], answer.data
        changed = eec.modify_acr_events_subscription(
            subscription, api.ACREventsSubscriptionPatch(event_ids="TARGET_INFORMATION"))
        assert changed.event_ids == "TARGET_INFORMATION", changed
        assert eec.update_acr_events_subscription(subscription, request).event_ids == "ACR_COMPLETE"
        eec.delete_acr_events_subscription(subscription)
        api.refused(404, eec.delete_acr_events_subscription, subscription)
