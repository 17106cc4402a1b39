"""A home folder with an assistant's files in it, connected and put back as the command does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.cli.assistants.base import Assistant, Connection, Home, Key
from gateway.cli.connecting.carry_out import connect, disconnect
from gateway.cli.connecting.plan import plan_connecting, plan_undoing
from gateway.cli.connecting.record import Record, Records
from gateway.cli.offered import UNKNOWN, Sizes

KEY = "gth_04hc7KPkuCeYFYBUK6nQizIbGbS2CKyeU45a6bH"
ROOT = "http://127.0.0.1:7070"


@dataclass(frozen=True, slots=True)
class Desk:
    """One user's home, and what connecting does to it."""

    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Home:
        return Home(self.folder, self.environ, "linux")

    @property
    def records(self) -> Records:
        return Records(self.home.records)

    def holds(self, name: str, text: str) -> None:
        """Have a file in the home folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def says(self, name: str) -> str:
        return (self.folder / name).read_text()

    def connect(
        self,
        assistant: Assistant,
        model: str = "coder",
        *,
        literal: bool = False,
        sizes: Sizes = UNKNOWN,
    ) -> None:
        """By `$GATEHOUSE_KEY`; `literal`: by --key."""
        connection = Connection(ROOT, model, Key(KEY, is_in_environment=not literal), sizes)
        files = assistant.files(self.home, connection)
        plan = plan_connecting(files, self.records.read(assistant.name))
        connect(plan, Record(assistant.name, ROOT, model, plan.files), self.records)

    def undo(self, assistant: Assistant) -> None:
        record = self.records.read(assistant.name)
        assert record is not None
        disconnect(plan_undoing(record.files), record, self.records)

    def files(self) -> dict[str, bytes]:
        """Every file of the home folder with its bytes, ours left out."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file() and self.home.records not in path.parents
        }


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def by_hand(assistant: Assistant, sizes: Sizes = UNKNOWN) -> str:
    """What is left to do by hand, as one text."""
    key = Key(KEY, is_in_environment=True)
    return "\n".join(assistant.steps(Connection(ROOT, "coder", key, sizes)))
