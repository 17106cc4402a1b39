"""Resolve what pins.toml names into the two lock files: versions and hashes, no addresses."""

import json
import os
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.assistants.installed import NPM_LOCK, PYPI_LOCK, UV, manifest, pins, run, run_npm

OLDEST_NEWS = timedelta(days=7)
"""Nothing younger is taken: a stolen release is mostly found out within days."""
NOT_KEPT = ("funding", "license", "deprecated", "engines")
"""What npm notes of a package beside what it needs to install it; the first holds addresses."""


def main() -> None:
    """Write both lock files anew."""
    until = (datetime.now(UTC) - OLDEST_NEWS).strftime("%Y-%m-%dT%H:%M:%SZ")
    with tempfile.TemporaryDirectory() as folder:
        lock_npm(Path(folder), until)
        lock_pypi(Path(folder), until)


def lock_npm(folder: Path, until: str) -> None:
    """Let npm resolve the tree, then keep of it what Linux needs."""
    (folder / "package.json").write_bytes(manifest())
    how = ("--package-lock-only", "--omit-lockfile-registry-resolved", "--ignore-scripts")
    run_npm(folder, "install", *how, "--before", until)
    lock = json.loads((folder / "package-lock.json").read_text())
    lock["packages"] = on_linux(lock["packages"])
    NPM_LOCK.write_text(json.dumps(lock, indent=1) + "\n")


def on_linux(packages: dict[str, Any]) -> dict[str, Any]:
    """The packages that Linux with glibc installs; no other is asked for by those that stay.

    The lists of optional packages shrink with them: npm refuses a lock that lacks one, and some
    registries do not carry every machine's build.
    """
    kept = {path: entry for path, entry in packages.items() if suits_linux(entry)}
    names = {path.rpartition("node_modules/")[2] for path in kept}
    for entry in kept.values():
        for member in NOT_KEPT:
            entry.pop(member, None)
        if optional := entry.get("optionalDependencies"):
            entry["optionalDependencies"] = {
                name: wanted for name, wanted in optional.items() if name in names
            }
    return kept


def suits_linux(entry: dict[str, Any]) -> bool:
    """Whether a package's own conditions let it be installed there."""
    return "linux" in entry.get("os", ["linux"]) and "glibc" in entry.get("libc", ["glibc"])


def lock_pypi(folder: Path, until: str) -> None:
    """Let uv resolve what comes from PyPI."""
    wanted = folder / "pypi.in"
    wanted.write_text("".join(f"{name}=={version}\n" for name, version in pins()["pypi"].items()))
    how = ("--universal", "--python-version", "3.10", "--generate-hashes", "--exclude-newer", until)
    bare = ("--no-emit-index-url", "--no-header", "--no-annotate", "-q")
    run([UV, "pip", "compile", wanted, *how, *bare, "-o", PYPI_LOCK], folder, os.environ)


if __name__ == "__main__":
    sys.exit(main())
