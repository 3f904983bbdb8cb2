"""A data service behind nginx, Caddy and Envoy, with the configurations of `docs/forward-auth.md` as they stand there.

Only the addresses are changed. The servers run on free ports in a directory of their own and end with the tests.
"""

import http.client
import http.server
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path
from urllib.parse import unquote

import yaml

DOCUMENT = (Path(__file__).parents[3] / "docs" / "forward-auth.md").read_text()
IDENTITY = ("x-ileap-subject", "x-ileap-client-id", "x-ileap-organization", "x-ileap-roles", "x-ileap-scope")
LIST, READ = "footprint:list", "footprint:read"
FOOTPRINT = "/2/footprints/91715e5e-fd0b-4d1c-8fab-76290c46e6ed"


def block(name):
    """The configuration that the document gives for a proxy."""
    found = re.search(rf"<!-- forward-auth: {name} -->\n```\w+\n(.*?)```", DOCUMENT, re.DOTALL)
    return found[1]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_port(port, process):
    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{process.args} does not listen")


class Process:
    """A program of ours, its output in a file."""

    def __init__(self, command, directory, port, environment=None):
        self.log = Path(directory, "log")
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=directory,
                env=os.environ | {"HOME": str(directory)} | (environment or {}),
            )
        try:
            await_port(port, self.process)
        except RuntimeError as error:
            self.stop()
            raise RuntimeError(f"{error}: {self.log.read_text()}") from None

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Ileap:
    """`ileap serve`, which takes this machine for its proxy, and a mint for its tokens."""

    def __init__(self, directory):
        self.port = free_port()
        self.directory = directory
        self.environment = {
            "ILEAP_LISTENER__BIND": f"127.0.0.1:{self.port}",
            "ILEAP_LISTENER__ADMIN_BIND": "127.0.0.1:0",
            "ILEAP_LISTENER__TRUSTED_PROXIES": "127.0.0.1/32",
            "ILEAP_PUBLIC_BASE_URL": "https://ileap.example/api",
            "ILEAP_LISTENER__BEHIND_PROXY": "true",
            # Nobody logs in here.
            "ILEAP_VERIFIER__CLERK__FRONTEND_API_URL": "http://127.0.0.1:9",
            "ILEAP_STORE__URL": "sqlite::memory:",
        }
        self.server = Process([os.environ["ILEAP"], "serve"], directory, self.port, self.environment)

    def token(self, *options):
        command = [os.environ["ILEAP"], "token", "mint", "--json", "--client-id", "grüß @acme.example", *options]
        environment = os.environ | self.environment
        run = subprocess.run(
            command, cwd=self.directory, env=environment, capture_output=True, text=True, check=True, timeout=60
        )
        return json.loads(run.stdout)["access_token"]


