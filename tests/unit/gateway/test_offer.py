"""A team is offered its models under all their names, with the limits of what answers it."""

from contextlib import nullcontext as does_not_raise

import pytest

from gateway.configuration.build import Configuration, load
from gateway.configuration.shipped import Shipped
from gateway.errors import NotAuthenticated, WrongNetwork
from gateway.offer import Offer
from gateway.wire.model_lists import ListedModel
from policy.types import Scope
from providers.catalogue import Limits
from providers.vendors import RECORDS
from tests.fakes.configurations import ENVIRON, GOOD, write, write_registered
from tests.fakes.policy_files import with_rules
from tests.fakes.road import Road

BOOK = {"deepseek-chat": Limits(128_000, 8_000)}
SHIPPED = Shipped(RECORDS, lambda kind, model: True, lambda kind, model: BOOK.get(model, Limits()))
VENDOR_FIRST = GOOD.replace(
    "[house/qwen3-coder, deepseek/deepseek-chat]", "[deepseek/deepseek-chat, house/qwen3-coder]"
)
SINCE = 1_795_000_000
HERE = "10.1.2.3"


def built(tmp_path, text: str = GOOD, coder: str = "") -> Configuration:
    text = text.replace(" }\nteams:", f"{coder} }}\nteams:")
    return load(write(tmp_path, text), ENVIRON, SHIPPED)


async def offered(
    configuration: Configuration,
    team: str = "web",
    scope: Scope | None = None,
    address: str | None = HERE,
) -> list[ListedModel]:
    road = Road(configuration)
    key = await road.a_key(team, scope=scope)
    return await Offer(road.pipeline).to(((b"x-api-key", key.encode()),), address)


async def test_nobody_is_offered_anything_without_a_key(tmp_path):
    offer = Offer(Road(built(tmp_path)).pipeline)
    with pytest.raises(NotAuthenticated):
        await offer.to((), HERE)


async def test_the_window_is_that_of_the_target_that_answers_first(tmp_path):
    (unknown,) = await offered(built(tmp_path))
    assert unknown == ListedModel("coder", SINCE, None, None, "coder", root="coder")
    (known,) = await offered(built(tmp_path, VENDOR_FIRST))
    assert (known.input_tokens_limit, known.output_tokens_limit) == (128_000, 8_000)


async def test_a_team_that_a_target_is_not_cleared_for_is_not_told_its_window(tmp_path):
    (seen,) = await offered(built(tmp_path, VENDOR_FIRST), "payments")
    assert (seen.input_tokens_limit, seen.output_tokens_limit) == (None, None)


async def test_what_is_written_is_told_to_everybody(tmp_path):
    configuration = built(tmp_path, VENDOR_FIRST, ", context_window: 9000, output_limit: 800")
    for team in ("web", "payments"):
        (seen,) = await offered(configuration, team)
        assert (seen.input_tokens_limit, seen.output_tokens_limit) == (9_000, 800)


async def test_aliases_stand_after_the_models_with_what_they_stand_for(tmp_path):
    text = GOOD.replace("models:\n", "models:\n  tiny: { targets: [house/t], aliases: [t] }\n", 1)
    text = text.replace("    models: [coder]", "    models: [tiny, coder]")
    listed = await offered(built(tmp_path, text, ", aliases: [claude-a, b]"))
    assert [(each.id, each.root) for each in listed] == [
        ("tiny", "tiny"),
        ("coder", "coder"),
        ("t", "tiny"),
        ("claude-a", "coder"),
        ("b", "coder"),
    ]


async def test_no_title_stands_in_the_list_twice(tmp_path):
    titled = await offered(built(tmp_path, coder=", display_name: Qwen, aliases: [claude-a]"))
    assert [each.title for each in titled] == ["Qwen", "Qwen (claude-a)"]
    plain = await offered(built(tmp_path, coder=", aliases: [claude-a]"))
    assert [each.title for each in plain] == ["coder", "claude-a"]


async def test_a_team_without_the_model_has_none_of_its_names(tmp_path):
    text = GOOD.replace("models: [coder], data_class: conf", "models: [], data_class: conf")
    assert await offered(built(tmp_path, text, ", aliases: [claude-a]"), "payments") == []


