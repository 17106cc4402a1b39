"""The FastAPI application: everything but the hot road, and the hot road's page in the manual."""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from gateway.contract import contract_page
from gateway.errors import GatewayError
from gateway.front import Front
from gateway.identity import with_query_key
from gateway.manual import manual_page
from gateway.offer import Offer
from gateway.pipeline import Pipeline
from gateway.proxies import TrustedProxies
from gateway.responses_paths import declare_responses_paths
from gateway.roles import Permission
from gateway.status import Status
from gateway.telemetry.metrics import Metrics
from gateway.wire import anthropic_messages, openai_form
from gateway.wire.base import Wire, WireFamily
from gateway.wire.gemini import google_error
from gateway.wire.model_lists import (
    body_of,
    in_gemini_shape,
    one_body_of,
    one_in_gemini_shape,
)
from providers.base import Headers
from providers.vendors import VENDORS

NO_STORE = {"cache-control": "no-store"}
LOOPBACK = frozenset({"127.0.0.1", "::1"})
KEY_SCHEMES: Final = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "x-goog-api-key": {"type": "apiKey", "in": "header", "name": "x-goog-api-key"},
}
"""How a key may be sent, in OpenAPI's words."""

QUERY_SCHEME: Final = {"key": {"type": "apiKey", "in": "query", "name": "key"}}
"""How it may be sent to Google's paths, too."""

WITH_KEY: Final[dict[str, Any]] = {"security": [{scheme: []} for scheme in KEY_SCHEMES]}
WITH_ANY_KEY: Final[dict[str, Any]] = {"security": [*WITH_KEY["security"], {"key": []}]}
BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}
GOOGLE: Final = "/v1beta"
"""How the paths begin below which errors are Google's."""


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
    version: str,
    wires: Iterable[Wire],
    families: Iterable[WireFamily],
    front: Front,
    pipeline: Pipeline,
    status: Status,
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
    declare_responses_paths(app)
    for family in families:
        _declare_family(app, front, family)
    offer = Offer(pipeline)
    _declare_models(app, offer)
    _declare_assistants(app, offer)
    _declare_health(app, status)
    _declare_metrics(app, pipeline, pipeline.bookkeeper.metrics)
    app.add_api_route("/docs", _manual(app), include_in_schema=False, response_class=HTMLResponse)
    _declare_contract(app, contract_page(version, wires, families, VENDORS))
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
        openapi_extra={**BODY, **WITH_KEY},
    )


def _declare_family(app: FastAPI, front: Front, family: WireFamily) -> None:
    async def answer(request: Request) -> Response:
        wire = front.wire_at(request.scope)
        if wire is None:
            raise HTTPException(404)
        return WireResponse(front, wire)

    for template, summary in family.summaries.items():
        names = re.findall(r"\{(\w+)\}", template)
        parameters = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ]
        app.add_api_route(
            template.replace("{model}", "{model:path}"),  # a model's name may hold a slash
            answer,
            methods=["POST"],
            summary=summary,
            operation_id=re.sub(r"\W+", "_", template).strip("_"),
            tags=["models"],
            response_class=Response,
            openapi_extra={"parameters": parameters, **BODY, **WITH_ANY_KEY},
        )


def _declare_models(app: FastAPI, offer: Offer) -> None:
    async def models(request: Request) -> Response:
        """The models this key may use: in Google's shape below its paths and for its SDKs; in
        Anthropic's with `anthropic-version`; else in OpenAI's.
        """
        offered, query = await offer.to(_headers(request), _address(request)), request.query_params
        if _is_googles(request):
            return _json(in_gemini_shape(offered, query))
        return _json(body_of(offered, anthropic_version=_anthropic_version(request), query=query))

    async def model(request: Request, name: str) -> Response:
        """One of them."""
        offered = await offer.to(_headers(request), _address(request))
        found = [each for each in offered if each.id == name]
        if not found:
            told = f"model {name!r} is not offered to you; GET {_list_path(request)} lists yours"
            return _error(request, 404, "model_not_found", told)
        if _is_googles(request):
            return _json(one_in_gemini_shape(found[0]))
        return _json(one_body_of(found[0], anthropic_version=_anthropic_version(request)))

    for version, answer, path, extra in (
        ("/v1", models, "/models", WITH_KEY),
        ("/v1", model, "/models/{name:path}", WITH_KEY),
        (GOOGLE, models, "/models", WITH_ANY_KEY),
        (GOOGLE, model, "/models/{name:path}", WITH_ANY_KEY),
    ):
        app.add_api_route(
            f"{version}{path}",
            answer,
            methods=["GET"],
            tags=["models"],
            response_class=Response,
            openapi_extra=extra,
        )


