"""A data folder remembers that policy takes two people, until files that were let in say less."""

import logging
from dataclasses import replace

import pytest

from gateway.configuration.stored import Origin
from gateway.policy_mark import MARK, PolicyMark, StateIsNew
from tests.fakes.configurations import configured


@pytest.fixture
def two(tmp_path):
    return replace(configured(tmp_path), policy_approvers=2)


def test_a_marked_folder_refuses_new_state_and_names_the_mark(tmp_path, two):
    mark = PolicyMark(tmp_path)
    mark.refuse_new_state()
    mark.keep(two)
    with pytest.raises(StateIsNew, match=MARK):
        mark.refuse_new_state()


def test_only_files_take_the_mark_away(tmp_path, two):
    mark, one = PolicyMark(tmp_path), replace(two, policy_approvers=1)
    mark.keep(two)
    mark.keep(replace(one, origin=Origin.PIN))
    with pytest.raises(StateIsNew):
        mark.refuse_new_state()
    mark.keep(one)
    mark.refuse_new_state()


def test_a_folder_that_cannot_be_written_is_told_and_stops_nothing(tmp_path, two, caplog):
    with caplog.at_level(logging.WARNING):
        PolicyMark(tmp_path / "missing").keep(two)
    assert [each.msg for each in caplog.records] == ["policy_mark_failed"]
