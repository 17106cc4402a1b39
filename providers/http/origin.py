"""Where a request goes: an address checked once, and the part of its head that never changes."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from providers.base import Headers

DEFAULT_PORTS = {"http": 80, "https": 443}

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\.?|[0-9A-Fa-f:.]+")
_PATH = re.compile(r"[!-~]*")  # visible ASCII: what may stand in a request line
_NAME = re.compile(rb"[a-z0-9!#$%&'*+.^_`|~-]+")


@dataclass(frozen=True, slots=True)
class Origin:
    """Who is dialled. For `unix` the host is the path of the socket and the port is 0."""

    scheme: str
    host: str
    port: int
    name: str  # scheme, host and port in one string: what connections are kept under

    @property
    def authority(self) -> str:
        """The value of the `host` header."""
        if self.scheme == "unix":
            return "localhost"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def parse_base_url(url: str) -> tuple[Origin, str]:
    """Split `https://host[:port][/prefix]` or `unix:/path` into the origin and the path's prefix.

    Raises `ValueError` saying what is wrong: another scheme, a user name, a query, a fragment,
    anything but visible ASCII.
    """
    if not url or not _PATH.fullmatch(url):
        raise ValueError("a base URL consists of visible ASCII characters, without spaces")
    if url.startswith("unix:"):
        path = url.removeprefix("unix:")
        if not path.startswith("/"):
            raise ValueError("a unix address is unix: and an absolute path")
        return Origin("unix", path, 0, url), ""
    parts = urlsplit(url)
    if parts.scheme not in DEFAULT_PORTS:
        raise ValueError("a base URL starts with http://, https:// or unix:/")
    if "@" in parts.netloc or "?" in url or "#" in url or "\\" in url:
        raise ValueError("a base URL has no user name, query, fragment or backslash")
    host = parts.hostname or ""
    if not _HOST.fullmatch(host):
        raise ValueError("a base URL names a host")
    port = parts.port if parts.port is not None else DEFAULT_PORTS[parts.scheme]
    name = f"{parts.scheme}://{host}:{port}"
    return Origin(parts.scheme, host, port, name), parts.path.rstrip("/")


def render_headers(headers: Headers) -> bytes:
    """Headers as bytes. Raises `ValueError` when one would break out of its line."""
    block = b"".join([part for name, value in headers for part in (name, b": ", value, b"\r\n")])
    lines = len(headers)
    if block.count(b"\n") != lines or block.count(b"\r") != lines or b"\0" in block:
        raise ValueError("a header holds a line break or a NUL")
    return block


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A method and path at an origin, with the headers every request to it carries."""

    origin: Origin
    head: bytes  # request line, host and fixed headers, ready to be written
    has_body: bool

    @classmethod
    def build(cls, method: str, origin: Origin, path: str, headers: Headers = ()) -> "Endpoint":
        """Render the fixed part of the head once. Raises `ValueError` for what cannot stand in it.

        `HEAD` and `CONNECT` are not spoken: their replies are framed by other rules.
        """
        if method not in ("GET", "POST", "PUT", "DELETE"):
            raise ValueError(f"method {method!r} is not spoken here")
        if not path.startswith("/") or not _PATH.fullmatch(path):
            raise ValueError("a path starts with / and consists of visible ASCII characters")
        if not all(_NAME.fullmatch(name) for name, _ in headers):
            raise ValueError("a header name is lower case and a token")
        host = (b"host", origin.authority.encode("ascii"))
        line = f"{method} {path} HTTP/1.1\r\n".encode("ascii")
        return cls(origin, line + render_headers((host, *headers)), method in ("POST", "PUT"))

    def request_head(self, headers: Headers, body_bytes: int) -> bytes:
        """The whole head of one request. Raises `ValueError` as `render_headers` does."""
        block = render_headers(headers) if headers else b""
        if self.has_body or body_bytes:
            return b"%b%bcontent-length: %d\r\n\r\n" % (self.head, block, body_bytes)
        return b"%b%b\r\n" % (self.head, block)
