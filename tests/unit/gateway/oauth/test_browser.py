"""A browser is known by a cookie only it has, and only pages shown to it send forms."""

from gateway.oauth.browser import Browsers, cookie_name, is_secure, set_cookie
from gateway.sessions.sealing import Sealer
from tests.fakes.providers import a_provider
from tests.fakes.signing_in import a_login

HERE = a_login(a_provider())
BY_TLS = a_login(a_provider(), url="https://gatehouse.example")
BROWSERS = Browsers(Sealer(b"p" * 32))


def test_a_browser_is_new_until_it_sends_its_cookie() -> None:
    new = BROWSERS.of(HERE, {})
    assert new.is_new
    again = BROWSERS.of(HERE, {cookie_name(HERE): new.name})
    assert (again.name, again.is_new) == (new.name, False)
    assert BROWSERS.of(HERE, {}).name != new.name
    for wrong in ("", "x" * 101, "a;b", "ä"):
        assert BROWSERS.of(HERE, {cookie_name(HERE): wrong}).is_new


def test_a_form_counts_only_from_the_browser_that_was_shown_it() -> None:
    one = BROWSERS.of(HERE, {cookie_name(HERE): "a" * 64})
    other = BROWSERS.of(HERE, {cookie_name(HERE): "b" * 64})
    form = {"form_token": BROWSERS.form_token(one)}
    assert BROWSERS.sent_form(one, form)
    assert not BROWSERS.sent_form(other, form)
    assert not BROWSERS.sent_form(one, {})
    new = BROWSERS.of(HERE, {})
    assert not BROWSERS.sent_form(new, {"form_token": BROWSERS.form_token(new)})


def test_with_tls_the_cookie_is_the_hosts_own() -> None:
    browser = BROWSERS.of(BY_TLS, {})
    assert is_secure(BY_TLS)
    assert not is_secure(HERE)
    assert cookie_name(BY_TLS) == "__Host-gatehouse_sign_in"
    assert set_cookie(BY_TLS, browser).endswith(
        "Path=/; Max-Age=900; HttpOnly; SameSite=Lax; Secure"
    )
    assert "Secure" not in set_cookie(HERE, BROWSERS.of(HERE, {}))
