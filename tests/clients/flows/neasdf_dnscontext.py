"""An SMF says what becomes of the DNS messages of a UE (TS 29.556 clause 6.1)."""

import uuid

from lab import made

NAME = "chess.edge.example"


def responding(api, address):
    """Rules by which every question is answered with this address."""
    action = api.Action(apply_action="RESPOND", resp_paras=api.RespondParameters(eas_ipv4_addresses=[address]))
    return {"r": api.DnsRule(action_list={"a": action})}


def flow(api):
    smf = api.client("smf", "n88")

    def data(address):
        return api.DnsContextCreateData(
            ue_ipv4_addr="127.0.0.1", dnn="edge", s_nssai=api.Snssai(sst=1), dns_rules=responding(api, address))

    answer = smf.create_dns_context_with_http_info(data("192.0.2.9"))
    assert answer.data.easdf_ipv4_addr == "127.0.0.1", answer.data
    _, context = made(answer)
    assert api.lab.resolve(NAME) == ["192.0.2.9"]
    smf.replace_dns_context(context, data("192.0.2.10"))
    assert api.lab.resolve(NAME) == ["192.0.2.10"]
    change = api.PatchItem(op="replace", path="/dnsRules/r/actionList/a/respParas/easIpv4Addresses/0", value="192.0.2.11")
    smf.update_dns_context(context, [change])
    assert api.lab.resolve(NAME) == ["192.0.2.11"]
    # What can be done of a list of changes is done, and the rest is told.
    there = api.PatchItem(op="remove", path="/dnsRules/none")
    told = smf.update_dns_context(context, [change, there])
    assert [item.path for item in told.report] == ["/dnsRules/none"], told
    reporting = data("192.0.2.9")
    reporting.dns_rules["r"].action_list["b"] = api.Action(apply_action="REPORT")
    problem = api.refused(400, smf.create_dns_context, reporting)
    assert problem.cause == "MANDATORY_IE_MISSING" and problem.invalid_params[0].param == "/notifyUri", problem
    smf.delete_dns_context(context)
    assert api.lab.resolve(NAME) == []
    api.refused(404, smf.delete_dns_context, context)
    api.refused(404, smf.replace_dns_context, uuid.uuid4().hex, data("192.0.2.9"))
