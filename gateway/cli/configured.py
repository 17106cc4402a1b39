"""Which configuration a command goes by, and the names it holds, also beside a running gateway."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.output import note
from gateway.settings import (
    CONFIGURATION_NAME,
    OfferedModel,
    configuration_in,
    environment,
    offered_model,
    read_running,
)
from providers.catalogue import PriceBook, load_price_book

if TYPE_CHECKING:
    from gateway.configuration.shipped import Shipped
NOT_SET = "not-set.invalid"
"""Stands in the place of a variable that is not set."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a configuration file names: models with their targets, teams with their models."""

    models: tuple[OfferedModel, ...]
    teams: Mapping[str, tuple[str, ...]]


def configuration_path(given: Path | None, data: Path, folder: Path) -> Path | None:
    """The configuration a command goes by; None means the embedded default.

    In this order: the one named; that of the gateway running on `data` (which may be none);
    `gatehouse.yaml` in `folder`; that of the last gateway that ran on `data`.
    Raises `CommandFailed` when the one named does not exist.
    """
    if given is not None:
        if not given.is_file():
            raise CommandFailed(f"there is no file {given}", Exit.NOT_FOUND)
        return given.absolute()
    last = read_running(data)
    if last is not None and last.is_alive:
        return last.config
    remembered = last.config if last is not None else None
    if remembered is not None and not remembered.is_file():
        remembered = None
    return configuration_in(folder) or remembered


def note_passed_over(folder: Path) -> None:
    """Say it where somebody's configuration is not seen for another spelling of its name."""
    other = (folder / CONFIGURATION_NAME).with_suffix(".yml")
    if configuration_in(folder) is None and other.is_file():
        note(
            f"note: {other} is passed over for its name: "
            f"rename it to {CONFIGURATION_NAME}, or name it"
        )


def read_names(path: Path) -> Named:
    """What a file names, without its secrets: they may be in the gateway's environment only.

    Raises `CommandFailed` when the file is not right, with every problem found.
    """
    from gateway.configuration.problems import ConfigurationError
    from gateway.configuration.reading import read_bytes
    from gateway.configuration.tree import Unreadable, read_tree

    try:
        value = read_tree(read_bytes(path), AnyName(environment())).value
        return _named(value)
    except OSError as error:
        raise CommandFailed(f"cannot read {path}: {error.strerror}", Exit.CONFIGURATION) from error
    except Unreadable as error:
        refusal = ConfigurationError(str(path), error.problems)
        raise CommandFailed(str(refusal), Exit.CONFIGURATION) from error
    except (AttributeError, TypeError, KeyError, ValueError) as error:
        raise CommandFailed(
            f"{path} is not a configuration; gatehouse check {path} says what is wrong",
            Exit.CONFIGURATION,
        ) from error


def _named(written: object) -> Named:
    """Raises what Python raises when the shape is another; `read_names` knows."""
    value = cast(Mapping[str, Mapping[str, Mapping[str, Any]]], written)
    kinds = {name: str(vendor["kind"]) for name, vendor in value["vendors"].items()}
    models = (offered_model({"name": name, **model}) for name, model in value["models"].items())
    teams = {name: tuple(map(str, team["models"])) for name, team in value["teams"].items()}
    book = load_price_book()
    return Named(tuple(_with_known_limits(each, kinds, book) for each in models), teams)


def _with_known_limits(
    model: OfferedModel, kinds: Mapping[str, str], book: PriceBook
) -> OfferedModel:
    """What the file does not say is what the price book knows of the target that answers first."""
    vendor, _, upstream = next(iter(model.targets), "").partition("/")
    known = book.limits(kinds.get(vendor, ""), upstream)
    return replace(
        model,
        context_window=model.context_window or known.context_tokens,
        output_limit=model.output_limit or known.output_tokens,
    )


def shipped() -> "Shipped":
    """What a configuration builds on, for commands that build one."""
    from gateway.configuration.choice import shipped_with

    return shipped_with(load_price_book())


class AnyName(Mapping[str, str]):
    """An environment in which every variable is set: names do not depend on secrets.

    What is not set is an address that leads nowhere, since that fits wherever text does.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def __getitem__(self, name: str) -> str:
        return self._environ.get(name, f"http://{NOT_SET}")

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)