async def test_the_register_of_assistants_is_told_to_who_has_a_key(tmp_path):
    road = Road(load(write_registered(tmp_path), ENVIRON, SHIPPED))
    key = await road.a_key("web")
    claude, codex = await Offer(road.pipeline).assistants(((b"x-api-key", key.encode()),), HERE)
    assert (claude["name"], claude["approved_versions"]) == ("claude-code", ">= 2.1.200, < 3")
    assert claude["required_settings"] == {"env.CLAUDE_CODE_ATTRIBUTION_HEADER": "0"}
    assert (codex["owner"], codex["valid_until"]) == ("tools@example.com", "2026-12-31")
    with pytest.raises(NotAuthenticated):
        await Offer(road.pipeline).assistants((), HERE)


async def test_without_a_register_no_assistant_is_told(tmp_path):
    road = Road(built(tmp_path))
    key = await road.a_key("web")
    assert await Offer(road.pipeline).assistants(((b"x-api-key", key.encode()),), HERE) == []


async def test_a_key_is_offered_the_models_it_is_for_and_no_other(tmp_path):
    text = GOOD.replace("models:\n", "models:\n  tiny: { targets: [house/t], aliases: [t] }\n", 1)
    text = text.replace("    models: [coder]", "    models: [tiny, coder]")
    listed = await offered(built(tmp_path, text, ", aliases: [a]"), scope=Scope(models=("tiny",)))
    assert [each.id for each in listed] == ["tiny", "t"]


async def test_a_key_for_a_model_that_is_gone_is_offered_nothing(tmp_path):
    assert await offered(built(tmp_path), scope=Scope(models=("gone",))) == []


async def test_a_key_for_a_network_is_offered_its_models_there(tmp_path):
    assert await offered(built(tmp_path), scope=Scope(networks=("10.0.0.0/8",)))


@pytest.mark.parametrize("address", ["192.0.2.1", None])
async def test_from_elsewhere_a_key_for_a_network_is_told_nothing(tmp_path, address):
    road = Road(load(write_registered(tmp_path), ENVIRON, SHIPPED))
    key = await road.a_key("web", scope=Scope(networks=("10.0.0.0/8",)))
    headers = ((b"x-api-key", key.encode()),)
    for ask in (Offer(road.pipeline).to, Offer(road.pipeline).assistants):
        with pytest.raises(WrongNetwork, match=r"from 10\.0\.0\.0/8 only.*\(rule key_scope\)"):
            await ask(headers, address)


TWO_MODELS = GOOD.replace("models:\n", "models:\n  tiny: { targets: [house/t] }\n", 1).replace(
    "    models: [coder]", "    models: [tiny, coder]"
)
RULES = """
rules:
  - id: not-with-codex-here
    effect: deny
    match: { models: [tiny], assistants: [codex < 1], networks: ["10.0.0.0/8"] }
    reason: Too old.
"""


@pytest.mark.parametrize(
    ("agent", "address", "names"),
    [
        (b"codex_exec/0.9.1", HERE, ["coder"]),
        (b"codex_exec/1.0.0", HERE, ["tiny", "coder"]),
        (b"codex_exec/0.9.1", "192.0.2.1", ["tiny", "coder"]),
        (b"curl/8", HERE, ["tiny", "coder"]),
    ],
)
async def test_what_rules_deny_to_this_assistant_from_here_is_not_offered(
    tmp_path, agent, address, names
):
    text = f"{TWO_MODELS}policy: [policy/*.yaml]\n"
    road = Road(load(with_rules(tmp_path, RULES, configuration=text), ENVIRON, SHIPPED))
    key = await road.a_key("web")
    headers = ((b"x-api-key", key.encode()), (b"user-agent", agent))
    assert [each.id for each in await Offer(road.pipeline).to(headers, address)] == names


@pytest.mark.parametrize(
    ("peer", "said", "is_there"),
    [
        ("10.0.0.7", b"192.0.2.1", True),
        ("10.0.0.7", b"192.0.2.1, 203.0.113.5", False),
        ("10.0.0.7", b"192.0.2.1, unknown", False),
        ("203.0.113.5", b"192.0.2.1", False),
        ("192.0.2.1", b"203.0.113.5", True),
    ],
)
async def test_behind_a_trusted_proxy_a_key_is_held_to_where_its_caller_is(
    tmp_path, peer, said, is_there
):
    road = Road(built(tmp_path, f"{GOOD}server: {{ trusted_proxies: [10.0.0.0/16] }}\n"))
    key = await road.a_key("web", scope=Scope(networks=("192.0.2.0/24",)))
    headers = ((b"x-api-key", key.encode()), (b"x-forwarded-for", said))
    for ask in (Offer(road.pipeline).to, Offer(road.pipeline).assistants):
        outside = does_not_raise() if is_there else pytest.raises(WrongNetwork)
        with outside:
            await ask(headers, peer)
