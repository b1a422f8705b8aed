"""An ECS, an EES and a simulated core network as processes with fresh certificates, and the generated Python clients that call them."""

import contextlib
import importlib
import json
import os
import pathlib
import ssl
import subprocess
import sys
import tempfile
import threading
import time

import dns.message
import dns.query
import generate
import urllib3

# The listeners of each program.
SERVERS = {"ees": ("edge1", "edge2", "edge3", "operator", "dns", "easdf"), "ecs": ("edge4", "edge6", "operator"), "nef": ("apis", "control"),
           "ccf": ("core", "operator")}


class Program:
    """A running server, and the `apiRoot` of each of its listeners."""

    def __init__(self, binaries, name, config, settings, log):
        listeners = {f"{name.upper()}__{point.upper()}__LISTEN": "127.0.0.1:0" for point in SERVERS[name]}
        self.name, self.roots, self.log = name, {}, log
        commands = {"nef": [binaries / "eec-sim", "nef"], "ccf": [binaries / "ees", "ccf", "--log", "warn"]}
        command = commands.get(name, [binaries / name, "serve", "--log", "warn"])
        with open(log, "ab") as errors:
            self.process = subprocess.Popen(
                [*command, "--config", config],
                stdout=subprocess.PIPE, stderr=errors, text=True, env={**os.environ, **listeners, **settings},
            )
        guard = threading.Timer(60, self.process.kill)
        guard.start()
        for line in self.process.stdout:
            words = line.split()
            if words[:1] == ["listening"]:
                self.roots[words[1]] = words[2]
            if words == ["ready"]:
                break
        guard.cancel()
        if self.process.poll() is not None or not self.roots:
            sys.exit(f"{name} did not become ready:\n{log.read_text()}")

    def stop(self):
        self.process.terminate()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return None


class Lab:
    """The servers, where they are, and who may call them."""

    def __init__(self, binaries, work):
        self.binaries, self.work = binaries, work
        self.folder = tempfile.TemporaryDirectory(prefix="edgeapp-clients-")
        self.pki = pathlib.Path(self.folder.name) / "lab"
        subprocess.run([binaries / "eec-sim", "pki", "init", self.pki], check=True, stdout=subprocess.DEVNULL, timeout=60)
        self.programs = []

    def __enter__(self):
        log = self.work / "servers.log"
        log.write_text("")
        # Made-up requests come faster than any client would send them.
        rates = {"LIMITS__UNLIMITED_RATES_FOR_LOAD_TESTS": "true"}
        ecs = Program(self.binaries, "ecs", self.pki / "ecs.toml", {f"ECS__{key}": rates[key] for key in rates}, log)
        self.programs.append(ecs)
        self.core = Program(self.binaries, "ccf", self.pki / "ccf.toml", {f"CCF__{key}": rates[key] for key in rates}, log)
        self.programs.append(self.core)
        self.network = Program(self.binaries, "nef", self.pki / "nef.toml", {}, log)
        settings = {"EES__ECS__URL": ecs.roots["edge6"], "EES__NEF__API_ROOT": self.network.roots["apis"]}
        settings |= {f"EES__{key}": rates[key] for key in rates}
        self.programs.append(Program(self.binaries, "ees", self.pki / "ees-a.toml", settings, log))
        self._until_registered(time.monotonic() + 30)
        return self

    def _until_registered(self, deadline):
        """The EES registers with the ECS by itself, and is ready then."""
        root = self.root("operator")
        with urllib3.PoolManager(**self.files("operator", "operator")) as pool:
            while pool.request("GET", f"{root}/ready", retries=False, timeout=10).status != 200:
                assert time.monotonic() < deadline, "the EES did not become ready"
                time.sleep(0.02)

    def __exit__(self, *_):
        codes = [(program.name, program.stop()) for program in self.programs]
        self.network.stop()
        self.folder.cleanup()
        bad = [code for code in codes if code[1] != 0]
        if bad:
            sys.exit(f"servers did not stop as asked: {bad}\n{(self.work / 'servers.log').read_text()[-3000:]}")

    def root(self, listener):
        """The `apiRoot` of a listener; EDGE-9 is where EDGE-1 is."""
        wanted = "edge1" if listener == "edge9" else listener
        programs = reversed(self.programs)  # both have an operator's port; the one of the EES is meant
        return next(program.roots[wanted] for program in programs if wanted in program.roots)

    def server(self, listener):
        """Which program serves a listener: `ees` or `ecs`."""
        return "ccf" if listener == "capif" else "ecs" if listener in ("edge4", "edge6") else "ees"

    def credential(self, *arguments):
        """The secret of an onboarding credential, as the operator of the core function hands it out."""
        operator = ["--operator", self.core.roots["operator"], "--certificate", self.pki / "operator.pem",
                    "--key", self.pki / "operator.key", "--roots", self.pki / "ca" / "ccf.pem"]
        command = [self.binaries / "ees", "ccf", "credential", "new", *arguments, *operator]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=60)
        return json.loads(told.stdout)["secret"]

    @contextlib.contextmanager
    def exposed(self):
        """Another EES, whose EDGE-3 is exposed through the core function."""
        credential = self.pki / "provider.credential"
        credential.write_text(self.credential("--role", "provider"))
        exposure = {"URL": self.root("capif"), "ROOTS": self.pki / "ca" / "ccf.pem", "INVOKER_ROOTS": self.pki / "ca" / "provider.pem",
                    "CREDENTIAL_FILE": credential}
        settings = {f"EES__CAPIF__EXPOSURE__{key}": str(value) for key, value in exposure.items()}
        settings |= {"EES__ECS__URL": self.root("edge6"), "EES__NEF__API_ROOT": self.network.roots["apis"]}
        ees = Program(self.binaries, "ees", self.pki / "ees-b.toml", settings, self.work / "servers.log")
        try:
            yield ees
        finally:
            code = ees.stop()
        assert code == 0, f"the exposed EES did not stop as asked: {code}"

    def request(self, name):
        """A key, and a certification request for it in PEM."""
        key, asked = self.pki / f"{name}.key", self.pki / f"{name}.csr"
        subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=any",
                        "-keyout", key, "-out", asked], check=True, stderr=subprocess.DEVNULL, timeout=60)
        return asked.read_text()

    def keep(self, name, certificate):
        """The certificate that was issued for the key of that name."""
        (self.pki / f"{name}.pem").write_text(certificate)

    def files(self, who, listener):
        """Certificate and key of a caller, and the authority of the server."""
        authority = self.pki / "ca" / f"{self.server(listener)}.pem"
        return {"cert_file": str(self.pki / f"{who}.pem"), "key_file": str(self.pki / f"{who}.key"),
                "ca_certs": str(authority)}

    def get(self, who, url):
        """What stands on the wire: a plain GET, without any generated code."""
        listener = next(point for program in self.programs for point, root in program.roots.items() if url.startswith(root))
        with urllib3.PoolManager(**self.files(who, listener)) as pool:
            answer = pool.request("GET", url, timeout=10)
        assert answer.status == 200, (url, answer.status, answer.data)
        return json.loads(answer.data)

    def ask(self, query, who=None):
        """The answer to a DNS message over TLS, of a client that trusts nobody but the authority of EESs."""
        context = ssl.create_default_context(cafile=self.pki / "ca" / "ees.pem")
        context.set_alpn_protocols(["dot"])
        if who:
            context.load_cert_chain(self.pki / f"{who}.pem", self.pki / f"{who}.key")
        host, port = self.root("dns").removeprefix("tls://").rsplit(":", 1)
        return dns.query.tls(query, host, timeout=10, port=int(port), ssl_context=context, server_hostname="localhost")

    def resolve(self, name, kind="A"):
        """The data of the records that a name leads to."""
        answer = self.ask(dns.message.make_query(name, kind))
        return [record.to_text() for records in answer.answer for record in records]

    def api(self, name):
        """A published API, as its generated Python package offers it."""
        return Api(self, name)


