"""A record reads in one line."""

from typing import Any

import pytest

from gateway.cli.lines import HEADING, line_of

HEAD = {
    "exchange_id": "gh-01KAJ0T6M0ABCDEFGHJKMNPQRS",
    "time_unix_us": 1_795_252_500_000_000,
}
CALLER = {"subject": "anna", "team": "web", "model": "coder"}
USAGE = {"input_tokens": 14, "cache_read_tokens": 4000, "output_tokens": 812}

CI = {
    "kind": "key_created",
    "subject": "ci",
    "team": "web",
    "identity_kind": "service",
    "actor": {"kind": "os_user", "name": "anna"},
}


@pytest.mark.parametrize(
    ("body", "gist"),
    [
        (
            {**CALLER, "kind": "admitted", "data_class": "internal", "targets": ["a/b"]},
            "anna of web asks coder: internal, to 1 target",
        ),
        (
            {**CALLER, "kind": "admitted", "streaming": True, "data_class": "public"},
            "anna of web asks coder, streamed: public, to 0 targets",
        ),
        (
            {"kind": "attempted", "target": "house/qwen", "route_reason": "primary"},
            "house/qwen, primary",
        ),
        (
            {**CALLER, "kind": "denied", "rule": "model_access", "reason": "may not use it"},
            "anna of web, model_access: may not use it",
        ),
        (
            {"kind": "denied", "rule": "authentication", "reason": "no key"},
            "somebody, authentication: no key",
        ),
        (
            {"kind": "late", "outcome": "complete", "target": "house/qwen", "usage": USAGE},
            "after another end: complete by house/qwen, 4,014 in, 812 out",
        ),
        ({"kind": "late", "reason": "end not recorded"}, "after another end: ?"),
        (
            {**CALLER, "kind": "repeated", "rule": "model_access", "repeats": 5},
            "anna of web, model_access: asked again 5 times",
        ),
        (
            {**CALLER, "kind": "repeated", "rule": "model_access", "repeats": 1},
            "anna of web, model_access: asked again once",
        ),
        (
            {
                "kind": "completed",
                "outcome": "complete",
                "target": "house/qwen",
                "usage": USAGE,
                "cost_nano_usd": 1_500_000,
                "duration_us": 4_200_000,
            },
            "complete by house/qwen, 4,014 in, 812 out, $0.0015, 4.20 s",
        ),
        (
            {"kind": "completed", "outcome": "failed", "error": "upstream_failed"},
            "failed, upstream_failed",
        ),
        ({"kind": "unknown", "reason": "process ended"}, "process ended"),
        (
            {**CI, "expires_unix_us": 1_795_252_500_000_000},
            "anna made the key of service ci of web, until 2026-11-21T09:15:00Z",
        ),
        (
            {**CI, "predecessor_id": "key_a"},
            "anna made the key of service ci of web in place of key_a",
        ),
        (
            {**CI, "kind": "key_rotated", "successor_id": "key_b"},
            "anna replaced the key of service ci of web by key_b",
        ),
        ({**CI, "kind": "key_revoked"}, "anna revoked the key of service ci of web"),
        (
            {**CI, "kind": "key_lapsed", "actor": {"kind": "gateway"}, "successor_id": "key_b"},
            "the key of service ci of web, replaced by key_b, has lapsed",
        ),
    ],
)
def test_each_kind_has_its_gist(body: dict[str, Any], gist: str) -> None:
    line = line_of({**HEAD, **body})
    assert line.startswith("2026-11-21T09:15:00Z  gh-01KAJ0T6M0ABCDEFGHJKMNPQRS  ")
    assert line[HEADING.index("WHAT") :] == gist


def test_a_change_of_a_key_stands_under_the_keys_id() -> None:
    line = line_of({**CI, "key_id": "key_abcdefghijkl", "time_unix_us": 1_795_252_500_000_000})
    assert line.startswith("2026-11-21T09:15:00Z  key_abcdefghijkl  ")
