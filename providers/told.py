"""Find a vendor's own words in the body of its error, whatever protocol it speaks."""

import msgspec

LONGEST_CHARACTERS = 500


class _Error(msgspec.Struct):
    message: str = ""


class _Detail(msgspec.Struct):
    reason: str = ""


class _Detailed(msgspec.Struct):
    details: list[_Detail] = []


class _Googles(msgspec.Struct):
    error: _Detailed


class _Body(msgspec.Struct):
    error: _Error | str = ""
    message: str = ""
    detail: str = ""


def told_in(body: bytes) -> str:
    """The message of an error body (`error.message`, `error`, `message` or `detail`), shortened.

    Empty when there is none: HTML and other things are nobody's words.
    """
    try:
        found = msgspec.json.decode(body, type=_Body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    error = found.error if isinstance(found.error, str) else found.error.message
    return (error or found.message or found.detail)[:LONGEST_CHARACTERS]


def refuses_key(body: bytes) -> bool:
    """Whether a 400 is about our key: Google says it so, where others answer 401."""
    try:
        found = msgspec.json.decode(body, type=_Googles)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return any(detail.reason == "API_KEY_INVALID" for detail in found.error.details)
