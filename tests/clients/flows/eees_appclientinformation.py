"""An EAS subscribes to application clients, changes what it wants to hear of, and ends it (TS 29.558 clause 8.4)."""

from lab import made, registered_eas


def flow(api):
    with registered_eas(api.lab):
        eas = api.client("eas-chess-a", "edge3")
        request = api.ACInfoSubscription(
            eas_id="eas.chess.example", ac_fltrs=[api.ACFilters(ac_ids=["ac.chess"])], trig_cond_params=["EEC_REGISTRATION"],
            notification_destination="https://127.0.0.1:9/clients", event_req=api.ReportingInformation(max_report_nbr=5),
        )
        subscription = made(eas.create_app_client_info_subscription_with_http_info(request))[1]
        read = eas.read_ind_app_client_info_subscription(subscription)
        assert (read.ac_fltrs[0].ac_ids, read.event_req.max_report_nbr) == (["ac.chess"], 5), read
        patch = api.ACInfoSubscriptionPatch(ac_fltrs=[api.ACFilters(ac_types=["game"]), api.ACFilters(ecsp_ids=["ecsp-1"])])
        changed = eas.modify_ind_app_client_info_subscription(subscription, patch)
        assert [changed.ac_fltrs[0].ac_types, changed.ac_fltrs[1].ecsp_ids] == [["game"], ["ecsp-1"]], changed
        assert eas.update_ind_app_client_info_subscription(subscription, request).ac_fltrs[0].ac_ids == ["ac.chess"]
        eas.delete_ind_app_client_info_subscription(subscription)
        api.refused(404, eas.read_ind_app_client_info_subscription, subscription)
        request.trig_cond_params = ["ANALYTICS_INFO"]
        api.refused(400, eas.create_app_client_info_subscription, request)
