"""The schema's history: which revisions there are, and how a database is brought to the newest."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

if TYPE_CHECKING:
    from alembic.config import Config

REVISIONS = (
    "0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011",
    "0012", "0013",
)  # fmt: skip
"""Every schema there has been, oldest first. Names files of `migrations/versions/`."""


class StoreError(Exception):
    """The database cannot be used as it is; the message says what to do."""


class SchemaTooNew(StoreError):
    """A newer Gatehouse has been here."""


def refuse_unknown(revision: str, where: object) -> None:
    """Raise `SchemaTooNew` for a schema that this version does not know."""
    if revision not in REVISIONS:
        raise SchemaTooNew(
            f"{where} was written by a newer Gatehouse (schema {revision}, this version knows up "
            f"to {REVISIONS[-1]}): start that version again, or restore the copy made before it"
        )


def upgrade(connection: Connection) -> None:
    """Run what is missing, over this connection and, if it is in one, in its transaction."""
    from alembic import command

    command.upgrade(migrations(connection), "head")


def migrations(connection: Connection) -> "Config":
    """What Alembic's commands are given to migrate over this connection."""
    from alembic.config import Config

    config = Config()
    scripts = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", scripts.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
