"""Certificates and names are verified; there is no way down to plain text."""

import datetime
import ipaddress
import json
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from providers.errors import ProviderUnavailable
from providers.http.client import HttpClient, default_ssl_context
from providers.http.origin import Endpoint, parse_base_url
from providers.http.reply import Timeouts
from tests.fakes.vendor import FakeVendor

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
ASKED = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
HOUSE = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
ELSEWHERE = x509.DNSName("elsewhere.example")


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        basic = x509.BasicConstraints(ca=True, path_length=None)
        usage = x509.KeyUsage(
            **dict.fromkeys(
                (
                    "digital_signature",
                    "content_commitment",
                    "key_encipherment",
                    "data_encipherment",
                    "key_agreement",
                    "encipher_only",
                    "decipher_only",
                ),
                False,
            ),
            key_cert_sign=True,
            crl_sign=True,
        )
        self.certificate = (
            self._builder(named("Test authority"), self.key.public_key(), until=NOW + 30 * DAY)
            .add_extension(basic, critical=True)
            .add_extension(usage, critical=True)
            .sign(self.key, hashes.SHA256())
        )

    def server_context(self, folder, *, name: x509.GeneralName, until=NOW + DAY) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            self._builder(named("server"), key.public_key(), until=until)
            .add_extension(x509.SubjectAlternativeName([name]), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        chain = folder / "server.pem"
        chain.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        return context

    def client_context(self) -> ssl.SSLContext:
        context = default_ssl_context()
        pem = self.certificate.public_bytes(serialization.Encoding.PEM)
        context.load_verify_locations(cadata=pem.decode())
        return context

    def _builder(self, subject, public_key, *, until) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(named("Test authority"))
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - 10 * DAY)
            .not_valid_after(until)
        )


@pytest.fixture(scope="module")
def authority():
    return Authority()


async def answer(
    url: str, context: ssl.SSLContext, connect_seconds: float = 5.0, asked: object = ASKED
) -> bytes:
    client = HttpClient(ssl_context=context)
    origin, _ = parse_base_url(url)
    headers = ((b"content-type", b"application/json"),)
    endpoint = Endpoint.build("POST", origin, "/v1/chat/completions", headers)
    try:
        body = json.dumps(asked).encode()
        timeouts = Timeouts(connect_seconds=connect_seconds)
        reply = await client.request(endpoint, (), body, timeouts=timeouts)
        found = b""
        while piece := await reply.body.read():
            found += piece
        return found
    finally:
        await client.aclose()


async def test_a_proper_certificate_is_accepted(authority, tmp_path):
    server = authority.server_context(tmp_path, name=HOUSE)
    async with FakeVendor(key=None, ssl=server) as vendor:
        assert b"Hello from the stand-in." in await answer(vendor.url, authority.client_context())


async def test_an_expired_certificate_is_refused(authority, tmp_path):
    server = authority.server_context(tmp_path, name=HOUSE, until=NOW - DAY)
    async with FakeVendor(key=None, ssl=server) as vendor:
        with pytest.raises(ProviderUnavailable, match="no safe connection"):
            await answer(vendor.url, authority.client_context())
        assert vendor.calls == []


async def test_a_certificate_for_another_host_is_refused(authority, tmp_path):
    server = authority.server_context(tmp_path, name=ELSEWHERE)
    async with FakeVendor(key=None, ssl=server) as vendor:
        with pytest.raises(ProviderUnavailable, match="no safe connection"):
            await answer(vendor.url, authority.client_context())
        assert vendor.calls == []


async def test_an_authority_nobody_trusts_is_refused(authority, tmp_path):
    server = authority.server_context(tmp_path, name=HOUSE)
    async with FakeVendor(key=None, ssl=server) as vendor:
        with pytest.raises(ProviderUnavailable, match="no safe connection"):
            await answer(vendor.url, default_ssl_context())
        assert vendor.calls == []


async def test_a_server_without_tls_gets_no_plain_request(authority):
    async with FakeVendor(key=None) as vendor:
        with pytest.raises(ProviderUnavailable):
            await answer(f"https://127.0.0.1:{vendor.port}", authority.client_context(), 0.1)
        assert vendor.calls == []


def test_nothing_below_tls_1_2_is_spoken():
    assert default_ssl_context().minimum_version >= ssl.TLSVersion.TLSv1_2
    assert default_ssl_context().verify_mode is ssl.CERT_REQUIRED
    assert default_ssl_context().check_hostname


async def test_large_bodies_pass_both_ways(authority, tmp_path):
    server = authority.server_context(tmp_path, name=HOUSE)
    content = "y" * (4 << 20)
    async with FakeVendor(key=None, ssl=server) as vendor:
        vendor.says(content)
        asked = {**ASKED, "messages": [{"role": "user", "content": content}]}
        answered = await answer(vendor.url, authority.client_context(), asked=asked)
        assert json.loads(answered)["choices"][0]["message"]["content"] == content
        assert vendor.calls[-1].json() == asked
