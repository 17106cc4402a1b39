"""What counts as a change of policy, and so may take two people."""

from pathlib import Path

import pytest

from gateway.configuration.approval import OPEN, changes_policy
from gateway.configuration.stored import StoredConfiguration
from tests.fakes.configurations import GOOD, configured

RULE = (
    "rules:\n  - { id: no-codex, effect: deny, match: { assistants: [codex] }, reason: It left. }\n"
)
WITH_RULES = f"{GOOD}policy: [rules.yaml]\n"


def stored(folder: Path, text: str = GOOD, rules: str = RULE) -> StoredConfiguration:
    (folder / "rules.yaml").write_text(rules)
    kept = configured(folder, text).stored
    assert kept is not None
    return kept


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("parallel: 40", "parallel: 41"),
        ("data_class: internal", "data_class: public"),
        (
            "[house/qwen3-coder, deepseek/deepseek-chat]",
            "[deepseek/deepseek-chat, house/qwen3-coder]",
        ),
        ("prices: {}", "policy_changes: { approvers: 2 }"),
        ("prices: {}", "break_glass: { max_hours: 100 }"),
        ("prices: {}", "server: { trusted_proxies: [10.0.0.0/8] }"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8001"),
        ("${DEEPSEEK_API_KEY}", "${WORD}"),
    ],
)
def test_who_may_do_what_and_where_to_is_policy(tmp_path, before, after):
    assert before in GOOD
    assert changes_policy(stored(tmp_path), stored(tmp_path, GOOD.replace(before, after)))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("4317", "4318"),
        ("prices: {}", "admin: { listen: '127.0.0.1:7999' }"),
        ("prices: {}", "prices: {}  # nothing yet"),
    ],
)
def test_where_traces_and_listeners_are_is_none(tmp_path, before, after):
    text = GOOD.replace(before, after)
    assert text != GOOD
    if "prices: {}" not in text:
        text = text.replace("admin:", "prices: {}\nadmin:")
    assert not changes_policy(stored(tmp_path), stored(tmp_path, text))


def test_every_letter_of_a_file_of_rules_counts(tmp_path):
    before = stored(tmp_path, WITH_RULES)
    assert changes_policy(before, stored(tmp_path, WITH_RULES, RULE.replace("It left", "It went")))
    assert changes_policy(before, stored(tmp_path, WITH_RULES, f"{RULE}# a remark\n"))
    assert not changes_policy(before, stored(tmp_path, WITH_RULES))


def test_a_key_that_stands_in_the_file_may_change_alone(tmp_path):
    one, other = (
        stored(tmp_path, GOOD.replace("${DEEPSEEK_API_KEY}", f"sk-{name}-0123456789"))
        for name in ("first", "other")
    )
    assert one.digest != other.digest
    assert not changes_policy(one, other)


def test_what_is_not_kept_counts_as_another_policy(tmp_path):
    known = stored(tmp_path)
    unknown = StoredConfiguration("f" * 64, None, ())
    assert changes_policy(known, unknown)
    assert changes_policy(unknown, known)
    assert not changes_policy(unknown, unknown)


async def test_where_nothing_is_held_back_everything_may(tmp_path):
    assert await OPEN.needed() == 1
    assert await OPEN.held_back(configured(tmp_path)) is None
    assert not await OPEN.is_held("f" * 64)
