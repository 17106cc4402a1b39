"""Who has asked or may ask: everybody who ever had a key, or used the gateway without one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    Table,
    and_,
    case,
    func,
    literal,
    select,
    tuple_,
    union,
)

from gateway.store.database import Database
from gateway.store.tables import KEYS, USAGE_HOURS

_SOURCES: Final = (KEYS, USAGE_HOURS)

Name = tuple[str, bool]
"""A subject, and whether it is a service."""


@dataclass(frozen=True, slots=True)
class Person:
    """A user, or a service. `last_hour_unix_seconds` began when they last asked, None: never."""

    subject: str
    is_service: bool
    teams: tuple[str, ...]
    keys: int
    active_keys: int
    last_hour_unix_seconds: int | None


class People:
    """Read from the keys and from the rollup, which must be level with the ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self,
        now_unix_us: int,
        limit: int,
        *,
        team: str | None = None,
        subject: str | None = None,
        after: Name | None = None,
    ) -> Sequence[Person]:
        """Those that are wanted, by name, behind `after`. With a team, as far as it goes."""
        found = union(*[_names(table, team, subject, after) for table in _SOURCES]).subquery()
        query = select(found.c.subject, found.c.is_service).order_by(
            found.c.subject, found.c.is_service
        )
        async with self._database.reading() as connection:
            names = [(row[0], bool(row[1])) for row in await connection.execute(query.limit(limit))]
            subjects = [name for name, _ in names]
            teams = (await connection.execute(_teams(subjects, team))).all()
            keys = (await connection.execute(_keys(subjects, team, now_unix_us))).all()
            last = (await connection.execute(_last(subjects, team))).all()
        counted = {(row[0], bool(row[1])): (int(row[2]), int(row[3])) for row in keys}
        seen = {(row[0], bool(row[1])): int(row[2]) for row in last}
        in_teams: dict[Name, set[str]] = {}
        for each in teams:
            in_teams.setdefault((each[0], bool(each[1])), set()).add(each[2])
        return [_person(each, in_teams, counted, seen) for each in names]


def _person(
    name: Name,
    teams: Mapping[Name, set[str]],
    keys: Mapping[Name, tuple[int, int]],
    last: Mapping[Name, int],
) -> Person:
    return Person(*name, tuple(sorted(teams[name])), *keys.get(name, (0, 0)), last.get(name))


def _names(
    table: Table, team: str | None, subject: str | None, after: Name | None
) -> Select[*tuple[Any, ...]]:
    conditions: list[ColumnElement[bool]] = [table.c.subject != ""]
    if team is not None:
        conditions.append(table.c.team == team)
    if subject is not None:
        conditions.append(table.c.subject == subject)
    if after is not None:
        place = tuple_(table.c.subject, table.c.is_service)
        conditions.append(place > tuple_(*map(literal, after)))
    return select(table.c.subject, table.c.is_service).where(*conditions).distinct()


def _teams(subjects: Sequence[str], team: str | None) -> CompoundSelect[*tuple[Any, ...]]:
    return union(
        *[
            select(table.c.subject, table.c.is_service, table.c.team)
            .where(_of(table, subjects, team))
            .distinct()
            for table in _SOURCES
        ]
    )


def _keys(subjects: Sequence[str], team: str | None, now_unix_us: int) -> Select[*tuple[Any, ...]]:
    holds = and_(
        KEYS.c.revoked_unix_us.is_(None),
        func.coalesce(KEYS.c.expires_unix_us, now_unix_us + 1) > now_unix_us,
    )
    whose = (KEYS.c.subject, KEYS.c.is_service)
    counted = (func.count(), func.sum(case((holds, 1), else_=0)))
    return select(*whose, *counted).where(_of(KEYS, subjects, team)).group_by(*whose)


def _last(subjects: Sequence[str], team: str | None) -> Select[*tuple[Any, ...]]:
    whose = (USAGE_HOURS.c.subject, USAGE_HOURS.c.is_service)
    last = func.max(USAGE_HOURS.c.hour_unix_seconds)
    return select(*whose, last).where(_of(USAGE_HOURS, subjects, team)).group_by(*whose)


def _of(table: Table, subjects: Sequence[str], team: str | None) -> ColumnElement[bool]:
    asked = table.c.subject.in_(subjects)
    return asked if team is None else and_(asked, table.c.team == team)
