"""The reference in docs/ is true: its example loads and no option is missing from it."""

import re
from pathlib import Path

import pytest

from gateway.assistant import ASSISTANTS
from gateway.configuration.build import load
from gateway.configuration.reading import read_document
from gateway.configuration.register_documents import (
    AssistantRegisterDocument,
    VendorRegisterDocument,
)
from gateway.configuration.schema import (
    ASSISTANTS_COMMITTED,
    COMMITTED,
    VENDORS_COMMITTED,
    schema,
    schemas,
)
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


def test_every_field_of_the_registers_is_explained():
    page = (COMMITTED.parent / "registers.md").read_text(encoding="utf-8")
    sections = [
        part
        for file in (VENDORS_COMMITTED, ASSISTANTS_COMMITTED)
        for part in schemas()[file]["$defs"].values()
    ]
    options = [name for section in sections for name in section["properties"]]
    assert [name for name in options if f"`{name}`" not in page] == []


def test_every_assistant_that_can_be_told_is_named():
    page = (COMMITTED.parent / "registers.md").read_text(encoding="utf-8")
    assert [name for name in sorted(ASSISTANTS) if f"`{name}`" not in page] == []


@pytest.mark.parametrize("kind", [VendorRegisterDocument, AssistantRegisterDocument])
def test_the_example_of_each_register_reads(kind):
    page = (COMMITTED.parent / "registers.md").read_text(encoding="utf-8")
    field = next(iter(kind.model_fields))
    example = re.search(rf"```yaml\n({field}:\n.*?)```", page, re.DOTALL)
    assert example is not None
    written = read_document(example[1].encode(), Path("r.yaml"), {}, kind)
    assert getattr(written.document, field)
