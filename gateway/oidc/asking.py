"""Ask a provider over HTTP: only hosts that the configuration names, no redirects, bounded."""

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import orjson

from gateway.configuration.identity_document import LOOPBACK
from gateway.configuration.identity_settings import Client, Provider
from gateway.oidc.refused import ProviderAway, ProviderUnreachable
from providers.base import Headers
from providers.errors import ProviderError
from providers.http.client import HttpClient
from providers.http.origin import Endpoint, parse_base_url
from providers.http.reply import Timeouts

MOST_BYTES: Final = 1 << 20
_SECONDS: Final = 6.0
_TIMEOUTS: Final = Timeouts(connect_seconds=3.0, first_byte_seconds=5.0, idle_seconds=5.0)
_ACCEPT: Final = (b"accept", b"application/json")
_FORM: Final = (b"content-type", b"application/x-www-form-urlencoded")

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON object and the status it came with; empty where there was none."""

    status: int
    document: Document


@dataclass(frozen=True, slots=True)
class Metadata:
    """A provider's own addresses, as its discovery document has them, checked."""

    keys: str
    authorization: str | None
    token: str | None
    userinfo: str | None
    basic_auth: bool


class ProviderClient:
    """Speaks to providers. `client` keeps the connections."""

    def __init__(self, client: HttpClient, *, seconds: float = _SECONDS) -> None:
        self._client = client
        self._seconds = seconds

    async def discover(self, provider: Provider) -> Metadata:
        """Read the provider's discovery document. Raises `ProviderAway`."""
        address = provider.issuer.rstrip("/") + "/.well-known/openid-configuration"
        document = (await self._get_document(address, provider)).document
        if document.get("issuer") != provider.issuer:
            raise ProviderAway("its discovery document is another issuer's")

        def named(field: str) -> str | None:
            value = document.get(field)
            return value if isinstance(value, str) else None

        keys = named("jwks_uri")
        if keys is None:
            raise ProviderAway("its discovery document names no jwks_uri")
        return Metadata(
            keys,
            named("authorization_endpoint"),
            named("token_endpoint"),
            named("userinfo_endpoint"),
            _wants_basic_auth(document.get("token_endpoint_auth_methods_supported")),
        )

    async def key_set(self, provider: Provider, metadata: Metadata) -> Document:
        """Read the provider's key set. Raises `ProviderAway`."""
        return (await self._get_document(metadata.keys, provider)).document

    async def userinfo(self, provider: Provider, address: str, access_token: str) -> Answer:
        """Ask who an access token of the provider's stands for. Raises `ProviderAway`."""
        bearer = (b"authorization", f"Bearer {access_token}".encode())
        return await self._ask("GET", address, provider, (_ACCEPT, bearer))

    async def token(
        self, provider: Provider, client: Client, metadata: Metadata, form: Mapping[str, str]
    ) -> Answer:
        """Ask the token endpoint, as its client. Raises `ProviderAway`."""
        if metadata.token is None:
            raise ProviderAway("its discovery document names no token_endpoint")
        headers: Headers = (_ACCEPT, _FORM)
        fields = dict(form)
        if client.secret is None:
            fields["client_id"] = client.id
        elif metadata.basic_auth:
            headers = (*headers, _basic(client.id, client.secret.reveal()))
        else:
            fields |= {"client_id": client.id, "client_secret": client.secret.reveal()}
        body = urlencode(fields).encode()
        return await self._ask("POST", metadata.token, provider, headers, body)

    async def _get_document(self, address: str, provider: Provider) -> Answer:
        answer = await self._ask("GET", address, provider, (_ACCEPT,))
        if answer.status != 200 or not answer.document:
            raise ProviderAway(f"it answered {answer.status} without what was asked for")
        return answer

    async def _ask(
        self, method: str, address: str, provider: Provider, headers: Headers, body: bytes = b""
    ) -> Answer:
        endpoint = _endpoint(method, address, provider)
        try:
            async with asyncio.timeout(self._seconds):
                return await self._answer(endpoint, headers, body)
        except TimeoutError as error:
            raise ProviderUnreachable(f"no answer within {self._seconds:g} seconds") from error
        except ProviderError as error:
            raise ProviderUnreachable(f"it cannot be reached ({type(error).__name__})") from error
        except ValueError as error:
            raise ProviderAway("it gave a token that no header can carry") from error

    async def _answer(self, endpoint: Endpoint, headers: Headers, body: bytes) -> Answer:
        reply = await self._client.request(endpoint, headers, body, timeouts=_TIMEOUTS)
        try:
            pieces = bytearray()
            while piece := await reply.body.read():
                pieces += piece
                if len(pieces) > MOST_BYTES:
                    raise ProviderAway(f"it sent more than {MOST_BYTES} bytes")
        finally:
            await reply.body.aclose()
        return Answer(reply.status, _document(bytes(pieces)))


def check_address(address: str, provider: Provider) -> None:
    """Whether this is an address of the provider's own that may be used. Raises `ProviderAway`."""
    try:
        parts = urlsplit(address)
        is_private = parts.scheme == "https" or parts.hostname in LOOPBACK
    except ValueError:
        is_private = False
    if not is_private or parts.scheme not in ("http", "https") or parts.username is not None:
        raise ProviderAway("its discovery document holds an address that is not https://")
    if parts.netloc.lower() not in provider.hosts:
        raise ProviderAway(
            f"its discovery document leads to {parts.netloc[:100]!a}, "
            "which is neither the issuer's host nor among its hosts in the configuration"
        )


def _endpoint(method: str, address: str, provider: Provider) -> Endpoint:
    check_address(address, provider)
    plain, mark, query = address.partition("?")
    try:
        origin, _ = parse_base_url(plain)  # its path is a prefix, without a last slash
        return Endpoint.build(method, origin, (urlsplit(plain).path or "/") + mark + query)
    except ValueError as error:
        raise ProviderAway(f"it names an address that cannot be asked: {error}") from error


def _document(content: bytes) -> Document:
    try:
        document = orjson.loads(content)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _wants_basic_auth(methods: object) -> bool:
    """OpenID Connect's default is basic; only who lists others is sent the secret in the form."""
    return not isinstance(methods, list) or "client_secret_basic" in methods


def _basic(client_id: str, secret: str) -> tuple[bytes, bytes]:
    both = f"{quote(client_id, safe='')}:{quote(secret, safe='')}".encode()
    return b"authorization", b"Basic " + base64.b64encode(both)
