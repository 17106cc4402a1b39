"""A good file becomes frozen values that mean what was written."""

import hashlib
import json
import os
from datetime import date

import pytest

from gateway.configuration.build import Configuration, PriceOverride, Telemetry, load
from gateway.configuration.problems import ConfigurationError
from gateway.configuration.reading import read_file
from policy.types import Allow, DataClass, Deny
from providers.base import Secret, Via, WireName
from providers.vendors import RECORDS
from tests.fakes.configurations import CANARIES, ENVIRON, GOOD, SHIPPED, configured, write
from tests.fakes.policy_facts import NOON, an_identity, some_facts


def with_telemetry(tmp_path, telemetry: str) -> Telemetry | None:
    return configured(
        tmp_path, GOOD.replace("{ otlp_endpoint: http://127.0.0.1:4317 }", telemetry)
    ).telemetry


def test_the_example_of_the_reference_is_accepted(tmp_path):
    built = configured(tmp_path)
    assert tuple(built.vendors) == ("house", "deepseek")
    assert [each.name for each in built.models["coder"]] == [
        "house/qwen3-coder",
        "deepseek/deepseek-chat",
    ]
    assert built.teams == ("payments", "web")
    assert built.source == tmp_path / "gatehouse.yaml"


def test_the_digest_is_the_hash_of_the_files_bytes(tmp_path):
    assert configured(tmp_path).digest == hashlib.sha256(GOOD.encode()).hexdigest()


def test_policy_decides_by_what_was_written(tmp_path):
    policy = configured(tmp_path).policy
    payments = policy.decide(an_identity("payments"), some_facts("coder"), NOON)
    web = policy.decide(an_identity("web"), some_facts("coder"), NOON)
    assert isinstance(payments, Allow)
    assert isinstance(web, Allow)
    assert payments.targets == ("house/qwen3-coder",)
    assert web.targets == ("house/qwen3-coder", "deepseek/deepseek-chat")
    assert isinstance(policy.decide(an_identity("web"), some_facts("gpt-9"), NOON), Deny)


def test_an_alias_is_its_model_and_another_spelling_is_nothing(tmp_path):
    built = configured(tmp_path, GOOD.replace(" }\nteams:", ", aliases: [claude-a] }\nteams:"))
    asked = built.under_its_model(some_facts("claude-a"))
    assert (asked.model, asked.alias, asked.asked_model) == ("coder", "claude-a", "claude-a")
    assert built.under_its_model(some_facts("coder")).alias is None
    assert built.under_its_model(some_facts("Claude-A")).model == "Claude-A"


def test_what_is_written_of_a_model_is_what_commands_tell(tmp_path):
    text = GOOD.replace(" }\nteams:", ", display_name: Qwen, context_window: 9000 }\nteams:")
    told = configured(tmp_path, text).offered("coder")
    assert (told.display_name, told.context_window, told.output_limit) == ("Qwen", 9_000, None)


@pytest.mark.parametrize("name", ["''", "' Qwen'", '"a\\u202eb"', "x" * 101])
def test_a_display_name_is_one_short_printable_line(tmp_path, name):
    with pytest.raises(ConfigurationError, match="display_name"):
        configured(tmp_path, GOOD.replace(" }\nteams:", f", display_name: {name} }}\nteams:"))


def test_a_direct_vendor_speaks_its_own_wires_and_one_through_litellm_none(tmp_path):
    built = configured(tmp_path)
    assert built.vendors["house"].wires == {WireName.OPENAI_CHAT, WireName.ANTHROPIC_MESSAGES}
    assert built.vendors["house"].via is Via.DIRECT
    assert built.vendors["deepseek"].wires == frozenset()
    assert built.vendors["deepseek"].via is Via.LITELLM


def test_a_vendor_reached_directly_may_be_narrowed_to_some_of_its_wires(tmp_path):
    text = GOOD.replace("kind: deepseek\n", "kind: openai\n    wires: [openai_chat]\n")
    assert configured(tmp_path, text).vendors["deepseek"].wires == {WireName.OPENAI_CHAT}


def test_a_vendor_may_be_sent_another_way_than_its_record_says(tmp_path):
    text = GOOD.replace("kind: deepseek\n", "kind: openai\n    via: litellm\n")
    vendor = configured(tmp_path, text).vendors["deepseek"]
    assert (vendor.via, vendor.wires) == (Via.LITELLM, frozenset())