class Service:
    """A data service that answers with what reached it."""

    def __init__(self, respond=None):
        received = self.received = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                length = int(self.headers.get("content-length") or 0)
                body = self.rfile.read(length)
                received.append((self.command, self.path, self.headers.items(), body))
                status, headers = respond() if respond else (200, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    def code(self):
        return json.loads(self.body)["code"]


def most_open_reading(target):
    """The endpoint that a careless server could take a target for: everything decoded, then everything resolved."""
    path = target.partition("?")[0]
    while path != unquote(path):
        path = unquote(path)
    path = re.split(r"[?#\x00]", path.replace("\\", "/"))[0]
    steps = []
    for step in path.split("/"):
        step = step.partition(";")[0].strip()
        if step == "..":
            del steps[-1:]
        elif step not in ("", "."):
            steps.append(step.lower())
    return "/" + "/".join(steps)


def setUpModule():
    global directory, ileap, tokens
    directory = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(directory.cleanup)
    ileap = Ileap(directory.name)
    unittest.addModuleCleanup(ileap.server.stop)
    whole = ileap.token("--organization", "org_acme")
    signature = whole.rpartition(".")[2]
    tokens = {
        "good": whole,
        "without organization": ileap.token(),
        "expired": ileap.token("--expired"),
        "forged": f"{whole.removesuffix(signature)}{'B' if signature[0] == 'A' else 'A'}{signature[1:]}",
        LIST: ileap.token("--scope", LIST),
        READ: ileap.token("--scope", READ),
    }


class Proxy:
    """What holds behind any proxy. Each case starts one that the document configures."""

    @classmethod
    def setUpClass(cls):
        cls.service = Service()
        cls.addClassCleanup(cls.service.stop)
        cls.port, proxy = cls.start(ileap.port, cls.service.port)
        cls.addClassCleanup(proxy.stop)

    @classmethod
    def start(cls, ileap_port, service_port):
        """The proxy in front of a service, asking whatever is at `ileap_port`."""
        port = free_port()
        text = block(cls.name)
        ports = {"8081": port, "8080": ileap_port, "9000": service_port}
        text = re.sub(r"\b(8081|8080|9000)\b", lambda found: str(ports[found[0]]), text)
        place = Path(tempfile.mkdtemp(dir=directory.name))
        return port, Process(cls.command(place, text), place, port)

    def ask(self, target, token=None, *headers, method="GET", body=None, port=None):
        """One request; `headers` are sent after the token, as they are."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=30)
        try:
            connection.putrequest(method, target, skip_accept_encoding=True)
            if token:
                connection.putheader("Authorization", f"Bearer {tokens.get(token, token)}")
            for name, value in headers:
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", len(body))
            self.service.received.clear()
            connection.endheaders(body)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def told(self):
        """What the one request that reached the service says of its caller, in any spelling."""
        (_, _, headers, _), = self.service.received
        return [(name, value) for name, value in headers if name.lower().replace("_", "-").startswith("x-ileap")]

    def assert_told(self, organization):
        told = [(name.lower(), value) for name, value in self.told()]
        self.assertEqual(len(told), len(dict(told)), told)
        client_id = "gr%C3%BC%C3%9F%20@acme.example"
        subject = dict(told)["x-ileap-subject"]
        self.assertRegex(subject, r"^[a-z]+\|" + re.escape(client_id) + "$")
        expected = dict(zip(IDENTITY, (subject, client_id, organization, "all", f"{LIST} {READ}")))
        self.assertEqual({name: value for name, value in told if value}, {n: v for n, v in expected.items() if v})

    def assert_refused(self, answer, status, code, why=None):
        self.assertEqual((answer.status, answer.code()), (status, code), why)
        self.assertEqual(self.service.received, [], why)
        self.assertEqual(answer.headers.get_content_type(), "application/json", why)
        challenges = answer.headers.get_all("www-authenticate", [])
        self.assertIn(len(challenges), (1,) if status == 401 else (0, 1), why)
        self.assertFalse([name for name in answer.headers if name.lower().startswith("x-ileap")], why)
        for name in ("location", "set-cookie"):
            self.assertNotIn(name, answer.headers, why)

    def test_a_good_token_passes_and_the_service_learns_whose_it_is(self):
        for target in ("/2/footprints?limit=1", FOOTPRINT, "/2/ileap/tad", "/api/2/ileap/tad", "/else"):
            self.assertEqual(self.ask(target, "good").status, 200, target)
            (method, path, headers, _), = self.service.received
            self.assertEqual((method, path), ("GET", target))
            self.assert_told("org_acme")
            self.assertNotIn("authorization", [name.lower() for name, _ in headers])

    def test_an_event_passes_with_its_body(self):
        body = b"x" * 100_000
        self.assertEqual(self.ask("/2/events", "good", method="POST", body=body).status, 200)
        (method, path, _, received), = self.service.received
        self.assertEqual((method, path, received), ("POST", "/2/events", body))
        # It opens with either scope; a GET of the same path is something else.
        self.assertEqual(self.ask("/2/events", LIST, method="POST", body=b"{}").status, 200)
        self.assert_refused(self.ask("/2/events", LIST), 403, "AccessDenied")

    def test_a_refusal_is_that_of_the_protected_endpoint(self):
        for target in ("/2/footprints", FOOTPRINT, "/else", "/2/events"):
            method = "POST" if target == "/2/events" else "GET"
            ask = lambda *arguments: self.ask(target, *arguments, method=method)
            for token in (None, "forged", "abc"):
                self.assert_refused(ask(token), 401, "BadRequest", (target, token))
            self.assert_refused(ask("expired"), 401, "TokenExpired", target)
            self.assert_refused(ask(None, ("Authorization", "Token abc")), 401, "BadRequest", target)
        for token in (None, "forged", "abc"):
            self.assert_refused(self.ask("/2/ileap/tad?mode=Road", token), 403, "AccessDenied", token)
        self.assert_refused(self.ask("/2/ileap/tad", "expired"), 401, "TokenExpired")
        self.assert_refused(self.ask("/2/ileap/tad", None, ("Authorization", "Token abc")), 401, "BadRequest")

    def test_a_scope_opens_its_endpoints_alone(self):
        for token, opens in ((LIST, {"/2/footprints", "/2/ileap/tad"}), (READ, {FOOTPRINT})):
            for target in ("/2/footprints", "/2/ileap/tad", FOOTPRINT, "/else", "/"):
                answer = self.ask(target, token)
                if target in opens:
                    self.assertEqual(answer.status, 200, (token, target))
                else:
                    self.assert_refused(answer, 403, "AccessDenied", (token, target))

    def test_forged_identities_never_reach_the_service(self):
        """CVE-2025-64484: in any spelling, once or twice, and where there is no true one to take its place."""
        spellings = [
            spelling
            for name in IDENTITY
            for spelling in (name, name.title(), name.upper(), name.replace("-", "_"), name.replace("-", "_").title())
        ]
        spellings += ["X-Ileap_Subject", "X_Ileap-Subject", "x-ileap-Client_Id"]
        for token, organization in (("good", "org_acme"), ("without organization", "")):
            for spelling in spellings:
                for forged in ([(spelling, "clerk|admin")], [(spelling, "clerk|admin")] * 2):
                    answer = self.ask("/2/footprints", token, *forged)
                    self.assertEqual(answer.status, 200, spelling)
                    self.assertNotIn("clerk|admin", [value for _, value in self.told()], spelling)
                    self.assert_told(organization)
            for spelling in spellings:
                answer = self.ask("/2/footprints", None, (spelling, "clerk|admin"))
                self.assert_refused(answer, 401, "BadRequest", spelling)

    def test_the_connection_header_takes_nothing_away(self):
        """CVE-2025-48865: hop by hop headers are removed by name; not those that decide."""
        for names in ("authorization", "x-forwarded-uri", "x-original-uri, x-original-method", ", ".join(IDENTITY)):
            for value in (names, f"close, {names}", f"keep-alive, {names}"):
                answer = self.ask(FOOTPRINT, LIST, ("Connection", value))
                self.assertIn(answer.status, (401, 403), value)
                self.assertEqual(self.service.received, [], value)
                answer = self.ask("/2/footprints", "good", ("Connection", value), ("X-Ileap-Organization", "org_evil"))
                if answer.status == 200:
                    self.assert_told("org_acme")
                else:
                    # Envoy takes even the token away.
                    self.assertEqual((answer.status, self.service.received), (401, []), value)

    def test_the_caller_does_not_say_what_is_asked_about(self):
        """CVE-2026-40575, and request headers of the same names."""
        for name in ("X-Forwarded-Uri", "X-Original-URI", "X-Original-Uri", "X_Forwarded_Uri", "X-Rewrite-Url", "X-Original-Url"):
            for target in ("/2/footprints", "/2/events"):
                for forged in ([(name, target)], [(name, target)] * 2, [(name, target), ("X-Forwarded-Method", "POST")]):
                    answer = self.ask(FOOTPRINT, LIST, *forged)
                    self.assert_refused(answer, 403, "AccessDenied", forged)
        for name in ("X-Forwarded-Method", "X-Original-Method", "X-Http-Method-Override"):
            self.assert_refused(self.ask("/2/events", READ, (name, "POST")), 403, "AccessDenied", name)
        # What it claims of its own endpoint may make a refusal another, never a pass.
        answer = self.ask("/2/ileap/tad", None, ("X-Original-URI", "/2/footprints"), ("X-Forwarded-Uri", "/2/footprints"))
        self.assertIn(answer.status, (401, 403))
        self.assertEqual(self.service.received, [])

    def test_the_caller_names_neither_the_request_nor_a_trace(self):
        """`ileap` believes the proxy: these would stand in its log, its audit trail and its traces."""
        stand_in = Service(lambda: (401, {}))
        self.addCleanup(stand_in.stop)
        port, proxy = self.start(stand_in.port, self.service.port)
        self.addCleanup(proxy.stop)
        trace = f"00-{'c' * 32}-{'c' * 16}-01"
        claims = (("X-Request-Id", "chosen"), ("traceparent", trace), ("tracestate", "caller=chosen"))
        self.assertEqual(self.ask("/2/footprints", "good", *claims, port=port).status, 401)
        self.assertTrue(stand_in.received)
        for _, _, headers, _ in stand_in.received:
            told = {name.lower(): value for name, value in headers}
            for name, claim in claims:
                self.assertNotEqual(told.get(name.lower()), claim, told)

    def test_no_spelling_of_a_path_opens_more_than_its_endpoint(self):
        """GHSA-pxq7-h93f-9jrg and GHSA-7rh7-c77v-6434: whoever the service takes the path for, the token opens it."""
        opened_by = {LIST: {"/2/footprints", "/2/ileap/tad"}, READ: set()}
        passed = 0
        for token, other in ((LIST, "footprints/x"), (READ, "ileap/tad"), (READ, "footprints")):
            for spelling in SPELLINGS:
                target = spelling.format(other)
                answer = self.ask(target, token)
                if not self.service.received:
                    self.assertNotEqual(answer.status, 200, target)
                    continue
                passed += 1
                (_, received, _, _), = self.service.received
                reading = most_open_reading(received)
                is_one = re.fullmatch(r"/2/footprints/[^/]+", reading)
                is_open = reading in opened_by[token] or (token == READ and is_one)
                self.assertTrue(is_open, f"{target} reached the service as {received} with {token}")
        print(f"{self.name}: {passed} of {3 * len(SPELLINGS)} spellings are endpoints that the token opens")

    def test_nobody_passes_for_what_they_call_themselves(self):
        """GHSA-5hvv-m4w4-gf6v, and preflights."""
        for agent in ("GoogleHC/1.0", "kube-probe/1.30", "ELB-HealthChecker/2.0", "Envoy/HC"):
            for target in ("/healthz", "/ping", "/robots.txt", "/favicon.ico", "/.well-known/x", "/_ileap/verify"):
                answer = self.ask(target, None, ("User-Agent", agent))
                self.assertIn(answer.status, (401, 404), (agent, target))
                self.assertEqual(self.service.received, [])
        preflight = [("Origin", "https://evil.example"), ("Access-Control-Request-Method", "GET")]
        answer = self.ask("/2/footprints", None, *preflight, method="OPTIONS")
        self.assertIn(answer.status, (401, 405))
        self.assertNotIn("access-control-allow-origin", answer.headers)
        self.assertEqual(self.service.received, [])

    def test_two_tokens_are_one_too_many(self):
        for first, second in (("good", "forged"), ("forged", "good"), ("abc", "good")):
            answer = self.ask("/2/footprints", first, ("Authorization", f"Bearer {tokens[second]}"))
            if answer.status == 200:
                # nginx goes on with one of them, for the question and for nothing else.
                self.assert_told("org_acme")
            else:
                self.assertIn(answer.status, (400, 401))
                self.assertEqual(self.service.received, [])

    def test_when_ileap_does_not_answer_nobody_passes(self):
        """CWE-636."""
        port, proxy = self.start(free_port(), self.service.port)
        self.addCleanup(proxy.stop)
        for token in (None, "good"):
            for target in ("/2/footprints", "/2/ileap/tad"):
                answer = self.ask(target, token, port=port)
                self.assertIn(answer.status, (500, 502, 503), token)
                self.assertEqual(self.service.received, [])

    def test_nothing_but_a_plain_yes_of_ileaps_lets_anybody_pass(self):
        says = {}
        stand_in = Service(lambda: (says["status"], says.get("headers", {})))
        self.addCleanup(stand_in.stop)
        port, proxy = self.start(stand_in.port, self.service.port)
        self.addCleanup(proxy.stop)
        for status in (301, 302, 307, 400, 401, 403, 404, 405, 414, 418, 429, 431, 500, 502, 503, 504):
            says.update(status=status, headers={"Location": "/2/footprints", "X-Ileap-Subject": "clerk|admin"})
            answer = self.ask("/2/footprints", "good", port=port)
            self.assertEqual(self.service.received, [], status)
            self.assertNotEqual(answer.status // 100, 2, status)


# How one may write the way to `/2/{}`.
SPELLINGS = (
    "/2/footprints/../{}",
    "/2/ileap/tad/../../{}",
    "/2/footprints/%2e%2e/{}",
    "/2/footprints/%2E%2E%2F{}",
    "/2/footprints/..%2f{}",
    "/2/footprints/%252e%252e%252f{}",
    "/2/footprints/..\\{}",
    "/2/footprints/..%5c{}",
    "/2/footprints/..;/{}",
    "/2/footprints/.;/../{}",
    "/2/footprints;/../{}",
    "/2/footprints;x=/{}",
    "/2/footprints/x/../../{}",
    "/2/footprints/%00/../../{}",
    "//2//{}",
    "//2/{}",
    "/2//{}",
    "/./2/./{}",
    "/2/%2e/{}",
    "/%32/{}",
    "/2/{}/",
    "/2/{}/.",
    "/2/{};x",
    "/2/{};x=/2/footprints",
    "/2/{}#",
    "/2/{}#/2/footprints",
    "/2/{}%23",
    "/2/{}%23/2/footprints",
    "/2/{}%3f/2/footprints",
    "/2/{}?/2/footprints",
    "/2/{}?x=/../../2/footprints",
    "/2/{}?/../../2/ileap/tad",
    "/2/{}%20",
    "/2/{}%09",
    "/2/{}%00",
    "/2/footprints#/../{}",
    "/2/footprints?/../{}",
    "/2/footprints%3f/../{}",
    "/2/footprints%23/../{}",
    "/2%2f{}",
    "/2/ileap%2ftad/../../{}",
    "http://other.example/2/{}",
    "/api/../2/{}",
    "/api/2/footprints/../{}",
    "/api//2/{}",
    "/API/2/{}",
)


class Nginx(Proxy, unittest.TestCase):
    name = "nginx"

    @staticmethod
    def command(place, text):
        Path(place, "nginx.conf").write_text(
            f"daemon off; pid {place}/pid; error_log stderr warn;\n"
            # Else its workers are nobody, who may not see this directory.
            f"{'user root;' if os.geteuid() == 0 else ''}\n"
            "events {}\n"
            "http {\n"
            f"access_log off; client_body_temp_path {place}/b; proxy_temp_path {place}/p; fastcgi_temp_path {place}/f;\n"
            f"uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;\n"
            f"{text}}}\n"
        )
        return ["nginx", "-e", "stderr", "-p", place, "-c", Path(place, "nginx.conf")]

    def test_what_ileap_cannot_decide_is_a_503_in_pacts_form(self):
        port, proxy = self.start(free_port(), self.service.port)
        self.addCleanup(proxy.stop)
        answer = self.ask("/2/footprints", "good", port=port)
        self.assertEqual((answer.status, answer.code(), answer.headers["retry-after"]), (503, "InternalError", "5"))

    def test_a_refusal_stays_one_when_the_second_question_is_answered_otherwise(self):
        answers = iter((401, 200))
        stand_in = Service(lambda: (next(answers), {"X-Ileap-Subject": "clerk|admin"}))
        self.addCleanup(stand_in.stop)
        port, proxy = self.start(stand_in.port, self.service.port)
        self.addCleanup(proxy.stop)
        answer = self.ask("/2/footprints", "good", port=port)
        self.assertEqual((answer.status, self.service.received), (401, []))
        self.assertNotIn("x-ileap-subject", answer.headers)


class Caddy(Proxy, unittest.TestCase):
    name = "caddy"

    @staticmethod
    def command(place, text):
        Path(place, "Caddyfile").write_text("{\n\tadmin off\n}\n" + text)
        return ["caddy", "run", "--adapter", "caddyfile", "--config", Path(place, "Caddyfile")]


class Envoy(Proxy, unittest.TestCase):
    name = "envoy"

    @staticmethod
    def command(place, text):
        Path(place, "envoy.yaml").write_text(text)
        program = Path(sys.executable).with_name("envoy")
        return [program, "--config-path", Path(place, "envoy.yaml"), "--use-dynamic-base-id", "--concurrency", "1", "-l", "warn"]


class Traefik(unittest.TestCase):
    def test_its_configuration_is_closed(self):
        middlewares = yaml.safe_load(block("traefik"))["http"]["middlewares"]
        forward_auth = middlewares["ileap"]["forwardAuth"]
        self.assertIs(forward_auth["trustForwardHeader"], False)
        self.assertEqual({name.lower() for name in forward_auth["authResponseHeaders"]}, set(IDENTITY))
        self.assertEqual(forward_auth["authRequestHeaders"], ["Authorization"])
        self.assertGreater(forward_auth["maxResponseBodySize"], 1024)
        removed = middlewares["no-forged-identity"]["headers"]["customRequestHeaders"]
        self.assertEqual(set(removed.values()), {""})
        self.assertEqual(
            {name.lower() for name in removed}, {*IDENTITY, *(name.replace("-", "_") for name in IDENTITY)}
        )
        router = yaml.safe_load(block("traefik"))["http"]["routers"]["data"]
        self.assertEqual(router["middlewares"], ["no-forged-identity", "ileap"])


if __name__ == "__main__":
    unittest.main()
