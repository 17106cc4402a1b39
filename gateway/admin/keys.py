"""`/admin/v1/keys`: list, make, rotate and revoke the keys by which callers are known."""

from datetime import timedelta
from functools import partial
from typing import Annotated, Final, Literal

from fastapi import FastAPI, Header, Path, Query
from pydantic import Field

from gateway.admin.access import Asking, Caller
from gateway.admin.desk import Desk
from gateway.admin.forms import (
    Given,
    Moment,
    Queried,
    Text,
    TimeTold,
    Told,
    WhoseGiven,
    maybe_told,
    neither_or_both,
    time_told,
    unix_us_of,
)
from gateway.admin.guard import ROOT
from gateway.admin.key_rights import KeyRights
from gateway.admin.paging import Cursor, Limit, NextCursor, cursor_of, position_of
from gateway.admin.problems import Problem
from gateway.key_wish import Names, NotNamed, WishRefused, refuse_scope, team_for
from gateway.roles import Permission, Role, why_apart
from gateway.store.keys import (
    KeyCannotBeReplaced,
    KeyExists,
    KeyNotFound,
    WantedKeys,
)
from gateway.store.stored_key import KeyState, StoredKey, scope_of
from gateway.store.stored_subject import RolesStayApart, SubjectBlocked
from gateway.virtual_key import key_id_of

LONGEST: Final = timedelta(days=36_500)

KeyId = Annotated[str, Path(max_length=100, examples=["key_abcdefghijkl"])]


class KeyTold(Told):
    """A key without the key."""

    id: str
    team: str
    user: str = Field(description="Whose it is: a person's or a service's name.")
    kind: Literal["person", "service"]
    roles: tuple[str, ...]
    models: tuple[str, ...] = Field(description="What it is limited to; empty: all of the team's.")
    networks: tuple[str, ...] = Field(description="In CIDR form; empty: from everywhere.")
    key_hint: str
    created: TimeTold
    created_unix_us: int
    expires: TimeTold | None
    expires_unix_us: int | None
    revoked: TimeTold | None
    revoked_unix_us: int | None
    predecessor: str | None = Field(description="The key that it replaces.")
    successor: str | None = Field(description="The key that replaces it.")
    state: KeyState


class KeysTold(Told):
    """A page of keys, oldest first."""

    keys: tuple[KeyTold, ...]
    next_cursor: NextCursor


class KeyMadeTold(Told):
    """A new key. The secret is shown this once."""

    secret: str = Field(description="The key itself. It is kept nowhere.")
    key: KeyTold


class KeyRotatedTold(KeyMadeTold):
    """A key's successor, and the key as it is now: it holds on for the overlap."""

    predecessor: KeyTold


class KeysRevokedTold(Told):
    """All keys of somebody: those revoked now, and before."""

    keys: tuple[KeyTold, ...]


class KeysQuery(Queried):
    """Which keys."""

    team: Text | None = None
    user: Text | None = None
    service: Text | None = None
    state: KeyState | None = None
    limit: Limit = 100
    cursor: Cursor | None = None


class KeyGiven(WhoseGiven):
    """A key to be made, for one user or one service."""

    team: Text | None = Field(
        default=None, description="Required for the roles developer and team_lead; else left out."
    )
    roles: Annotated[
        tuple[Annotated[Role, Field(strict=False)], ...],
        Field(min_length=1, max_length=len(Role), strict=False),
    ] = (Role.DEVELOPER,)
    models: Annotated[tuple[Text, ...], Field(max_length=100, strict=False)] = ()
    networks: Annotated[tuple[Text, ...], Field(max_length=100, strict=False)] = ()
    expires: Moment | None = None


class RotationGiven(Given):
    """How a key is replaced."""

    overlap_seconds: Annotated[
        int, Field(ge=0, le=int(LONGEST.total_seconds()), description="How long the old one holds.")
    ] = 86_400


