"""`gatehouse version`: what is installed, and where its data lies."""

import platform
from importlib.metadata import version as installed_version

from gateway.cli.options import AsJson, Data, data_folder
from gateway.cli.output import print_json, print_line


def version(data: Data = None, as_json: AsJson = False) -> None:
    """Print the version of Gatehouse."""
    number = installed_version("gatehouse")
    if as_json:
        facts = {
            "version": number,
            "python": platform.python_version(),
            "data": str(data_folder(data)),
        }
        print_json([facts])
    else:
        print_line(f"gatehouse {number}")
