"""What people changed reads in one sentence: who did what to which, for whom and why."""

import pytest

from gateway.cli.changes_told import change_told

GLASS = {
    "about_id": "bg_aaaaaaaaaaaa",
    "actor": {"kind": "key", "name": "anna", "key_id": "key_a"},
    "reason": "it is down",
    "lifts": {"rules": ["stay"], "vendors": ["deepseek"], "assistants": []},
    "scope": {"teams": ["web", "ops"], "models": ["coder"]},
    "until_unix_us": 1_795_252_500_000_000,
}
LIFTED = "what lifts rule stay, the lapsed review of vendor deepseek for team web, ops, model coder"


@pytest.mark.parametrize(
    ("kind", "more", "told"),
    [
        ("proposed", {}, f"anna proposed {LIFTED}: it is down"),
        ("approved", {}, f"anna approved {LIFTED}: it is down"),
        ("opened", {}, f"anna opened {LIFTED} until 2026-11-21T09:15:00Z: it is down"),
        ("closed", {}, f"anna closed {LIFTED}"),
        ("ended", {"actor": {"kind": "gateway"}}, f"{LIFTED} has come to its end"),
        (
            "refused",
            {"attempt": "open", "refusal": "too long"},
            f"anna may not open {LIFTED}: too long",
        ),
        (
            "closed",
            {"lifts": {"extra_nano_usd": 500_000_000_000}, "scope": {}},
            "anna closed what lifts the budget by $500.00 for everybody",
        ),
        ("closed", {"lifts": {}, "scope": {}}, "anna closed what lifts nothing for everybody"),
    ],
)
def test_what_became_of_an_exception(kind, more, told):
    assert change_told({**GLASS, **more, "kind": f"break_glass_{kind}"}) == told


def test_a_key_is_told_by_whom_it_is():
    key = {"kind": "key_revoked", "subject": "ann", "team": "web", "actor": {"kind": "gateway"}}
    assert change_told(key) == "the gateway revoked the key of ann of web"


def test_a_version_is_told_with_where_it_came_from():
    body = {"kind": "config_changed", "digest": "ab" * 32, "origin": "files", "changes": []}
    assert change_told(body) == "version abababababab is in force, from the files"


@pytest.mark.parametrize("kind", ["admitted", "completed", "unknown", "breakfast"])
def test_what_tells_of_no_change_is_none(kind):
    assert change_told({"kind": kind}) is None
