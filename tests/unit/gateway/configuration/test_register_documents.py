"""Bad registers, each refused with its file, its line, and words that say what was meant."""

import pytest

from gateway.configuration.build import load
from gateway.configuration.problems import ConfigurationError
from gateway.configuration.register_documents import (
    AssistantRegisterDocument,
    VendorRegisterDocument,
)
from tests.fakes.configurations import (
    ASSISTANTS,
    ENVIRON,
    SHIPPED,
    VENDORS,
    WITH_REGISTERS,
    write_registered,
)


def refused(folder, **written) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        load(write_registered(folder, **written), ENVIRON, SHIPPED)
    return caught.value


def vendors(before: str, after: str) -> str:
    assert before in VENDORS
    return VENDORS.replace(before, after, 1)


def assistants(before: str, after: str) -> str:
    assert before in ASSISTANTS
    return ASSISTANTS.replace(before, after, 1)


# what is wrong: (the register, the line it stands in, words the error must hold)
BAD_VENDORS = {
    "an empty file": ("", 1, "the file is empty"),
    "a list": ("- deepseek\n", 1, "needs named entries"),
    "entries without their heading": (
        VENDORS.partition("\n")[2].replace("\n    ", "\n  ").replace("  deepseek", "deepseek"),
        1,
        "unknown field `deepseek`",
    ),
    "a bracket left open": (vendors("[Example Hosting]", "[Example Hosting"), 9, "not YAML"),
    "a vendor twice": (VENDORS + VENDORS.partition("\n")[2], 14, "first in line 2"),
    "a misspelt vendor": (
        vendors("deepseek", "deepseak"),
        2,
        "is no vendor of gatehouse.yaml; did you mean `deepseek`?",
    ),
    "a vendor's name in capitals": (vendors("deepseek", "DeepSeek"), 2, "a-z, 0-9"),
    "a misspelt field": (
        vendors("valid_until", "valid_untill"),
        12,
        "unknown field `valid_untill`; did you mean `valid_until`?",
    ),
    "a field of gatehouse.yaml": (
        vendors("valid_until", "review_date"),
        12,
        "unknown field `review_date`; did you mean `reviewer`?",
    ),
    "no last day": (vendors("    valid_until: 2026-07-10\n", ""), 2, "valid_until: is required"),
    "no reviewer": (vendors("    reviewer: Ada Lovelace\n", ""), 2, "reviewer: is required"),
    "an empty reviewer": (vendors("Ada Lovelace", '""'), 10, "must not be empty"),
    "no clearance": (vendors("    clearance: internal\n", ""), 2, "clearance: is required"),
    "an unknown clearance": (vendors("internal", "secret"), 3, "must be one of 'public'"),
    "an unknown use for training": (vendors("opted_out", "sometimes"), 7, "one of 'never'"),
    "no as a word": (vendors("opted_out", "no"), 7, "YAML reads no as a boolean"),
    "a day in another order": (vendors("2026-07-10", "10.07.2026"), 12, "YYYY-MM-DD"),
    "a day that is none": (vendors("2026-07-10", "2026-06-31"), 12, "YYYY-MM-DD"),
    "a period for a day": (vendors("2026-07-10", "12 months"), 12, "YYYY-MM-DD"),
    "a year for a day": (vendors("2026-07-10", "2026"), 12, "needs a date"),
    "days the wrong way round": (
        vendors("2026-07-10", "2026-01-09"),
        12,
        "is before the day it was reviewed, 2026-01-10",
    ),
    "a retention in days": (vendors("30 days", "30"), 6, "put it in quotes"),
    "one sub-processor": (vendors("[Example Hosting]", "Example Hosting"), 8, "needs a list"),
    "evidence in a folder": (vendors("https://", "file://"), 13, "a link is http://"),
    "evidence without a host": (vendors("reviews.example", ""), 13, "a link is http://"),
    "a variable that is not set": (vendors("C-2026-117", "${NOT_SET}"), 9, "NOT_SET is not set"),
}
BAD_ASSISTANTS = {
    "an empty file": ("# later\n", 1, "the file is empty"),
    "the other register": (VENDORS, 1, "unknown field `vendors`"),
    "an assistant nobody can tell": (
        assistants("claude-code", "claude-coder"),
        2,
        "`claude-coder` is no assistant the gateway can tell; did you mean `claude-code`?",
    ),
    "an assistant in words": (assistants("codex", "Codex CLI"), 8, "no assistant the gateway"),
    "no versions": (assistants("    approved_versions: any\n", ""), 8, "versions: is required"),
    "versions without quotes": (
        assistants('">= 2.1.200, < 3"', ">= 2.1.200"),
        3,
        'put quotes around what begins with >: ">= 2.1.200"',
    ),
    "a version as a number": (assistants('">= 2.1.200, < 3"', "2.1"), 3, "put it in quotes"),
    "a version as npm writes it": (
        assistants(">= 2.1.200, < 3", "^2.1.200"),
        3,
        "`^2.1.200` is no bound of a version",
    ),
    "bounds without a comma": (
        assistants("2.1.200, < 3", "2.1.200 < 3"),
        3,
        "commas between bounds",
    ),
    "the newest version": (assistants("any", "latest"), 9, "`latest` is no bound"),
    "settings as a list": (
        assistants('{ env.CLAUDE_CODE_ATTRIBUTION_HEADER: "0" }', "[a, b]"),
        4,
        "required_settings: needs named entries",
    ),
    "a setting without a value": (
        assistants('"0" }', " }"),
        4,
        "a setting's value is text, a whole",
    ),
    "no owner": (assistants("    owner: tools@example.com\n", ""), 2, "owner: is required"),
    "a reviewer for an owner": (
        assistants("owner", "reviewer"),
        5,
        "unknown field `reviewer`; did you mean `reviewed`?",
    ),
    "days the wrong way round": (
        assistants("2026-07-10", "2025-07-10"),
        7,
        "is before the day it was reviewed",
    ),
    "versions of what cannot be told": (
        assistants("claude-code", "unrecognised"),
        3,
        "what cannot be told has no version; write any",
    ),
}


