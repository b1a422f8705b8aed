"""Another EES brings the context of an EEC that moves, and one asks for a context (TS 29.558 clause 8.8)."""


def flow(api):
    ees = api.client("ees-b", "edge9")
    context = api.EECContext(cntx_id="context-of-a-traveller", eec_id="eec-2", ue_id="msisdn-491700000002",
                             ac_profs=[api.ACProfile(ac_id="ac.chess", ac_svc_cont_supp=["EEC_INITIATED"])])
    ees.push_eec_contexts(api.EECContextPush(ees_id="ees-b.example", eec_cntx=context))
    assert ees.sent[-1]["eecCntx"]["acProfs"] == [{"acId": "ac.chess", "acSvcContSupp": ["EEC_INITIATED"]}], ees.sent
    api.refused(404, ees.pull_eec_contexts, ees_id="ees-b.example", eec_cntx_id="context-of-nobody")
