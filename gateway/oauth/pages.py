"""The few pages of the sign-in: plain HTML, no scripts, nothing from elsewhere."""

import base64
import hashlib
from html import escape
from typing import Final

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem;"
    "color:#1b1f24;background:#fff}h1{font-size:1.4rem}code,input{font:inherit}"
    "input[type=text]{font-size:1.4rem;letter-spacing:.15em;text-transform:uppercase;width:12rem;"
    "padding:.3rem .5rem}button,a.on{display:inline-block;font:inherit;padding:.4rem 1rem;"
    "margin:1rem .5rem 0 0;border:1px solid #888;border-radius:.3rem;background:#f3f4f6;"
    "color:inherit;text-decoration:none;cursor:pointer}dt{color:#57606a}dd{margin:0 0 .5rem}"
    "p.wrong{border-left:.3rem solid #b42318;padding-left:.7rem}"
    "@media(prefers-color-scheme:dark){body{color:#e6e8eb;background:#16191d}"
    "button,a.on{background:#262b31}dt{color:#9aa4af}}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""What every page is sent with."""


def code_page(base: str, form_token: str, typed: str, wrong: str = "") -> str:
    """Where a person types the code that the machine shows."""
    said = f'<p class="wrong">{escape(wrong)}</p>' if wrong else ""
    return _page(
        "Sign in to Gatehouse",
        f"""<p>Type the code that <code>gatehouse login</code> shows.</p>{said}
<form method="post" action="{escape(base)}/device">
<input type="hidden" name="form_token" value="{escape(form_token)}">
<input type="text" name="user_code" value="{escape(typed)}" autocomplete="off" autofocus
 maxlength="20" aria-label="The code" required>
<br><button type="submit">Go on</button></form>""",
    )


def confirm_page(
    base: str, form_token: str, code: str, machine: str, address: str | None, asked_ago: str
) -> str:
    """Where a person sees which machine asks, and says whether that is theirs."""
    place = escape(address) if address else "an address that is not known"
    return _page(
        "Is this you?",
        f"""<p>A machine wants to be signed in as you:</p>
<dl><dt>It calls itself</dt><dd>{escape(machine)}</dd>
<dt>It asked from</dt><dd>{place}, {escape(asked_ago)}</dd>
<dt>It shows the code</dt><dd><code>{escape(code)}</code></dd></dl>
<p>Go on only if you have just typed <code>gatehouse login</code> there yourself. Whoever sent you
here otherwise would ask models, and do what else you may do, in your name.</p>
<form method="post" action="{escape(base)}/device/answer">
<input type="hidden" name="form_token" value="{escape(form_token)}">
<input type="hidden" name="user_code" value="{escape(code)}">
<button type="submit" name="answer" value="yes">This is me: sign in</button>
<button type="submit" name="answer" value="no">This is not me</button></form>""",
    )


def leaving_page(way: str) -> str:
    """Sends the browser on to the provider. A redirect of a form would not get past the policy
    that forms go nowhere else."""
    return _page(
        "On to your identity provider",
        f'<p><a class="on" rel="noreferrer" href="{escape(way)}">Go on</a></p>',
        f'<meta http-equiv="refresh" content="0;url={escape(way)}">',
    )


def message_page(title: str, text: str) -> str:
    """Something that is over, or went wrong."""
    return _page(title, f"<p>{escape(text)}</p>")


def _page(title: str, body: str, head: str = "") -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="robots" content="noindex">{head}<title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    )
