"""A session holds until it ends or its time is over, and shows its secrets to nobody."""

from dataclasses import replace

from tests.unit.gateway.store.test_sessions import NOW, SESSION


def test_it_holds_until_its_time_is_over():
    assert SESSION.is_open(SESSION.expires_unix_us - 1)
    assert not SESSION.is_open(SESSION.expires_unix_us)


def test_it_holds_no_more_once_it_ended():
    assert not replace(SESSION, ended_unix_us=NOW, ended_reason="holder_blocked").is_open(NOW)
