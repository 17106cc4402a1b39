"""Who asks is known by their key or by the machine, and may what their roles permit."""

import os
from dataclasses import replace

import pytest

from gateway.acting import Acting, Proven, acting
from gateway.roles import Permission
from gateway.store.changes import Actor
from gateway.store.stored_key import StoredKey
from gateway.virtual_key import Hasher, mint
from policy.types import Identity

NOW_US = 5_000
HASHER = Hasher(b"pepper" * 6)
ROOT = Actor.os_user("root")


def a_key(subject: str = "anna", *roles: str, **changes: object) -> StoredKey:
    key = StoredKey(f"key_{subject}", "wxyz", "web", subject, frozenset(roles or {"security"}), 1)
    return replace(key, **changes)


def by(key: StoredKey) -> Acting:
    return Acting(Actor.caller(key.identity), key)


class Keys:
    """One key, kept under the digest of `secret`."""

    def __init__(self, secret: str, key: StoredKey) -> None:
        self.kept = {HASHER.digest(secret): key}

        self.blocked: set[str] = set()

    async def of_digest(self, digest: bytes) -> StoredKey | None:
        return self.kept.get(digest)

    async def is_holder_blocked(self, key: StoredKey) -> bool:
        return key.subject in self.blocked


def proven(key: StoredKey) -> Proven:
    return Proven(key.identity)


def test_whoever_is_at_the_machine_may():
    assert Acting(ROOT).refusal(NOW_US, Permission.OPEN_BREAK_GLASS) is None


@pytest.mark.parametrize(
    ("role", "permission", "may"),
    [
        ("security", Permission.APPROVE_BREAK_GLASS, True),
        ("platform", Permission.OPEN_BREAK_GLASS, True),
        ("platform", Permission.APPROVE_BREAK_GLASS, False),
        ("auditor", Permission.OPEN_BREAK_GLASS, False),
        ("developer", Permission.OPEN_BREAK_GLASS, False),
    ],
)
def test_a_key_may_what_its_roles_permit(role, permission, may):
    key = a_key("anna", role)
    assert (by(key).refusal(NOW_US, permission) is None) is may
    assert proven(key).refusal(NOW_US, permission) == by(key).refusal(NOW_US, permission)
    assert proven(key).actor == by(key).actor


def test_a_refusal_says_which_roles_it_takes():
    told = by(a_key("anna", "developer")).refusal(NOW_US, Permission.APPROVE_BREAK_GLASS)
    assert told == (
        "the key key_anna has the roles developer, and this takes one of: admin, security"
    )


def test_a_token_is_called_one():
    told = Proven(Identity("anna", "web", frozenset({"developer"}), "jti-1")).refusal(
        NOW_US, Permission.OPEN_BREAK_GLASS
    )
    assert told is not None
    assert told.startswith("the token jti-1 has the roles developer")


def test_one_of_several_permissions_is_enough():
    key = a_key("anna", "platform")
    wanted = (Permission.APPROVE_BREAK_GLASS, Permission.OPEN_BREAK_GLASS)
    assert by(key).refusal(NOW_US, *wanted) is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"revoked_unix_us": 1}, "is revoked"), ({"expires_unix_us": NOW_US}, "has expired")],
)
def test_a_key_that_holds_no_more_permits_nothing(changes, why):
    told = by(a_key(**changes)).refusal(NOW_US, Permission.OPEN_BREAK_GLASS)
    assert told is not None
    assert told.endswith(why)


@pytest.mark.parametrize(
    ("second", "first", "why"),
    [
        (by(a_key("ben")), None, None),
        (by(a_key("ben")), Actor.caller(a_key("anna").identity), None),
        (Acting(ROOT), None, "give yours with --key"),
        (by(a_key("ci", is_service=True)), None, "is a service"),
        (proven(a_key("ci", is_service=True)), None, "is a service"),
        (proven(a_key("ben")), Actor.caller(a_key("anna").identity), None),
        (proven(a_key("anna")), Actor.caller(a_key("anna").identity), "another person than anna"),
        (proven(a_key("ben")), ROOT, "another person than root, with a key"),
        (by(a_key("anna")), Actor.caller(a_key("anna").identity), "another person than anna"),
        (
            by(a_key("anna", id="key_2")),
            Actor.caller(a_key("anna").identity),
            "another person than anna",
        ),
        (by(a_key("ben", id="key_anna")), Actor.caller(a_key("anna").identity), "another person"),
        (by(a_key("ben")), ROOT, "another person than root, with a key"),
    ],
)
def test_two_people_are_two_keys_of_two_persons(second, first, why):
    told = second.refusal_as_one_of_two(first)
    assert (told is None) is (why is None)
    assert (why or "") in (told or "")


async def test_a_key_says_who_it_is():
    secret = mint(os.urandom)
    found = await acting(Keys(secret, a_key()), HASHER, "root", secret)
    assert (found.actor, found.key) == (Actor("key", "anna", "key_anna"), a_key())


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        (mint(os.urandom), "this gateway does not know the key"),
        (
            mint(os.urandom)[:-1] + "!",
            "the key is mistyped: its checksum is wrong, so copy it again",
        ),
        ("", "the key is mistyped: its checksum is wrong, so copy it again"),
    ],
    ids=["unknown", "mistyped", "empty"],
)
async def test_a_key_that_is_none_permits_nothing_and_is_told_as_the_users(secret, why):
    found = await acting(Keys("x", a_key()), HASHER, "root", secret)
    assert found.actor == ROOT
    assert found.refusal(NOW_US, Permission.OPEN_BREAK_GLASS) == why


async def test_the_key_of_somebody_who_is_blocked_permits_nothing():
    secret = mint(os.urandom)
    keys = Keys(secret, a_key())
    keys.blocked.add("anna")
    found = await acting(keys, HASHER, "root", secret)
    assert found.actor == Actor("key", "anna", "key_anna")
    assert found.refusal(NOW_US, Permission.OPEN_BREAK_GLASS) == "anna is blocked"
