"""A model file served on this machine: llama.cpp in a child process that dies with its parent."""

import argparse
import asyncio
import importlib.util
import json
import os
import re
import secrets
import sys
import threading
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from providers.base import Secret, WireName
from providers.discovery import FoundEngine, windows_at

ENGINE_NAME = "local"
"""The vendor such an engine is, in targets: `local/tiny`."""

WIRES = frozenset(
    {
        WireName.OPENAI_CHAT,
        WireName.OPENAI_RESPONSES,
        WireName.OPENAI_COMPLETIONS,
        WireName.ANTHROPIC_MESSAGES,
    }
)
"""What llama.cpp's server speaks natively."""

CONTEXT_TOKENS = 32_768
"""Room for an assistant's first turns; llama.cpp lowers it to what the model was trained for."""

_NAME_LIMIT = 100
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")
_GGUF_MAGIC = b"GGUF"
_READY_LIMIT_BYTES = 4096
_SLOTS = 4  # conversations at a time; they share one context
_STOP_SECONDS = 5.0


class LocalEngineError(Exception):
    """The model file cannot be served here. The message says why and what to do."""


@dataclass(frozen=True, slots=True)
class _Running:
    """A child that serves, and who reads its complaints."""

    process: asyncio.subprocess.Process
    listener: "asyncio.Task[str]"


class LocalEngine:
    """Serves one GGUF file through llama.cpp on loopback, to the holder of `api_key` only.

    Without the key another program of this machine could ask the model behind the ledger's back.
    `threads` is llama.cpp's own choice when None; `ready_seconds` bounds loading, which for a large
    file on a slow disk takes minutes.
    """

    def __init__(
        self,
        model_file: Path,
        port: int = 0,
        threads: int | None = None,
        context: int = CONTEXT_TOKENS,
        ready_seconds: float = 600.0,
    ) -> None:
        self.model_file = model_file
        self.api_key = Secret(secrets.token_urlsafe(24))
        self._port = port
        self._threads = threads
        self._context = context
        self._ready_seconds = ready_seconds
        self._running: _Running | None = None

    @property
    def model_name(self) -> str:
        """The name the engine answers to: the file's, without its ending, fit for any client."""
        return _UNFIT.sub("-", self.model_file.stem).strip("-._")[:_NAME_LIMIT] or ENGINE_NAME

    @property
    def is_running(self) -> bool:
        """False before `start`, after `stop`, and when the child has died."""
        return self._running is not None and self._running.process.returncode is None

    async def start(self) -> FoundEngine:
        """Load the model and tell how it is reached, as if it had been found running.

        Raises `LocalEngineError` when the file is missing or no GGUF, when llama.cpp is not
        installed, when it refuses the file, or when it is not ready in time.
        """
        check_model_file(self.model_file)
        check_installed()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *self._arguments(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_READY_LIMIT_BYTES,
            start_new_session=True,  # Ctrl-C is for the gateway, which drains before it stops us
        )
        listener = asyncio.create_task(_first_complaint(process))
        async with AsyncExitStack() as unless_ready:
            unless_ready.push_async_callback(_end, process, listener)
            base_url = await self._readiness(process, listener)
            unless_ready.pop_all()
        self._running = _Running(process, listener)
        return FoundEngine(
            ENGINE_NAME,
            base_url,
            WIRES,
            (self.model_name,),
            self.api_key,
            await windows_at(int(base_url.rpartition(":")[2]), self.api_key),
        )

    async def stop(self) -> None:
        """End the child. Safe to call twice, and before `start`."""
        running, self._running = self._running, None
        if running is not None:
            await _end(running.process, running.listener)

    def _arguments(self) -> list[str]:
        given = {
            "--model": str(self.model_file.resolve()),
            "--name": self.model_name,
            "--port": str(self._port),
            "--context": str(self._context),
        }
        if self._threads is not None:
            given["--threads"] = str(self._threads)
        named = [part for pair in given.items() for part in pair]
        return ["-P", "-m", "providers.local", *named, "--for-parent"]

    async def _readiness(
        self, process: asyncio.subprocess.Process, listener: "asyncio.Task[str]"
    ) -> str:
        """Hand the key over, then wait for the one line that says where the child listens."""
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(self.api_key.reveal().encode() + b"\n")
        try:
            async with asyncio.timeout(self._ready_seconds):
                line = await process.stdout.readline()
        except TimeoutError:
            raise LocalEngineError(
                f"{self.model_file} was not loaded within {self._ready_seconds:.0f} seconds; "
                "try a smaller model"
            ) from None
        if not line:
            raise LocalEngineError(
                f"llama.cpp cannot serve {self.model_file}: {await listener or 'it gave no reason'}"
            )
        return str(json.loads(line)["base_url"])


