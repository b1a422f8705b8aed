"""Requests made up from the published documents, over every door of every operation: whatever comes in, the answer is a documented one.

No 5xx, no status that the operation does not name, no media type or body that breaks the document. Bounded in count and in time, and the
same requests in every run.
"""

import json
import signal

import generate
import hypothesis
import requests
import schemathesis
import schemathesis.openapi
import urllib3
import yaml
from hypothesis import strategies
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks

SEED = 23558
# What the servers read of a header, in bytes.
LONGEST_HEADER = 16 * 1024
CHECKS = [not_a_server_error, checks.status_code_conformance, checks.content_type_conformance, checks.response_schema_conformance]

# Who calls which listener, with the identities that its certificate vouches for.
DOORS = {
    "edge1": ("eec-1", {"eecId": "eec-1", "requestorId": "eec-1"}),
    "edge3": ("eas-chess-a", {"easId": "eas.chess.example", "requestorId": "eas.chess.example"}),
    "edge9": ("ees-b", {"eesId": "ees-b.example"}),
    "edge4": ("eec-1", {"eecId": "eec-1"}),
    "edge6": ("ees-b", {"eesId": "ees-b.example", "ees-id": "ees-b.example"}),
    "n88": ("smf", {}),
}


class OutOfTime(KeyboardInterrupt):
    """An operation had its share. Of this kind, because nothing on the way takes it for a failure of the test."""


def examples(lab, api):
    """Sends the example of every request body as it stands in the document; what is wrong: it is missing, or refused as a bad message."""
    wrong = []
    operations = [found.ok() for found in schemathesis.openapi.from_dict(strict(api)).get_all_operations()]
    for operation in operations:
        for media, body in (operation.definition.raw.get("requestBody") or {}).get("content", {}).items():
            if "example" not in body:
                wrong.append(f"{operation.label} has no example")
            for listener in (door for door in DOORS if served(lab, api, door, operation)):
                who, _ = DOORS[listener]
                path = operation.path.replace("{", "").replace("}", "")
                with urllib3.PoolManager(**lab.files(who, listener)) as pool:
                    answer = pool.request(
                        operation.method.upper(), f"{lab.root(listener)}/{api}/v1{path}", retries=False, timeout=10,
                        headers={"content-type": media}, body=json.dumps(body.get("example")))
                if answer.status in (400, 411, 415) or answer.status >= 500:
                    wrong.append(f"{listener} {operation.label}: its example is refused: {answer.status} {answer.data.decode()}")
    return wrong


def strict(name):
    """The document without `default` answers: a status counts as documented only by its number."""
    document = yaml.safe_load(generate.document(name).read_text())
    for item in document["paths"].values():
        for operation in item.values():
            operation["responses"].pop("default", None)
    return document


def served(lab, api, listener, operation):
    """Whether a listener has this operation."""
    who, _ = DOORS[listener]
    with urllib3.PoolManager(**lab.files(who, listener)) as pool:
        path = operation.path.replace("{", "").replace("}", "")
        answer = pool.request("OPTIONS", f"{lab.root(listener)}/{api}/v1{path}", retries=False, timeout=10)
    return operation.method.upper() in answer.headers.get("allow", "").replace(" ", "").split(",")


def with_identity(value, names):
    """The same with the caller's own identities where it names itself, so that more than refusals is tried."""
    if isinstance(value, dict):
        return {key: names[key] if key in names and isinstance(member, str) else with_identity(member, names)
                for key, member in value.items()}
    return [with_identity(item, names) for item in value] if isinstance(value, list) else value


class Door:
    """One API on one listener."""

    def __init__(self, lab, api, listener, examples, seconds):
        who, self.names = DOORS[listener]
        files = lab.files(who, listener)
        self.session = requests.Session()
        self.session.trust_env = False
        self.tls = {"cert": (files["cert_file"], files["key_file"]), "verify": files["ca_certs"]}
        self.base = f"{lab.root(listener)}/{api}/v1"
        self.examples, self.seconds, self.made, self.sent, self.cut = examples, seconds, [], 0, 0

    def call(self, case):
        """Sends it. None where a connection of HTTP/1.1 was closed on the way: a server that refuses a request before it has read a long
        body does that, and the sender never sees the refusal."""
        try:
            return case.call(base_url=self.base, session=self.session, timeout=10, **self.tls)
        except requests.ConnectionError as closed:
            # A URI that is longer than a header may be is refused by HTTP itself.
            unreadable = closed.request is not None and len(closed.request.url) > LONGEST_HEADER
            if not unreadable and (case.body is None or not case.path_parameters):
                raise
            self.cut += 1
            return None

    def try_operation(self, operation):
        """Tries one operation; what is wrong, or nothing."""

        @hypothesis.seed(SEED)
        @hypothesis.settings(max_examples=self.examples, deadline=None, database=None, print_blob=False,
                             suppress_health_check=list(hypothesis.HealthCheck), phases=[hypothesis.Phase.generate])
        @hypothesis.given(case=operation.as_strategy(), own=strategies.booleans())
        def each(case, own):
            if own:
                case.body = with_identity(case.body, self.names)
                case.query = with_identity(case.query, self.names) if case.query else case.query
                if self.made and case.path_parameters:
                    names = list(case.path_parameters)
                    case.path_parameters = dict(zip(names, self.made[-1].rsplit("/", len(names))[1:]))
            answer = self.call(case)
            self.sent += 1
            if answer is None or answer.status_code == 431:
                return  # Said by HTTP itself, before there is an operation.
            case.validate_response(answer, checks=CHECKS)
            if answer.status_code == 201:
                self.made.append(answer.headers["location"][0])

        def out_of_time(*_):
            raise OutOfTime

        before = signal.signal(signal.SIGALRM, out_of_time)
        # Again every second: one that is raised inside a callback of the interpreter is lost.
        signal.setitimer(signal.ITIMER_REAL, self.seconds, 1)
        try:
            each()
        except OutOfTime:
            pass
        except (Exception, FailureGroup) as failure:
            return f"{operation.label}: {failure}"[:3000]
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        return None


def fuzz(lab, api, examples, seconds):
    """Tries every operation of an API at every door; what is wrong."""
    wrong = []
    order = {"POST": 0, "DELETE": 2}
    operations = [found.ok() for found in schemathesis.openapi.from_dict(strict(api)).get_all_operations()]
    operations.sort(key=lambda operation: order.get(operation.method.upper(), 1))
    sent, tried = 0, set()
    for listener in DOORS:
        door = Door(lab, api, listener, examples, seconds)
        for operation in operations:
            if served(lab, api, listener, operation):
                tried.add(operation.label)
                failure = door.try_operation(operation)
                if failure:
                    wrong.append(f"{listener} {failure}")
        sent += door.sent
        if door.cut > door.sent // 10:
            wrong.append(f"{listener}: {door.cut} of {door.sent} requests ended without an answer")
    nowhere = [operation.label for operation in operations if operation.label not in tried]
    return wrong + [f"published and served nowhere: {label}" for label in nowhere], sent
