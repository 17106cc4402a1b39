"""What tests have used is let go of, and the collector works as before."""

import gc
import weakref

from fastapi import Depends, FastAPI

from tests.fakes.collector import collector_put_back, forget_applications


def an_application() -> FastAPI:
    application = FastAPI()

    async def asked() -> FastAPI:
        return application

    @application.get("/")
    async def answer(asked: FastAPI = Depends(asked)) -> str:  # noqa: B008  # FastAPI's way
        return asked.title

    return application


def test_an_application_that_has_gone_is_freed() -> None:
    gone = weakref.ref(an_application())
    gc.collect()
    assert gone() is not None  # FastAPI remembers its functions
    forget_applications()
    gc.collect()
    assert gone() is None


def test_what_a_server_did_to_the_collector_is_put_back() -> None:
    before = gc.get_threshold()
    with collector_put_back():
        gc.set_threshold(50_000, 20, 20)
    assert gc.get_threshold() == before
