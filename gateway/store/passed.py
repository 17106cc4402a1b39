"""Which requests passed because of an exception, as the ledger has them."""

import re
from dataclasses import dataclass

from sqlalchemy import ColumnElement, FromClause, func, or_, select

from gateway.store.database import Database
from gateway.store.stored_break_glass import GLASS_ID_LENGTH
from gateway.store.tables import BODIES

_MOST_EXCEPTIONS = 8
"""More exceptions that all matter to one request are not looked for."""


@dataclass(frozen=True, slots=True)
class Passed:
    """How many requests of somebody for a model passed because of an exception."""

    team: str
    user: str
    model: str
    requests: int


async def passed_under(
    database: Database, exception: str, since_unix_us: int, until_unix_us: int
) -> list[Passed]:
    """Who asked for what because of a break-glass in this time, most requests first."""
    columns = (BODIES.c.team, BODIES.c.subject, BODIES.c.model)
    requests = func.count()
    query = (
        select(*columns, requests)
        .where(
            BODIES.c.time_unix_us.between(since_unix_us, until_unix_us),
            *admitted_under(BODIES, exception),
        )
        .group_by(*columns)
        .order_by(requests.desc(), *columns)
    )
    async with database.reading() as connection:
        return [Passed(*row) for row in await connection.execute(query)]


def admitted_under(bodies: FromClause, exception: str) -> tuple[ColumnElement[bool], ...]:
    """An `admitted` record that names the exception, at any place of its list.

    All ids are of one length: no text of a caller's, such as a tool's name, can stand in for one.
    """
    wanted = re.sub(r"([/%_])", r"/\1", exception)
    another = f'"{"_" * GLASS_ID_LENGTH}",'
    places = (f'%"exceptions":[{another * at}"{wanted}"%' for at in range(_MOST_EXCEPTIONS))
    named = or_(*(bodies.c.body.like(place, escape="/") for place in places))
    return bodies.c.kind == "admitted", named
