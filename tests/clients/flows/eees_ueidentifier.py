"""An EAS asks for the identifier of a UE that it knows by its address (TS 29.558 clause 8.3)."""

from lab import registered_eas


def flow(api):
    with registered_eas(api.lab):
        eas = api.client("eas-chess-a", "edge3")
        address = api.IpAddr(ipv4_addr="198.51.100.1")
        known = eas.get_ueid(api.UserInfo(ip_addr=address)).ue_ids
        assert [known.af_spec_ue_id for known in known] == ["extid-ue1@example.org"], known
        older = eas.fetch_ueid(api.UserInformation(eas_id="eas.chess.example", ip_addr=address))
        assert older == "extid-ue1@example.org", older
        nobody = api.UserInfo(ip_addr=api.IpAddr(ipv4_addr="198.51.100.99"))
        assert api.refused(404, eas.get_ueid, nobody).cause == "UE_NOT_FOUND"