def _declare_assistants(app: FastAPI, offer: Offer) -> None:
    async def assistants(request: Request) -> Response:
        """The assistants that may be used, in which versions and with which settings; empty where
        no register of them is kept.
        """
        told = await offer.assistants(_headers(request), _address(request))
        return JSONResponse({"data": told}, headers=NO_STORE)

    app.add_api_route(
        "/v1/assistants", assistants, methods=["GET"], tags=["models"], openapi_extra=WITH_KEY
    )


def _list_path(request: Request) -> str:
    return request.url.path.partition("/models")[0] + "/models"


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json", headers=NO_STORE)


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
        if not _is_local(request, pipeline.in_force.configuration.proxies):
            permission = Permission.READ_METRICS
            await pipeline.identify_for(permission, _headers(request), _address(request))
        return Response(metrics.render(), media_type=metrics.content_type, headers=NO_STORE)

    app.add_api_route("/metrics", scrape, methods=["GET"], tags=["health"], openapi_extra=WITH_KEY)


def _is_local(request: Request, proxies: TrustedProxies | None) -> bool:
    """Whether this machine asks for itself, and not a proxy on it for somebody."""
    address = _address(request)
    forwarded = "x-forwarded-for" in request.headers or "forwarded" in request.headers
    is_proxy = proxies is not None and proxies.trusts(address)
    return address in LOOPBACK and not forwarded and not is_proxy


def _declare_key_schemes(app: FastAPI) -> None:
    plain = app.openapi

    def with_key_schemes() -> dict[str, Any]:
        document = plain()
        document.setdefault("components", {})["securitySchemes"] = {
            **KEY_SCHEMES,
            **QUERY_SCHEME,
        }
        return document

    app.openapi = with_key_schemes  # type: ignore[method-assign]  # FastAPI's way to add to it


def _manual(app: FastAPI) -> Callable[[], Any]:
    async def manual() -> HTMLResponse:
        return HTMLResponse(manual_page(app.openapi()))

    return manual


def _declare_contract(app: FastAPI, page: str) -> None:
    async def contract() -> Response:
        """What is forwarded and what is consumed, in Markdown."""
        return PlainTextResponse(page, media_type="text/markdown", headers=NO_STORE)

    app.add_api_route(
        "/protocol", contract, methods=["GET"], tags=["models"], response_class=PlainTextResponse
    )


def _headers(request: Request) -> Headers:
    headers: Headers = tuple(request.scope["headers"])
    if not _is_googles(request):
        return headers
    return with_query_key(headers, request.scope["query_string"])


def _address(request: Request) -> str | None:
    """The connection's other end; None on a socket of this machine's file system."""
    return None if request.client is None else request.client.host


def _is_googles(request: Request) -> bool:
    """Whether the caller speaks Google's protocol: by its path, or by what its SDKs send."""
    return request.url.path.startswith(GOOGLE) or any(
        name in request.headers for name in ("x-goog-api-key", "x-goog-api-client")
    )


def _anthropic_version(request: Request) -> bytes | None:
    return dict(request.scope["headers"]).get(b"anthropic-version")


async def _gateway_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, GatewayError)
    return _error(request, error.status, error.code, error.message)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = {
        404: "no such endpoint here; /docs lists them",
        405: "this endpoint does not take that method; /docs lists them",
    }.get(error.status_code, str(error.detail))
    code = {404: "unknown_path", 405: "method_not_allowed"}.get(error.status_code, "http_error")
    return _error(request, error.status_code, code, message, dict(error.headers or {}))


def _error(
    request: Request, status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> Response:
    """An error in the form of the protocol that the caller speaks."""
    if _is_googles(request):
        body: dict[str, object] = {"error": google_error(status, message, code)}
    elif _anthropic_version(request) is not None:
        kind = anthropic_messages.error_type(status)
        body = anthropic_messages.error_document(kind, message, None)
    else:
        body = openai_form.error_document(message, openai_form.error_type(status), code)
    return JSONResponse(body, status_code=status, headers={**NO_STORE, **(headers or {})})
