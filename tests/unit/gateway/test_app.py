"""Everything but the hot road: who sees which models and figures, and how a wrong door answers."""

import httpx
import pytest

from gateway.app import create_app
from gateway.audit.writer import SilentMeter
from gateway.calls import Calls, Patience
from gateway.caps.port import CountersHealth
from gateway.configuration.watch import Standing
from gateway.front import Front
from gateway.roles import Role
from gateway.status import LedgerHealth, Status
from gateway.wire import families
from gateway.wire.gemini import google_error
from policy.types import Scope
from tests.fakes.configurations import GOOD, configured
from tests.fakes.road import ANSWER, CHAT, COUNT, MESSAGES, Road, says

MODELS = GOOD.replace(
    "models:\n",
    "models:\n  cheap: { targets: [deepseek/deepseek-chat] }\n"
    "  Qwen/Qwen3: { targets: [house/qwen3-coder] }\n",
    1,
).replace("    models: [coder]", "    models: [coder, cheap, Qwen/Qwen3]")
ELSEWHERE, HERE = ("10.0.0.9", 50_000), ("127.0.0.1", 50_000)
VERSION = {"anthropic-version": "2023-06-01"}
NOWHERE = [
    ("GET", "/v1/chat/completions/"),
    ("POST", "/v1/chat"),
    ("GET", "/admin"),
    ("PUT", "/v2"),
]


class Site:
    """The application of a road, asked from some address."""

    def __init__(self, road: Road) -> None:
        self.road = road
        self.status = Status(
            LedgerHealth(SilentMeter()),
            lambda: Standing.IN_FORCE,
            lambda: CountersHealth("in_process", 0),
            lambda: 0,
        )
        wires = tuple(road.wires.values())
        related = families(road.estimator.estimate)
        front = Front(
            wires,
            road.pipeline,
            Calls(Patience(), road.pipeline.callers.is_ended),
            road.records.new_audit_id,
            related,
        )
        self.app = create_app("1.2", wires, related, front, road.pipeline, self.status)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        client: tuple[str, int] = ELSEWHERE,
        headers: dict[str, str] | None = None,
        body: object = None,
    ) -> httpx.Response:
        known = {"authorization": f"Bearer {key}"} if key else {}
        transport = httpx.ASGITransport(self.app, client=client)
        async with httpx.AsyncClient(transport=transport, base_url="http://gate") as asking:
            return await asking.request(
                method, path, headers={**known, **(headers or {})}, json=body
            )

    async def get(self, path: str, **how: object) -> httpx.Response:
        return await self.ask("GET", path, **how)  # type: ignore[arg-type]  # handed through


@pytest.fixture
def site(tmp_path) -> Site:
    return Site(Road(configured(tmp_path, MODELS)))


def ids(answer: httpx.Response) -> list[str]:
    return [each["id"] for each in answer.json()["data"]]


async def test_a_team_sees_the_models_it_may_use_and_no_other(site):
    web, payments = await site.road.a_key("web"), await site.road.a_key("payments")
    assert ids(await site.get("/v1/models", key=web)) == ["coder", "cheap", "Qwen/Qwen3"]
    assert ids(await site.get("/v1/models", key=payments)) == ["coder"]


@pytest.mark.parametrize(
    "path", ["/v1/models", "/v1/models/coder", "/v1beta/models", "/v1/assistants"]
)
async def test_a_key_for_another_network_is_told_so_and_gets_no_list(site, path):
    key = await site.road.a_key("web", scope=Scope(networks=("127.0.0.0/8",)))
    assert (await site.get(path, key=key, client=HERE)).status_code == 200
    refused = await site.get(path, key=key)
    assert refused.status_code == 403
    told = "this request came from 10.0.0.9; ask your platform team for a key for where you are"
    assert told in refused.json()["error"]["message"]


async def test_a_caller_that_names_anthropics_version_gets_anthropics_shape(site):
    key = await site.road.a_key()
    answer = await site.get("/v1/models?limit=1", key=key, headers=VERSION)
    assert answer.json()["has_more"] is True
    assert answer.json()["data"][0]["type"] == "model"
    plain = await site.get("/v1/models?limit=1", key=key)
    assert plain.json()["object"] == "list"
    assert plain.json()["data"][0]["created"] == site.road.in_force.since_unix_seconds


