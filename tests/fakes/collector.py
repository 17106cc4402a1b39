"""The garbage collector: put back after tests of what a server does to it, and given its due."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_put_back() -> Iterator[None]:
    """Forget what a server that has gone left behind, and search as often as before.

    What stood before stays out of the searches (`tests/conftest.py`), which are short for it: a
    server begins with one.
    """
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*thresholds)


def forget_applications() -> None:
    """Let go of the web applications that have gone.

    FastAPI and the admin API remember what they found out about each function, and so keep the
    application it belongs to: a hundred of them are a million objects, searched again and again.
    """
    for name in ("fastapi.dependencies.models", "gateway.admin.application"):
        if (module := sys.modules.get(name)) is not None:
            for each in vars(module).values():
                if hasattr(each, "cache_clear"):
                    each.cache_clear()
