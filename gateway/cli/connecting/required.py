"""Settings that a register of assistants requires: written where we know their place."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from gateway.cli.connecting.setting import Setting, SettingsFile
from gateway.cli.editing.syntax import Value, name_of

Required = Mapping[str, str | int | bool]
"""Values by the names that settings are shown with: `env.ANTHROPIC_BASE_URL`."""


def fit(
    files: Sequence[SettingsFile], required: Required, ours: Collection[Value]
) -> tuple[SettingsFile, ...]:
    """The files with the required values in place of those we would write; they do not yield.

    A key is never replaced, nor a value that is one of `ours`: no register leads elsewhere.
    """

    def fitted(setting: Setting) -> Setting:
        name = name_of(setting.path)
        if setting.is_secret or setting.value in ours or name not in required:
            return setting
        return Setting(setting.path, required[name])

    return tuple(replace(file, settings=tuple(map(fitted, file.settings))) for file in files)


def names_in(files: Sequence[SettingsFile]) -> frozenset[str]:
    """The names of the settings whose place we know."""
    return frozenset(name_of(each.path) for file in files for each in file.settings)


def by_hand(required: Required, known: Collection[str]) -> Iterator[str]:
    """What is left for its user to see to, a line each."""
    for name, value in required.items():
        if name not in known:
            yield f"the register of assistants requires {name} = {value!r}: see to it by hand"
