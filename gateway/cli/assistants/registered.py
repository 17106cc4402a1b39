"""An assistant with the settings that a gateway's register requires of it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from gateway.cli.asking import settings_required
from gateway.cli.assistants.base import Assistant, Connection, Home
from gateway.cli.connecting.required import Required, by_hand, fit, names_in
from gateway.cli.connecting.setting import SettingsFile

NOWHERE: Final = Path("/nowhere")
"""Steps tell of names of settings, not of where their files are."""


def as_registered(assistant: Assistant, connection: Connection) -> Assistant:
    """The assistant as the gateway that it is connected to wants it; as it is where that is silent.

    What its files have no place for is a step more.
    """
    name = assistant.told_as or assistant.name
    required = settings_required(connection.root, connection.key.secret, name)
    return with_required(assistant, required) if required else assistant


def with_required(assistant: Assistant, required: Required) -> Assistant:
    """The assistant with these values in place of its own; where it is pointed at stays ours."""

    def files(home: Home, connection: Connection) -> Sequence[SettingsFile]:
        ours = (connection.root, connection.v1, connection.model)
        return fit(assistant.files(home, connection), required, ours)

    def steps(connection: Connection) -> Sequence[str]:
        nowhere = Home(NOWHERE, {})
        known = names_in(assistant.files(nowhere, connection))
        return (*assistant.steps(connection), *by_hand(required, known))

    return replace(assistant, files=files, steps=steps)
