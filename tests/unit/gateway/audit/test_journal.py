"""The journal: what was appended is found again, and nothing that is torn or of an earlier use."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.journal import Journal

SMALL = 1024
HEADER_BYTES = 20


def a_journal(folder: Path, segment_bytes: int = SMALL, limit_bytes: int = 64 * SMALL) -> Journal:
    journal = Journal(folder, segment_bytes=segment_bytes, limit_bytes=limit_bytes)
    assert list(journal.records()) == []
    return journal


def found(folder: Path) -> list[bytes]:
    journal = Journal(folder)
    records = list(journal.records())
    journal.close()
    return records


def segment(folder: Path, number: int = 1) -> Path:
    return folder / f"segment-{number:03d}"


def test_a_folder_that_is_not_there_holds_nothing_and_is_not_made(tmp_path):
    assert found(tmp_path / "journal") == []
    assert list(tmp_path.iterdir()) == []


def test_what_was_appended_is_found_in_its_order_by_another_process(tmp_path):
    journal = a_journal(tmp_path / "journal")
    journal.append([b"one", b"", b"two"])
    journal.append([b"three"])
    assert found(tmp_path / "journal") == [b"one", b"", b"two", b"three"]


def test_segments_follow_each_other(tmp_path):
    journal = a_journal(tmp_path)
    written = [bytes([number]) * 300 for number in range(20)]
    for record in written:
        journal.append([record])
    assert len(list(tmp_path.iterdir())) == 7
    assert found(tmp_path) == written


def test_a_batch_larger_than_a_segment_gets_one_of_its_own(tmp_path):
    journal = a_journal(tmp_path)
    journal.append([b"small"])
    journal.append([b"x" * 5000])
    assert found(tmp_path) == [b"small", b"x" * 5000]


def test_what_was_released_is_written_over_and_not_found_again(tmp_path):
    journal = a_journal(tmp_path)
    for number in range(9):
        journal.append([bytes([number]) * 300])
    journal.release(journal.use)
    assert found(tmp_path) == [bytes([number]) * 300 for number in (6, 7, 8)]
    for number in range(9, 15):
        journal.append([bytes([number]) * 300])
    assert len(list(tmp_path.iterdir())) == 3
    assert found(tmp_path) == [bytes([number]) * 300 for number in range(6, 15)]


def test_the_segment_under_way_is_never_released(tmp_path):
    journal = a_journal(tmp_path)
    journal.append([b"one"])
    journal.release(journal.use + 1)
    assert found(tmp_path) == [b"one"]


def test_an_abandoned_segment_is_released_like_any_other(tmp_path):
    journal = a_journal(tmp_path)
    journal.append([b"one"])
    journal.abandon()
    journal.release(journal.use + 1)
    assert found(tmp_path) == []


def test_a_cleared_journal_goes_on_in_the_files_it_has(tmp_path):
    journal = a_journal(tmp_path)
    journal.append([b"one"])
    journal.clear()
    assert found(tmp_path) == []
    journal.append([b"two"])
    assert found(tmp_path) == [b"two"]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_shorter_frame_over_an_older_one_hides_what_lies_behind_it(tmp_path):
    journal = a_journal(tmp_path)
    for record in (b"a" * 100, b"b" * 100, b"c" * 100):
        journal.append([record])
    journal.clear()
    journal.append([b"d" * 100])  # the second old frame now stands right behind it
    assert found(tmp_path) == [b"d" * 100]


def test_frames_of_the_process_before_are_not_taken_for_ours(tmp_path):
    before = a_journal(tmp_path)
    for record in (b"a" * 100, b"b" * 100):
        before.append([record])
    before.clear()  # stopped in order: only the first header is blank
    a_journal(tmp_path).append([b"c" * 100])
    assert found(tmp_path) == [b"c" * 100]


def test_other_files_in_the_folder_are_left_alone(tmp_path):
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "notes.txt").write_bytes(b"mine")
    (tmp_path / "segment-002").write_bytes(b"")
    journal = a_journal(tmp_path)
    journal.append([b"one"])
    assert found(tmp_path) == [b"one"]
    assert (tmp_path / "notes.txt").read_bytes() == b"mine"


def test_a_journal_that_is_full_refuses_and_goes_on_after_a_release(tmp_path):
    journal = a_journal(tmp_path, limit_bytes=2 * SMALL)
    journal.append([b"x" * 900])
    journal.append([b"y" * 900])
    with pytest.raises(OSError, match="no database has taken"):
        journal.append([b"z" * 900])
    journal.abandon()
    journal.release(journal.use + 1)
    journal.append([b"z" * 900])
    assert found(tmp_path) == [b"z" * 900]


def test_a_prepared_journal_makes_no_file_for_its_first_batch(tmp_path):
    journal = a_journal(tmp_path)
    journal.prepare()
    before = [(each.name, each.stat().st_size) for each in tmp_path.iterdir()]
    journal.append([b"one"])
    assert [(each.name, each.stat().st_size) for each in tmp_path.iterdir()] == before
    assert before == [("segment-001", SMALL)]


def test_a_file_that_ends_too_soon_is_read_as_far_as_it_goes(tmp_path):
    journal = a_journal(tmp_path)
    journal.append([b"one"])
    journal.append([b"two" * 100])
    os.truncate(segment(tmp_path), HEADER_BYTES + 4 + 3 + HEADER_BYTES + 50)
    assert found(tmp_path) == [b"one"]
    os.truncate(segment(tmp_path), HEADER_BYTES - 1)
    assert found(tmp_path) == []


@given(st.integers(0, 2 * (HEADER_BYTES + 4 + 8) - 1), st.integers(1, 255))
def test_any_changed_byte_ends_the_reading_before_its_frame(tmp_path_factory, at, change):
    folder = tmp_path_factory.mktemp("journal")
    journal = a_journal(folder)
    journal.append([b"record-1"])
    journal.append([b"record-2"])
    data = bytearray(segment(folder).read_bytes())
    data[at] ^= change
    segment(folder).write_bytes(data)
    frames_before = at // (HEADER_BYTES + 4 + 8)
    assert found(folder) == [b"record-1", b"record-2"][:frames_before]
