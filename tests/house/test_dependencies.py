"""What is installed is what was locked, and none of it runs before we do."""

import hashlib
import re
import site
import sysconfig
from pathlib import Path

from tests.house.reading import ROOT, listing

LOCK = ROOT / "requirements.lock"
REQUIREMENT = re.compile(
    r"^(?P<name>[a-z0-9][a-z0-9._-]*)(\[[^]]*\])?==(?P<version>[^ ;\\]+)", re.MULTILINE
)
STOLEN_LITELLM = {"1.82.7", "1.82.8"}
# .pth files run at every start of Python: each one known, by the hash of what it says.
KNOWN_PTH = {
    # setuptools' own: one line that can switch its copy of distutils on
    "distutils-precedence.pth": "2638ce9e2500e572a5e0de7faed6661eb569d1b696fcba07b0dd223da5f5d224",
}


def requirements() -> dict[str, str]:
    """Each locked requirement with everything that stands below it."""
    text = LOCK.read_text()
    starts = [match.start() for match in REQUIREMENT.finditer(text)]
    blocks = [text[i:j] for i, j in zip(starts, [*starts[1:], len(text)], strict=True)]
    return {match["name"]: block for block in blocks if (match := REQUIREMENT.match(block))}


def test_every_locked_package_has_hashes() -> None:
    bare = [name for name, block in requirements().items() if "--hash=sha256:" not in block]
    assert not bare, listing(bare, "Without a hash the index decides what is installed.")
    assert len(requirements()) > 50, "The lock was not read: it should hold a whole environment."


def test_the_lock_holds_no_addresses() -> None:
    addresses = [
        f"line {number}: {line}"
        for number, line in enumerate(LOCK.read_text().splitlines(), 1)
        if "://" in line or " @ " in line or line.startswith(("-e ", "--index", "--extra-index"))
    ]
    reason = "A lock says what, never from where: the same file must work behind every mirror."
    assert not addresses, listing(addresses, reason)


def test_the_stolen_releases_of_litellm_are_shut_out() -> None:
    locked = REQUIREMENT.match(requirements()["litellm"])
    assert locked is not None
    assert locked["version"] not in STOLEN_LITELLM, "This release carries a thief's payload."
    declared = (ROOT / "pyproject.toml").read_text()
    missing = [version for version in STOLEN_LITELLM if f"!={version}" not in declared]
    assert not missing, listing(missing, "pyproject.toml must refuse them, whoever locks anew.")


def test_the_proxy_server_is_not_installed() -> None:
    extras = [name for name in requirements() if name in {"litellm-proxy-extras", "gunicorn"}]
    assert not extras, listing(extras, "LiteLLM is used as a library: its server stays out.")


def pth_files() -> list[Path]:
    folders = {Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")}
    folders |= {Path(each) for each in site.getsitepackages()}
    return sorted(path for folder in folders for path in folder.glob("*.pth"))


def runs_code(path: Path) -> bool:
    """A line that begins with `import` is executed; any other is a folder."""
    return any(line.startswith(("import ", "import\t")) for line in path.read_text().splitlines())


def test_no_dependency_brings_code_that_runs_at_every_start() -> None:
    unknown = [
        f"{path.name} sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in pth_files()
        if runs_code(path)
        and KNOWN_PTH.get(path.name) != hashlib.sha256(path.read_bytes()).hexdigest()
    ]
    reason = "The theft of March 2026 lived in a .pth file. Read it before you list it."
    assert not unknown, listing(unknown, reason)


def test_no_customisation_runs_at_every_start() -> None:
    folders = {path.parent for path in pth_files()}
    found = [
        str(folder / name)
        for folder in folders
        for name in ("sitecustomize.py", "usercustomize.py")
        if (folder / name).exists()
    ]
    assert not found, listing(found, "Python would run this before the gateway's first line.")
