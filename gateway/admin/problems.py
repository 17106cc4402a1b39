"""What the admin API answers when it does not do what was asked: RFC 9457, with a stable code."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.errors import GatewayError

MEDIA_TYPE: Final = "application/problem+json"
_CODES: Final = {404: "unknown_path", 405: "method_not_allowed"}
_TOLD: Final = {
    404: "there is no such path here; /admin/v1/docs lists them",
    405: "this path does not take that method; /admin/v1/docs lists them",
}

_WORDS: Final = {"extra_forbidden": "is no field here", "missing": "is required"}


class Flaw(BaseModel):
    """One thing that is wrong with a request, and where it stands."""

    model_config = ConfigDict(frozen=True)

    where: str = Field(examples=["query.limit", "body.models.0"])
    message: str


class ProblemTold(BaseModel):
    """The body of every answer of 400 and above."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(default="about:blank")
    title: str = Field(description="The status in words.")
    status: int
    code: str = Field(description="A stable word for machines.", examples=["unknown_team"])
    detail: str = Field(description="What was wrong, and what to do.")
    errors: tuple[Flaw, ...] = Field(default=(), description="Where, if in several places.")


class Problem(Exception):
    """A request that is not carried out."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        errors: Sequence[Flaw] = (),
        *,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after_seconds = retry_after_seconds

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        """The answer that says so."""
        told = ProblemTold(
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            code=self.code,
            detail=self.detail,
            errors=self.errors,
        )
        sent = dict(headers or {})
        if self.retry_after_seconds is not None:
            sent["retry-after"] = str(self.retry_after_seconds)
        if self.status == 401:
            sent["www-authenticate"] = 'Bearer realm="gatehouse admin"'
        return JSONResponse(told.model_dump(), self.status, sent, MEDIA_TYPE)


def of_gateway(error: GatewayError) -> Problem:
    """An error that other parts of the gateway raise."""
    return Problem(
        error.status, error.code, error.message, retry_after_seconds=error.retry_after_seconds
    )


async def say_problem(_: Request, error: Exception) -> Response:
    """Of a resource."""
    assert isinstance(error, Problem)
    return error.response()


async def say_gateway_error(_: Request, error: Exception) -> Response:
    """Of another part of the gateway."""
    assert isinstance(error, GatewayError)
    return of_gateway(error).response()


async def say_http_error(request: Request, error: Exception) -> Response:
    """Of the framework: no such path, another method, a body that is no JSON."""
    assert isinstance(error, HTTPException)
    status = error.status_code
    detail = _TOLD.get(status, str(error.detail))
    allow = {"allow": ", ".join(_methods_at(request))} if status == 405 else {}
    return Problem(status, _CODES.get(status, "bad_request"), detail).response(allow)


async def say_invalid(_: Request, error: Exception) -> Response:
    """Of a request that is not as it is documented. Names places, never values."""
    assert isinstance(error, RequestValidationError)
    flaws = [_flaw(each) for each in error.errors()]
    told = "; ".join(f"{each.where}: {each.message}" for each in flaws[:3])
    return Problem(422, "invalid_request", told, flaws).response()


async def say_database_error(_: Request, __: Exception) -> Response:
    """Of the database: it may be well again in a moment."""
    told = "the database does not answer; ask again"
    return Problem(503, "database_unavailable", told, retry_after_seconds=2).response()


async def say_broken(_: Request, __: Exception) -> Response:
    """Of what should not happen; the gateway's log has more."""
    return Problem(500, "internal_error", "this went wrong in the gateway; see its log").response()


def _methods_at(request: Request) -> list[str]:
    """All that the path takes; the framework knows those of the first route that fits it."""
    fitting = [
        route
        for route in request.app.routes
        if isinstance(route, APIRoute) and route.path_regex.match(request.scope["path"])
    ]
    return sorted({method for route in fitting for method in route.methods or ()})


def _flaw(found: Mapping[str, Any]) -> Flaw:
    kind, place = found["type"], ".".join(str(each) for each in found["loc"])
    if kind == "json_invalid":
        return Flaw(where="body", message="is no JSON")
    message = str(found["msg"]).removeprefix("Value error, ")
    return Flaw(where=place, message=_WORDS.get(kind, message))
