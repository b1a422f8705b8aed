"""An SMF keeps patterns that the contexts of many UEs refer to (TS 29.556 clause 6.2)."""

from urllib.parse import unquote

from lab import made

SMF = "4ace9d34-2c69-4f99-92d5-a73a3fe8e23b"


def styled(client):
    """The same client; the generator writes an object into a path as Python prints it, not in the style that the document says."""
    serialize = client.api_client.param_serialize

    def written(value):
        members = value.to_dict().items() if hasattr(value, "to_dict") else None
        return value if members is None else ",".join(f"{name}={member}" for name, member in members)

    def with_style(path_params, **more):
        return serialize(path_params={name: written(value) for name, value in path_params.items()}, **more)

    client.api_client.param_serialize = with_style
    return client


def flow(api):
    client = styled(api.client("smf", "n88"))
    smf = api.VarNfId(smf_instance_id=SMF)
    network = api.EcsOption(source_prefix_length=24, ip_addr=api.IpAddr(ipv4_addr="10.45.3.0"))
    pattern = api.BaseDnsPatternCreateData(label="edge", base_dns_ait_list={"a": api.BaselineDnsAit(ait_id="a", ecs_option=network)})
    location, name = made(client.create_or_replace_base_dns_pattern_with_http_info(smf, "edge", pattern))
    assert name == "edge" and unquote(location).endswith(f"smfInstanceId={SMF}/edge"), location
    again = client.create_or_replace_base_dns_pattern_with_http_info(smf, "edge", pattern)
    assert again.status_code == 204, again.status_code
    change = api.PatchItem(op="replace", path="/label", value="renamed")
    assert client.update_base_dns_pattern_with_http_info(smf, "edge", [change]).status_code == 204
    bad = api.PatchItem(op="replace", path="/label", value=7)
    assert api.refused(400, client.update_base_dns_pattern, smf, "edge", [bad]).invalid_params
    client.delete_base_dns_pattern(smf, "edge")
    api.refused(404, client.delete_base_dns_pattern, smf, "edge")
