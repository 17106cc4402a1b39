"""Random bytes in large pieces: every byte once."""

import os

from gateway.randomness import PIECE_BYTES, BufferedRandom


def test_no_byte_is_given_out_twice() -> None:
    drawn: list[bytes] = []

    def draw(count: int) -> bytes:
        drawn.append(os.urandom(count))
        return drawn[-1]

    random = BufferedRandom(draw)
    taken = b"".join(random.take(16) for _ in range(3 * PIECE_BYTES // 16))

    assert taken == b"".join(drawn)


def test_a_remainder_too_small_is_thrown_away() -> None:
    random = BufferedRandom(os.urandom)
    random.take(PIECE_BYTES - 1)

    assert len(random.take(2)) == 2


def test_every_id_of_a_day_is_another() -> None:
    random = BufferedRandom()

    assert len({random.take(10) for _ in range(20_000)}) == 20_000
