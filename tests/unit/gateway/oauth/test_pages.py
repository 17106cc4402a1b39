"""Pages run nothing, load nothing, and show what others wrote as text."""

from gateway.oauth.pages import HEADERS, code_page, confirm_page, leaving_page, message_page

EVIL = '"><script>alert(1)</script>'


def test_what_others_wrote_is_text() -> None:
    for page in (
        code_page("", "token", EVIL, EVIL),
        confirm_page("", "token", EVIL, EVIL, EVIL, EVIL),
        leaving_page(EVIL),
        message_page(EVIL, EVIL),
    ):
        assert "<script" not in page
        assert "&lt;script&gt;" in page


def test_a_page_may_run_and_load_nothing_and_stand_in_no_frame() -> None:
    policy = HEADERS["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert HEADERS["cache-control"] == "no-store"


def test_the_machine_that_asks_is_shown_before_anybody_says_yes() -> None:
    page = confirm_page("/gate", "token", "BCDF-GHJK", "laptop", None, "9 seconds ago")
    for part in ("laptop", "BCDF-GHJK", "9 seconds ago", "an address that is not known"):
        assert part in page
    assert 'action="/gate/device/answer"' in page
