"""Install the assistants, then prove them where nothing but this machine can be reached."""

import subprocess
import sys

from tests.assistants.installed import NotInstalledError, installed

# A network and processes of its own: no assistant reaches its vendor, and none outlives the run.
SHUT_IN = ("unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
WAYS = (SHUT_IN, (*SHUT_IN, "--user", "--map-root-user"))


def main(arguments: list[str]) -> int:
    """Run the proof with pytest's own options; its exit code."""
    try:
        print(f"installed in {installed()}", flush=True)
    except NotInstalledError as error:
        print(f"the assistants cannot be installed: {error}", file=sys.stderr)
        return 2
    way = next((way for way in WAYS if is_allowed(way)), None)
    if way is None:
        print("unshare(1) is missing or may not make a network of its own here", file=sys.stderr)
        return 2
    command = [*way, sys.executable, "-m", "tests.assistants.session", *arguments]
    return subprocess.run(command, check=False).returncode


def is_allowed(way: tuple[str, ...]) -> bool:
    """Whether this user may shut a process in like that on this machine."""
    try:
        tried = subprocess.run([*way, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return tried.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