class KeysResource:
    """The same keys that `gatehouse key` looks after. Every change is a record of the ledger."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._rights = KeyRights(desk.keys)

    def declare(self, app: FastAPI) -> None:
        """Add its paths."""
        add = partial(app.add_api_route, tags=["keys"])
        add(f"{ROOT}/keys", self.list, methods=["GET"], operation_id="list_keys")
        add(
            f"{ROOT}/keys",
            self.create,
            methods=["POST"],
            operation_id="create_key",
            status_code=201,
        )
        add(f"{ROOT}/revocations", self.revoke_all, methods=["POST"], operation_id="revoke_keys_of")
        add(f"{ROOT}/keys/{{key_id}}", self.one, methods=["GET"], operation_id="key")
        add(
            f"{ROOT}/keys/{{key_id}}/rotate",
            self.rotate,
            methods=["POST"],
            operation_id="rotate_key",
            status_code=201,
        )
        add(
            f"{ROOT}/keys/{{key_id}}/revoke",
            self.revoke,
            methods=["POST"],
            operation_id="revoke_key",
        )

    async def list(self, caller: Asking, query: Annotated[KeysQuery, Query()]) -> KeysTold:
        """Keys there are and have been. A team lead sees those of the own team."""
        team = caller.team_within(
            Permission.READ_CONFIGURATION, Permission.READ_OWN_TEAM, query.team
        )
        if query.user is not None and query.service is not None:
            raise neither_or_both("query")
        wanted = WantedKeys(
            self._desk.unix_us(),
            team,
            subject=query.user or query.service,
            is_service=None if query.user is query.service else query.user is None,
            state=query.state,
        )
        after = position_of(query.cursor, (int, str))
        async with self._desk.reads.turn():
            found = await self._desk.keys.page(wanted, query.limit + 1, after)
        shown = found[: query.limit]
        last = shown[-1].key if len(found) > len(shown) else None
        return KeysTold(
            keys=tuple(self._told(each.key, each.predecessor_id) for each in shown),
            next_cursor=None if last is None else cursor_of((last.created_unix_us, last.id)),
        )

    async def one(self, caller: Asking, key_id: KeyId) -> KeyTold:
        """One of them."""
        key = await self._rights.visible(caller, key_id)
        return self._told(key, await self._desk.keys.predecessor_of(key_id))

    async def create(
        self,
        caller: Asking,
        given: KeyGiven,
        idempotency_key: Annotated[
            str | None,
            Header(
                min_length=1,
                max_length=200,
                description="A name of yours for this request: sent again, it makes no second key.",
            ),
        ] = None,
    ) -> KeyMadeTold:
        """Make a key. The answer shows it, this once; the gateway knows it from then on."""
        roles = frozenset(given.roles)
        subject, is_service = given.whose()
        asked_team = self._rights.team_to_make_in(caller, given.team)
        if (why := why_apart(roles)) is not None:
            raise Problem(422, "key_cannot_be", f"one key cannot have these roles: {why}")
        try:
            team = team_for(roles, asked_team, self._names())
            self._rights.may_make(caller, team, roles, subject)
            refuse_scope(roles, given.models, given.networks, team, self._names())
            scope = scope_of(frozenset(given.models), frozenset(given.networks))
            issued = await self._desk.issuer(caller.actor).issue(
                team,
                subject,
                roles,
                self._expiry(given.expires),
                scope=scope,
                is_service=is_service,
                key_id=self._derived_id(caller, idempotency_key),
            )
        except (RolesStayApart, SubjectBlocked) as error:
            raise Problem(409, "key_cannot_be", str(error)) from error
        except KeyExists as error:
            told = (
                f"{error}, by a request with this Idempotency-Key; it was shown then, and is kept "
                "nowhere: rotate it to get another, or revoke it"
            )
            raise Problem(409, "key_made_before", told) from error
        except NotNamed as error:
            raise Problem(422, "unknown_name", str(error)) from error
        except WishRefused as error:
            raise Problem(422, "key_cannot_be", str(error)) from error
        except ValueError as error:
            raise Problem(422, "invalid_request", str(error)) from error
        await self._desk.refresh_keys()
        return KeyMadeTold(secret=issued.secret.reveal(), key=self._told(issued.stored, None))

    async def rotate(
        self, caller: Asking, key_id: KeyId, given: RotationGiven | None = None
    ) -> KeyRotatedTold:
        """Make a key's successor, like it in all; the old key ends after the overlap."""
        overlap_us = (given or RotationGiven()).overlap_seconds * 1_000_000
        key = await self._rights.visible(caller, key_id)
        self._rights.may_rotate(caller, key)
        try:
            issued, old = await self._desk.issuer(caller.actor).rotate(key_id, overlap_us)
        except (KeyCannotBeReplaced, SubjectBlocked) as error:
            raise Problem(409, "key_cannot_be_replaced", str(error)) from error
        await self._desk.refresh_keys()
        before = await self._desk.keys.predecessor_of(key_id)
        return KeyRotatedTold(
            secret=issued.secret.reveal(),
            key=self._told(issued.stored, old.id),
            predecessor=self._told(old, before),
        )

    async def revoke(self, caller: Asking, key_id: KeyId) -> KeyTold:
        """End a key for good, and what runs under it. To do so twice is no error."""
        key = await self._rights.visible(caller, key_id)
        self._rights.may_end(caller, key)
        revoked = await self._desk.keys.revoke(key_id, self._desk.unix_us(), caller.actor)
        await self._desk.refresh_keys()
        return self._told(revoked, await self._desk.keys.predecessor_of(key_id))

    async def revoke_all(self, caller: Asking, given: WhoseGiven) -> KeysRevokedTold:
        """End all keys of a user who leaves, or of a service; a team lead, those of the team."""
        subject, is_service = given.whose()
        team = await self._rights.team_to_end_in(caller, subject, is_service)
        try:
            ended = await self._desk.keys.revoke_all_of(
                subject,
                self._desk.unix_us(),
                caller.actor,
                is_service=is_service,
                team=team,
            )
        except KeyNotFound as error:
            raise Problem(404, "no_keys", str(error)) from error
        await self._desk.refresh_keys()
        replaced = {each.successor_id: each.id for each in ended}
        return KeysRevokedTold(
            keys=tuple(self._told(each, replaced.get(each.id)) for each in ended)
        )

    def _names(self) -> Names:
        configuration = self._desk.in_force.configuration
        teams = {name: each.models for name, each in configuration.team_documents.items()}
        return Names("the configuration", teams, configuration.aliases)

    def _derived_id(self, caller: Caller, idempotency_key: str | None) -> str | None:
        if idempotency_key is None:
            return None
        return key_id_of(self._desk.digest_of(f"{caller.identity.counted_key}:{idempotency_key}"))

    def _expiry(self, written: str | None) -> int | None:
        if written is None:
            return None
        expires = unix_us_of(written)
        if expires - self._desk.unix_us() > LONGEST // timedelta(microseconds=1):
            raise ValueError(f"body.expires: a key holds {LONGEST.days} days at most")
        return expires

    def _told(self, key: StoredKey, predecessor: str | None) -> KeyTold:
        return KeyTold.model_validate(
            {
                "id": key.id,
                "team": key.team,
                "user": key.subject,
                "kind": key.identity.kind,
                "roles": tuple(sorted(key.roles)),
                "models": () if key.scope is None else key.scope.models,
                "networks": () if key.scope is None else key.scope.networks,
                "key_hint": f"gth_…{key.last_four}",
                "created": time_told(key.created_unix_us),
                "created_unix_us": key.created_unix_us,
                "expires": maybe_told(key.expires_unix_us),
                "expires_unix_us": key.expires_unix_us,
                "revoked": maybe_told(key.revoked_unix_us),
                "revoked_unix_us": key.revoked_unix_us,
                "predecessor": predecessor,
                "successor": key.successor_id,
                "state": key.state(self._desk.unix_us()),
            }
        )
