"""Verifiers that keep our key set for as long as they are told, and never ask before, over three rotations under load.

A server with the shortest window there is: a key is published 10 s before it signs, and the set may be kept for 5 s.
PyJWT and joserfc verify every token that is issued meanwhile with the set they have at that moment, old tokens too.
"""

import collections
import json
import os
import re
import socket
import stat
import subprocess
import tempfile
import threading
import time
import unittest

import httpx
import jwt
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet

from demo import ALGORITHM, stop

# For as long as `scripts/soak` says, over as many keys as are ever kept at once.
SECONDS = int(os.environ.get("ILEAP_SOAK_SECONDS", "0"))
ROTATIONS = 50 if SECONDS else 3
PAUSE = SECONDS / ROTATIONS
CLIENTS = 4
# The oldest of them has outlived several rotations.
TOKENS = 10_000
SECRET = "quartz+Lantern 4711 and more"


class Server:
    """`ileap serve` over a file of users, with its keys in a directory or sealed in the store."""

    def __init__(self, directory, location):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        self.base_url = f"http://{address}"
        self.environment = {
            "ILEAP_VERIFIER__KIND": "static_users",
            "ILEAP_VERIFIER__STATIC_USERS__FILE": private(directory, "users.toml", users()),
            "ILEAP_LISTENER__BIND": address,
            "ILEAP_LISTENER__ADMIN_BIND": "127.0.0.1:0",
            "ILEAP_KEYS__LOCATION": location,
            "ILEAP_KEYS__DIRECTORY": os.path.join(directory, "keys"),
            "ILEAP_KEYS__ENCRYPTION_KEY_FILE": private(directory, "keys.secret", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
            "ILEAP_KEYS__PUBLISH_BEFORE": "10s",
            "ILEAP_STORE__URL": f"sqlite:{os.path.join(directory, 'ileap.db')}",
            # A token of its own for every request.
            "ILEAP_TOKEN__REUSE": "false",
            "ILEAP_TOKEN__ALGORITHM": ALGORITHM,
            "ILEAP_LOG__LEVEL": "warn",
        }
        self.process = subprocess.Popen([os.environ["ILEAP"], "serve"], env=self.environment, stdin=subprocess.DEVNULL)
        for _ in range(200):
            try:
                httpx.get(f"{self.base_url}/jwks")
                return
            except httpx.TransportError:
                time.sleep(0.05)
        raise RuntimeError("the server does not answer")

    def keys(self, *arguments):
        command = [os.environ["ILEAP"], "keys", *arguments, "--json"]
        done = subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True)
        return json.loads(done.stdout)

    def active(self):
        return next(key["kid"] for key in self.keys("list")["keys"] if key["state"] == "active")


def users():
    hashed = subprocess.run([os.environ["ILEAP"], "hash-secret"], input=SECRET, check=True, capture_output=True, text=True)
    return f'[[user]]\nclient_id = "acme"\nsecret_hash = "{hashed.stdout.strip()}"\nrole = "all"\n'


def private(directory, name, text):
    path = os.path.join(directory, name)
    with open(path, "w", opener=lambda path, flags: os.open(path, flags, stat.S_IRUSR | stat.S_IWUSR)) as file:
        file.write(text)
    return path


class Verifier:
    """Keeps the key set for all of its max-age, and then asks anew; a key it does not know is a failure."""

    def __init__(self, url):
        self.url, self.until, self.lock = url, 0, threading.Lock()

    def keys(self):
        with self.lock:
            if time.monotonic() >= self.until:
                asked = time.monotonic()
                answer = httpx.get(self.url)
                max_age = int(re.search(r"max-age=(\d+)", answer.headers["cache-control"])[1])
                self.until, self.set = asked + max_age, answer.json()
            return self.set

    def verify(self, token, audience):
        held = self.keys()
        kid = jwt.get_unverified_header(token)["kid"]
        key = next(key for key in held["keys"] if key["kid"] == kid)
        jwt.decode(token, jwt.PyJWK(key), algorithms=[ALGORITHM], audience=audience)
        joserfc_jwt.decode(token, KeySet.import_key_set(held), algorithms=[ALGORITHM])


class KeptKeys(unittest.TestCase):
    def over(self, location):
        with tempfile.TemporaryDirectory() as directory:
            server = Server(directory, location)
            try:
                self.rotate_under_load(server)
            finally:
                stop(server.process)

    def rotate_under_load(self, server):
        ended, failures, verified, lock = threading.Event(), [], collections.Counter(), threading.Lock()

        def partner():
            verifier = Verifier(f"{server.base_url}/jwks")
            tokens = []
            with httpx.Client() as client:
                while not ended.is_set():
                    try:
                        answer = client.post(
                            f"{server.base_url}/auth/token",
                            auth=("acme", SECRET),
                            data={"grant_type": "client_credentials"},
                        )
                        tokens = tokens[-TOKENS:] + [answer.json()["access_token"]]
                        # The new one, and one from long ago.
                        for token in (tokens[-1], tokens[len(tokens) // 3]):
                            verifier.verify(token, server.base_url)
                            with lock:
                                verified[jwt.get_unverified_header(token)["kid"]] += 1
                        read = client.get(
                            f"{server.base_url}/2/footprints?limit=1",
                            headers={"authorization": f"Bearer {tokens[len(tokens) // 3]}"},
                        )
                        if read.status_code != 200:
                            failures.append(read.text)
                    except Exception as error:  # whatever it is, it is what this test looks for
                        failures.append(repr(error))

        partners = [threading.Thread(target=partner) for _ in range(CLIENTS)]
        for thread in partners:
            thread.start()
        signers = [server.active()]
        for _ in range(ROTATIONS):
            time.sleep(PAUSE)
            successor = server.keys("rotate")["kid"]
            while server.active() != successor and server.process.poll() is None:
                time.sleep(0.2)
            signers.append(successor)
            # Until tokens of the new key have been verified.
            for _ in range(600):
                if successor in verified or failures:
                    break
                time.sleep(0.1)
        ended.set()
        for thread in partners:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(set(verified), set(signers))
        self.assertEqual(len(signers), ROTATIONS + 1)
        if report := os.environ.get("ILEAP_SOAK_REPORT"):
            with open(report, "a") as file:
                for figure, value in (("rotations", ROTATIONS), ("verified", verified.total())):
                    print(json.dumps({"figure": figure, "value": value}), file=file)

    def test_nobody_fails_with_keys_in_a_directory(self):
        self.over("directory")

    def test_nobody_fails_with_keys_in_the_store(self):
        self.over("store")


if __name__ == "__main__":
    unittest.main()
