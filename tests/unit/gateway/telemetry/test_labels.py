"""A label has few values, whatever callers make up."""

from gateway.telemetry.labels import MAX_VALUES, OTHER, BoundedLabel


def full() -> BoundedLabel:
    label = BoundedLabel()
    for number in range(MAX_VALUES):
        assert label.keep(f"team{number}") == f"team{number}"
    return label


def test_a_value_that_was_kept_stays_itself_also_when_there_is_no_more_room():
    label = full()
    assert label.keep("team0") == label.known("team0") == "team0"


def test_what_is_too_much_is_other_and_takes_no_room():
    label = full()
    assert label.keep("one-more") == OTHER
    assert label.known("one-more") == OTHER


def test_what_a_caller_made_up_is_other_and_takes_no_room():
    label = BoundedLabel()
    assert label.known("made-up") == OTHER
    assert label.known("made-up") == OTHER
    assert label.keep("made-up") == "made-up"


def test_an_endless_value_is_other():
    label = BoundedLabel()
    assert label.keep("x" * 128) == "x" * 128
    assert label.keep("x" * 129) == OTHER
