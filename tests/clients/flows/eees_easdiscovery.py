"""An EEC finds an EAS, and subscribes to news of it (TS 24.558 clause 6.3)."""

from lab import made, registered_eas, registered_eec


def flow(api):
    with registered_eas(api.lab), registered_eec(api.lab):
        eec = api.client("eec-1", "edge1")
        sought = api.EasDiscoveryFilter(eas_chars=[api.EasCharacteristics(eas_id="eas.chess.example")])
        question = api.EasDiscoveryReq(requestor_id=api.RequestorId(eec_id="eec-1"), eas_discovery_filter=sought)
        found = eec.get_eas_disc_info(question)
        assert eec.sent[-1]["requestorId"] == {"eecId": "eec-1"}, eec.sent
        assert [eas.eas.end_pt.fqdn for eas in found.discovered_eas] == ["chess.edge-a.example"], found

        nothing = api.EasDiscoveryFilter(eas_chars=[api.EasCharacteristics(eas_id="eas.unknown.example")])
        api.refused(404, eec.get_eas_disc_info, api.EasDiscoveryReq(
            requestor_id=api.RequestorId(eec_id="eec-1"), eas_discovery_filter=nothing))

        request = api.EasDiscoverySubscription(
            eec_id="eec-1", eas_event_type="EAS_AVAILABILITY_CHANGE", eas_discovery_filter=sought,
            notification_destination="https://127.0.0.1:9/news",
        )
        answer = eec.create_eas_disc_sub_with_http_info(request)
        subscription = made(answer)[1]
        assert answer.data.eas_event_type == "EAS_AVAILABILITY_CHANGE", answer.data
        changed = eec.modify_ind_eas_disc_sub(subscription, api.EasDiscoverySubscriptionPatch(eas_discovery_filter=nothing))
        assert changed.eas_discovery_filter.eas_chars[0].eas_id == "eas.unknown.example", changed
        replaced = eec.update_ind_eas_disc_sub(subscription, request)
        assert replaced.eas_discovery_filter == sought, replaced
        eec.delete_ind_eas_disc_sub(subscription)
