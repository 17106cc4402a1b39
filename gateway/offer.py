"""The models that a caller may use, and how much each takes."""

from collections.abc import Iterable

from gateway.pipeline import Pipeline
from gateway.wire.model_lists import ListedModel
from providers.base import Headers, Target
from providers.catalogue import PriceBook


class Offer:
    """What is on offer by the configuration in force. `book` knows the models' limits."""

    def __init__(self, pipeline: Pipeline, book: PriceBook) -> None:
        self._pipeline = pipeline
        self._book = book

    def to(self, headers: Headers) -> list[ListedModel]:
        """The models of the caller's team. Raises `NotAuthenticated`."""
        identity = self._pipeline.identify(headers)
        in_force = self._pipeline.in_force
        configuration = in_force.configuration
        return [
            self._listed(name, configuration.models[name], in_force.since_unix_seconds)
            for name in configuration.policy.models_for(identity.team)
        ]

    def _listed(self, name: str, targets: Iterable[Target], created: int) -> ListedModel:
        """With the limits of the first target that they are known of: it answers first."""
        found = (self._book.find(each.vendor.record.kind, each.upstream_model) for each in targets)
        price = next((each for each in found if each is not None), None)
        if price is None:
            return ListedModel(name, created)
        return ListedModel(name, created, price.context_tokens, price.output_tokens)
