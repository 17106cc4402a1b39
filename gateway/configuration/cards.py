"""What clients are told of a model: its names, and how much it takes."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.configuration.document import ModelDocument
from providers.catalogue import Limits


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model by its name, its other names, and its limits where it is served by each target.

    Limits that the configuration sets hold for all of its targets.
    """

    name: str
    display_name: str
    aliases: tuple[str, ...]
    limits: Mapping[str, Limits]

    @classmethod
    def of(cls, name: str, written: ModelDocument, known: Mapping[str, Limits]) -> "ModelCard":
        """From what people wrote and what is `known` of each target."""
        return cls(
            name,
            written.display_name or name,
            written.aliases,
            {
                target: Limits(
                    written.context_window or known[target].context_tokens,
                    written.output_limit or known[target].output_tokens,
                )
                for target in written.targets
            },
        )


def names_of(cards: Mapping[str, ModelCard]) -> Mapping[str, str]:
    """Each alias, and the model it stands for."""
    return {alias: card.name for card in cards.values() for alias in card.aliases}
