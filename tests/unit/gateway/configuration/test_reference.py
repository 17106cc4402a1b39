"""The reference in docs/ is true: its example loads and no option is missing from it."""

import re
from pathlib import Path

from gateway.configuration.build import load
from gateway.configuration.schema import COMMITTED, schema
from providers.vendors import VENDORS
from tests.fakes.configurations import ENVIRON, SHIPPED, write

PAGE = (COMMITTED.parent / "configuration.md").read_text(encoding="utf-8")


def test_the_example_loads(tmp_path: Path):
    example = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None
    assert load(write(tmp_path, example[1]), ENVIRON, SHIPPED).teams == ("payments", "web")


def test_every_option_is_explained():
    sections = schema()["$defs"].values()
    options = [name for section in sections for name in section["properties"]]
    assert [name for name in options if not re.search(rf"`(limits\.)?{name}`", PAGE)] == []


def test_every_kind_of_vendor_is_named():
    assert [each.kind for each in VENDORS if f"`{each.kind}`" not in PAGE] == []