def test_a_base_url_replaces_the_records(tmp_path):
    text = GOOD.replace("kind: deepseek\n", "kind: deepseek\n    base_url: http://127.0.0.1:9/x/\n")
    assert configured(tmp_path, text).vendors["deepseek"].base_url == "http://127.0.0.1:9/x"
    assert configured(tmp_path).vendors["deepseek"].base_url == RECORDS["deepseek"].base_url


def test_without_a_clearance_the_house_sees_all_and_a_vendor_public_only(tmp_path):
    text = GOOD.replace("    clearance: restricted\n", "").replace("    clearance: internal\n", "")
    facts = configured(tmp_path, text).target_facts
    assert facts["house/qwen3-coder"].clearance is DataClass.RESTRICTED
    assert facts["deepseek/deepseek-chat"].clearance is DataClass.PUBLIC


def test_what_a_vendors_record_says_holds_unless_the_file_says_otherwise(tmp_path):
    text = GOOD.replace(
        "    clearance: internal\n",
        "    clearance: internal\n    region: eu\n    review_date: 2027-01-31\n",
    )
    fact = configured(tmp_path, text).target_facts["deepseek/deepseek-chat"]
    assert (fact.region, fact.jurisdiction, fact.retention) == ("eu", "CN", None)
    assert fact.review_date == date(2027, 1, 31)


def test_a_vendor_drops_no_tool_unless_the_file_lets_it(tmp_path):
    line = "    may_drop_tools: [web_search, tool_search]\n"
    text = GOOD.replace("    clearance: internal\n", "    clearance: internal\n" + line)
    vendors = configured(tmp_path, text).vendors
    assert vendors["deepseek"].may_drop_tools == {"web_search", "tool_search"}
    assert vendors["house"].may_drop_tools == frozenset()


def test_the_rehearsal_model_can_be_named_in_a_file(tmp_path):
    built = configured(
        tmp_path,
        "vendors: { practice: { kind: rehearsal } }\n"
        "models: { coder: { targets: [practice/any] } }\n"
        "teams: { web: { models: [coder], data_class: restricted } }\n",
    )
    assert built.vendors["practice"].via is Via.BUILT_IN
    assert built.policy.models_for("web", NOON.unix_seconds) == ("coder",)


def test_a_key_comes_from_the_environment(tmp_path):
    assert configured(tmp_path).vendors["deepseek"].api_key == Secret("sk-canary-5e1f")


def test_a_key_comes_from_a_file_without_its_line_end(tmp_path):
    write(tmp_path, "sk-canary-file\n", "key")
    text = GOOD.replace("${DEEPSEEK_API_KEY}", "file:key")
    built = configured(tmp_path, text)
    assert built.vendors["deepseek"].api_key == Secret("sk-canary-file")
    assert built.watched == (tmp_path / "gatehouse.yaml", tmp_path / "key")


def test_any_text_may_hold_variables_and_a_doubled_dollar_stands_for_one(tmp_path):
    text = GOOD.replace("house/qwen3-coder", "'house/x-${WORD}-$${WORD}'")
    assert configured(tmp_path, text).models["coder"][0].upstream_model == (
        "x-wibble-canary-${WORD}"
    )


def test_no_repr_shows_a_secret(tmp_path):
    built = configured(tmp_path)
    shown = f"{built!r} {built} {built.vendors!r} {built.vendors['deepseek']!s}"
    assert "Secret(***)" in shown
    assert not [each for each in CANARIES if each in shown]


def test_a_document_does_not_show_a_secret(tmp_path):
    document = read_file(write(tmp_path, GOOD), ENVIRON).document
    assert "canary" not in repr(document)
    assert "canary" not in str(document.model_dump())


def test_the_developer_key_belongs_to_default_where_there_is_one(tmp_path):
    with_default = GOOD.replace(
        "teams:\n",
        "teams:\n  a: { models: [], data_class: public }\n"
        "  default: { models: [coder], data_class: internal }\n",
    )
    assert configured(tmp_path, with_default).developer_team == "default"


def test_else_it_belongs_to_the_first_team_and_a_notice_says_so(tmp_path):
    built = configured(tmp_path)
    assert built.developer_team == "payments"
    assert any("payments" in each and "developer key" in each for each in built.notices)


