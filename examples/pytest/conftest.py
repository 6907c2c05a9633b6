"""A Matricula for the tests: started once, reset before each test.

    pip install pytest requests
    MATRICULA=path/to/matricula pytest examples/pytest
"""

import json
import os
import subprocess

import pytest
import requests

from matricula import Client


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory):
    folder = tmp_path_factory.mktemp("matricula")
    process = subprocess.Popen(
        [os.environ.get("MATRICULA", "matricula"), "--json", "sandbox", "--data", folder / "data", "--listen", "127.0.0.1:0"]
        + ["--control", "--no-quota", "--quiet"],
        stdout=subprocess.PIPE,
        text=True,
    )
    # The first line is printed when requests are taken: the keys. `--port-file FILE` is for who can't read it.
    yield json.loads(process.stdout.readline())
    process.kill()
    process.wait()


@pytest.fixture
def lab(sandbox):
    """Faults, the clock and the journal; everything is as at first when a test begins."""

    def call(method, path, body=None):
        answer = requests.request(method, f"{sandbox['base_url']}/sandbox/{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    call("POST", "reset")
    call("POST", "clock", {"real": True})
    return call


@pytest.fixture
def client(sandbox, lab):
    return Client(sandbox)
