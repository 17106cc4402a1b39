"""A token count is exact or says that it is not."""

from gateway.counting import ESTIMATE, EXACT, count_tokens
from gateway.dispatch import Dispatch
from gateway.drain import Drains
from gateway.tokens import TokenEstimator, bundled_vocabulary
from gateway.wire.anthropic_messages import AnthropicCountTokens
from providers.errors import ProviderRejected, ProviderUnavailable
from tests.fakes.hot_road import Office, ScriptedSender, Upstream, an_inbound
from tests.fakes.vendor_targets import target_at

WIRE = AnthropicCountTokens(lambda model, size: size)
BODY = b'{"model":"coder","messages":[{"role":"user","content":"How are you today?"}]}'
HOUSE = target_at("http://127.0.0.1:1")


class Desk:
    def __init__(self, *answers: Upstream | Exception) -> None:
        self.office = Office()
        self.direct = ScriptedSender(*answers)  # type: ignore[arg-type]
        self.other = ScriptedSender()
        self.dispatch = Dispatch(self.direct, self.other, self.other, Drains())

    async def count(self, estimator: TokenEstimator, *targets: object):  # type: ignore[no-untyped-def]
        books = await self.office.open()
        inbound = an_inbound(WIRE, BODY)
        books.exchange.facts = inbound.reading.facts
        return await count_tokens(targets, inbound, books, self.dispatch, estimator)  # type: ignore[arg-type]


async def test_a_target_that_counts_is_asked() -> None:
    desk = Desk(Upstream(b'{"input_tokens":42}'))
    outbound = await desk.count(TokenEstimator(None), HOUSE)
    assert outbound.body == b'{"input_tokens":42}'
    assert EXACT in outbound.headers
    assert desk.direct.calls[0].counting
    assert desk.office.end()["outcome"] == "complete"


async def test_a_count_costs_no_tokens() -> None:
    desk = Desk(Upstream(b'{"input_tokens":42}'))
    await desk.count(TokenEstimator(None), HOUSE)
    assert "usage" not in desk.office.end()


async def test_a_target_that_cannot_count_is_replaced_by_our_own_count() -> None:
    desk = Desk(ProviderRejected(404, (), b"", same_protocol=False))
    estimator = TokenEstimator(bundled_vocabulary())
    outbound = await desk.count(estimator, HOUSE)
    estimator.close()
    assert outbound.body == b'{"input_tokens":5}'
    assert ESTIMATE in outbound.headers


async def test_nothing_leaves_where_translation_would_have_to_count() -> None:
    desk = Desk()
    outbound = await desk.count(TokenEstimator(None))
    assert ESTIMATE in outbound.headers
    assert desk.office.ledger.kinds() == ["admitted", "completed"]
    assert desk.direct.calls == desk.other.calls == []


async def test_without_a_vocabulary_the_bytes_are_counted() -> None:
    desk = Desk(ProviderUnavailable("nobody there"))
    outbound = await desk.count(TokenEstimator(None), HOUSE)
    estimate = WIRE.read(BODY).facts.input_tokens_estimate
    assert outbound.body == b'{"input_tokens":%d}' % estimate
