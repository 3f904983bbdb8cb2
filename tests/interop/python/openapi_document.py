"""The OpenAPI document is valid, speaks of this server, and every answer to generated requests is as it says."""

import base64
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import httpx
from openapi_spec_validator import OpenAPIV31SpecValidator

from demo import DEMO_ID, DEMO_SECRET, base_url

# A fixed number of generated requests, the same ones every time.
CONFIGURATION = """
color = false

[cache]
enabled = false

[generation]
deterministic = true
max-examples = 40

[phases.stateful]
enabled = false

[headers]
Authorization = "Bearer ${ILEAP_TEST_ACCESS_TOKEN}"

[[operations]]
include-path-regex = "^/auth/(token|introspect|revoke)$"
[operations.headers]
Authorization = "Basic ${ILEAP_TEST_BASIC_CREDENTIALS}"

[checks]
enabled = false
not_a_server_error.enabled = true
status_code_conformance.enabled = true
content_type_conformance.enabled = true
response_headers_conformance.enabled = true
response_schema_conformance.enabled = true
"""


def document():
    return httpx.get(f"{base_url()}/openapi.json").raise_for_status().json()


def access_token():
    form = {"grant_type": "client_credentials"}
    answer = httpx.post(f"{base_url()}/auth/token", data=form, auth=(DEMO_ID, DEMO_SECRET))
    return answer.raise_for_status().json()["access_token"]


class Document(unittest.TestCase):
    def test_it_is_valid_openapi(self):
        self.assertEqual([error.message for error in OpenAPIV31SpecValidator(document()).iter_errors()], [])

    def test_its_urls_are_this_servers(self):
        served = document()
        self.assertEqual(served["servers"], [{"url": base_url()}])
        flow = served["components"]["securitySchemes"]["accessToken"]["flows"]["clientCredentials"]
        metadata = httpx.get(f"{base_url()}/.well-known/openid-configuration").json()
        self.assertEqual(flow["tokenUrl"], metadata["token_endpoint"])


class Schemathesis(unittest.TestCase):
    def test_answers_to_generated_requests_are_as_the_document_says(self):
        with tempfile.TemporaryDirectory() as directory:
            report = Path(directory, "report.json")
            run = schemathesis(directory, "--report-json-path", report)
            self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
            rates = json.loads(report.read_text())["valid_rates"]
        accepted = {name for name, phases in rates.items() if any(phase["accepted"] for phase in phases.values())}
        self.assertEqual(accepted, operations() - {"GET /openapi.json", "POST /webhooks/clerk"})


def operations():
    """All that the document describes. Schemathesis leaves out the document, and the demo has no webhook secret."""
    return {f"{method.upper()} {path}" for path, item in document()["paths"].items() for method in item}


def schemathesis(directory, *options):
    configuration = Path(directory, "schemathesis.toml")
    configuration.write_text(CONFIGURATION)
    program = Path(sys.executable).with_name("schemathesis")
    command = [program, "--config-file", configuration, "run", f"{base_url()}/openapi.json", *options]
    environment = os.environ | {
        "ILEAP_TEST_ACCESS_TOKEN": access_token(),
        "ILEAP_TEST_BASIC_CREDENTIALS": base64.b64encode(f"{DEMO_ID}:{DEMO_SECRET}".encode()).decode(),
    }
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, timeout=60)


if __name__ == "__main__":
    unittest.main()
