"""Claims are told the store by name, kind, numbers and window; its answers are read back."""

from datetime import UTC, datetime

from gateway.caps.encoding import Encoding, hold_of, refused_of, state_of
from gateway.caps.port import Claim, Used
from policy.types import Cap, Period, Unit, Window
from tests.fakes.counters import NOON_MS, money, parallel, requests, sliding, tokens

NOON_S = NOON_MS // 1_000
MIDNIGHT_S = NOON_S - 43_200
DAY = Window(Period.DAY)


def encoded(cap: Cap, targets: tuple[str, ...] = ()) -> tuple[object, ...]:
    return tuple(Encoding(lambda: NOON_S).claims([Claim(cap, 5, 9)], [5], targets))


def test_each_kind_of_cap_has_its_window():
    assert encoded(requests(60)) == ("team:web|requests|minute", "even", 60, 5, 9, 0, 0, 0, "")
    assert encoded(parallel(4))[:2] == ("team:web|parallel|now", "gauge")
    assert encoded(money(100, window=DAY))[1:8] == (
        *("calendar", 100, 5, 9),
        *(MIDNIGHT_S, MIDNIGHT_S + 86_400, 1),
    )
    assert encoded(tokens(100, sliding(Period.HOUR)))[1:8] == (
        *("sliding", 100, 5, 9),
        *(60, 3_600, 1),
    )


def test_targets_are_told_by_their_places():
    assert encoded(money(1, targets=("c/z", "a/x")), ("a/x", "b/y", "c/z"))[-1] == "1 3"


def test_a_calendar_is_looked_up_again_when_its_window_is_over():
    now = [NOON_S]
    encoding = Encoding(lambda: now[0])
    claim = [Claim(money(1, window=DAY), 1, 1)]
    assert encoding.claims(claim, [1])[5] == MIDNIGHT_S
    now[0] += 43_200
    assert encoding.claims(claim, [1])[5] == MIDNIGHT_S + 86_400


def test_what_the_ledger_knows_of_a_calendars_window_is_one_sum():
    past = [Used(MIDNIGHT_S - 900, 1, 10, 7), Used(MIDNIGHT_S, 1, 20, 5), Used(NOON_S, 1, 30, 6)]
    encoding = Encoding(lambda: NOON_S)
    assert encoding.slots(money(1, window=DAY), past) == [1, 0, 11]
    assert encoding.slots(tokens(1, DAY), past) == [1, 0, 50]
    assert encoding.slots(money(1, window=DAY), past[:1]) == [0]


def test_what_the_ledger_knows_of_a_sliding_window_is_told_by_slots():
    past = [Used(NOON_S - 90_000, 1, 1, 9), Used(NOON_S - 900, 1, 1, 7), Used(NOON_S, 1, 1, 5)]
    cap = money(1, window=sliding(Period.DAY))
    slots = Encoding(lambda: NOON_S).slots(cap, past)
    assert slots == [2, NOON_S // 900 - 1, 7, NOON_S // 900, 5]


def test_a_hold_is_read_back_with_what_was_left_out_and_what_is_nearly_used_up():
    claims = [Claim(money(100, f"user:{name}"), 5, 9) for name in "abc"]
    answer = [1, b"e", b"1,3", b"2", [[2, b"40", b"-1", b"-1"]], [[3, str(NOON_S).encode()]]]
    hold = hold_of("gh-1", answer, claims, ("a/x", "b/y"))
    assert hold.claims == (claims[0], claims[2])
    assert hold.left_out == {"b/y"}
    assert (hold.used_up[0].cap, hold.used_up[0].left) == (claims[1].cap, 40)
    (near,) = hold.near
    assert (near.cap, near.resets_at) == (claims[2].cap, datetime.fromtimestamp(NOON_S, UTC))


def test_a_refusal_says_when_there_is_room():
    claims = [Claim(money(100), 5, 9)]
    refused = refused_of([1, b"3", b"1201", str(NOON_S).encode()], claims)
    assert (refused.left, refused.retry_after_seconds) == (3, 2)
    assert refused.resets_at == datetime.fromtimestamp(NOON_S, UTC)
    never = refused_of([1, b"3", b"-1", b"-1"], claims)
    assert (never.retry_after_seconds, never.resets_at) == (None, None)


def test_an_account_may_have_any_name():
    told = [b"user:a|b (rule r)|nano_usd|minute", b"9", b"1", b"2", b"3", b"4", b"-1"]
    state = state_of(told)
    assert (state.account, state.unit, state.window) == (
        "user:a|b (rule r)",
        Unit.NANO_USD,
        "minute",
    )
    assert (state.limit, state.used, state.held, state.at_risk, state.overspent) == (9, 1, 2, 3, 4)
    assert state.resets_at is None
