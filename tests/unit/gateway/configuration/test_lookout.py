"""A change of contents is seen once it is whole."""

import asyncio

from gateway.configuration.listing import Pattern
from gateway.configuration.lookout import Lookout, Seen, fingerprints
from tests.fakes.configurations import configured, write


async def at_once(seconds: float) -> None:
    await asyncio.sleep(0)


async def test_what_was_read_counts_and_not_what_is_there_by_now(tmp_path):
    configuration = configured(tmp_path)
    write(tmp_path, "other")
    lookout = Lookout.over(configuration)
    assert await lookout.look(at_once) is Seen.CHANGED
    assert await lookout.look(at_once) is Seen.SAME


async def test_what_is_still_being_written_is_seen_at_the_next_look(tmp_path):
    path = write(tmp_path, "one")
    lookout = Lookout((path,))

    async def writing(seconds: float) -> None:
        path.write_text("one and more")

    assert await lookout.look(writing) is Seen.UNSETTLED
    assert await lookout.look(at_once) is Seen.CHANGED


async def test_a_file_that_comes_is_seen_through_its_pattern(tmp_path):
    lookout = Lookout((), (Pattern(tmp_path, "*.yaml"),))
    lookout.read()
    assert await lookout.look(at_once) is Seen.SAME
    write(tmp_path, "new")
    assert await lookout.look(at_once) is Seen.CHANGED


def test_the_digest_names_what_was_seen(tmp_path):
    path = write(tmp_path, "one")
    lookout = Lookout((path, tmp_path / "none"))
    lookout.read()
    first = lookout.digest
    path.write_text("two")
    assert lookout.digest == first
    lookout.read()
    assert lookout.digest != first


def test_a_file_that_cannot_be_read_has_no_fingerprint(tmp_path):
    assert fingerprints([tmp_path / "none", tmp_path]) == {tmp_path / "none": None, tmp_path: None}
