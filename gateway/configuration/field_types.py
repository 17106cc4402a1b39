"""Types of fields that stand in many sections of gatehouse.yaml: addresses, secrets, words."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from providers.base import Secret


def _address(value: str) -> str:
    plain = value.isascii() and value.isprintable() and not set(value) & set(" ?#\\")
    try:
        parts = urlsplit(value)
        sound = plain and parts.scheme in ("http", "https") and bool(parts.hostname)
        sound = sound and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise ValueError("an address is http:// or https://, a host, perhaps a port and a path")
    if "@" in parts.netloc:
        raise ValueError("an address holds no user or password; use api_key")
    return value.rstrip("/")


def _secret(value: object) -> Secret:
    if not isinstance(value, str) or not value:
        raise ValueError('is empty or not text; write "${NAME}" or file:/run/secrets/name')
    return Secret(value)


Address = Annotated[
    str,
    AfterValidator(_address),
    WithJsonSchema({"type": "string", "pattern": r"^(https?://|.*\$\{)"}),
]

SecretText = Annotated[
    Secret,
    PlainValidator(_secret),
    WithJsonSchema({"type": "string", "examples": ["${API_KEY}", "file:/run/secrets/key"]}),
]
"""`${NAME}` or `file:/path`, which `gateway.configuration.secrets` opens. Never printed."""

Words = Annotated[str, Field(min_length=1, max_length=200)]
