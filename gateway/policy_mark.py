"""The data folder remembers that policy takes two people, so that a new database is no way past."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.configuration.build import Configuration
from gateway.configuration.stored import Origin

MARK: Final = "policy-takes-two-people"
_TOLD: Final = "A change of policy takes two people here. See docs/two-people.md.\n"

log = logging.getLogger(__name__)


class StateIsNew(Exception):
    """The folder was used where policy takes two people, and the database knows nothing of it."""


@dataclass(frozen=True, slots=True)
class PolicyMark:
    """A file in the data folder. Whoever may write there may remove it."""

    folder: Path

    def keep(self, configuration: Configuration) -> None:
        """Mark the folder, or take the mark away, by what came into force. It never fails."""
        file = self.folder / MARK
        try:
            if configuration.policy_approvers > 1:
                file.write_text(_TOLD)
            elif configuration.origin is Origin.FILES:
                file.unlink(missing_ok=True)
        except OSError as error:
            log.warning("policy_mark_failed", extra={"problem": error.strerror or str(error)})

    def refuse_new_state(self) -> None:
        """Nothing was in force yet in the database that is named. Raises `StateIsNew`."""
        file = self.folder / MARK
        if file.exists():
            raise StateIsNew(
                "a change of policy takes two people here, and in the database that is named "
                "nothing was in force yet: name the database of before "
                f"(storage.url), or, if it is to be a new one, remove {file}"
            )
