"""Who types a command is its user, or whose key they show."""

from pathlib import Path

import pytest

from gateway.cli.by_whom import by_whom
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.server import KEY_VARIABLE
from gateway.settings import operating_user
from gateway.store.changes import Actor
from gateway.store.database import open_database


async def who(folder: Path, key: str | None = None):
    database = open_database(folder)
    try:
        return await by_whom(database, folder, key)
    finally:
        await database.close()


async def test_without_a_key_it_is_the_user_of_the_machine(tmp_path, monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    found = await who(tmp_path)
    assert (found.actor, found.key) == (Actor.os_user(operating_user()), None)


@pytest.mark.parametrize("is_given", [True, False])
async def test_a_key_is_taken_from_the_option_or_the_environment(tmp_path, monkeypatch, is_given):
    monkeypatch.setenv(KEY_VARIABLE, "gth_environment")
    found = await who(tmp_path, "gth_option" if is_given else None)
    assert str(found.problem).startswith("the key is mistyped")


async def test_secrets_that_everybody_can_read_are_not_used(tmp_path):
    await who(tmp_path, "gth_x")
    (tmp_path / "pepper").chmod(0o644)
    with pytest.raises(CommandFailed, match="is open to every user") as failed:
        await who(tmp_path, "gth_x")
    assert failed.value.code == Exit.DATA
