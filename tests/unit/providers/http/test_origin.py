"""Addresses are checked once, strictly; nothing breaks out of a request's head."""

import pytest

from providers.http.origin import Endpoint, parse_base_url, render_headers


@pytest.mark.parametrize(
    ("url", "name", "authority", "prefix"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", "127.0.0.1:8000", ""),
        ("https://api.openai.com/v1/", "https://api.openai.com:443", "api.openai.com", "/v1"),
        ("http://HOUSE", "http://house:80", "house", ""),
        ("https://h:8443/a/b", "https://h:8443", "h:8443", "/a/b"),
        ("http://[::1]:11434", "http://::1:11434", "[::1]:11434", ""),
        ("unix:/run/gatehouse.sock", "unix:/run/gatehouse.sock", "localhost", ""),
    ],
)
def test_a_base_url_is_an_origin_and_a_prefix(url, name, authority, prefix):
    origin, found = parse_base_url(url)
    assert (origin.name, origin.authority, found) == (name, authority, prefix)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8000",
        "ftp://host",
        "file:///etc/passwd",
        "gopher://host",
        "http://",
        "http://ok@evil",
        "http://user:secret@host",
        "http://evil#ok",
        "http://evil/?to=ok",
        "http://evil\\@ok",
        "http://ho st",
        "http://ho\nst",
        "http://ho\tst",
        "http://höst",
        "http://host:0x50",
        "http://host:99999",
        "unix:relative",
        "http://-host",
        "http://host%2eexample",
    ],
)
def test_any_other_address_is_refused(url):
    with pytest.raises(ValueError, match=r"."):
        parse_base_url(url)


def test_a_refused_address_is_not_repeated():
    with pytest.raises(ValueError, match="no user name") as caught:
        parse_base_url("http://user:secret@host")
    assert "secret" not in str(caught.value)


def test_the_fixed_part_of_a_head_is_rendered_once():
    origin, prefix = parse_base_url("http://house:8000/x")
    endpoint = Endpoint.build("POST", origin, prefix + "/v1", ((b"accept", b"*/*"),))
    assert endpoint.request_head(((b"a", b"b"),), 3) == (
        b"POST /x/v1 HTTP/1.1\r\nhost: house:8000\r\naccept: */*\r\n"
        b"a: b\r\ncontent-length: 3\r\n\r\n"
    )


def test_a_request_without_a_body_says_no_length():
    origin, _ = parse_base_url("http://house")
    assert Endpoint.build("GET", origin, "/").request_head((), 0).endswith(b"host: house\r\n\r\n")


@pytest.mark.parametrize("value", [b"a\r\nb: c", b"a\nb", b"a\rb", b"a\0b", b"\r\n"])
def test_a_header_value_cannot_break_out_of_its_line(value):
    with pytest.raises(ValueError, match="line break or a NUL"):
        render_headers(((b"x", value),))


@pytest.mark.parametrize("name", [b"a b", b"A", b"a:", b"", b"a\r\nb"])
def test_a_fixed_header_name_is_a_token(name):
    origin, _ = parse_base_url("http://house")
    with pytest.raises(ValueError, match="header name"):
        Endpoint.build("GET", origin, "/", ((name, b"x"),))


@pytest.mark.parametrize("path", ["", "v1", "/a b", "/a\r\nx: y", "/é"])
def test_a_path_that_is_none_is_refused(path):
    origin, _ = parse_base_url("http://house")
    with pytest.raises(ValueError, match="path"):
        Endpoint.build("GET", origin, path)


@pytest.mark.parametrize("method", ["HEAD", "CONNECT", "get", "GET /x HTTP/1.1\r\n"])
def test_a_method_whose_replies_we_cannot_frame_is_refused(method):
    origin, _ = parse_base_url("http://house")
    with pytest.raises(ValueError, match="not spoken"):
        Endpoint.build(method, origin, "/")
