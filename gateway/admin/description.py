"""The admin API's OpenAPI document: what every operation has in common is said here."""

from typing import Any, Final

from fastapi import FastAPI

from gateway.admin.problems import MEDIA_TYPE, ProblemTold

DESCRIPTION: Final = """For those who run the gateway. Send a key of a role that may do what you
ask as `Authorization: Bearer`. Every change is a record of the ledger, with the key that made it.

Times are RFC 3339 in UTC, with the same time in microseconds since the epoch beside them; money is
in nano-USD, an integer. Parameters and fields that are not known are refused. Errors are
`application/problem+json` with a stable `code`."""

_SCHEMES: Final = {"bearer": {"type": "http", "scheme": "bearer"}}
_ALWAYS: Final = {
    "400": "The request is not HTTP as it should be, or brings two different keys.",
    "401": "No key, or none that holds.",
    "403": "The key lacks the permission, or a page of another site asks.",
    "421": "The host is none of the admin API's names.",
    "422": "A parameter or field is missing, wrong or not known.",
    "503": "The database does not answer, or too much is asked at once; ask again.",
}
_WITH_PATH: Final = {"404": "There is none of this name."}
_WITH_BODY: Final = {"413": "The body is too large."}
_OF_CHANGES: Final = {"409": "It is not in a state in which that can be done."}


def describe(app: FastAPI) -> None:
    """Have the application's document tell of keys and errors."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(plain())
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's way to add to it


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    components = document.setdefault("components", {})
    schema = ProblemTold.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = components.setdefault("schemas", {})
    schemas |= schema.pop("$defs", {}) | {"Problem": schema}
    for replaced in ("HTTPValidationError", "ValidationError"):
        schemas.pop(replaced, None)
    components["securitySchemes"] = _SCHEMES
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            operation["security"] = [{"bearer": []}]
            operation["responses"] |= {
                status: _problem(told) for status, told in _refusals(path, method, operation)
            }
    return document


def _refusals(path: str, method: str, operation: dict[str, Any]) -> list[tuple[str, str]]:
    told = dict(_ALWAYS)
    if "{" in path:
        told |= _WITH_PATH
    if method == "post":
        told |= _WITH_PATH | _OF_CHANGES
    if "requestBody" in operation:
        told |= _WITH_BODY
    return list(told.items())


def _problem(told: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": told, "content": {MEDIA_TYPE: {"schema": schema}}}
