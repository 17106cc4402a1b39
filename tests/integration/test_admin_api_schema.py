"""The admin API of a real gateway does what its OpenAPI document says, whatever is sent to it."""

import json
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings, strategies
from schemathesis.checks import CHECKS
from schemathesis.generation.modes import GenerationMode

from gateway.admin.application import create_admin_app
from tests.fakes.configurations import VENDORS
from tests.fakes.serving import Serving, serving_gateway
from tests.fakes.used import file_uses, some_uses

CONFIGURATION = """\
vendors:
  house: { kind: in_house, base_url: "http://127.0.0.1:9", wires: [openai_chat] }
models:
  coder: { targets: [house/qwen3-coder] }
teams:
  default: { models: [coder], data_class: internal, limits: { parallel: 4, usd_per_day: 5 } }
policy: [rules.yaml]
registers: { vendors: vendors.yaml }
"""
RULES = "rules: [{ id: no-codex, effect: deny, match: { assistants: [codex] }, reason: x }]\n"
WISH = {"reason": "it is down", "for_seconds": 60, "lifts": {"rules": ["no-codex"]}}
ANN = {"user": "ann", "team": "default"}

NOT_PROMISED = {"positive_data_acceptance"}
"""A body may be as documented, and name a team that there is not: 422."""


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A gateway that has something to tell, and whose configuration has changed once."""
    folder = tmp_path_factory.mktemp("admin")
    file_uses(folder / "data", some_uses(40))
    (folder / "rules.yaml").write_text(RULES)
    (folder / "vendors.yaml").write_text(VENDORS)
    with serving_gateway(folder, CONFIGURATION) as serving:
        file = folder / "gatehouse.yaml"
        file.write_text(CONFIGURATION.replace("parallel: 4", "parallel: 5"))
        deadline = time.monotonic() + 30
        while len(asked(serving, "GET", "/policy/versions").json()["versions"]) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield serving


def asked(serving: Serving, method: str, path: str, body: object = None) -> httpx.Response:
    """One request of an administrator's."""
    headers = {"authorization": f"Bearer {serving.admin_key}"}
    url = f"{serving.admin_url}/admin/v1{path}"
    return httpx.request(
        method, url, json=body, headers=headers, trust_env=False, timeout=httpx.Timeout(30)
    )


ROOT = "/admin/v1"
NO_DESK: Any = SimpleNamespace(version="0.1.0", keys=None)  # it is not sat at
DOCUMENT = create_admin_app(NO_DESK).openapi()
schema = schemathesis.openapi.from_dict(DOCUMENT)


OPERATIONS = [
    f"{method.upper()} {path.removeprefix(ROOT)}"
    for path, operations in DOCUMENT["paths"].items()
    for method in operations
]


# Not by `schema.parametrize()`: its tests have one id in common, and xdist runs one of them.
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("mode", GenerationMode)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=strategies.data())
def test_every_answer_is_one_that_is_documented(
    operation: str, mode: GenerationMode, data: strategies.DataObject, serving: Serving
) -> None:
    method, path = operation.split()
    case = data.draw(schema[ROOT + path][method].as_strategy(generation_mode=mode))
    excluded = [check for check in CHECKS.get_all() if check.__name__ in NOT_PROMISED]
    case.call_and_validate(
        base_url=serving.admin_url,
        headers={"Authorization": f"Bearer {serving.admin_key}"},
        excluded_checks=excluded,
    )


def made(serving: Serving, path: str, body: object) -> str:
    """The id of something new."""
    told = asked(serving, "POST", path, body).json()
    return str(told.get("key", told)["id"])


