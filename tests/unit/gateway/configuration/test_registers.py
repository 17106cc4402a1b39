"""Registers are read with the configuration, and what they say of a vendor is what counts."""

from datetime import date

import pytest

from gateway.configuration.build import Configuration, load
from gateway.configuration.problems import ConfigurationError
from policy.registers import Registers, Review
from policy.types import Allow, Circumstances, DataClass, Deny
from tests.fakes.configurations import (
    ENVIRON,
    GOOD,
    SHIPPED,
    VENDORS,
    WITH_REGISTERS,
    configured,
    write,
    write_registered,
)
from tests.fakes.policy_facts import an_identity, some_facts
from tests.fakes.registers import on

MAY = date(2026, 5, 1)


def loaded(folder, **written) -> Configuration:
    return load(write_registered(folder, **written), ENVIRON, SHIPPED)


def asked(built: Configuration, circumstances: Circumstances) -> Allow | Deny:
    return built.policy.decide(an_identity("web"), some_facts(), circumstances)


def test_without_registers_nothing_is_asked_of_them(tmp_path):
    assert configured(tmp_path).registers.for_policy() == Registers(None, None)


def test_policy_goes_by_who_reviewed_what_until_when(tmp_path):
    registers = loaded(tmp_path).registers.for_policy()
    assert registers.vendors == {
        "deepseek": Review("Ada Lovelace", date(2026, 1, 10), date(2026, 7, 10))
    }
    assert registers.assistants is not None
    assert list(registers.assistants) == ["claude-code", "codex"]
    assert registers.assistants["claude-code"].required_settings == {
        "env.CLAUDE_CODE_ATTRIBUTION_HEADER": "0"
    }


def test_what_the_register_says_of_a_vendor_is_what_policy_and_ledger_see(tmp_path):
    built = loaded(tmp_path)
    facts = built.target_facts["deepseek/deepseek-chat"]
    assert (facts.clearance, facts.region, facts.jurisdiction, facts.retention) == (
        DataClass.INTERNAL,
        "cn-hangzhou",
        "CN",
        "30 days",
    )
    assert facts.review_date == date(2026, 7, 10)
    assert built.vendors["deepseek"].region == "cn-hangzhou"


def test_the_same_fact_said_alike_in_both_files_is_no_error(tmp_path):
    text = WITH_REGISTERS.replace(
        "    kind: deepseek\n",
        "    kind: deepseek\n    clearance: internal\n    review_date: 2026-07-10\n",
    )
    assert loaded(tmp_path, text=text).target_facts["deepseek/deepseek-chat"].region


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("clearance: restricted", "3:16"),
        ("region: eu-central", "5:13"),
        ("jurisdiction: DE", "4:19"),
        ("retention: none", "6:16"),
        ("review_date: 2026-07-09", "12:18"),
    ],
)
def test_the_same_fact_said_differently_names_both_places(tmp_path, ours, theirs):
    text = WITH_REGISTERS.replace("    kind: deepseek\n", f"    kind: deepseek\n    {ours}\n")
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, text=text)
    (line,) = caught.value.lines
    field = ours.partition(":")[0]
    assert line.startswith(
        f"{tmp_path}/gatehouse.yaml:9:{7 + len(field)}: vendors.deepseek.{field}: is "
    )
    assert f"{tmp_path}/registers/vendors.yaml:{theirs}; leave it to the register" in line


def test_a_clearance_of_the_register_is_what_teams_are_checked_against(tmp_path):
    text = WITH_REGISTERS.replace("[house/qwen3-coder, deepseek", "[deepseek")
    with pytest.raises(ConfigurationError, match="deepseek is cleared for internal"):
        loaded(tmp_path, text=text)


def test_a_vendor_without_an_entry_is_refused_and_told_at_once(tmp_path):
    built = loaded(tmp_path, vendors="vendors: {}\n")
    *_, notice = built.notices
    assert notice.startswith("vendor deepseek is not in ")
    assert notice.endswith("registers/vendors.yaml: nothing is sent there until it is")
    decision = asked(built, on(MAY, "codex"))
    assert isinstance(decision, Allow)
    assert decision.targets == ("house/qwen3-coder",)


def test_an_entry_for_no_vendor_is_told(tmp_path):
    entry = VENDORS.partition("\n")[2].replace("deepseek", "moonshot")
    built = loaded(tmp_path, vendors=VENDORS + entry)
    *_, notice = built.notices
    assert notice.endswith("has an entry for moonshot, which is no vendor here")


def test_both_registers_have_a_say_over_the_days(tmp_path):
    built = loaded(tmp_path)

    def told(day: date, assistant: str, version: str | None = None) -> str | tuple[str, ...]:
        decision = asked(built, on(day, assistant, version))
        return decision.rule if isinstance(decision, Deny) else decision.targets

    both = ("house/qwen3-coder", "deepseek/deepseek-chat")
    assert told(date(2026, 7, 10), "claude-code", "2.1.200") == both
    assert told(date(2026, 7, 10), "claude-code", "2.1.199") == "assistant_register"
    assert told(date(2026, 7, 11), "claude-code", "2.1.200") == "assistant_register"
    assert told(date(2026, 7, 11), "codex") == both[:1]
    assert told(date(2027, 1, 1), "codex") == "assistant_register"
    assert told(MAY, "unrecognised") == "assistant_register"


def test_the_digest_is_that_of_all_files(tmp_path):
    first = loaded(tmp_path).digest
    assert loaded(tmp_path).digest == first
    assert loaded(tmp_path, vendors=VENDORS + "# seen\n").digest != first
    assert loaded(tmp_path, assistants="assistants: {}\n").digest != first
    assert configured(tmp_path, GOOD).digest != first


def test_the_registers_are_watched_as_they_were_read(tmp_path):
    built = loaded(tmp_path)
    names = {path.relative_to(tmp_path).as_posix() for path in built.watched}
    assert names == {"gatehouse.yaml", "registers/vendors.yaml", "assistants.yaml"}
    assert set(built.read) == set(built.watched)


def test_a_register_takes_variables_and_never_shows_them(tmp_path):
    vendors = VENDORS.replace("C-2026-117", "${WORD}").replace("internal", "${WORD}")
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, vendors=vendors)
    assert "wibble-canary" not in str(caught.value)


def test_one_register_may_be_kept_without_the_other(tmp_path):
    text = WITH_REGISTERS.replace(", assistants: assistants.yaml", "")
    built = loaded(tmp_path, text=text, assistants="not read: [")
    assert built.registers.for_policy().assistants is None
    assert isinstance(asked(built, on(MAY)), Allow)


def test_a_register_stands_beside_its_configuration_wherever_that_is(tmp_path):
    write(tmp_path, VENDORS, "etc/registers/vendors.yaml")
    text = WITH_REGISTERS.replace(", assistants: assistants.yaml", "")
    path = write(tmp_path, text, "etc/gatehouse.yaml")
    assert load(path, ENVIRON, SHIPPED).registers.reviewed_vendors
