"""An EAS asks where a UE is, at once and by subscription (TS 29.558 clause 8.2)."""

from lab import made, registered_eas

UE = "msisdn-491700000001"


def flow(api):
    with registered_eas(api.lab):
        eas = api.client("eas-chess-a", "edge3")
        answer = eas.fetch_ue_location(api.LocationRequest(ue_id=UE, gran="CGI_ECGI"))
        assert answer.ue_location.cell_id, answer
        request = api.LocationSubscription(
            eas_id="eas.chess.example", ue_id=UE, loc_gran="TA_RA", notification_destination="https://127.0.0.1:9/locations",
            event_req=api.ReportingInformation(max_report_nbr=5),
        )
        subscription = made(eas.create_location_info_subscription_with_http_info(request))[1]
        read = eas.read_ind_location_info_subscription(subscription)
        assert (read.ue_id, read.loc_gran, read.event_req.max_report_nbr) == (UE, "TA_RA", 5), read
        changed = eas.modify_ind_location_info_subscription(subscription, api.LocationSubscriptionPatch(loc_gran="CGI_ECGI"))
        assert changed.loc_gran == "CGI_ECGI", changed
        assert eas.update_ind_location_info_subscription(subscription, request).loc_gran == "TA_RA"
        eas.delete_ind_location_info_subscription(subscription)
        api.refused(404, eas.read_ind_location_info_subscription, subscription)
        api.refused(403, eas.fetch_ue_location, api.LocationRequest(ue_id="msisdn-491700000002"))
