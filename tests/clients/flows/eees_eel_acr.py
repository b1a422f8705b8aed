"""An EAS leaves a relocation to its EES and hears how it ended (TS 29.558 clause 8.8)."""

from lab import made, registered_eas, registered_eec


def flow(api):
    profiles = api.lab.api("eees-eecregistration")
    plays = profiles.ACProfile(ac_id="ac.chess", eass=[profiles.EasDetail(eas_id="eas.chess.example")])
    with registered_eas(api.lab, svc_cont_supp=["EEL_MANAGED_ACR"]), \
            registered_eec(api.lab, ue_id="msisdn-491700000001", ac_profs=[plays]):
        eas = api.client("eas-chess-a", "edge3")
        wish = api.ACTStatusSubsc(eas_id="eas.chess.example", notification_uri="https://127.0.0.1:9/managed")
        location, subscription = made(eas.create_act_status_subsc_with_http_info(wish))
        assert api.lab.get("eas-chess-a", location)["notificationUri"] == "https://127.0.0.1:9/managed"
        assert eas.get_act_status_subscription(subscription).eas_id == "eas.chess.example"
        assert len(eas.get_act_status_subscriptions()) == 1
        request = api.EELACRReq(ue_id="msisdn-491700000001", eas_characs=[api.EasCharacteristics(eas_id="eas.chess.example")])
        answer = eas.request_eel_managed_acr(request)
        assert "/app-contexts/" in answer.app_ctxt_store_addr, answer
        request.ue_id = "msisdn-491700000099"
        api.refused(404, eas.request_eel_managed_acr, request)
