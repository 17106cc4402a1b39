"""The newest schema as one script: a new SQLite file does not go through the history of old ones.

    python -m gateway.store.newest

writes the script anew, after a migration was added. A fifth of a first start was Alembic.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from gateway.store.schema import upgrade

SCRIPT = Path(__file__).parent / "migrations" / "newest.sql"


def is_empty(connection: sqlite3.Connection) -> bool:
    """Whether nobody has made anything in this database yet. Raises `sqlite3.Error`."""
    (count,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return int(count) == 0


def make_newest(connection: sqlite3.Connection) -> None:
    """Bring an empty database to the newest schema, in one transaction.

    Raises `sqlite3.Error`.
    """
    connection.executescript(SCRIPT.read_text())


def script_of(connection: sqlite3.Connection) -> str:
    """The statements that make a database like this one, without blank lines."""
    lines = "\n".join(connection.iterdump()).splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines if line.strip())


def migrated() -> str:
    """The script of a database that the migrations made."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as memory:
        engine = create_engine("sqlite://", creator=lambda: memory, poolclass=StaticPool)
        with engine.connect() as connection:
            upgrade(connection)
        return script_of(memory)


if __name__ == "__main__":
    SCRIPT.write_text(migrated())
