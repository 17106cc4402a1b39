"""What waits is told in a line, and whatever keeps a command from it in a clear one."""

import pytest

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.waiting import (
    clearly,
    waiting_in_short,
    waiting_notices,
    waiting_version,
)
from gateway.configuration.orders import OrdersUnavailable
from gateway.configuration.stored import StoredConfiguration
from gateway.policy_changes import ApprovalRefused
from gateway.store.changes import Actor
from gateway.store.proposals import ProposalNotFound, ProposalStands
from gateway.store.stored_proposal import Backing, Proposal

PLAIN = Proposal(
    "pc_a", StoredConfiguration("d" * 64, None, ()), "b" * 64, 2, True, 1_795_252_500_000_000
)


def test_one_that_waits_says_what_is_missing():
    assert waiting_in_short(PLAIN) == (
        "version dddddddddddd waits since 2026-11-21T09:15:00Z for 2 more to approve it: "
        "gatehouse policy approve pc_a"
    )


def test_one_that_is_approved_waits_for_its_files():
    approved = PLAIN
    for name in ("anna", "ben"):
        actor = Actor("key", name, f"key_{name}")
        approved = approved.backed_by(actor, Backing.APPROVED, 1, "so")
    assert "approved, until the files say so (pc_a)" in waiting_in_short(approved)


def test_on_a_folder_never_used_nothing_waits(tmp_path):
    assert list(waiting_notices(tmp_path)) == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ProposalNotFound("a"), Exit.NOT_FOUND),
        (ProposalStands("a"), Exit.FAILED),
        (ApprovalRefused("a"), Exit.FAILED),
        (OrdersUnavailable("a"), Exit.DATA),
    ],
)
def test_whatever_fails_ends_the_command_with_its_code(error, code):
    async def failing() -> None:
        raise error

    with pytest.raises(CommandFailed) as failure:
        clearly(failing)
    assert failure.value.code is code


def test_what_does_not_wait_is_not_found(command_line):
    command_line.make_folder()
    with pytest.raises(CommandFailed):
        waiting_version(command_line.data, "pc_aaaaaaaaaaaa")
