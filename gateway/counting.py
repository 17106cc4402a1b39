"""Answer a token count: exact where the target counts for itself, else ours, and say which."""

import logging
from collections.abc import Sequence

from gateway.bookkeeping import Books
from gateway.dispatch import Dispatch
from gateway.exchange import Outcome
from gateway.inbound import Inbound, Outbound
from gateway.relay import relay_whole
from gateway.reply import WholeReply
from gateway.tokens import TokenEstimator
from providers.base import Target
from providers.errors import ProviderError

log = logging.getLogger("gatehouse.counting")

EXACT = (b"x-gatehouse-token-count", b"exact")
ESTIMATE = (b"x-gatehouse-token-count", b"estimate")


async def count_tokens(
    targets: Sequence[Target],
    inbound: Inbound,
    books: Books,
    dispatch: Dispatch,
    estimator: TokenEstimator,
) -> Outbound:
    """Ask the targets that can count; where none does, count with our own tokenizer.

    The estimate is made here, so nothing leaves for it. Raises `LedgerUnavailable`.
    """
    able = [target for target in targets if dispatch.can_count(target, inbound)]
    if able:
        try:
            reply = await dispatch.first_answer(able, inbound, books)
        except ProviderError as error:
            log.info("count_estimated", extra={"audit_id": inbound.audit_id, "why": error.message})
        else:
            assert isinstance(reply, WholeReply)  # counts are never streamed
            exact = await relay_whole(reply.document, reply, books)
            return Outbound(exact.status, (*exact.headers, EXACT), exact.body)
    facts = inbound.reading.facts
    tokens = await estimator.count(facts.read_segments())
    if tokens is None:
        tokens = facts.input_tokens_estimate
    await books.close(Outcome.COMPLETE, status=200)
    headers = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"), ESTIMATE)
    return Outbound(200, headers, inbound.wire.phrase_count(tokens))
