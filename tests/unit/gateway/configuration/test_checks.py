"""What must hold between the parts of a file; a good one is found good."""

import pytest

from gateway.configuration.checks import check, clearance, via
from gateway.configuration.document import GatehouseDocument, VendorDocument
from policy.types import DataClass
from providers.base import Via
from providers.vendors import record
from tests.fakes.configurations import SHIPPED

HOUSE = {"kind": "in_house", "base_url": "http://h", "wires": ("openai_chat",)}
VENDOR = {"kind": "deepseek", "api_key": "sk-1"}


def found(**changes: object) -> dict[str, str]:
    """What is wrong, by path, in a good document with these changes."""
    good = {
        "vendors": {"house": HOUSE, "deepseek": VENDOR},
        "models": {"coder": {"targets": ("house/m", "deepseek/m")}},
        "teams": {"web": {"models": ("coder",), "data_class": "internal"}},
    }
    document = GatehouseDocument.model_validate({**good, **changes})
    return {".".join(map(str, path)): text for path, text in check(document, SHIPPED)}


def vendor(**fields: object) -> dict[str, str]:
    """What is wrong with one more vendor."""
    return found(vendors={"house": HOUSE, "deepseek": VENDOR, "new": fields})


def test_a_good_file_is_found_good():
    assert found() == {}


def test_an_unknown_kind_is_the_only_problem_of_its_vendor():
    told = vendor(kind="deepsek")
    assert list(told) == ["vendors.new.kind"]
    assert "did you mean `deepseek`?" in told["vendors.new.kind"]


def test_models_of_a_vendor_of_unknown_kind_are_not_called_useless():
    told = found(
        vendors={"house": {**HOUSE, "clearance": "public"}, "deepseek": {**VENDOR, "kind": "x"}}
    )
    assert list(told) == ["vendors.deepseek.kind"]


@pytest.mark.parametrize(
    ("fields", "path", "words"),
    [
        ({"kind": "in_house", "wires": ("openai_chat",)}, "", "base_url is required"),
        ({"kind": "in_house", "base_url": "http://h"}, "", "wires is required"),
        ({"kind": "deepseek"}, "", 'add api_key: "${NAME}"'),
        ({**VENDOR, "wires": ("openai_chat",)}, ".wires", "leave wires out"),
        ({**HOUSE, "via": "litellm"}, ".via", "leave via out"),
        ({**HOUSE, "wires": ("openai_chat",) * 2}, ".wires.1", "is here twice"),
        (
            {"kind": "anthropic", "api_key": "k", "wires": ("openai_chat",)},
            ".wires.0",
            "kind anthropic does not speak openai_chat",
        ),
        ({"kind": "rehearsal", "base_url": "http://h"}, ".base_url", "takes no base_url"),
    ],
)
def test_a_vendor_lacks_or_has_too_much(fields, path, words):
    assert words in vendor(**fields)[f"vendors.new{path}"]


def test_an_engine_in_the_house_may_want_no_key():
    assert vendor(**HOUSE) == {}


def test_a_vendor_that_is_reached_through_litellm_needs_no_address():
    assert vendor(kind="qwen", api_key="k") == {}


@pytest.mark.parametrize(
    ("clearances", "is_useless"),
    [(("internal", "public"), False), (("public", "internal"), False), (("public",) * 2, True)],
)
def test_a_model_is_useless_only_when_none_of_its_vendors_is_cleared(clearances, is_useless):
    told = found(
        vendors={
            "house": {**HOUSE, "clearance": clearances[0]},
            "deepseek": {**VENDOR, "clearance": clearances[1]},
        }
    )
    assert ("teams.web.models.0" in told) is is_useless


