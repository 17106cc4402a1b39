"""The OpenAPI document tells of every answer that an operation gives."""

from typing import Any

import pytest

from tests.fakes.admin import AdminApi


@pytest.fixture
async def document(api: AdminApi) -> dict[str, Any]:
    return dict((await api.get("/openapi.json", None)).json())


def test_every_operation_takes_a_key_and_may_refuse(document: dict[str, Any]) -> None:
    operations = [each for path in document["paths"].values() for each in path.values()]
    for operation in operations:
        assert operation["security"] == [{"bearer": []}]
        for status in ("400", "401", "403", "421", "422", "503"):
            content = operation["responses"][status]["content"]
            assert list(content) == ["application/problem+json"]
        assert operation["description"] or operation["summary"]


def test_what_takes_a_name_or_changes_something_says_what_else_may_come(
    document: dict[str, Any],
) -> None:
    assert "404" in document["paths"]["/admin/v1/teams/{name}"]["get"]["responses"]
    assert "404" not in document["paths"]["/admin/v1/teams"]["get"]["responses"]
    made = document["paths"]["/admin/v1/keys"]["post"]["responses"]
    assert {"201", "404", "409", "413"} <= set(made)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert {"Problem", "Flaw", "KeyTold"} <= set(schemas)
    assert not {"HTTPValidationError", "ValidationError"} & set(schemas)
    references = [part.split('"')[0] for part in str(document).replace("'", '"').split("schemas/")]
    assert set(references[1:]) <= set(schemas)


def test_every_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    names = [each["operationId"] for path in document["paths"].values() for each in path.values()]
    assert len(names) == len(set(names))