@pytest.fixture
def aliased(tmp_path) -> Site:
    words = ", aliases: [claude-house], display_name: Qwen3, context_window: 32768 }"
    return Site(Road(configured(tmp_path, GOOD.replace(" }\nteams:", f"{words}\nteams:"))))


async def test_claude_codes_discovery_finds_the_names_it_looks_for(aliased):
    key = await aliased.road.a_key()
    both = {**VERSION, "x-api-key": key, "user-agent": "claude-code/2.1.329"}
    answer = await aliased.get("/v1/models?limit=1000", key=key, headers=both)
    assert (answer.status_code, answer.json()["has_more"]) == (200, False)
    kept = [each for each in answer.json()["data"] if "claude" in each["id"]]
    assert [(each["id"], each["display_name"]) for each in kept] == [
        ("claude-house", "Qwen3 (claude-house)")
    ]
    assert kept[0]["max_input_tokens"] == 32_768


async def test_an_alias_is_told_like_a_model_and_in_no_other_spelling(aliased):
    key = await aliased.road.a_key()
    one = (await aliased.get("/v1/models/claude-house", key=key)).json()
    assert (one["id"], one["root"], one["max_model_len"]) == ("claude-house", "coder", 32_768)
    assert (await aliased.get("/v1/models/Claude-House", key=key)).status_code == 404


async def test_a_page_that_makes_no_sense_is_refused(site):
    answer = await site.get("/v1/models?limit=0", key=await site.road.a_key(), headers=VERSION)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
    assert error["message"].startswith("'limit' must be")


@pytest.mark.parametrize("name", ["coder", "Qwen/Qwen3"])
@pytest.mark.parametrize(("headers", "kind"), [({}, "object"), (VERSION, "type")])
async def test_one_model_is_told_as_it_stands_in_the_list(site, name, headers, kind):
    key = await site.road.a_key()
    one = await site.get(f"/v1/models/{name}", key=key, headers=headers)
    assert (one.json()["id"], one.json()[kind]) == (name, "model")
    assert one.json() in (await site.get("/v1/models", key=key, headers=headers)).json()["data"]


async def test_a_model_of_another_team_is_not_told_from_one_that_is_not_there(site):
    key = await site.road.a_key("payments")
    others, none = (
        await site.get("/v1/models/cheap", key=key),
        await site.get("/v1/models/no-such", key=key),
    )
    assert (others.status_code, others.json()["error"]["code"]) == (404, "model_not_found")
    assert others.text.replace("cheap", "no-such") == none.text


NOT_OFFERED = "model 'nope' is not offered to you; GET /v1/models lists yours"
IN_OPENAIS_FORM = {
    "error": {
        "message": NOT_OFFERED,
        "type": "invalid_request_error",
        "param": None,
        "code": "model_not_found",
    }
}
IN_ANTHROPICS_FORM = {
    "type": "error",
    "error": {"type": "not_found_error", "message": NOT_OFFERED},
    "request_id": None,
}
IN_GOOGLES_FORM = {"error": google_error(404, NOT_OFFERED, "model_not_found")}


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, IN_OPENAIS_FORM),
        (VERSION, IN_ANTHROPICS_FORM),
        ({"x-goog-api-client": "google-genai-sdk/3.3.0"}, IN_GOOGLES_FORM),
    ],
)
async def test_a_model_that_is_not_there_is_told_in_the_form_of_who_asks(site, headers, told):
    key = await site.road.a_key()
    answer = await site.get("/v1/models/nope", key=key, headers=headers)
    assert (answer.status_code, answer.json()) == (404, told)


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/coder"])
async def test_the_models_are_for_developers_with_a_key(site, path):
    admin = await site.road.a_key("ops", Role.ADMIN)
    for key in (None, "gth_wrong", admin):
        answer = await site.get(path, key=key)
        assert (answer.status_code, answer.json()["error"]["type"]) == (401, "authentication_error")
        assert "coder" not in answer.text


async def test_a_configuration_taken_later_is_seen_at_once(site, tmp_path):
    key = await site.road.a_key()
    site.road.in_force.replace(configured(tmp_path), 1_800_000_000)
    answer = await site.get("/v1/models", key=key)
    assert [(each["id"], each["created"]) for each in answer.json()["data"]] == [
        ("coder", 1_800_000_000)
    ]


