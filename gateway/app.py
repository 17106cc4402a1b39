"""The FastAPI application: everything but the hot road, and the hot road's page in the manual."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from gateway.errors import GatewayError
from gateway.front import Front
from gateway.manual import manual_page
from gateway.offer import Offer
from gateway.pipeline import Pipeline
from gateway.status import Status
from gateway.telemetry.metrics import Metrics
from gateway.wire.base import Wire
from gateway.wire.model_lists import body_of
from providers.base import Headers

NO_STORE = {"cache-control": "no-store"}
LOOPBACK = frozenset({"127.0.0.1", "::1"})
KEY_SCHEMES: Final = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "x-goog-api-key": {"type": "apiKey", "in": "header", "name": "x-goog-api-key"},
}
"""How a key may be sent, in OpenAPI's words."""

WITH_KEY: Final[dict[str, Any]] = {"security": [{scheme: []} for scheme in KEY_SCHEMES]}


class _ModelList(msgspec.Struct):
    data: list[msgspec.Raw]


_LIST: Final = msgspec.json.Decoder(_ModelList)


class WireResponse(Response):
    """Hands a declared model endpoint to the front, so that it answers the same without it."""

    def __init__(self, front: Front, wire: Wire) -> None:
        super().__init__()
        self._front = front
        self._wire = wire

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        await self._front.serve(self._wire, scope, receive, send)


def create_app(
    version: str, wires: Iterable[Wire], front: Front, pipeline: Pipeline, status: Status
) -> FastAPI:
    """Declare every route. The pages that would fetch scripts from elsewhere are left out."""
    app = FastAPI(
        title="Gatehouse",
        version=version,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # a redirect would name whatever host the caller claims to ask
    )
    for wire in wires:
        _declare_wire(app, front, wire)
    _declare_models(app, Offer(pipeline))
    _declare_health(app, status)
    _declare_metrics(app, pipeline, pipeline.bookkeeper.metrics)
    app.add_api_route("/docs", _manual(app), include_in_schema=False, response_class=HTMLResponse)
    _declare_key_schemes(app)
    app.add_exception_handler(GatewayError, _gateway_error)
    app.add_exception_handler(HTTPException, _http_error)
    return app


def _declare_wire(app: FastAPI, front: Front, wire: Wire) -> None:
    async def answer() -> Response:
        return WireResponse(front, wire)

    app.add_api_route(
        wire.path,
        answer,
        methods=["POST"],
        summary=wire.summary,
        operation_id=wire.path.strip("/").replace("/", "_"),
        tags=["models"],
        response_class=Response,
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
            **WITH_KEY,
        },
    )


def _declare_models(app: FastAPI, offer: Offer) -> None:
    async def models(request: Request) -> Response:
        """The models this key may use; with `anthropic-version`, in Anthropic's shape."""
        body = body_of(
            offer.to(_headers(request)),
            anthropic_version=_anthropic_version(request),
            query=request.query_params,
        )
        return Response(body, media_type="application/json", headers=NO_STORE)

    async def model(request: Request, name: str) -> Response:
        """One of them."""
        found = [each for each in offer.to(_headers(request)) if each.id == name]
        if not found:
            told = f"model {name!r} is not offered to you; GET /v1/models lists yours"
            return _error(404, "model_not_found", told)
        alone = body_of(found, anthropic_version=_anthropic_version(request), query={})
        body = _LIST.decode(alone).data[0]
        return Response(bytes(body), media_type="application/json", headers=NO_STORE)

    for path, answer in (("/v1/models", models), ("/v1/models/{name:path}", model)):
        app.add_api_route(
            path,
            answer,
            methods=["GET"],
            tags=["models"],
            response_class=Response,
            openapi_extra=WITH_KEY,
        )


def _declare_health(app: FastAPI, status: Status) -> None:
    async def alive() -> Response:
        """The process lives. Touches nothing else."""
        return JSONResponse({"status": "alive"}, headers=NO_STORE)

    async def ready() -> Response:
        """Whether requests would be served: the ledger takes rows, nothing is draining."""
        report = status.report()
        return JSONResponse(report, status_code=200 if report["ready"] else 503, headers=NO_STORE)

    async def here() -> Response:
        """Assistants knock here before they start."""
        return Response(status_code=200, headers=NO_STORE)

    for path, answer in (("/healthz", alive), ("/readyz", ready)):
        app.add_api_route(path, answer, methods=["GET"], tags=["health"])
        app.add_api_route(path, answer, methods=["HEAD"], include_in_schema=False)
    for path in ("/", "/api/hello", "/health"):
        app.add_api_route(path, here, methods=["GET", "HEAD"], include_in_schema=False)


def _declare_metrics(app: FastAPI, pipeline: Pipeline, metrics: Metrics) -> None:
    async def scrape(request: Request) -> Response:
        """Prometheus metrics: free on this machine, with an administrator's key from elsewhere.

        They name teams and their spend, so they are not for everybody who can reach the port.
        """
        if not _is_local(request):
            pipeline.identify_administrator(_headers(request))
        return Response(metrics.render(), media_type=metrics.content_type, headers=NO_STORE)

    app.add_api_route("/metrics", scrape, methods=["GET"], tags=["health"], openapi_extra=WITH_KEY)


def _is_local(request: Request) -> bool:
    forwarded = "x-forwarded-for" in request.headers or "forwarded" in request.headers
    return request.client is not None and request.client.host in LOOPBACK and not forwarded


def _declare_key_schemes(app: FastAPI) -> None:
    plain = app.openapi

    def with_key_schemes() -> dict[str, Any]:
        document = plain()
        document.setdefault("components", {})["securitySchemes"] = KEY_SCHEMES
        return document

    app.openapi = with_key_schemes  # type: ignore[method-assign]  # FastAPI's way to add to it


def _manual(app: FastAPI) -> Callable[[], Any]:
    async def manual() -> HTMLResponse:
        return HTMLResponse(manual_page(app.openapi()))

    return manual


def _headers(request: Request) -> Headers:
    return tuple(request.scope["headers"])


def _anthropic_version(request: Request) -> bytes | None:
    return dict(_headers(request)).get(b"anthropic-version")


async def _gateway_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, GatewayError)
    return _error(error.status, error.code, error.message)


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = {
        404: "no such endpoint here; /docs lists them",
        405: "this endpoint does not take that method; /docs lists them",
    }.get(error.status_code, str(error.detail))
    code = {404: "unknown_path", 405: "method_not_allowed"}.get(error.status_code, "http_error")
    return _error(error.status_code, code, message, dict(error.headers or {}))


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    kind = "authentication_error" if status == 401 else "invalid_request_error"
    body = {"type": "error", "error": {"type": kind, "code": code, "message": message}}
    return JSONResponse(body, status_code=status, headers={**NO_STORE, **(headers or {})})
