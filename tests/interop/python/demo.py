"""The server under test: `ileap demo` on a free port, started on first use and stopped at the end."""

import atexit
import functools
import json
import os
import signal
import subprocess

# Everything here is plain HTTP on loopback, which oauthlib refuses unless told so.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

ALGORITHM = os.environ.get("ILEAP_TOKEN__ALGORITHM", "RS256")
DEMO_ID, DEMO_SECRET = "ileap-demo@way.cloud", "HelloPrimaryData"


@functools.cache
def demo():
    """What `ileap demo --json` says about itself."""
    command = [os.environ["ILEAP"], "demo", "--port", "0", "--json"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    atexit.register(stop, process)
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{command} ended with {process.wait()} before it was ready")
    return json.loads(line)


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def base_url():
    return demo()["base_url"]
