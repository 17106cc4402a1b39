"""The garbage collector, put back after tests of what a server does to it."""

import gc
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
