"""`gatehouse models`: what is offered, by whom it is answered, and who may ask."""

import asyncio
from pathlib import Path

from gateway.cli.configured import Named
from gateway.cli.in_force import names_in_force
from gateway.cli.options import AsJson, Config, Data, data_folder
from gateway.cli.output import note, print_json, print_table
from gateway.settings import OfferedModel, read_running


def models(config: Config = None, data: Data = None, as_json: AsJson = False) -> None:
    """List the models, their other names and limits, their targets in order, and their teams."""
    folder = data_folder(data)
    source, found = names_in_force(config, folder)
    named = _without_configuration(folder) if found is None else found
    note(f"by {source}")
    rows = [(each, _teams_of(each.name, named)) for each in named.models]
    if as_json:
        print_json(
            {
                "model": each.name,
                "display_name": each.display_name or each.name,
                "aliases": list(each.aliases),
                "context_window": each.context_window,
                "output_limit": each.output_limit,
                "targets": list(each.targets),
                "teams": teams,
            }
            for each, teams in rows
        )
    else:
        print_table(
            ("MODEL", "#TOKENS IN", "#OUT", "ANSWERED BY", "TEAMS", "ALSO CALLED"),
            (
                (
                    each.name,
                    _tokens(each.context_window),
                    _tokens(each.output_limit),
                    ", ".join(each.targets),
                    ", ".join(teams),
                    ", ".join(each.aliases),
                )
                for each, teams in rows
            ),
        )


def _tokens(known: int | None) -> str:
    return "unknown" if known is None else f"{known:,}"


def _teams_of(model: str, named: Named) -> list[str]:
    return [team for team, granted in named.teams.items() if model in granted]


def _without_configuration(data: Path) -> Named:
    """What the gateway running on `data` says it offers, else what one would find now."""
    running = read_running(data)
    offered = running.models if running is not None and running.is_alive else _found_now()
    return Named(offered, {"default": tuple(each.name for each in offered)})


def _found_now() -> tuple[OfferedModel, ...]:
    from gateway.configuration.choice import embedded_configuration

    configuration = asyncio.run(embedded_configuration())
    return tuple(configuration.offered(name) for name in configuration.models)
