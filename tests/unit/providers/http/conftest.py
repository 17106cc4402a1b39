"""The client holds on both event loops it may run on."""

import asyncio

import uvloop


def pytest_asyncio_loop_factories(config, item):
    """Run every test of this folder on the stock loop and on uvloop."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
