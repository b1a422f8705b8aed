"""EAS discovery by name (RFC 7858): a client of another make asks whatever it can ask, and every answer is one that it can read."""

import itertools

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
from lab import made

NAME = "chess.edge.example"
TYPES = ["A", "AAAA", "HTTPS", "SVCB", "SRV", "SOA", "NS", "CNAME", "TXT", "ANY", "TYPE65280"]
PADDING = dns.edns.GenericOption(dns.edns.OptionType.PADDING, b"")
KEEPALIVE = dns.edns.GenericOption(11, b"")
UNKNOWN = dns.edns.GenericOption(65001, b"x")


def asked(lab, query, who=None):
    """The answer, which says the same when it is written and read again."""
    answer = lab.ask(query, who)
    assert query.is_response(answer) and answer.opcode() == query.opcode(), answer
    assert answer.question == query.question and (answer.edns >= 0) == (query.edns >= 0), answer
    again = dns.message.from_wire(answer.to_wire())
    assert again == answer and again.flags == answer.flags, (answer, again)
    return answer


def of(answer, kind):
    """The data of the records of a type among the answers."""
    kind = dns.rdatatype.from_text(kind)
    return [record for records in answer.answer if records.rdtype == kind for record in records]


def rcode(lab, name, kind="A", **more):
    """The code of an answer, and how many records it has."""
    answer = asked(lab, dns.message.make_query(name, kind, **more))
    return dns.rcode.to_text(answer.rcode()), len(answer.answer)


def everything(lab):
    """Every type with every way to ask."""
    options = [None, [], [PADDING], [KEEPALIVE], [UNKNOWN], [dns.edns.ECSOption("10.45.3.0", 24)], [dns.edns.ECSOption("::", 0)],
               [PADDING, KEEPALIVE, UNKNOWN, dns.edns.ECSOption("2001:db8::", 56)]]
    names = [NAME, "edge.example", "ns.edge.example", "none.edge.example", f"_https._tcp.{NAME}", f"_8443._https.{NAME}", "host.other.example"]
    for name, kind, option in itertools.product(names, TYPES, options):
        edns = {} if option is None else {"use_edns": 0, "options": option, "want_dnssec": option == []}
        for who in (None, "eec-1") if option == [] else (None,):
            answer = asked(lab, dns.message.make_query(name, kind, **edns), who)
            sent = {type(one) if isinstance(one, dns.edns.ECSOption) else one.otype for one in option or []}
            came = {type(one) if isinstance(one, dns.edns.ECSOption) else one.otype for one in answer.options}
            # What was not asked for is not there, but for the reason of a refusal.
            assert came - {dns.edns.OptionType.EDE} <= sent, (name, kind, option, answer)


def flow(lab):
    api = lab.api("eees-easregistration")
    eas = api.client("eas-chess-a", "edge3")
    profile = api.EASProfile(eas_id="eas.chess.example", end_pt=api.EndPoint(uri="https://192.0.2.1:8443"))
    assert rcode(lab, NAME) == ("NXDOMAIN", 0)
    _, registration = made(eas.create_eas_registration_with_http_info(api.EASRegistration(eas_prof=profile)))
    everything(lab)

    answer = asked(lab, dns.message.make_query(NAME, "A"))
    assert answer.flags & dns.flags.AA and [one.address for one in of(answer, "A")] == ["192.0.2.1"], answer
    [service] = of(asked(lab, dns.message.make_query(NAME, "HTTPS")), "HTTPS")
    assert "port=\"8443\"" in service.to_text() and "192.0.2.1" in service.to_text(), service
    [target] = of(asked(lab, dns.message.make_query(f"_https._tcp.{NAME}", "SRV")), "SRV")
    assert (target.port, target.target) == (8443, dns.name.from_text(NAME)), target
    nothing = asked(lab, dns.message.make_query(NAME, "AAAA"))
    assert nothing.rcode() == dns.rcode.NOERROR and not nothing.answer, nothing
    assert [records.rdtype for records in nothing.authority] == [dns.rdatatype.SOA], nothing
    assert rcode(lab, f"nobody.{NAME}") == ("NXDOMAIN", 0)
    assert rcode(lab, "host.other.example") == ("REFUSED", 0)
    assert rcode(lab, NAME, rdclass="CH") == ("REFUSED", 0)
    assert rcode(lab, NAME, use_edns=1) == ("BADVERS", 0)

    # The letters of the question come back as they were.
    mixed = dns.message.make_query("cHeSs.EdGe.ExAmPlE", "A")
    assert asked(lab, mixed).question[0].name.to_text() == "cHeSs.EdGe.ExAmPlE."
    padded = asked(lab, dns.message.make_query(NAME, "A", use_edns=0, options=[PADDING]))
    assert len(padded.wire or b"") in (0, 468), padded
    update = dns.message.make_query(NAME, "A")
    update.set_opcode(dns.opcode.NOTIFY)
    assert lab.ask(update).rcode() == dns.rcode.NOTIMP

    eas.delete_ind_eas_registration(registration)
    assert rcode(lab, NAME) == ("NXDOMAIN", 0)
