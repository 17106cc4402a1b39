"""What was used, asked of the rollup."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, func, literal, literal_column, select, tuple_

from gateway.store.database import Database
from gateway.store.tables import USAGE_HOURS
from gateway.usage import DAY_SECONDS, SUMS, Asked, Dimension, Place, UsageRow, Used

_H: Final = USAGE_HOURS.c


class UsageBook:
    """Questions to the rollup; `gateway.store.rollup` keeps it level with the ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def total(self, asked: Asked) -> Used:
        """The sums over all groups."""
        async with self._database.reading() as connection:
            query = _among(select(*_sums()), asked, connection.dialect.name)
            return _used((await connection.execute(query)).one())

    async def largest(self, asked: Asked, limit: int | None) -> Sequence[UsageRow]:
        """Groups by what they cost, the dearest first; by tokens and requests where that is equal.

        Days come first, in their order, where the sums are by day.
        """
        weights = [_desc(name) for name in ("cost_nano_usd", "tokens", "requests")]
        tokens = func.sum(
            _H.input_tokens + _H.cache_read_tokens + _H.cache_write_tokens + _H.output_tokens
        ).label("tokens")
        async with self._database.reading() as connection:
            key = _key(asked.by, connection.dialect.name)
            days = _positions(key[:1]) if asked.by[:1] == (Dimension.DAY,) else []
            query = _grouped(asked, key, connection.dialect.name).add_columns(tokens)
            query = query.order_by(*days, *weights, *_positions(key)).limit(limit)
            found = (await connection.execute(query)).all()
        return [_row(each, asked.by) for each in found]

    async def by_name(
        self, asked: Asked, limit: int | None = None, after: Place | None = None
    ) -> Sequence[UsageRow]:
        """Groups in the order of their names, behind `after`: a row's `place`, or the start."""
        async with self._database.reading() as connection:
            dialect = connection.dialect.name
            key = _key(asked.by, dialect)
            query = _grouped(asked, key, dialect).order_by(*_positions(key)).limit(limit)
            if after is not None:
                query = query.where(tuple_(*key) > tuple_(*map(literal, after)))
            found = (await connection.execute(query)).all()
        return [_row(each, asked.by) for each in found]


def _grouped(
    asked: Asked, key: Sequence[ColumnElement[Any]], dialect: str
) -> Select[*tuple[Any, ...]]:
    return _among(select(*key, *_sums()), asked, dialect).group_by(*_positions(key))


def _positions(key: Sequence[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
    """The key's columns by their places in the result."""
    return [literal_column(str(place)) for place, _ in enumerate(key, 1)]


def _desc(name: str) -> ColumnElement[Any]:
    """A column of the result, the largest first."""
    column: ColumnElement[Any] = literal_column(name)
    return column.desc()


def _sums() -> list[ColumnElement[Any]]:
    return [func.coalesce(func.sum(_H[name]), 0).label(name) for name in SUMS]


def _key(by: Sequence[Dimension], dialect: str) -> list[ColumnElement[Any]]:
    columns: list[ColumnElement[Any]] = []
    for dimension in by:
        match dimension:
            case Dimension.DAY:
                columns.append(_H.hour_unix_seconds // DAY_SECONDS)
            case Dimension.USER:
                columns += [_H.subject, _H.is_service]
            case Dimension.VENDOR:
                columns.append(_vendor(dialect))
            case _:
                columns.append(_H[dimension.value])
    return columns


def _vendor(dialect: str) -> ColumnElement[str]:
    """A target is `vendor/model`."""
    if dialect == "sqlite":
        return func.substr(_H.target, 1, func.instr(_H.target, "/") - 1)
    return func.split_part(_H.target, "/", 1)


def _among(query: Select[*tuple[Any, ...]], asked: Asked, dialect: str) -> Select[*tuple[Any, ...]]:
    wanted = {
        _H.team: asked.team,
        _H.subject: asked.user,
        _H.model: asked.model,
        _H.assistant: asked.assistant,
        _vendor(dialect): asked.vendor,
    }
    return query.where(
        _H.hour_unix_seconds >= asked.since_unix_seconds,
        _H.hour_unix_seconds < asked.until_unix_seconds,
        *[column == value for column, value in wanted.items() if value is not None],
    )


def _used(found: Sequence[Any]) -> Used:
    return Used(*[int(each) for each in found])


def _row(found: Row[*tuple[Any, ...]], by: Sequence[Dimension]) -> UsageRow:
    group: dict[str, str | None] = {}
    values = iter(found)
    place: list[str | int] = []
    for dimension in by:
        value = next(values)
        place.append(value)
        if dimension is Dimension.DAY:
            value = datetime.fromtimestamp(value * DAY_SECONDS, UTC).date().isoformat()
        group[dimension.value] = value or None
        if dimension is Dimension.USER:
            is_service = bool(next(values))
            place.append(is_service)
            group["kind"] = "service" if is_service else "person"
    return UsageRow(group, _used([next(values) for _ in SUMS]), tuple(place))
