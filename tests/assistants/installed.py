"""Install the pinned assistants into a folder outside the repository, each file checked by hash."""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PINS = HERE / "pins.toml"
NPM_LOCK = HERE / "npm.lock.json"
PYPI_LOCK = HERE / "pypi.lock"
UV = Path(sys.executable).with_name("uv")
CACHE_VARIABLE = "GATEHOUSE_ASSISTANTS_CACHE"
CPUS = {"x86_64": "x64", "aarch64": "arm64"}  # as npm's packages name them
AIDER_PYTHON = ">=3.10,<3.13"  # what aider-chat's own metadata asks for


class NotInstalledError(Exception):
    """An installer failed; what it printed is the message."""


@dataclass(frozen=True, slots=True)
class Installation:
    """The folders of what npm and PyPI gave."""

    npm: Path
    pypi: Path

    def program(self, path: str) -> Path:
        """A program by its path below one of the folders. Raises `NotInstalledError`."""
        path = path.format(cpu=CPUS.get(platform.machine(), platform.machine()))
        for folder in (self.npm, self.pypi):
            if (folder / path).exists():
                return folder / path
        raise NotInstalledError(f"{path} is in neither {self.npm} nor {self.pypi}")

    @property
    def search_path(self) -> str:
        """Where programs are found: the newer Node first, then this machine's own."""
        return f"{self.npm / 'node_modules' / '.bin'}:/usr/local/bin:/usr/bin:/bin"


def pins() -> dict[str, Any]:
    """The pinned versions, as the file has them."""
    return tomllib.loads(PINS.read_text())


def version_of(package: str) -> str:
    """The pinned version of a package, from whichever registry."""
    known = pins()
    return str({**known["npm"], **known["pypi"]}[package])


def manifest() -> bytes:
    """The package.json that the npm pins amount to. Node is there for one machine or the other."""
    npm = dict(pins()["npm"])
    node = npm.pop("node")
    document = {"private": True, "dependencies": npm, "optionalDependencies": node}
    return json.dumps(document, indent=1).encode()


def cache() -> Path:
    """The folder that holds all downloads; the variable names another."""
    told = os.environ.get(CACHE_VARIABLE)
    return Path(told) if told else Path.home() / ".cache" / "gatehouse-assistants"


def installed() -> Installation:
    """What is pinned, installed now or before. Raises `NotInstalledError`."""
    npm = _once("npm", manifest() + NPM_LOCK.read_bytes(), _install_npm)
    pypi = _once("pypi", PYPI_LOCK.read_bytes(), _install_pypi)
    return Installation(npm, pypi)


def _once(name: str, contents: bytes, install: Any) -> Path:
    """The folder of these pins: made in full or not at all, and not again."""
    folder = cache() / f"{name}-{hashlib.sha256(contents).hexdigest()[:16]}"
    stamp = folder / ".complete"
    if not stamp.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        install(folder)
        stamp.touch()
    return folder


def _install_npm(folder: Path) -> None:
    (folder / "package.json").write_bytes(manifest())
    shutil.copy(NPM_LOCK, folder / "package-lock.json")
    # No package runs a script of its own: the programs are started where they are unpacked.
    run_npm(folder, "ci", "--ignore-scripts")


def _install_pypi(folder: Path) -> None:
    environ = {**os.environ, "VIRTUAL_ENV": str(folder), "UV_CACHE_DIR": str(cache() / "uv-cache")}
    seek = ("--allow-existing", "--no-python-downloads", "--python", AIDER_PYTHON)
    run([UV, "venv", "-q", *seek, folder], folder, environ)
    run([UV, "pip", "sync", "-q", "--require-hashes", PYPI_LOCK], folder, environ)


def run_npm(folder: Path, *arguments: str) -> None:
    """npm in a folder, without its questions to third parties. Raises `NotInstalledError`."""
    quiet = ("--no-audit", "--no-fund", "--no-update-notifier", "--loglevel", "error")
    environ = {**os.environ, "npm_config_cache": str(cache() / "npm-cache")}
    run(["npm", *arguments, *quiet], folder, environ)


def run(command: list[str | Path], folder: Path, environ: Mapping[str, str]) -> None:
    """Run an installer to its end. Raises `NotInstalledError` with all that it said."""
    try:
        done = subprocess.run(
            command, cwd=folder, env=environ, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise NotInstalledError(f"{command[0]} is not on this machine") from error
    if done.returncode != 0:
        raise NotInstalledError(f"{command[0]} {command[1]}:\n{done.stdout}{done.stderr}")
