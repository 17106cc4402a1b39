"""`python -m gateway.telemetry`, with a stand-in for the shipper it starts."""

import subprocess
import sys

STARTED_WITH_A_STAND_IN = """
import runpy, signal, sys, types

shipper = types.ModuleType("gateway.telemetry.shipper")

def main(argv):
    print(signal.getsignal(signal.SIGINT).name, *argv)
    return 7

shipper.main = main
sys.modules[shipper.__name__] = shipper
runpy.run_module("gateway.telemetry", run_name="__main__")
"""


def test_an_interrupt_at_the_terminal_does_not_end_it_while_it_starts():
    command = (sys.executable, "-c", STARTED_WITH_A_STAND_IN, "--data", "folder")
    started = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (started.stdout, started.returncode) == ("SIG_IGN --data folder\n", 7)