@pytest.mark.parametrize(("text", "line", "words"), BAD_VENDORS.values(), ids=BAD_VENDORS)
def test_a_bad_register_of_vendors_says_what_was_meant(tmp_path, text, line, words):
    error = refused(tmp_path, vendors=text)
    where = f"{tmp_path}/registers/vendors.yaml:{line}:"
    assert [each for each in error.lines if each.startswith(where) and words in each], error.lines


@pytest.mark.parametrize(("text", "line", "words"), BAD_ASSISTANTS.values(), ids=BAD_ASSISTANTS)
def test_a_bad_register_of_assistants_says_what_was_meant(tmp_path, text, line, words):
    error = refused(tmp_path, assistants=text)
    where = f"{tmp_path}/assistants.yaml:{line}:"
    assert [each for each in error.lines if each.startswith(where) and words in each], error.lines


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("registers/vendors.yaml", "vendors.yaml", "the file it names cannot be read"),
        ("registers/vendors.yaml", "registers", "Is a directory"),
        ("vendors: registers", "vendor: registers", "did you mean `vendors`?"),
        ("registers/vendors.yaml", '""', "must not be empty"),
    ],
)
def test_a_register_that_is_not_there_is_told_where_it_is_named(tmp_path, before, after, words):
    error = refused(tmp_path, text=WITH_REGISTERS.replace(before, after))
    where = f"{tmp_path}/gatehouse.yaml:19:"
    assert [each for each in error.lines if each.startswith(where) and words in each], error.lines


def test_the_problems_of_all_files_are_told_at_once(tmp_path):
    error = refused(
        tmp_path,
        text=WITH_REGISTERS.replace("[coder], data", "[codr], data"),
        vendors=vendors("valid_until: 2026-07-10", "valid_until: 2025-07-10"),
        assistants=assistants("valid_until: 2026-07-10", "valid_until: 2025-07-10"),
    )
    assert [line.removeprefix(f"{tmp_path}/").partition(":")[0] for line in error.lines] == [
        "gatehouse.yaml",
        "assistants.yaml",
        "registers/vendors.yaml",
    ]


def test_the_shapes_of_both_registers_are_told_at_once(tmp_path):
    error = refused(tmp_path, vendors="vendors: 1\n", assistants="assistants: 1\n")
    assert len(error.lines) == 2


def test_an_entry_gives_the_review_that_policy_goes_by():
    fields = {"reviewed": "2026-01-10", "valid_until": "2026-07-10"}
    vendor = {"clearance": "public", "jurisdiction": "CN", "region": "cn", "retention": "none"}
    vendor |= {"training_use": "never", "reviewer": "Ada"}
    assistant = {"approved_versions": "any", "owner": "tools"}
    of_vendors = VendorRegisterDocument.model_validate({"vendors": {"v": vendor | fields}})
    of_assistants = AssistantRegisterDocument.model_validate(
        {"assistants": {"codex": assistant | fields}}
    )
    assert of_vendors.vendors["v"].review.by == "Ada"
    assert of_assistants.assistants["codex"].review.by == "tools"
    assert of_vendors.vendors["v"].sub_processors is None