async def test_figures_are_free_on_this_machine(site):
    answer = await site.get("/metrics", client=HERE)
    assert answer.status_code == 200
    assert "gatehouse_in_flight" in answer.text


@pytest.mark.parametrize("client", [ELSEWHERE, ("::ffff:10.0.0.9", 1), ("unix", 0)])
async def test_figures_need_an_administrators_key_from_elsewhere(site, client):
    developer = await site.road.a_key()
    admin = await site.road.a_key("ops", Role.ADMIN)
    asked = [await site.get("/metrics", client=client, key=key) for key in (None, developer, admin)]
    assert [each.status_code for each in asked] == [401, 401, 200]
    assert "gatehouse_in_flight" not in asked[0].text + asked[1].text


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded"])
async def test_what_a_proxy_on_this_machine_passes_on_is_not_from_this_machine(site, header):
    answer = await site.get("/metrics", client=HERE, headers={header: "127.0.0.1"})
    assert answer.status_code == 401


async def test_a_stranger_cannot_claim_to_be_local(site):
    forged = {"x-forwarded-for": "127.0.0.1", "x-real-ip": "127.0.0.1", "host": "127.0.0.1"}
    assert (await site.get("/metrics", headers=forged)).status_code == 401


@pytest.mark.parametrize(
    ("trusted", "client", "status"),
    [("10.0.0.0/16", HERE, 200), ("127.0.0.0/8", HERE, 401), ("10.0.0.0/16", ELSEWHERE, 401)],
)
async def test_where_a_trusted_proxy_runs_on_this_machine_metrics_want_a_key(
    tmp_path, trusted, client, status
):
    behind = Site(Road(configured(tmp_path, f"{GOOD}server: {{ trusted_proxies: [{trusted}] }}\n")))
    assert (await behind.get("/metrics", client=client)).status_code == status
    named = {"x-forwarded-for": "127.0.0.1"}
    assert (await behind.get("/metrics", client=client, headers=named)).status_code == 401
    admin = await behind.road.a_key("ops", Role.ADMIN)
    assert (await behind.get("/metrics", client=client, key=admin)).status_code == 200


@pytest.mark.parametrize(("method", "path"), NOWHERE)
async def test_no_such_endpoint_is_said_as_an_error_and_never_redirected(site, method, path):
    answer = await site.ask(method, path)
    assert answer.status_code == 404
    assert answer.json() == {
        "error": {
            "message": "no such endpoint here; /docs lists them",
            "type": "invalid_request_error",
            "param": None,
            "code": "unknown_path",
        },
    }