RIGHT: dict[str, Callable[[Serving], tuple[str, object]]] = {
    "GET /status": lambda _: ("/status", None),
    "GET /whoami": lambda _: ("/whoami", None),
    "GET /teams": lambda _: ("/teams", None),
    "GET /teams/{name}": lambda _: ("/teams/default", None),
    "GET /users": lambda _: ("/users?team=web", None),
    "GET /subjects": lambda _: ("/subjects", None),
    "POST /subjects/block": lambda _: ("/subjects/block", {"user": "eve"}),
    "POST /subjects/unblock": lambda _: ("/subjects/unblock", {"service": "ci"}),
    "POST /subjects/grant": lambda _: ("/subjects/grant", {"user": "kim", "role": "finance"}),
    "POST /subjects/take-back": lambda s: (
        "/subjects/take-back",
        asked(s, "POST", "/subjects/grant", wish := {"user": "lea", "role": "finance"}) and wish,
    ),
    "GET /keys": lambda _: ("/keys?state=active", None),
    "POST /keys": lambda _: ("/keys", ANN),
    "POST /revocations": lambda s: ("/revocations", made(s, "/keys", ANN) and {"user": "ann"}),
    "GET /keys/{key_id}": lambda s: (f"/keys/{made(s, '/keys', ANN)}", None),
    "POST /keys/{key_id}/rotate": lambda s: (f"/keys/{made(s, '/keys', ANN)}/rotate", {}),
    "POST /keys/{key_id}/revoke": lambda s: (f"/keys/{made(s, '/keys', ANN)}/revoke", None),
    "GET /usage": lambda _: ("/usage?by=day,user&since=2026-09-01&sort=name", None),
    "GET /caps": lambda _: ("/caps?team=default", None),
    "GET /registers/vendors": lambda _: ("/registers/vendors", None),
    "GET /registers/assistants": lambda _: ("/registers/assistants", None),
    "GET /policy": lambda _: ("/policy", None),
    "GET /policy/versions": lambda _: ("/policy/versions", None),
    "GET /policy/versions/{digest}": lambda _: ("/policy/versions/previous", None),
    "GET /policy/proposals": lambda _: ("/policy/proposals", None),
    "POST /policy/rollback": lambda _: ("/policy/rollback", {"reason": "x"}),
    "POST /policy/resume": lambda s: (
        "/policy/resume",
        asked(s, "POST", "/policy/rollback", {"reason": "x"}) and {"reason": "y"},
    ),
    "GET /break-glass": lambda s: (
        f"/break-glass?state={made(s, '/break-glass', WISH) and 'open'}",
        None,
    ),
    "POST /break-glass": lambda _: ("/break-glass", WISH),
    "GET /break-glass/{glass_id}": lambda s: (
        f"/break-glass/{made(s, '/break-glass', WISH)}",
        None,
    ),
    "POST /break-glass/{glass_id}/close": lambda s: (
        f"/break-glass/{made(s, '/break-glass', WISH)}/close",
        None,
    ),
    "GET /ledger": lambda _: ("/ledger?limit=3", None),
    "GET /ledger/{record_id}": lambda s: (f"/ledger/{made(s, '/keys', ANN)}", None),
}
"""Every operation as it is asked rightly; what it needs is made before."""

ELSEWHERE = {
    "POST /break-glass/{glass_id}/approve",
    "GET /policy/proposals/{proposal_id}",
    "POST /policy/proposals/{proposal_id}/propose",
    "POST /policy/proposals/{proposal_id}/approve",
    "POST /policy/proposals/{proposal_id}/refuse",
}
"""These take two people, whom `test_break_glass.py` and `test_proposals.py` of
`tests/unit/gateway/admin` have."""


@pytest.mark.parametrize("operation", RIGHT)
def test_what_is_asked_rightly_is_done_and_told_as_documented(
    operation: str, serving: Serving
) -> None:
    method, template = operation.split()
    path, body = RIGHT[operation](serving)
    answer = asked(serving, method, path, body)
    assert answer.is_success, answer.text
    schema[ROOT + template][method].validate_response(answer)


def test_no_operation_is_forgotten() -> None:
    assert set(OPERATIONS) == {*RIGHT, *ELSEWHERE}


def test_the_document_is_the_one_that_is_served(serving: Serving) -> None:
    served = httpx.get(
        f"{serving.admin_url}/admin/v1/openapi.json", trust_env=False, timeout=60.0
    ).json()
    assert served == json.loads(json.dumps(DOCUMENT))


def test_the_key_still_holds_after_all_that(serving: Serving) -> None:
    """What was sent has not revoked the key that sent it: the answers were not all 401."""
    headers = {"authorization": f"Bearer {serving.admin_key}"}
    answer = httpx.get(
        f"{serving.admin_url}/admin/v1/whoami", headers=headers, trust_env=False, timeout=60.0
    )
    assert answer.status_code == 200
