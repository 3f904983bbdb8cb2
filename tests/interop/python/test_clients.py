"""OAuth 2.0 clients of other people get a token by discovery alone, and open the data with it."""

import base64
import unittest
from urllib.parse import quote_plus

import httpx
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from oauthlib.oauth2 import BackendApplicationClient, InvalidClientError
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session as RequestsSession

from demo import DEMO_ID, DEMO_SECRET, base_url, demo

METHODS = ("client_secret_basic", "client_secret_post")


def metadata_of_the_server():
    return httpx.get(f"{base_url()}/.well-known/openid-configuration").raise_for_status().json()


def token_endpoint():
    return metadata_of_the_server()["token_endpoint"]


def introspect(client, metadata, token):
    answer = client.introspect_token(metadata["introspection_endpoint"], token=token)
    answer.raise_for_status()
    return answer.json()


class Authlib(unittest.TestCase):
    def test_every_demo_account_gets_a_token_by_either_method(self):
        for account in demo()["accounts"]:
            for method in METHODS:
                for library in (AuthlibSession, OAuth2Client):
                    with self.subTest(client=account["client_id"], method=method, library=library.__module__):
                        client = library(
                            account["client_id"], account["client_secret"], token_endpoint_auth_method=method
                        )
                        self.assert_token(client.fetch_token(token_endpoint(), grant_type="client_credentials"))

    def test_a_granted_scope_is_what_was_asked_for(self):
        client = OAuth2Client(DEMO_ID, DEMO_SECRET, scope="footprint:read")
        token = client.fetch_token(token_endpoint(), grant_type="client_credentials")
        self.assertEqual(token["scope"], "footprint:read")

    def test_a_wrong_secret_and_a_wrong_id_are_an_invalid_client(self):
        for client_id, secret in ((DEMO_ID, "wrong"), ("nobody", DEMO_SECRET)):
            for method in METHODS:
                with self.subTest(client=client_id, method=method), self.assertRaises(OAuthError) as raised:
                    client = OAuth2Client(client_id, secret, token_endpoint_auth_method=method)
                    client.fetch_token(token_endpoint(), grant_type="client_credentials")
                self.assertEqual(raised.exception.error, "invalid_client")

    def test_the_session_reads_data_with_its_token(self):
        client = OAuth2Client(DEMO_ID, DEMO_SECRET)
        client.fetch_token(token_endpoint(), grant_type="client_credentials")
        assert_reads_data(self, client)

    def test_a_client_introspects_and_revokes_its_own_token(self):
        metadata = metadata_of_the_server()
        for method in METHODS:
            for library in (AuthlibSession, OAuth2Client):
                with self.subTest(method=method, library=library.__module__):
                    client = library(DEMO_ID, DEMO_SECRET, token_endpoint_auth_method=method)
                    token = client.fetch_token(token_endpoint(), grant_type="client_credentials")["access_token"]
                    told = introspect(client, metadata, token)
                    self.assertTrue(told["active"])
                    self.assertEqual(told["client_id"], DEMO_ID)
                    answer = client.revoke_token(
                        metadata["revocation_endpoint"], token=token, token_type_hint="access_token"
                    )
                    self.assertEqual((answer.status_code, answer.text), (200, ""))
                    self.assertEqual(introspect(client, metadata, token), {"active": False})
                    again = client.fetch_token(token_endpoint(), grant_type="client_credentials")
                    self.assertNotEqual(again["access_token"], token)
                    assert_reads_data(self, client)

    def test_somebody_elses_token_is_neither_described_nor_revoked(self):
        metadata = metadata_of_the_server()
        owner, stranger = OAuth2Client(DEMO_ID, DEMO_SECRET), OAuth2Client("hello", "pathfinder")
        token = owner.fetch_token(token_endpoint(), grant_type="client_credentials")["access_token"]
        self.assertEqual(introspect(stranger, metadata, token), {"active": False})
        self.assertEqual(stranger.revoke_token(metadata["revocation_endpoint"], token=token).status_code, 200)
        self.assertTrue(introspect(owner, metadata, token)["active"])

    def assert_token(self, token):
        self.assertEqual(token["token_type"].lower(), "bearer")
        self.assertGreater(token["expires_in"], 0)
        self.assertEqual(token["access_token"].count("."), 2)


class RequestsOauthlib(unittest.TestCase):
    def fetch(self, secret, **how):
        session = RequestsSession(client=BackendApplicationClient(client_id=DEMO_ID))
        session.fetch_token(token_endpoint(), client_secret=secret, **how)
        return session

    def test_basic_and_form_credentials_get_a_token_that_reads_data(self):
        assert_reads_data(self, self.fetch(DEMO_SECRET, auth=HTTPBasicAuth(DEMO_ID, DEMO_SECRET)))
        assert_reads_data(self, self.fetch(DEMO_SECRET, include_client_id=True))

    def test_a_wrong_secret_is_an_invalid_client(self):
        with self.assertRaises(InvalidClientError):
            self.fetch("wrong", include_client_id=True)


class Httpx(unittest.TestCase):
    def basic(self, client_id, secret):
        pair = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}"}
        return httpx.post(token_endpoint(), headers=headers, data={"grant_type": "client_credentials"})

    def test_credentials_form_encoded_inside_basic_get_a_token(self):
        """RFC 6749 §2.3.1 asks for the encoding; most clients leave it out."""
        encoded = quote_plus(DEMO_ID)
        self.assertEqual(encoded, "ileap-demo%40way.cloud")
        self.assertEqual(self.basic(encoded, quote_plus(DEMO_SECRET)).status_code, 200)
        self.assertEqual(self.basic(DEMO_ID, DEMO_SECRET).status_code, 200)

    def test_an_answer_is_never_kept_by_caches(self):
        for secret, status in ((DEMO_SECRET, 200), ("wrong", 400)):
            answer = self.basic(DEMO_ID, secret)
            self.assertEqual((answer.status_code, answer.headers["cache-control"]), (status, "no-store"))

    def test_a_refusal_says_invalid_client(self):
        answer = self.basic(DEMO_ID, "wrong")
        self.assertEqual((answer.status_code, answer.json()["error"]), (400, "invalid_client"))

    def test_data_stays_shut_without_a_token(self):
        for path in ("/2/footprints", "/2/ileap/tad"):
            self.assertIn(httpx.get(base_url() + path).status_code, (400, 401, 403), path)


def assert_reads_data(test, session):
    """`session` is a `requests` or an `httpx` one: they agree on all that is used here."""
    first = session.get(f"{base_url()}/2/footprints?limit=1")
    test.assertEqual(first.status_code, 200)
    footprint = first.json()["data"][0]
    again = session.get(f"{base_url()}/2/footprints/{footprint['id']}")
    test.assertEqual(again.json()["data"], footprint)
    second = session.get(first.links["next"]["url"])
    test.assertNotEqual(second.json()["data"][0]["id"], footprint["id"])
    tads = session.get(f"{base_url()}/2/ileap/tad").json()["data"]
    test.assertGreater(len(tads), 0)
    missing = session.get(f"{base_url()}/2/footprints/00000000-0000-4000-8000-000000000000")
    test.assertEqual(missing.status_code, 404)


if __name__ == "__main__":
    unittest.main()