def check_model_file(model_file: Path) -> None:
    """Raises `LocalEngineError` unless this is a readable GGUF file."""
    try:
        with model_file.open("rb") as opened:
            magic = opened.read(len(_GGUF_MAGIC))
    except OSError as error:
        raise LocalEngineError(
            f"cannot read the model file {model_file}: {error.strerror}"
        ) from error
    if magic != _GGUF_MAGIC:
        raise LocalEngineError(
            f"{model_file} is not a GGUF file; llama.cpp serves models in that format only"
        )


def check_installed(module: str = "xllamacpp") -> None:
    """Raises `LocalEngineError` unless llama.cpp can be imported. Does not import it."""
    if importlib.util.find_spec(module) is None:
        raise LocalEngineError(
            "serving a model file needs llama.cpp: pip install 'gatehouse[local]' brings it"
        )


async def _end(process: asyncio.subprocess.Process, listener: "asyncio.Task[str]") -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
    listener.cancel()
    with suppress(asyncio.CancelledError):
        await listener


async def _first_complaint(process: asyncio.subprocess.Process) -> str:
    """Read the child's error output to its end (its pipe must not fill); give the first error."""
    assert process.stderr is not None
    complaint = ""
    while True:
        try:
            line = await process.stderr.readline()
        except ValueError:  # a line over the limit: asyncio has dropped it
            continue
        if not line:
            return complaint
        # llama.cpp writes `time level part: text`, the level one letter.
        complaint = complaint or line.decode(errors="replace").partition(" E ")[2].strip()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve a GGUF file on loopback until told to end; its URL is one JSON line, once ready."""
    parser = argparse.ArgumentParser("python -m providers.local", description=main.__doc__)
    parser.add_argument("--model", required=True, type=Path)
    parser.add_argument("--name", help="the model's name (default: the file's)")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--threads", type=int, default=-1)
    parser.add_argument("--context", type=int, default=CONTEXT_TOKENS)
    parser.add_argument(
        "--for-parent", action="store_true", help="read a key from stdin, and end when stdin does"
    )
    options = parser.parse_args(arguments)
    try:
        check_model_file(options.model)
        check_installed()
        _serve(options)
    except LocalEngineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _serve(options: argparse.Namespace) -> None:
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(options.model)
    parameters.model_alias = {options.name or options.model.stem}
    parameters.port = options.port
    parameters.n_ctx = options.context
    parameters.n_parallel = _SLOTS
    parameters.kv_unified = True
    parameters.cpuparams.n_threads = options.threads
    parameters.ui = False
    parameters.endpoint_slots = False  # it shows what others ask
    parameters.cors_origins = ""
    parameters.verbosity = 1  # errors only: warnings quote requests
    if options.for_parent:
        parameters.api_keys = [sys.stdin.readline().strip()]
    try:
        server = xllamacpp.Server(parameters)
    except RuntimeError as error:
        raise LocalEngineError(f"llama.cpp cannot serve {options.model}: {error}") from error
    sys.stdout.write(json.dumps({"base_url": server.listening_address}) + "\n")
    sys.stdout.flush()
    if not options.for_parent:
        threading.Event().wait()
    sys.stdin.read()
    # The parent is gone: nobody reads the answers being written, so do not wait for them.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
