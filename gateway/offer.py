"""What a caller may use: models by all their names, and assistants as they were reviewed."""

from collections.abc import Iterator

from gateway.assistant import recognise
from gateway.configuration.build import Configuration
from gateway.configuration.cards import ModelCard
from gateway.pipeline import Pipeline
from gateway.roles import Permission
from gateway.wire.model_lists import ListedModel
from policy.registers import day_of
from policy.types import Circumstances, Identity
from providers.base import Headers


class Offer:
    """What is on offer by the configuration in force."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    async def to(self, headers: Headers, peer: str | None) -> list[ListedModel]:
        """The models that the caller may ask, by policy and its key, then their aliases.

        `peer` is the connection's other end. Raises `NotAuthenticated` or `WrongNetwork`.

        An alias stands in the list like a model: assistants offer what they find there, some only
        names of one kind (Claude Code those with `claude` or `anthropic` in them).
        """
        caller = await self._pipeline.identify_for(Permission.USE_MODELS, headers, peer)
        address = self._pipeline.address(headers, peer)
        in_force, assistant = self._pipeline.in_force, recognise(headers)
        now = Circumstances(
            self._pipeline.unix_ns() // 1_000_000_000, assistant.name, assistant.version, address
        )
        offered = list(_offered(in_force.configuration, caller, now, in_force.since_unix_seconds))
        return [each for each in offered if each.id == each.root] + [
            each for each in offered if each.id != each.root
        ]

    async def assistants(self, headers: Headers, peer: str | None) -> list[dict[str, object]]:
        """The register of assistants, empty where none is kept.

        Raises `NotAuthenticated` or `WrongNetwork`.
        """
        await self._pipeline.identify_for(Permission.USE_MODELS, headers, peer)
        day = day_of(self._pipeline.unix_ns() // 1_000_000_000)
        kept = self._pipeline.in_force.configuration.registers.reviewed_assistants
        return [
            {
                "name": name,
                "approved_versions": entry.approved_versions,
                "required_settings": dict(entry.required_settings),
                "owner": entry.owner,
                "valid_until": entry.valid_until.isoformat(),
                "has_lapsed": entry.review.has_lapsed(day),
            }
            for name, entry in kept.items()
        ]


def _offered(
    configuration: Configuration, caller: Identity, now: Circumstances, created: int
) -> Iterator[ListedModel]:
    """Each model and its aliases, with the limits of the target that answers this caller first."""
    for name, target in configuration.policy.offered_to(caller, now).items():
        card = configuration.cards[name]
        limits = card.limits[target]
        for each in (name, *card.aliases):
            yield ListedModel(
                each,
                created,
                limits.context_tokens,
                limits.output_tokens,
                _title(card, each),
                root=name,
            )


def _title(card: ModelCard, name: str) -> str:
    """A list that shows one title twice would not say which is which."""
    if name == card.name:
        return card.display_name
    return name if card.display_name == card.name else f"{card.display_name} ({name})"
