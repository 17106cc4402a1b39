"""`python -m gateway.telemetry` is the process that ships telemetry: `gateway.telemetry.shipper`.

An interrupt at the terminal is the gateway's to handle, and it reaches this process too: they
share a session. Imports take a quarter of a second in which it would end with a trace.
"""

import signal
import sys

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    from gateway.telemetry.shipper import main

    sys.exit(main(sys.argv[1:]))