class Api:
    """One API: its models as attributes, its client by `client`."""

    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        path = str(lab.work / "python" / name)
        if path not in sys.path:
            sys.path.insert(0, path)
        self.package = importlib.import_module(generate.package(name))

    def __getattr__(self, name):
        return getattr(self.package, name)

    def url(self, listener, path=""):
        """The address of something under the base path."""
        return f"{self.lab.root(listener)}/{self.name}/v1{path}"

    def client(self, who, listener):
        """The generated client, calling a listener with somebody's certificate, or with none. `sent` and `urls` tell what left."""
        files = self.lab.files(who, listener)
        if who is None:
            files |= {"cert_file": None, "key_file": None}
        configuration = self.package.Configuration(
            host=self.url(listener), ssl_ca_cert=files["ca_certs"], cert_file=files["cert_file"], key_file=files["key_file"],
        )
        client = self.package.DefaultApi(self.package.ApiClient(configuration))
        client.sent, client.urls = [], []
        wire = client.api_client.rest_client.request

        def record(method, url, headers=None, body=None, **more):
            client.sent.append(body)
            client.urls.append(url)
            return wire(method, url, headers=headers, body=body, **more)

        client.api_client.rest_client.request = record
        return client

    def refused(self, status, call, *arguments, **named):
        """Asserts that a call is refused with ProblemDetails, and returns them."""
        try:
            call(*arguments, **named)
        except self.package.ApiException as refusal:
            assert refusal.status == status, (refusal.status, refusal.body)
            problem = self.package.ProblemDetails.from_json(refusal.body)
            assert problem.status == status and problem.cause, problem
            return problem
        raise AssertionError(f"{call.__name__} was not refused")


def made(answer):
    """The address of what was created, and its id."""
    location = {name.lower(): value for name, value in answer.headers.items()}["location"]
    return location, location.rsplit("/", 1)[1]


@contextlib.contextmanager
def registered_eas(lab, who="eas-chess-a", fqdn="chess.edge-a.example", **members):
    """An EAS that is registered as long as this lasts."""
    api = lab.api("eees-easregistration")
    client = api.client(who, "edge3")
    profile = api.EASProfile(eas_id="eas.chess.example", end_pt=api.EndPoint(fqdn=fqdn), **members)
    _, registration = made(client.create_eas_registration_with_http_info(api.EASRegistration(eas_prof=profile)))
    yield profile
    client.delete_ind_eas_registration(registration)


@contextlib.contextmanager
def registered_eec(lab, **members):
    """An EEC that is registered as long as this lasts."""
    api = lab.api("eees-eecregistration")
    client = api.client("eec-1", "edge1")
    answer = client.create_eec_reg_with_http_info(api.EECRegistration(eec_id="eec-1", **members))
    yield answer.data
    client.delete_ind_eec_reg(made(answer)[1])
