"""What lies around `POST /v1/responses` and is not served: said at once, in the protocol's form."""

from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from gateway.wire.openai_form import error_document

_PATH: Final = "/v1/responses"
_KEPT: Final = (
    ("{response_id}", ("GET", "DELETE")),
    ("{response_id}/cancel", ("POST",)),
    ("{response_id}/input_items", ("GET",)),
)
_HELPERS: Final = ("compact", "input_tokens")
_NO_STORE: Final = {"cache-control": "no-store"}


def declare_responses_paths(app: FastAPI) -> None:
    """Declare them, so that a client learns why and not only that."""
    app.add_api_route(_PATH, _open_socket, methods=["GET"], include_in_schema=False)
    for name in _HELPERS:  # before the answers' ids, which would take their names
        app.add_api_route(f"{_PATH}/{name}", _no_helper, methods=["POST"], include_in_schema=False)
    for path, methods in _KEPT:
        app.add_api_route(
            f"{_PATH}/{path}", _not_kept, methods=list(methods), include_in_schema=False
        )


async def _open_socket(request: Request) -> Response:
    """Codex asks for a WebSocket first: after a 426 it goes on by POST at once."""
    if "upgrade" not in request.headers:
        message = f"POST a request to {_PATH}; answers are not listed"
        return _error(405, "method_not_allowed", message, {"allow": "POST"})
    message = f"WebSockets are not served here: POST to {_PATH} and stream the answer"
    return _error(426, "upgrade_required", message, {"upgrade": "HTTP/1.1"})


async def _not_kept(request: Request) -> Response:
    message = (
        "the gateway keeps no answers: they cannot be fetched, deleted or cancelled by id here; "
        "to go on from one send its id as 'previous_response_id', or the whole conversation"
    )
    return _error(404, "response_not_kept", message)


async def _no_helper(request: Request) -> Response:
    message = f"{request.url.path} is not served here; POST to {_PATH}"
    return _error(404, "unknown_path", message)


def _error(
    status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    error = error_document(message, "invalid_request_error", code)
    return JSONResponse(error, status, headers={**_NO_STORE, **(headers or {})})
