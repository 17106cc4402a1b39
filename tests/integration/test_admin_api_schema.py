"""The admin API of a real gateway does what its OpenAPI document says, whatever is sent to it."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS

from gateway.admin.application import create_admin_app
from tests.fakes.serving import Serving, serving_gateway
from tests.fakes.used import file_uses, some_uses

NOT_PROMISED = {"positive_data_acceptance"}
"""A body may be as documented, and name a team that there is not: 422."""


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A gateway that has something to tell, and an administrator's key of its own."""
    folder = tmp_path_factory.mktemp("admin")
    file_uses(folder / "data", some_uses(40))
    with serving_gateway(folder) as serving:
        yield serving


NO_DESK: Any = SimpleNamespace(version="0.1.0", keys=None)  # it is not sat at
DOCUMENT = create_admin_app(NO_DESK).openapi()
schema = schemathesis.openapi.from_dict(DOCUMENT)


@schema.parametrize()
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
def test_every_answer_is_one_that_is_documented(case: schemathesis.Case, serving: Serving) -> None:
    excluded = [check for check in CHECKS.get_all() if check.__name__ in NOT_PROMISED]
    case.call_and_validate(
        base_url=serving.admin_url,
        headers={"Authorization": f"Bearer {serving.admin_key}"},
        excluded_checks=excluded,
    )


def test_the_document_is_the_one_that_is_served(serving: Serving) -> None:
    served = httpx.get(f"{serving.admin_url}/admin/v1/openapi.json", trust_env=False).json()
    assert served == json.loads(json.dumps(DOCUMENT))


def test_the_key_still_holds_after_all_that(serving: Serving) -> None:
    """What was sent has not revoked the key that sent it: the answers were not all 401."""
    headers = {"authorization": f"Bearer {serving.admin_key}"}
    answer = httpx.get(f"{serving.admin_url}/admin/v1/whoami", headers=headers, trust_env=False)
    assert answer.status_code == 200