def test_prices_are_exact_integers(tmp_path):
    text = GOOD.replace(
        "prices: {}",
        "prices: { deepseek/deepseek-chat: { input: 0.28, output: 1, cache_read: 0.028 } }",
    )
    assert configured(tmp_path, text).prices == {
        "deepseek/deepseek-chat": PriceOverride(280_000_000, 1_000_000_000, 28_000_000)
    }


def test_a_target_without_a_price_is_refused_to_a_team_with_a_budget_and_a_notice_says_so(tmp_path):
    built = configured(tmp_path, GOOD.replace("deepseek-chat", "unheard-of"))
    decision = built.policy.decide(an_identity("web"), some_facts("coder"), NOON)
    assert isinstance(decision, Allow)
    assert decision.targets == ("house/qwen3-coder",)
    assert any("deepseek/unheard-of" in each for each in built.notices)


def test_a_price_in_the_file_makes_it_known(tmp_path):
    text = GOOD.replace("deepseek-chat", "unheard-of").replace(
        "prices: {}", "prices: { deepseek/unheard-of: { input: 1, output: 1 } }"
    )
    assert configured(tmp_path, text).target_facts["deepseek/unheard-of"].price_known


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{ otlp_endpoint: 'http://c:4317' }", Telemetry("otlp", "http://c:4317", "grpc")),
        ("{ otlp_endpoint: 'http://c:4318' }", Telemetry("otlp", "http://c:4318", "http")),
        ("{ otlp_endpoint: 'https://c/otlp' }", Telemetry("otlp", "https://c/otlp", "http")),
        ("{ otlp_endpoint: 'https://c' }", Telemetry("otlp", "https://c", "grpc")),
        (
            "{ otlp_endpoint: 'http://c:4317', otlp_protocol: http }",
            Telemetry("otlp", "http://c:4317", "http"),
        ),
        ("{ otlp_endpoint: 'http://c:4317', exporter: none }", Telemetry()),
        ("{ exporter: none }", Telemetry()),
        ("{}", None),
    ],
)
def test_telemetry_goes_where_the_file_says_and_nowhere_else(tmp_path, written, expected):
    assert with_telemetry(tmp_path, written) == expected


def test_anchors_are_allowed_in_moderation(tmp_path):
    text = GOOD.replace(
        "  payments: { models: [coder], data_class: confidential }",
        "  payments: &p { models: [coder], data_class: confidential }\n  risk: *p",
    )
    assert configured(tmp_path, text).teams == ("payments", "risk", "web")


def test_json_is_yaml_too(tmp_path):
    plain = {
        "vendors": {
            "house": {"kind": "in_house", "base_url": "http://h", "wires": ["openai_chat"]}
        },
        "models": {"coder": {"targets": ["house/m"]}},
        "teams": {"web": {"models": ["coder"], "data_class": "internal"}},
    }
    assert configured(tmp_path, json.dumps(plain)).teams == ("web",)


def test_a_windows_file_with_a_byte_order_mark_is_read(tmp_path):
    assert load(
        write(tmp_path, b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()), ENVIRON, SHIPPED
    ).teams == ("payments", "web")


def test_a_missing_file_is_one_line_with_what_to_do(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read: No such file") as caught:
        load(tmp_path / "none.yaml", ENVIRON, SHIPPED)
    assert len(caught.value.lines) == 1


def test_a_pipe_or_a_folder_is_no_configuration(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load(tmp_path / "pipe", ENVIRON, SHIPPED)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load(tmp_path, ENVIRON, SHIPPED)


def test_a_configuration_is_frozen(tmp_path):
    built: Configuration = configured(tmp_path)
    with pytest.raises(AttributeError):
        built.digest = "x"  # type: ignore[misc]


def test_no_proxy_is_trusted_unless_it_is_named(tmp_path):
    assert configured(tmp_path).proxies is None
    assert configured(tmp_path, GOOD + "server: { trusted_proxies: [] }\n").proxies is None
    named = configured(tmp_path, GOOD + "server: { trusted_proxies: [10.0.0.0/16, fd00::7] }\n")
    assert named.proxies is not None
    assert named.proxies.trusts("10.0.9.9")
    assert named.proxies.trusts("fd00::7")
    assert not named.proxies.trusts("10.1.0.1")
    assert not any("trusted_proxies" in each for each in named.notices)
