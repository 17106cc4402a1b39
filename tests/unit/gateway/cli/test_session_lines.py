"""What became of a session reads as a sentence: who, from where, and why."""

import pytest

from gateway.cli.session_lines import change_of_session
from gateway.store.stored_session import End

SESSION = {"subject": "ada", "machine": "laptop", "actor": {"kind": "person", "name": "ada"}}
GATEWAY = {"actor": {"kind": "gateway"}}


@pytest.mark.parametrize(
    ("kind", "more", "told"),
    [
        ("started", {}, "ada signed in from laptop"),
        ("started", {"team": "web"}, "ada signed in from laptop for team web"),
        (
            "refused",
            {"reason": "you are blocked"},
            "ada may not sign in from laptop: you are blocked",
        ),
        ("ended", {"reason": "signed_out"}, "ada ended the session of ada from laptop: signed out"),
        (
            "ended",
            {**GATEWAY, "reason": "ended_by_provider"},
            "the gateway ended the session of ada from laptop: "
            "the identity provider knows its holder no more",
        ),
    ],
)
def test_what_became_of_it(kind: str, more: dict[str, object], told: str) -> None:
    assert change_of_session({**SESSION, **more, "kind": f"session_{kind}"}) == told


@pytest.mark.parametrize("end", End)
def test_every_end_has_words(end: End) -> None:
    told = change_of_session({**SESSION, "kind": "session_ended", "reason": end.value})
    assert "_" not in told
