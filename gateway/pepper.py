"""The pepper: the secret that keys are kept under, one and the same for every replica."""

import base64
import binascii
import hmac
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from gateway.settings import PEPPER_FILE_VARIABLE, PEPPER_VARIABLE, pepper_file, pepper_text
from gateway.store.schema import StoreError
from providers.base import Secret

PEPPER_FILE = "pepper"
PEPPER_BYTES = 32

_SAID_IN = f"keys.pepper, {PEPPER_VARIABLE} or {PEPPER_FILE_VARIABLE}"
_HOW = f"{PEPPER_BYTES} random bytes as 64 hexadecimal digits or base64: openssl rand -hex 32"


def chosen_pepper(
    folder: Path,
    configured: Secret | None,
    environ: Mapping[str, str],
    random_bytes: Callable[[int], bytes] | None,
) -> bytes:
    """The pepper that is named, else the data folder's own, made with `random_bytes` if need be.

    `random_bytes` is None where a new one would not do: other replicas would not know it. Raises
    `StoreError` when there is none, two differ, or one cannot be read.
    """
    named = dict(_named(configured, environ))
    if len(set(named.values())) > 1:
        raise StoreError(f"{' and '.join(named)} name different peppers: leave all but one out")
    for pepper in named.values():
        return pepper
    if random_bytes is None and not (folder / PEPPER_FILE).exists():
        raise StoreError(
            f"with PostgreSQL the pepper must be named, since every replica needs the same: "
            f"give it as {_SAID_IN} ({_HOW})"
        )
    return load_pepper(folder, random_bytes or os.urandom)


def _named(configured: Secret | None, environ: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    if configured is not None:
        yield "keys.pepper", _parsed("keys.pepper", configured.reveal())
    if (text := pepper_text(environ)) is not None:
        yield PEPPER_VARIABLE, _parsed(PEPPER_VARIABLE, text)
    if (file := pepper_file(environ)) is not None:
        yield PEPPER_FILE_VARIABLE, _read(file)


def _read(file: Path) -> bytes:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise StoreError(f"{PEPPER_FILE_VARIABLE}: cannot read {file}: {error.strerror}") from error
    if len(content) == PEPPER_BYTES:
        return content
    return _parsed(PEPPER_FILE_VARIABLE, content.decode("ascii", "replace"))


def _parsed(said_in: str, text: str) -> bytes:
    text = text.strip()
    try:
        in_hex = len(text) == 2 * PEPPER_BYTES
        pepper = bytes.fromhex(text) if in_hex else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        pepper = b""
    if len(pepper) != PEPPER_BYTES:
        raise StoreError(f"{said_in} holds no pepper, which is {_HOW}")
    return pepper


def check_of(pepper: bytes) -> bytes:
    """What a database remembers of the pepper: enough to tell another one, and no more."""
    return hmac.digest(pepper, b"gatehouse: which pepper this is", "sha256")


def load_pepper(folder: Path, random_bytes: Callable[[int], bytes]) -> bytes:
    """The installation's pepper, made at the first start; safe when two processes start at once.

    Raises `StoreError` when it cannot be read, is not ours, or is open to everybody.
    """
    file = folder / PEPPER_FILE
    try:
        if not file.exists():
            _make_pepper(file, random_bytes(PEPPER_BYTES))
        if file.stat().st_mode & 0o007:
            raise StoreError(f"{file} is open to every user of this machine: chmod 600 {file}")
        pepper = file.read_bytes()
    except OSError as error:
        raise StoreError(f"cannot read {file}: {error.strerror}") from error
    if len(pepper) != PEPPER_BYTES:
        raise StoreError(
            f"{file} must hold {PEPPER_BYTES} bytes: restore it from a copy "
            "(with another pepper every key must be made anew)"
        )
    return pepper


def _make_pepper(file: Path, pepper: bytes) -> None:
    """Written whole under another name, then linked: nobody ever reads half a pepper."""
    draft = file.with_name(f"{PEPPER_FILE}.{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, pepper)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        file.hardlink_to(draft)
    except FileExistsError:
        pass  # another process was first: its pepper holds
    finally:
        draft.unlink()
    folder = os.open(file.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
