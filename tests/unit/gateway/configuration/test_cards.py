"""What clients are told of a model: written first, then known of each target."""

from gateway.configuration.cards import ModelCard, names_of
from gateway.configuration.document import ModelDocument
from providers.catalogue import UNKNOWN, Limits

TARGETS = ("house/m", "openai/gpt-5")
KNOWN = {"house/m": UNKNOWN, "openai/gpt-5": Limits(272_000, 128_000)}


def card(**written: object) -> ModelCard:
    document = ModelDocument.model_validate({"targets": TARGETS, **written})
    return ModelCard.of("coder", document, KNOWN)


def test_what_is_known_of_a_target_holds_for_that_target_only():
    assert card().limits == KNOWN


def test_what_is_written_holds_for_every_target():
    assert card(context_window=9_000, output_limit=800).limits == {
        "house/m": Limits(9_000, 800),
        "openai/gpt-5": Limits(9_000, 800),
    }


def test_one_limit_can_be_written_and_the_other_known():
    assert card(context_window=9_000).limits["openai/gpt-5"] == Limits(9_000, 128_000)


def test_a_model_is_shown_by_its_name_unless_another_is_written():
    assert (card().display_name, card(display_name="Coder 3").display_name) == ("coder", "Coder 3")


def test_every_alias_leads_to_its_model():
    cards = {"coder": card(aliases=("a", "b"))}
    assert names_of(cards) == {"a": "coder", "b": "coder"}
