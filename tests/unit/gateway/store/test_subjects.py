"""Blocks and grants are kept with who decided them, move the revision, and hold duties apart."""

from dataclasses import replace

import pytest

from gateway.roles import Role
from gateway.store.changes import Actor
from gateway.store.database import Database
from gateway.store.keys import Keys
from gateway.store.ledger import Ledger
from gateway.store.stored_subject import (
    GrantToOneself,
    RoleNotGranted,
    RolesStayApart,
    StoredSubject,
    SubjectBlocked,
)
from gateway.store.subjects import Subjects, refuse_oneself
from tests.unit.gateway.store.test_keys import a_key

ANNA = Actor.os_user("anna")
BY_KEY = Actor("person", "ada")


@pytest.fixture
def subjects(database: Database) -> Subjects:
    return Subjects(database)


@pytest.fixture
def keys(database: Database) -> Keys:
    return Keys(database)


async def kinds(database: Database) -> list[str]:
    return [row.kind for row in await Ledger(database).newest(10)]


async def test_a_block_holds_from_now_on_and_keeps_its_first_time(subjects, keys):
    before = await keys.revision()
    blocked = await subjects.block("ada", 5_000, ANNA)
    assert blocked == StoredSubject("ada", blocked_unix_us=5_000)
    assert await keys.revision() == before + 1
    assert await subjects.block("ada", 6_000, ANNA) == blocked
    assert await keys.revision() == before + 1
    assert await subjects.list() == [blocked]


async def test_a_block_can_be_ended(subjects):
    await subjects.block("ada", 5_000, ANNA)
    assert not (await subjects.unblock("ada", 6_000, ANNA)).is_blocked
    assert await subjects.list() == []
    assert not (await subjects.unblock("bob", 6_000, ANNA)).is_blocked


async def test_pages_go_on_behind_the_last_of_the_one_before(subjects):
    for name in ("ann", "bob", "ci"):
        await subjects.block(name, 5_000, ANNA)
    await subjects.block("bob", 5_000, ANNA, is_service=True)
    everybody = await subjects.list()
    assert [each.subject for each in everybody] == ["ann", "bob", "bob", "ci"]
    first = await subjects.page(2)
    last = first[-1]
    assert [*first, *await subjects.page(9, (last.subject, last.is_service))] == everybody


async def test_a_service_and_a_person_of_one_name_are_two(subjects):
    await subjects.block("ci", 5_000, ANNA, is_service=True)
    assert [(each.subject, each.kind) for each in await subjects.list()] == [("ci", "service")]
    await subjects.block("ci", 6_000, ANNA)
    assert [each.is_service for each in await subjects.list()] == [False, True]


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 201])
async def test_what_is_no_name_is_refused(subjects, name):
    with pytest.raises(ValueError, match="user's name"):
        await subjects.block(name, 1, ANNA)
    with pytest.raises(ValueError, match="user's name"):
        await subjects.grant(name, Role.AUDITOR, 1, ANNA)


async def test_roles_are_granted_one_by_one_and_taken_back(subjects):
    await subjects.grant("ada", Role.SECURITY, 1, ANNA)
    both = await subjects.grant("ada", Role.FINANCE, 2, ANNA)
    assert both.roles == {"security", "finance"}
    assert await subjects.grant("ada", Role.FINANCE, 3, ANNA) == both
    left = await subjects.take_back("ada", Role.SECURITY, 4, ANNA)
    assert left.roles == {"finance"}
    assert await subjects.list() == [left]


async def test_a_role_that_nobody_granted_is_not_taken_back(subjects):
    with pytest.raises(RoleNotGranted, match="nobody granted 'ada' the role auditor"):
        await subjects.take_back("ada", Role.AUDITOR, 1, ANNA)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.PLATFORM, Role.SECURITY, Role.TEAM_LEAD])
async def test_who_audits_is_granted_nothing_that_changes(subjects, role):
    await subjects.grant("ada", Role.AUDITOR, 1, ANNA)
    with pytest.raises(RolesStayApart, match="would audit oneself"):
        await subjects.grant("ada", role, 2, ANNA)
    assert [each.roles for each in await subjects.list()] == [{"auditor"}]


async def test_what_keys_may_counts_too_while_they_hold(subjects, keys):
    admin = a_key(roles=frozenset({"admin"}), subject="ada", expires_unix_us=9_000)
    await keys.create(admin, b"a" * 32, ANNA)
    with pytest.raises(RolesStayApart):
        await subjects.grant("ada", Role.AUDITOR, 8_999, ANNA)
    await subjects.grant("ada", Role.AUDITOR, 9_000, ANNA)
    again = replace(admin, id="key_000000000002", expires_unix_us=None)
    with pytest.raises(RolesStayApart):
        await keys.create(again, b"b" * 32, ANNA)
    developer = a_key(3, subject="ada")
    await keys.create(developer, b"c" * 32, ANNA)


async def test_a_revoked_key_counts_no_more(subjects, keys):
    await keys.create(a_key(roles=frozenset({"admin"}), subject="ada"), b"a" * 32, ANNA)
    await keys.revoke(a_key().id, 5_000, ANNA)
    await subjects.grant("ada", Role.AUDITOR, 6_000, ANNA)


async def test_nothing_is_made_for_who_is_blocked(subjects, keys):
    await keys.create(a_key(), b"a" * 32, ANNA)
    await subjects.block("ann", 5_000, ANNA)
    with pytest.raises(SubjectBlocked, match="gatehouse user unblock"):
        await keys.create(a_key(2), b"b" * 32, ANNA)
    with pytest.raises(SubjectBlocked):
        await keys.replace(a_key().id, a_key(3), b"c" * 32, 9_000, ANNA)
    with pytest.raises(SubjectBlocked):
        await subjects.grant("ann", Role.SECURITY, 6_000, ANNA)
    await keys.create(a_key(4, is_service=True), b"d" * 32, ANNA)


async def test_nobody_grants_themselves_anything_but_by_the_machines_account(subjects):
    for change in (subjects.grant, subjects.take_back):
        with pytest.raises(GrantToOneself):
            await change("ada", Role.SECURITY, 1, BY_KEY)
    await subjects.grant("bob", Role.SECURITY, 1, BY_KEY)
    refuse_oneself("anna", ANNA)


async def test_every_change_is_a_record_and_a_refused_one_is_none(subjects, database):
    await subjects.grant("ada", Role.SECURITY, 1, ANNA)
    with pytest.raises(RolesStayApart):
        await subjects.grant("ada", Role.AUDITOR, 2, ANNA)
    await subjects.block("ada", 3, ANNA)
    await subjects.unblock("ada", 4, ANNA)
    await subjects.take_back("ada", Role.SECURITY, 5, ANNA)
    told = ["role_granted", "user_blocked", "user_unblocked", "role_revoked"]
    assert sorted(await kinds(database)) == sorted(told)


async def test_a_gateway_learns_what_changed_since_it_last_looked(subjects, keys):
    await subjects.block("ada", 1, ANNA)
    seen = await keys.changes_since(0)
    assert seen.subjects == [StoredSubject("ada", blocked_unix_us=1)]
    await subjects.grant("bob", Role.FINANCE, 2, ANNA)
    await subjects.unblock("ada", 3, ANNA)
    news = (await keys.changes_since(seen.revision)).subjects
    assert sorted(news, key=lambda each: each.subject) == [
        StoredSubject("ada"),
        StoredSubject("bob", roles=frozenset({"finance"})),
    ]
