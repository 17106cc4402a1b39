"""What is told of keys: their state, their limits, and which replaces which."""

import pytest

from gateway.cli.key_facts import facts_of, print_keys
from gateway.store.stored_key import StoredKey
from policy.types import Scope

DEVELOPER = frozenset({"developer"})
OLD = StoredKey(
    "key_a", "wxyz", "web", "ann", DEVELOPER, 1, expires_unix_us=2_000, successor_id="key_b"
)
SCOPE = Scope(("coder",), ("10.0.0.0/8",))
NEW = StoredKey("key_b", "qrst", "web", "ann", DEVELOPER, 1_000, scope=SCOPE, is_service=True)


def test_the_two_keys_of_a_rotation_name_each_other() -> None:
    old, new = facts_of([OLD, NEW], 1_500)
    assert (old["successor"], old["predecessor"]) == ("key_b", None)
    assert (new["successor"], new["predecessor"]) == (None, "key_a")


@pytest.mark.parametrize(("now_unix_us", "state"), [(1_999, "active"), (2_000, "expired")])
def test_a_replaced_key_is_active_until_its_overlap_ends(now_unix_us: int, state: str) -> None:
    assert facts_of([OLD], now_unix_us)[0]["state"] == state


def test_a_revoked_key_is_revoked_also_when_it_would_have_expired() -> None:
    revoked = StoredKey("key_a", "wxyz", "web", "ann", DEVELOPER, 1, 2_000, revoked_unix_us=5)
    assert facts_of([revoked], 3_000)[0]["state"] == "revoked"


def test_the_table_has_a_key_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_keys(facts_of([OLD, NEW], 1_500))
    _, old, new = capsys.readouterr().out.splitlines()
    assert old.split()[:4] == ["key_a", "web", "ann", "person"]
    assert old.endswith("active, replaced by key_b")
    assert "service" in new
    assert "coder, 10.0.0.0/8" in new
    assert new.rstrip().endswith("active")
