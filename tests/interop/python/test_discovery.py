"""The discovery documents, as RFC 8414 and OpenID Connect Discovery 1.0 want them."""

import json
import unittest

import httpx
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url

from demo import ALGORITHM, base_url

PATHS = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")


def document(path=PATHS[0]):
    return httpx.get(base_url() + path).raise_for_status().json()


class Discovery(unittest.TestCase):
    def test_both_documents_agree(self):
        self.assertEqual(document(PATHS[0]), document(PATHS[1]))

    def test_the_document_stands_where_rfc_8414_looks_for_it(self):
        self.assertEqual(get_well_known_url(document()["issuer"], external=True), base_url() + PATHS[1])

    def test_authlib_finds_no_fault_with_it(self):
        # It insists on https, which a demo on loopback does not have; nothing else is changed.
        text = json.dumps(document()).replace("http://127.0.0.1:", "https://127.0.0.1:")
        AuthorizationServerMetadata(json.loads(text)).validate()

    def test_the_resource_leads_to_the_authorization_server(self):
        resource = document("/.well-known/oauth-protected-resource")
        self.assertEqual(resource["resource"], base_url())
        self.assertEqual(resource["authorization_servers"], [document()["issuer"]])
        self.assertEqual(document()["protected_resources"], [resource["resource"]])
        self.assertEqual(resource["bearer_methods_supported"], ["header"])

    def test_required_members_are_there(self):
        metadata = document()
        self.assertEqual(metadata["issuer"], base_url())
        self.assertEqual(metadata["token_endpoint"], f"{base_url()}/auth/token")
        self.assertTrue(metadata["jwks_uri"].startswith(base_url()))
        self.assertTrue(metadata["response_types_supported"])
        self.assertTrue(metadata["subject_types_supported"])
        self.assertIn(ALGORITHM, metadata["id_token_signing_alg_values_supported"])
        self.assertIn("client_credentials", metadata["grant_types_supported"])
        self.assertLessEqual(
            {"client_secret_basic", "client_secret_post"}, set(metadata["token_endpoint_auth_methods_supported"])
        )

    def test_a_kept_copy_is_confirmed_by_its_tag(self):
        for url in (*(base_url() + path for path in PATHS), document()["jwks_uri"]):
            first = httpx.get(url)
            self.assertIn("max-age", first.headers["cache-control"])
            again = httpx.get(url, headers={"If-None-Match": first.headers["etag"]})
            self.assertEqual((again.status_code, again.content), (304, b""), url)
            changed = httpx.get(url, headers={"If-None-Match": '"another"'})
            self.assertEqual((changed.status_code, changed.content), (200, first.content), url)


if __name__ == "__main__":
    unittest.main()
