"""Run a gateway from start to drained stop."""

import asyncio
import gc
import json
import os
import socket
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import uvloop

from gateway.assembly import Gatehouse, assembled
from gateway.logs import set_up_logging
from gateway.server import (
    CannotListen,
    GatehouseServer,
    SideServer,
    base_url,
    bound,
    server_config,
)
from gateway.settings import (
    Ready,
    RunningGateway,
    ServeOptions,
    environment,
    write_private,
    write_running,
)

__all__ = ["CannotListen", "rest_the_collector", "serve"]

GRACE_SECONDS = 30
ADMIN_GRACE_SECONDS = 3
LAST_WORDS_SECONDS = 5.0
ANOTHER_PORT = "choose another with --port, or stop what uses it"
ANOTHER_HOST = "choose another with --host: one of this machine's own"


def serve(options: ServeOptions, on_ready: Callable[[Ready], None]) -> int:
    """Serve until told to stop; the exit code. `on_ready` is called once requests are taken.

    Raises what `assembled` raises, and `CannotListen`.
    """
    set_up_logging()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(options, on_ready))
    return 0


async def _serve(options: ServeOptions, on_ready: Callable[[Ready], None]) -> None:
    with bound(options.host, options.port, ANOTHER_PORT, ANOTHER_HOST) as listener:
        async with assembled(options, environment()) as gatehouse, _admin_served(gatehouse):

            def listening() -> None:
                ready = _ready(options, gatehouse, listener)
                _leave_word(options, ready)
                on_ready(ready)

            def draining() -> None:
                gatehouse.status.is_draining = True

            server = GatehouseServer(
                server_config(gatehouse.application, GRACE_SECONDS), listening, draining
            )
            rest_the_collector()
            try:
                await server.serve(sockets=[listener])
            finally:
                server.stop_listening()
                await gatehouse.calls.end_all(LAST_WORDS_SECONDS)


@asynccontextmanager
async def _admin_served(gatehouse: Gatehouse) -> AsyncGenerator[None]:
    """Serve the admin API, where there is one, from before the first request to after the last."""
    if gatehouse.admin is None:
        yield
        return
    server = SideServer(server_config(gatehouse.admin.application, ADMIN_GRACE_SECONDS))
    async with server.serving(gatehouse.admin.listener):
        yield


def rest_the_collector() -> None:
    """Leave what was built at start out of every later search for cycles.

    Requests leave next to none behind; searching after each 700 new objects, through all that
    was imported, is a measurable part of a request.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _ready(options: ServeOptions, gatehouse: Gatehouse, listener: socket.socket) -> Ready:
    configuration = gatehouse.in_force.configuration
    keys = gatehouse.first_keys
    return Ready(
        base_url=base_url(listener),
        admin_url=None if gatehouse.admin is None else base_url(gatehouse.admin.listener),
        pid=os.getpid(),
        first_start=keys is not None,
        admin_key=None if keys is None else keys.admin,
        developer_key=None if keys is None else keys.developer,
        developer_team=configuration.developer_team,
        models=tuple(
            configuration.offered(name)
            for name in configuration.policy.models_for(
                configuration.developer_team, int(time.time())
            )
        ),
        config_path=configuration.source,
        data=options.data,
        notes=(*gatehouse.notes, *_exposure(options.host)),
    )


def _exposure(host: str) -> tuple[str, ...]:
    """What to know when others than this machine can connect."""
    if host in ("127.0.0.1", "::1", "localhost"):
        return ()
    return (f"Listening on {host} without TLS: put a proxy that ends TLS before it.",)


def _leave_word(options: ServeOptions, ready: Ready) -> None:
    """Tell commands beside us, and the script that started us, how to reach this gateway."""
    running = RunningGateway(
        ready.pid, ready.base_url, ready.config_path, ready.models, ready.admin_url
    )
    write_running(options.data, running)
    if options.ready_file is not None:
        told = {"base_url": ready.base_url, "pid": ready.pid}
        if ready.admin_url is not None:
            told["admin_url"] = ready.admin_url
        if ready.admin_key is not None and ready.developer_key is not None:
            told |= {"admin_key": ready.admin_key, "developer_key": ready.developer_key}
        write_private(options.ready_file, json.dumps(told) + "\n")
