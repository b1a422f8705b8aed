"""An EAS has the traffic of UEs steered to it (TS 29.558 clause 8.12)."""

from lab import made, registered_eas

UE = "msisdn-491700000001"


def flow(api):
    eas_api = api.lab.api("eees-easregistration")
    route = eas_api.RouteToLocation(dnai="edge-a", route_prof_id="profile-1")
    with registered_eas(api.lab, app_locs=[route]):
        eas = api.client("eas-chess-a", "edge3")
        one = api.AppTrafficInfluence(tgt_ues=[api.TargetUeIdentification(gpsi=UE)])
        instance = made(eas.create_traff_influ_instance_with_http_info(one))[1]
        assert eas.get_ind_traff_influ_instance(instance).tgt_ues[0].gpsi == UE
        assert eas.update_ind_traff_influ_instance(instance, api.AppTrafficInfluence(any_ue=True)).any_ue is True
        patch = api.AppTrafficInfluencePatch(tgt_ues=[api.TargetUeIdentification(gpsi=UE)])
        assert eas.modify_ind_traff_influ_instance(instance, patch).tgt_ues[0].gpsi == UE
        eas.delete_ind_traff_influ_instance(instance)
        api.refused(404, eas.get_ind_traff_influ_instance, instance)
