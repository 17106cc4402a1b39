"""The two keys of a first start: each for one thing, shown once."""

import random

from gateway.first_start import ADMINISTRATORS, FIRST_USER, FirstKeys, issue_first_keys
from gateway.roles import Role
from gateway.store.changes import GATEWAY
from gateway.virtual_key import Hasher, KeyIssuer, is_well_formed
from tests.fakes.road import FakeKeys

HASHER = Hasher(b"p" * 32)


async def first_keys(keys: FakeKeys) -> FirstKeys:
    randbytes = random.Random(4).randbytes
    issuer = KeyIssuer(keys, HASHER, by=GATEWAY, unix_us=lambda: 1_000, random_bytes=randbytes)
    return await issue_first_keys(issuer, "web")


async def test_each_key_is_for_its_own_role_and_team():
    keys = FakeKeys()
    shown = await first_keys(keys)
    known = (await keys.changes_since(0)).keys
    admin, developer = known[HASHER.digest(shown.admin)], known[HASHER.digest(shown.developer)]
    assert (admin.team, admin.roles) == (ADMINISTRATORS, {Role.ADMIN})
    assert (developer.team, developer.roles) == ("web", {Role.DEVELOPER})
    assert {admin.subject, developer.subject} == {FIRST_USER}


async def test_both_are_whole_keys_and_differ():
    shown = await first_keys(FakeKeys())
    assert is_well_formed(shown.admin)
    assert is_well_formed(shown.developer)
    assert shown.admin != shown.developer


async def test_their_repr_shows_neither():
    shown = await first_keys(FakeKeys())
    assert repr(shown) == "FirstKeys()"


async def test_where_there_has_been_a_key_there_are_no_first_ones():
    keys = FakeKeys()
    shown = await first_keys(keys)
    assert await first_keys(keys) is None
    assert HASHER.digest(shown.admin) in (await keys.changes_since(0)).keys
