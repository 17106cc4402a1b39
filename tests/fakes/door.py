"""A stand-in for a gateway's front door: answers each path with what a test says, from a thread."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, bytes]
Answers = Mapping[str, Answer | list[Answer]]
"""By path: the same every time, or one after the other and the last for ever."""


@dataclass(slots=True)
class Door:
    """What is answered, and what was asked: method, path, headers, body."""

    answers: Answers
    root: str = ""
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    def answer(self, path: str) -> Answer | None:
        """What comes next at this path, which has just been asked."""
        said = self.answers.get(path)
        if not isinstance(said, list):
            return said
        times = sum(each[1] == path for each in self.asked)
        return said[min(times, len(said)) - 1]


@contextmanager
def opened(answers: Answers) -> Iterator[Door]:
    """Serve these answers by path; any other path is 404."""
    door = Door(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            door.asked.append((self.command, self.path, headers, body))
            missing = json.dumps({"error": {"message": "no such endpoint here"}}).encode()
            status, answer = door.answer(self.path) or (404, missing)
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        door.root = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield door
        finally:
            server.shutdown()
            serving.join()


def models(*names: str) -> Answer:
    """A list of models, as `/v1/models` answers."""
    return 200, json.dumps({"data": [{"id": name} for name in names]}).encode()
