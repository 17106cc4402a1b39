"""How a command can end: its exit codes, and the one exception that carries them."""

from enum import IntEnum


class Exit(IntEnum):
    """What a command's exit code says to a script. Stable; documented in docs/cli.md."""

    OK = 0
    FAILED = 1  # it was tried and did not work
    USAGE = 2  # the command line itself is wrong
    CONFIGURATION = 3  # gatehouse.yaml is wrong
    NOT_FOUND = 4  # what was named does not exist
    DATA = 5  # the data folder or the ledger in it cannot be used
    INTERRUPTED = 130  # Ctrl-C
    CLOSED_PIPE = 141  # whoever read the output has stopped


class CommandFailed(Exception):
    """A command that ends with one clear line: what was wrong, and what to do."""

    def __init__(self, message: str, code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
