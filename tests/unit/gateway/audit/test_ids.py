"""Ids sort by their time and take their chance from the bytes they are given."""

from uuid import UUID

from gateway.audit.ids import ulid, uuid_hex

ZEROS, ONES = bytes(16), b"\xff" * 16


def test_a_ulid_is_that_of_its_specification():
    assert ulid(1_469_918_176_385, ZEROS) == "01ARYZ6S41" + "0" * 16


def test_ulids_sort_by_time_before_chance():
    assert ulid(1, ONES) < ulid(2, ZEROS)


def test_every_letter_of_chance_comes_from_one_byte():
    assert ulid(0, bytes(range(16))) == "0" * 10 + "0123456789ABCDEF"
    assert ulid(0, ONES) == "0" * 10 + "Z" * 16


def test_a_record_id_is_a_uuid_of_version_four():
    for chance in (ZEROS, ONES):
        made = UUID(uuid_hex(chance))
        assert (made.version, made.variant) == (4, "specified in RFC 4122")
