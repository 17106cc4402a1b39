"""The admin API as one FastAPI application: one resource after another, strict in what it takes."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, get_type_hints

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from gateway.admin import problems
from gateway.admin.break_glass import BreakGlassResource
from gateway.admin.caps import CapsResource
from gateway.admin.description import DESCRIPTION, describe
from gateway.admin.desk import Desk
from gateway.admin.forms import Queried
from gateway.admin.guard import ROOT
from gateway.admin.keys import KeysResource
from gateway.admin.ledger import LedgerResource
from gateway.admin.policy import PolicyResource
from gateway.admin.problems import Flaw, Problem
from gateway.admin.proposals import ProposalsResource
from gateway.admin.registers import RegistersResource
from gateway.admin.status import StatusResource
from gateway.admin.subjects import SubjectsResource
from gateway.admin.teams import TeamsResource
from gateway.admin.usage import UsageResource
from gateway.admin.users import UsersResource
from gateway.admin.versions import VersionsResource
from gateway.errors import GatewayError
from gateway.manual import manual_page

RESOURCES = (
    StatusResource,
    TeamsResource,
    UsersResource,
    SubjectsResource,
    KeysResource,
    UsageResource,
    CapsResource,
    RegistersResource,
    PolicyResource,
    VersionsResource,
    ProposalsResource,
    BreakGlassResource,
    LedgerResource,
)
"""In the order in which the manual tells of them."""


def create_admin_app(desk: Desk) -> FastAPI:
    """Declare every route. `gateway.admin.guard.Guard` must stand before it."""
    app = FastAPI(
        title="Gatehouse admin API",
        version=desk.version,
        description=DESCRIPTION,
        openapi_url=f"{ROOT}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(refuse_unknown_parameters)],
    )
    for resource in RESOURCES:
        resource(desk).declare(app)
    describe(app)

    async def manual() -> HTMLResponse:
        return HTMLResponse(manual_page(app.openapi(), f"{ROOT}/openapi.json"))

    app.add_api_route(f"{ROOT}/docs", manual, include_in_schema=False, response_class=HTMLResponse)
    app.add_exception_handler(Problem, problems.say_problem)
    app.add_exception_handler(GatewayError, problems.say_gateway_error)
    app.add_exception_handler(HTTPException, problems.say_http_error)
    app.add_exception_handler(RequestValidationError, problems.say_invalid)
    app.add_exception_handler(SQLAlchemyError, problems.say_database_error)
    app.add_exception_handler(TimeoutError, problems.say_database_error)
    app.add_exception_handler(Exception, problems.say_broken)
    return app


async def refuse_unknown_parameters(request: Request) -> None:
    """A filter that is misspelt must not pass for none. Raises a problem (422)."""
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    known = parameters_of(route.endpoint)
    names = [name for name, _ in request.query_params.multi_items()]
    flaws = [_flaw(name, known) for name in dict.fromkeys(names) if name not in known]
    flaws += [
        Flaw(where=f"query.{name}", message="came twice: give it once")
        for name in dict.fromkeys(names)
        if name in known and names.count(name) > 1
    ]
    if flaws:
        told = "; ".join(f"{each.where}: {each.message}" for each in flaws[:3])
        raise Problem(422, "invalid_request", told, flaws)


@lru_cache(maxsize=256)
def parameters_of(endpoint: Callable[..., Any]) -> frozenset[str]:
    """The names that a route takes in its query: the fields of its `Queried`."""
    kinds = get_type_hints(endpoint).values()
    taken = [each for each in kinds if isinstance(each, type) and issubclass(each, Queried)]
    return frozenset(name for each in taken for name in each.model_fields)


def _flaw(name: str, known: frozenset[str]) -> Flaw:
    listed = ", ".join(sorted(known)) or "none"
    return Flaw(where=f"query.{name[:40]}", message=f"is no parameter here; there are: {listed}")
