"""Tokens made to deceive: do PyJWT and joserfc refuse what we refuse, and accept what we accept?

`ILEAP_HOSTILE_TOKENS` names the file that the server's tests wrote. Every difference is in
`hostile-differences.json` with its reason; one that is not, or is no more, fails. A library with a question mark there
differs or not by the version of its language.
"""

import json
import os
import pathlib
import unittest

import joserfc.jwk
import joserfc.jwt
import jwt

HOSTILE = json.loads(pathlib.Path(os.environ["ILEAP_HOSTILE_TOKENS"]).read_text())
DIFFERENCES = json.loads((pathlib.Path(__file__).parent.parent / "hostile-differences.json").read_text())
# What our tokens always have; `nbf` may be missing.
REQUIRED = ["aud", "client_id", "exp", "iat", "iss", "jti", "roles", "scope", "sub"]


def pyjwt(token):
    keys = jwt.PyJWKSet.from_dict(HOSTILE["jwks"])
    key = keys[jwt.get_unverified_header(token)["kid"]]
    jwt.decode(
        token, key, algorithms=[key.algorithm_name], issuer=HOSTILE["issuer"], audience=HOSTILE["audience"],
        options={"require": REQUIRED},
    )


def joserfc_(token):
    keys = joserfc.jwk.KeySet.import_key_set(HOSTILE["jwks"])
    decoded = joserfc.jwt.decode(token, keys, algorithms=["RS256", "ES256", "EdDSA"])
    rules = {name: {"essential": True} for name in REQUIRED}
    rules["iss"]["value"], rules["aud"]["value"] = HOSTILE["issuer"], HOSTILE["audience"]
    joserfc.jwt.JWTClaimsRegistry(**rules).validate(decoded.claims)


def listed(library):
    return {name for cases in DIFFERENCES.values() for name, libraries in cases.items() if library in libraries}


def accepts(judge, token):
    # A library may stumble over garbage in any way it likes, as long as it does not accept it.
    try:
        judge(token)
    except Exception:
        return False
    return True


class HostileTokens(unittest.TestCase):
    maxDiff = None

    def test_pyjwt_judges_as_we_do_but_for_the_differences_we_know(self):
        self.compare("PyJWT", pyjwt)

    def test_joserfc_judges_as_we_do_but_for_the_differences_we_know(self):
        self.compare("joserfc", joserfc_)

    def compare(self, library, judge):
        known = listed(library)
        found = {
            case["name"]: "it accepts" if accepts(judge, case["token"]) else "it refuses"
            for case in HOSTILE["tokens"]
            if accepts(judge, case["token"]) != (case["expected"] == "valid")
        }
        new = {name: verdict for name, verdict in found.items() if name not in known | listed(f"{library}?")}
        self.assertEqual(new, {}, f"{library} differs from us here: find out who is right, then write down why")
        self.assertEqual(known - found.keys(), set(), f"{library} agrees with us here by now: take it out of the table")
        print(f"{library}: {len(HOSTILE['tokens'])} tokens, {len(found)} known differences")


if __name__ == "__main__":
    unittest.main()
