"""A transport without a network: a test says what arrives, and sees what is done."""

import asyncio
from collections.abc import Iterable


class FakeTransport(asyncio.Transport):
    """Records what is written; `hears` delivers bytes as the event loop would."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self.written = b""
        self.is_aborted = False
        self.is_paused = False
        self.unsent_bytes = 0
        self._protocol = protocol
        protocol.connection_made(self)

    def hears(self, *pieces: bytes) -> None:
        """Bytes arrive, one piece a read, as long as the connection stands."""
        for piece in pieces:
            if not self.is_aborted:
                self._protocol.data_received(piece)

    def ends(self, error: Exception | None = None) -> None:
        """The peer closes, or resets when an error is given."""
        if error is None:
            self._protocol.eof_received()
        self._protocol.connection_lost(error)

    def fills(self) -> None:
        """The peer takes no more bytes."""
        self._protocol.pause_writing()

    def drains(self) -> None:
        """The peer takes bytes again."""
        self._protocol.resume_writing()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.written += b"".join(list_of_data)

    def get_write_buffer_size(self) -> int:
        return self.unsent_bytes

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    def abort(self) -> None:
        self.is_aborted = True

    def is_closing(self) -> bool:
        return self.is_aborted
