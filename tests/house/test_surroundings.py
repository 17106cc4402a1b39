"""What the machine says to programs at large says nothing to the tests."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOBODY = "http://127.0.0.1:9"
ASKED = "tests/contract/test_fake_vendor.py::test_openai_reads_a_whole_answer"


def test_a_proxy_of_the_machine_is_not_asked() -> None:
    proxied = {**os.environ, "http_proxy": NOBODY, "HTTPS_PROXY": NOBODY, "ALL_PROXY": NOBODY}
    command = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", ASKED)
    ran = subprocess.run(command, cwd=ROOT, env=proxied, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stdout
