"""The ledger of a gateway elsewhere is read as one of a folder: found, told whole, followed."""

from collections.abc import Iterator, Sequence

import pytest

from gateway.cli.exits import Exit
from gateway.cli.ledger_server import ServerLedger
from gateway.cli.server import KEY_VARIABLE, AdminServer
from gateway.store.ledger import LedgerRow, Search
from tests.fakes.serving import Serving, serving_gateway
from tests.fakes.used import DAY, NOON, file_uses, some_uses
from tests.unit.gateway.cli.conftest import CommandLine


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A gateway whose ledger tells of three weeks, and of its own start."""
    folder = tmp_path_factory.mktemp("gateway")
    file_uses(folder / "data", some_uses(40))
    with serving_gateway(folder) as serving:
        yield serving


@pytest.mark.parametrize(
    "words",
    [
        ["search", "--since", "2026-01-01", "--json"],
        ["search", "--since", "2026-01-01", "--limit", "7"],
        ["search", "--since", "2026-01-01", "--until", "2026-10-01", "--team", "web", "--json"],
        ["search", "--since", "2026-01-01", "--kind", "denied", "--json"],
        ["search", "--since", "2026-01-01", "--exception", "bg_abcdefghijkl"],
    ],
)
def test_what_is_found_is_what_a_folder_finds(
    remote: CommandLine, serving: Serving, words: list[str]
) -> None:
    there = remote.run_bare("audit", *words)
    here = remote.run_bare("audit", *words, "--data", str(serving.data))
    assert (there.code, there.out, there.err) == (here.code, here.out, here.err)


def test_an_exchange_is_told_with_its_hashes(remote: CommandLine, serving: Serving) -> None:
    ended = ("--since", "2026-01-01", "--kind", "completed", "--limit", "1", "--json")
    (last,) = remote.run_bare("audit", "search", *ended).objects
    there = remote.run_bare("audit", "show", last["exchange_id"])
    here = remote.run_bare("audit", "show", last["exchange_id"], "--data", str(serving.data))
    assert there.out == here.out
    assert last["exchange_id"] in there.out


def test_a_search_of_no_time_is_of_a_month(remote: CommandLine) -> None:
    ran = remote.run_bare("audit", "search", "--json")
    assert "Of 31 days" in ran.err


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["show", "gh-01ZZZZ"], Exit.NOT_FOUND, "nothing on record has the id"),
        (["show", "gh-01ZZZZ"], Exit.NOT_FOUND, "(401) and not recorded"),
        (["show", "gh-01"], Exit.NOT_FOUND, "begins several audit ids"),
        (["show", "../keys"], Exit.NOT_FOUND, "there is no record with the id"),
    ],
)
def test_what_is_not_there_ends_as_in_a_folder(
    remote: CommandLine, words: list[str], code: Exit, told: str
) -> None:
    ran = remote.run_bare("audit", *words)
    assert (ran.code, ran.out) == (code, "")
    assert told in ran.err


def test_who_may_not_read_the_ledger_is_told(
    remote: CommandLine, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, serving.developer_key)
    ran = remote.run_bare("audit", "tail")
    assert ran.code == Exit.FAILED
    assert "read_ledger" in ran.err


class Enough(Exception):
    """The test has seen what it waits for."""


def test_what_comes_is_told_once(remote: CommandLine, serving: Serving) -> None:
    """Each time it would wait, somebody is blocked; after three times it ends."""
    server = AdminServer(serving.admin_url, serving.admin_key)
    waits = iter(["ann", "bob", None])

    def wait(_: float) -> None:
        name = next(waits, "end")
        if name == "end":
            raise Enough
        if name is not None:
            server.post("/subjects/block", {"user": name})

    told: list[Sequence[LedgerRow]] = []
    following = ServerLedger(AdminServer(serving.admin_url, serving.admin_key, wait))
    with pytest.raises(Enough):
        following.tail(3, told.append, is_followed=True)
    first, *then = told
    assert [row.place for row in first] == sorted(row.place for row in first)
    assert len(first) == 3
    assert [[row.body["subject"] for row in rows] for rows in then] == [["ann"], ["bob"], []]


def test_a_long_search_goes_month_by_month(remote: CommandLine, serving: Serving) -> None:
    ledger = ServerLedger(AdminServer(serving.admin_url, serving.admin_key))
    since, until = (NOON - 100 * DAY) * 1_000_000, (NOON + 100 * DAY) * 1_000_000
    found = ledger.newest(1_000, Search(team="web", since_unix_us=since, until_unix_us=until))
    assert len(found) > 9
    newest = ledger.newest(5, Search(team="web", since_unix_us=since, until_unix_us=until))
    assert newest == found[-5:]