@pytest.mark.parametrize(
    ("method", "path", "allowed"), [("GET", CHAT, "POST"), ("DELETE", "/v1/models", "GET")]
)
async def test_another_method_is_said_with_the_one_that_is_taken(site, method, path, allowed):
    answer = await site.ask(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize("path", ["/", "/api/hello", "/health", "/healthz"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_assistants_that_knock_are_answered_without_a_key_or_a_record(site, method, path):
    assert (await site.ask(method, path)).status_code == 200
    assert site.road.ledger.bodies == []


async def test_readiness_is_a_status_that_balancers_understand(site):
    assert (await site.get("/readyz")).status_code == 200
    site.status.ledger.records_failed(1, "database")
    answer = await site.get("/readyz")
    assert (answer.status_code, answer.json()["ledger"]) == (503, "refusing")
    assert (await site.get("/healthz")).status_code == 200


@pytest.mark.parametrize("path", ["/v1/models", "/metrics", "/readyz", "/healthz", "/", "/nowhere"])
async def test_no_answer_is_kept_by_a_cache(site, path):
    answer = await site.get(path, key=await site.road.a_key(), client=HERE)
    assert answer.headers["cache-control"] == "no-store"


async def test_the_openapi_document_lists_every_wire_and_how_to_send_the_key(site):
    document = (await site.get("/openapi.json")).json()
    for path in (CHAT, MESSAGES, COUNT):
        assert document["paths"][path]["post"]["summary"]
        assert {"bearer": []} in document["paths"][path]["post"]["security"]
    assert {"/v1/models", "/metrics", "/readyz"} <= set(document["paths"])
    assert document["info"]["version"] == "1.2"


async def test_every_way_to_send_the_key_is_declared(site):
    document = (await site.get("/openapi.json")).json()
    named = {name for each in document["paths"][CHAT]["post"]["security"] for name in each}
    schemes = set(document["components"]["securitySchemes"])
    assert named == schemes - {"key"}
    googles = document["paths"]["/v1beta/models/{model}:generateContent"]["post"]
    assert {name for each in googles["security"] for name in each} == schemes


async def test_the_manual_lists_the_endpoints_and_fetches_nothing_from_elsewhere(site):
    answer = await site.get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    assert f"POST {MESSAGES}" in answer.text
    assert "<script" not in answer.text
    assert "http" not in answer.text


@pytest.mark.parametrize("path", ["/redoc", "/docs/oauth2-redirect"])
async def test_the_viewers_that_fetch_scripts_are_not_there(site, path):
    assert (await site.get(path)).status_code == 404


async def test_without_a_front_the_application_answers_a_model_endpoint_itself(site):
    site.road.direct.replies = [says(ANSWER)]
    said = [{"role": "user", "content": "hello"}]
    answer = await site.ask(
        "POST", CHAT, key=await site.road.a_key(), body={"model": "coder", "messages": said}
    )
    assert (answer.status_code, answer.content) == (200, ANSWER)
    assert answer.headers["x-gatehouse-audit-id"] == site.road.ledger.bodies[0]["exchange_id"]


GOOGLE = {"x-goog-api-client": "google-genai-sdk/3.3.0"}


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/v1beta/models", {}), ("/v1/models", GOOGLE), ("/v1beta/models", VERSION)],
)
async def test_a_google_client_gets_googles_list(site, path, headers):
    key = await site.road.a_key()
    listed = (await site.get(path, key=key, headers=headers)).json()["models"]
    assert [model["name"] for model in listed] == [
        "models/coder",
        "models/cheap",
        "models/Qwen/Qwen3",
    ]
    one = await site.get(f"{path}/Qwen/Qwen3", key=key, headers=headers)
    assert one.json() == listed[-1]


async def test_googles_list_takes_the_key_from_the_query(site):
    key = await site.road.a_key()
    assert (await site.get(f"/v1beta/models?key={key}")).status_code == 200
    assert (await site.get(f"/v1/models?key={key}")).status_code == 401
    assert (await site.get(f"/metrics?key={key}")).status_code == 401


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/v1beta/models", 401, "UNAUTHENTICATED"),
        ("/v1beta/nowhere", 404, "NOT_FOUND"),
        ("/v1beta/models/nope?key={key}", 404, "NOT_FOUND"),
        ("/v1beta/models?pageSize=0&key={key}", 400, "INVALID_ARGUMENT"),
    ],
)
async def test_below_googles_paths_errors_are_googles(site, path, status, word):
    answer = await site.get(path.format(key=await site.road.a_key()))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (status, status, word)


async def test_without_a_front_the_application_answers_a_familys_paths_the_same(site):
    chunk = b'{"candidates":[{"content":{"parts":[{"text":"hi"}]},"finishReason":"STOP"}]}'
    body = {"contents": [{"parts": [{"text": "hello"}]}]}
    key = await site.road.a_key()
    for name in ("coder", "Qwen/Qwen3", "Qwen%2FQwen3"):
        site.road.translator.replies = [says(chunk)]
        answer = await site.ask(
            "POST", f"/v1beta/models/{name}:generateContent?key={key}", body=body
        )
        assert answer.content == chunk
        assert site.road.translator.calls[-1].body == b'{"contents":[{"parts":[{"text":"hello"}]}]}'
    assert key not in str(site.road.ledger.bodies)


@pytest.mark.parametrize("action", ["embedContent", "GenerateContent", ""])
async def test_an_action_that_is_none_is_no_endpoint(site, action):
    answer = await site.ask("POST", f"/v1beta/models/coder:{action}", key=await site.road.a_key())
    assert answer.status_code in (404, 405)
    assert answer.json()["error"]["code"] == answer.status_code


async def test_the_protocol_page_is_markdown_and_for_everybody(site):
    answer = await site.get("/protocol")
    assert (answer.status_code, answer.headers["content-type"]) == (
        200,
        "text/markdown; charset=utf-8",
    )
    assert answer.text.startswith("# What this gateway forwards")
    assert "Gatehouse 1.2." in answer.text