def test_a_useless_model_is_told_with_who_is_cleared_for_what():
    told = found(models={"coder": {"targets": ("deepseek/m",)}})
    assert told["teams.web.models.0"] == (
        "team web could never use model coder: the team is internal, "
        "deepseek is cleared for public; raise a clearance or take the model away"
    )


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"models": {"coder": {"targets": ("hause/m",)}}}, "models.coder.targets.0", "`house`"),
        ({"models": {"coder": {"targets": ("house/m",) * 2}}}, "models.coder.targets.1", "twice"),
        (
            {
                "models": {
                    "coder": {"targets": ("house/m",)},
                    "Coder": {"targets": ("house/m",)},
                }
            },
            "models.Coder",
            "upper and lower case",
        ),
        (
            {"teams": {"web": {"models": ("codr",), "data_class": "public"}}},
            "teams.web.models.0",
            "`coder`",
        ),
        (
            {"teams": {"administrators": {"models": ("coder",), "data_class": "public"}}},
            "teams.administrators",
            "belong to no team",
        ),
        ({"prices": {"hause/m": {"input": 1, "output": 1}}}, "prices.hause/m", "`house`"),
        ({"telemetry": {"exporter": "otlp"}}, "telemetry.exporter", "add otlp_endpoint"),
    ],
)
def test_everything_named_exists_once(changes, path, words):
    assert words in found(**changes)[path]


def two_models(**aliases: object) -> dict[str, str]:
    """What is wrong with the aliases of models `coder` and `tiny`."""
    given = {name: {"targets": ("house/m",), "aliases": each} for name, each in aliases.items()}
    return found(models=given)


def test_every_name_leads_to_one_model():
    assert two_models(coder=("claude-a", "b"), tiny=("c",)) == {}


@pytest.mark.parametrize(
    ("coder", "tiny", "path", "owner"),
    [
        (("tiny",), (), "models.coder.aliases.0", "tiny"),
        (("Coder",), (), "models.coder.aliases.0", "coder"),
        (("a", "A"), (), "models.coder.aliases.1", "coder"),
        (("a",), ("b", "A"), "models.tiny.aliases.1", "coder"),
    ],
)
def test_an_alias_that_is_a_name_already_is_refused(coder, tiny, path, owner):
    told = two_models(coder=coder, tiny=tiny)
    assert list(told) == [path]
    assert f"is a name of model {owner} already" in told[path]


def test_a_team_is_given_models_not_aliases():
    told = found(
        models={"coder": {"targets": ("house/m",), "aliases": ("claude-a",)}},
        teams={"web": {"models": ("claude-a",), "data_class": "internal"}},
    )
    assert "claude-a is an alias; name its model, coder" in told["teams.web.models.0"]


def test_an_output_limit_beyond_the_window_is_refused():
    limits = {"context_window": 4_096, "output_limit": 4_097}
    told = found(models={"coder": {"targets": ("house/m",), **limits}})
    assert "more than the context_window of 4,096" in told["models.coder.output_limit"]


def test_a_model_name_in_a_target_may_hold_slashes():
    assert found(models={"coder": {"targets": ("house/Qwen/Qwen3",)}}) == {}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"kind": "in_house"}, DataClass.RESTRICTED),
        ({"kind": "deepseek"}, DataClass.PUBLIC),
        ({"kind": "in_house", "clearance": "internal"}, DataClass.INTERNAL),
        ({"kind": "deepseek", "clearance": "restricted"}, DataClass.RESTRICTED),
    ],
)
def test_a_vendor_sees_public_text_and_the_house_everything_unless_written(written, expected):
    document = VendorDocument.model_validate(written)
    assert clearance(document, record(document.kind)) is expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"kind": "deepseek"}, Via.LITELLM),
        ({"kind": "openai"}, Via.DIRECT),
        ({"kind": "openai", "via": "litellm"}, Via.LITELLM),
        ({"kind": "deepseek", "via": "direct"}, Via.DIRECT),
    ],
)
def test_a_vendor_is_reached_as_written_else_as_its_record_says(written, expected):
    document = VendorDocument.model_validate(written)
    assert via(document, record(document.kind)) is expected
