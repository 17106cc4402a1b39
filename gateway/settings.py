"""The gateway's surroundings, read in one place: environment, folders, a gateway that runs."""

import json
import os
import pwd
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 7070
CONFIGURATION_NAME = "gatehouse.yaml"
RUNNING_NAME = "running.json"

DATABASE_VARIABLE = "GATEHOUSE_DATABASE_URL"
PEPPER_VARIABLE = "GATEHOUSE_PEPPER"
PEPPER_FILE_VARIABLE = "GATEHOUSE_PEPPER_FILE"

_RUNNING_LIMIT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What `gatehouse up` was asked to do. `config` None means: the embedded default."""

    config: Path | None
    data: Path
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    model: Path | None = None  # a GGUF file to serve on this machine
    ready_file: Path | None = None
    admin_port: int | None = None  # in place of the configuration's
    last_good: bool = False  # where the files cannot be used, start with what was in force last

    @property
    def port_for_admin(self) -> int | None:
        """The admin API's port where it is not the configuration's: any, where clients' is any."""
        if self.admin_port is None and self.port == 0:
            return 0
        return self.admin_port


@dataclass(frozen=True, slots=True)
class OfferedModel:
    """A model as clients name it, and the targets (`vendor/model`) behind it, in order.

    The limits, in tokens, are those of the target that answers first; None where nobody knows.
    """

    name: str
    targets: tuple[str, ...]
    display_name: str | None = None
    aliases: tuple[str, ...] = ()
    context_window: int | None = None
    output_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """A gateway that serves, as it tells its starter. Keys are given on a first start only.

    `base_url` is the root, without `/v1`; `notes` are things worth a line (a team chosen, an
    engine found), in the order they came up.
    """

    base_url: str
    pid: int
    first_start: bool
    admin_key: str | None = field(repr=False)
    developer_key: str | None = field(repr=False)
    developer_team: str
    models: tuple[OfferedModel, ...]
    config_path: Path | None
    data: Path
    notes: tuple[str, ...] = ()
    admin_url: str | None = None


@dataclass(frozen=True, slots=True)
class RunningGateway:
    """What a gateway leaves in its data folder while it serves, for commands beside it."""

    pid: int
    base_url: str
    config: Path | None
    models: tuple[OfferedModel, ...] = ()
    admin_url: str | None = None

    @property
    def is_alive(self) -> bool:
        """Whether its process still exists."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except OSError:  # another user's: it exists
            return True
        return True


def environment() -> Mapping[str, str]:
    """This process's environment, for `${NAME}` in the configuration and for the rest below."""
    return os.environ


def operating_user() -> str:
    """The operating system's name for whoever runs this process; its number where it has none."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's arbitrary user
        return f"uid {os.getuid()}"


def data_dir_default(environ: Mapping[str, str]) -> Path:
    """The data folder when nobody names one: `GATEHOUSE_DATA`, else the user's data folder.

    Not a folder below the working one: the ledger would then depend on where a command was typed.
    """
    if named := environ.get("GATEHOUSE_DATA"):
        return Path(named).expanduser()
    base = environ.get("XDG_DATA_HOME", "")
    # The XDG specification has relative paths ignored.
    home = Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "share"
    return home / "gatehouse"


def gateway_key(environ: Mapping[str, str]) -> str | None:
    """The key that assistants and commands are told to use, if one is named."""
    return environ.get("GATEHOUSE_KEY", "").strip() or None


def config_folder(environ: Mapping[str, str]) -> Path:
    """Where a user's own settings of this program are kept."""
    base = environ.get("XDG_CONFIG_HOME", "")
    home = Path(base) if Path(base).is_absolute() else Path.home() / ".config"
    return home / "gatehouse"


def database_url(environ: Mapping[str, str]) -> str | None:
    """The database that keeps the state, where the environment names one. Holds a password."""
    return environ.get(DATABASE_VARIABLE) or None


def pepper_text(environ: Mapping[str, str]) -> str | None:
    """The pepper itself, where the environment holds it."""
    return environ.get(PEPPER_VARIABLE) or None


def pepper_file(environ: Mapping[str, str]) -> Path | None:
    """The file that holds the pepper, where the environment names one."""
    named = environ.get(PEPPER_FILE_VARIABLE)
    return Path(named).expanduser() if named else None


def configuration_in(folder: Path) -> Path | None:
    """The `gatehouse.yaml` of a folder, absolute, when there is one."""
    path = folder / CONFIGURATION_NAME
    return path.resolve() if path.is_file() else None


def write_running(data: Path, running: RunningGateway) -> None:
    """Leave word of a gateway that serves. Only the owner can read it."""
    document = {
        "pid": running.pid,
        "base_url": running.base_url,
        "config": None if running.config is None else str(running.config.resolve()),
        "models": [asdict(each) for each in running.models],
        "admin_url": running.admin_url,
    }
    write_private(data / RUNNING_NAME, json.dumps(document) + "\n")


def write_private(path: Path, text: str) -> None:
    """Put a file in place in one step, readable by its owner only from its first moment."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(unfinished, flags, 0o600), "w", encoding="utf-8") as opened:
        opened.write(text)
    unfinished.replace(path)


def read_running(data: Path) -> RunningGateway | None:
    """The last gateway that served from this data folder; ask `is_alive`. None when unreadable."""
    try:
        with (data / RUNNING_NAME).open(encoding="utf-8") as opened:
            document = json.loads(opened.read(_RUNNING_LIMIT_BYTES))
        config = document["config"]
        return RunningGateway(
            pid=int(document["pid"]),
            base_url=str(document["base_url"]),
            config=None if config is None else Path(config),
            models=tuple(map(offered_model, document.get("models", ()))),
            admin_url=document.get("admin_url"),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def offered_model(written: Mapping[str, Any]) -> OfferedModel:
    """A model as a file tells it; what it does not tell is unknown.

    Raises `KeyError`, `TypeError`, `ValueError` or `AttributeError` where the file has another
    shape.
    """

    def known(key: str) -> int | None:
        return None if written.get(key) is None else int(written[key])

    shown = written.get("display_name")
    return OfferedModel(
        name=str(written["name"]),
        targets=tuple(map(str, written["targets"])),
        display_name=None if shown is None else str(shown),
        aliases=tuple(map(str, written.get("aliases", ()))),
        context_window=known("context_window"),
        output_limit=known("output_limit"),
    )
