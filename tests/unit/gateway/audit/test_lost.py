"""What an attempt was expected to use is read back as it was recorded."""

from gateway.audit.lost import PastAttempt, charged_in, expected_in
from gateway.exchange import Expected


def test_an_attempt_is_read_back_with_what_was_expected_of_it():
    expected = Expected(300, 1_024, 2_348_000, ("key:k (rule r)", "user:ada (team web)"))
    body = {"attempt": 2, "target": "a/b", **expected_in(expected)}
    assert PastAttempt.of(body) == PastAttempt(2, "a/b", expected)


def test_an_attempt_that_no_cap_counted_has_nothing_expected_of_it():
    assert PastAttempt.of({"attempt": 1, "target": "a/b"}) == PastAttempt(1, "a/b")


def test_only_accounts_beside_the_teams_are_named():
    assert charged_in(Expected(1, 1, 1)) == {}
