"""What the machine says to programs at large says nothing to the tests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOBODY = "http://127.0.0.1:9"
PROXIES = {"http_proxy": NOBODY, "HTTPS_PROXY": NOBODY, "ALL_PROXY": NOBODY}
COLOURS = {"FORCE_COLOR": "1", "GITHUB_ACTIONS": "true", "COLUMNS": "40"}


@pytest.mark.parametrize(
    ("said", "test"),
    [
        (PROXIES, "tests/contract/test_fake_vendor.py::test_openai_reads_a_whole_answer"),
        (
            COLOURS,
            "tests/unit/gateway/cli/test_output.py"
            "::test_a_table_goes_to_stdout_unshortened_when_piped",
        ),
    ],
    ids=["proxies", "colours"],
)
def test_a_machine_that_says_so_makes_no_difference(said: dict[str, str], test: str) -> None:
    command = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", test)
    ran = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **said}, capture_output=True, check=False
    )
    assert ran.returncode == 0, ran.stdout
