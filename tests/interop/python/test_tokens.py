"""Our access tokens and keys, judged by PyJWT and joserfc with the published key set alone."""

import time
import unittest

import httpx
import joserfc.jwk
import joserfc.jwt
import jwt
from authlib.integrations.httpx_client import OAuth2Client
from joserfc.errors import BadSignatureError

from demo import ALGORITHM, DEMO_ID, DEMO_SECRET, base_url

# What RFC 9068 §2.2 requires, and `nbf`.
CLAIMS = ["aud", "client_id", "exp", "iat", "iss", "jti", "nbf", "sub"]
PRIVATE_MEMBERS = {"d", "dp", "dq", "k", "oth", "p", "q", "qi"}


class Tokens(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        discovery = httpx.get(f"{base_url()}/.well-known/openid-configuration").json()
        cls.jwks_uri = discovery["jwks_uri"]
        cls.jwks = httpx.get(cls.jwks_uri).json()
        client = OAuth2Client(DEMO_ID, DEMO_SECRET)
        cls.answer = client.fetch_token(discovery["token_endpoint"], grant_type="client_credentials")
        cls.token = cls.answer["access_token"]

    def test_pyjwt_accepts_the_token_with_the_published_keys(self):
        key = jwt.PyJWKClient(self.jwks_uri).get_signing_key_from_jwt(self.token)
        claims = jwt.decode(
            self.token, key, algorithms=[ALGORITHM], issuer=base_url(), audience=base_url(),
            options={"require": CLAIMS},
        )
        self.assert_claims(claims)

    def test_joserfc_accepts_the_token_with_the_published_keys(self):
        keys = joserfc.jwk.KeySet.import_key_set(self.jwks)
        token = joserfc.jwt.decode(self.token, keys, algorithms=[ALGORITHM])
        rules = {name: {"essential": True} for name in CLAIMS}
        rules["iss"]["value"] = rules["aud"]["value"] = base_url()
        joserfc.jwt.JWTClaimsRegistry(**rules).validate(token.claims)
        self.assert_claims(token.claims)

    def test_the_header_names_algorithm_key_and_type(self):
        header = jwt.get_unverified_header(self.token)
        self.assertEqual(set(header), {"alg", "kid", "typ"})
        self.assertEqual((header["alg"], header["typ"]), (ALGORITHM, "at+jwt"))
        self.assertIn(header["kid"], [key["kid"] for key in self.jwks["keys"]])

    def test_key_ids_are_thumbprints(self):
        """RFC 7638."""
        self.assertTrue(self.jwks["keys"])
        for key in self.jwks["keys"]:
            self.assertEqual(joserfc.jwk.import_key(key).thumbprint(), key["kid"])
            self.assertEqual((key["use"], key["alg"]), ("sig", ALGORITHM))

    def test_the_key_set_holds_nothing_private(self):
        for key in self.jwks["keys"]:
            self.assertFalse(PRIVATE_MEMBERS & set(key))

    def test_a_token_changed_in_one_character_of_its_signature_is_refused(self):
        body, signature = self.token.rsplit(".", 1)
        changed = f"{body}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"
        with self.assertRaises(BadSignatureError):
            joserfc.jwt.decode(changed, joserfc.jwk.KeySet.import_key_set(self.jwks), algorithms=[ALGORITHM])
        answer = httpx.get(f"{base_url()}/2/ileap/tad", headers={"Authorization": f"Bearer {changed}"})
        self.assertEqual(answer.status_code, 403)

    def assert_claims(self, claims):
        self.assertTrue(claims["sub"].startswith("clerk|"))
        self.assertEqual(claims["client_id"], DEMO_ID)
        self.assertEqual(claims["scope"], self.answer["scope"])
        now = time.time()
        self.assertLessEqual(claims["nbf"], now + 1)
        self.assertLessEqual(abs(claims["exp"] - now - self.answer["expires_in"]), 5)


if __name__ == "__main__":
    unittest.main()
