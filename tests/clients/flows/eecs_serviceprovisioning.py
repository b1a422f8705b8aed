"""An EEC asks the ECS for its EES, and subscribes to changes (TS 24.558 clause 8.1)."""

from lab import made


def flow(api):
    eec = api.client("eec-1", "edge4")
    answer = eec.request_serv_prov(api.ECSServProvReq(eec_id="eec-1", eec_svc_cont_supp=["EEC_INITIATED"]))
    endpoint = answer.edn_cnfg_info[0].eess[0].end_pt
    assert endpoint.uri == api.lab.root("edge1"), answer

    request = api.ECSServProvSubscription(eec_id="eec-1", notification_destination="https://127.0.0.1:9/news",
                                          eec_svc_cont_supp=["EEC_INITIATED"])
    subscribed = eec.create_serv_prov_sub_with_http_info(request)
    subscription = made(subscribed)[1]
    assert subscribed.data.eec_svc_cont_supp == ["EEC_INITIATED"], subscribed.data
    patch = api.ECSServProvSubscriptionPatch(eec_svc_cont_supp=["SOURCE_EAS_DECIDED"])
    assert eec.modify_ind_serv_prov_sub(subscription, patch).eec_svc_cont_supp == ["SOURCE_EAS_DECIDED"]
    assert eec.update_ind_serv_prov_sub(subscription, request).eec_svc_cont_supp == ["EEC_INITIATED"]
    eec.delete_ind_serv_prov_sub(subscription)
    api.refused(404, eec.delete_ind_serv_prov_sub, subscription)
