"""A folder with a configuration and files of rules."""

from pathlib import Path

from gateway.configuration.build import Configuration, load
from tests.fakes.configurations import ENVIRON, GOOD, SHIPPED, write

WITH_RULES = GOOD + "policy: [policy/*.yaml]\n"


def with_rules(folder: Path, *files: str, configuration: str = WITH_RULES) -> Path:
    """Write them; the rules as policy/0.yaml, policy/1.yaml, ..."""
    (folder / "policy").mkdir(exist_ok=True)
    for number, text in enumerate(files):
        write(folder / "policy", text, f"{number}.yaml")
    return write(folder, configuration)


def loaded(folder: Path, *files: str, configuration: str = WITH_RULES) -> Configuration:
    return load(with_rules(folder, *files, configuration=configuration), ENVIRON, SHIPPED)
