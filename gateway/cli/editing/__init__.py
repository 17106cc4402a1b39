"""Settings files of other programs, edited in place: what is not ours keeps its bytes."""

from gateway.cli.editing.dotenv import DOTENV
from gateway.cli.editing.jsonc import JSONC
from gateway.cli.editing.syntax import Item, Path, Syntax, Unreadable, Value
from gateway.cli.editing.toml import TOML
from gateway.cli.editing.yaml import YAML

__all__ = ["DOTENV", "JSONC", "TOML", "YAML", "Item", "Path", "Syntax", "Unreadable", "Value"]
