"""Every path of the sign-in says so where nobody signs in, and none is part of the models' API."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI

from gateway.oauth.routes import declare_sign_in
from tests.fakes.signing_in import a_place


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[FastAPI]:
    configuration = SimpleNamespace(identity=SimpleNamespace(login=None), proxies=None)
    pipeline = SimpleNamespace(in_force=SimpleNamespace(configuration=configuration))
    app = FastAPI()
    async with a_place(tmp_path) as place:
        declare_sign_in(app, place.side, pipeline)  # type: ignore[arg-type]  # what it reads of it
        yield app


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/oauth/device_authorization"),
        ("POST", "/oauth/token"),
        ("POST", "/oauth/backchannel_logout"),
        ("GET", "/oauth/callback"),
        ("GET", "/device"),
        ("POST", "/device"),
        ("POST", "/device/answer"),
    ],
)
async def test_where_nobody_signs_in_that_is_said(app: FastAPI, method: str, path: str) -> None:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gate") as client:
        answer = await client.request(method, path, data={} if method == "POST" else None)
    assert answer.status_code == 404
    assert "identity.login" in answer.text


def test_they_are_declared_nowhere_else(app: FastAPI) -> None:
    assert app.openapi()["paths"] == {}
