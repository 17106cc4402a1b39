"""People at the fake provider: they sign in with codes, and may be thrown out."""

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from tests.fakes.issuer import Issuer, Reply

CLIENT = "gatehouse-cli"


@dataclass
class People:
    """Whoever signs in at an issuer. Codes and refresh tokens are good once."""

    issuer: Issuer
    subject: str = "ada"
    groups: tuple[str, ...] | None = ("eng-web",)
    sid: str | None = None
    gives_refresh_token: bool = True
    gives_id_token_again: bool = True
    nonce: str | None = None  # another than was sent
    is_gone: bool = False
    says_gone: str = "invalid_grant"
    is_confused: bool = False
    audience: str = CLIENT
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    refresh_tokens: set[str] = field(default_factory=set)
    refreshed: int = 0
    userinfo: dict[str, object] | None = None

    def __post_init__(self) -> None:
        self.issuer.answers["/token"] = self._token
        self.issuer.answers["/userinfo"] = self._userinfo

    def arrive(self, way: str) -> str:
        """A browser comes by the gateway's address; the one it is sent back to."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(way).query).items()}
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        return f"{query['redirect_uri']}?code={code}&state={query['state']}"

    def _token(self, form: dict[str, str]) -> Reply:
        if self.is_confused:
            return 500, {"error": "server_error"}
        if form["grant_type"] == "authorization_code":
            return self._for_code(form)
        if self.is_gone or form["refresh_token"] not in self.refresh_tokens:
            return 400, {"error": self.says_gone}
        self.refresh_tokens.remove(form["refresh_token"])
        self.refreshed += 1
        return 200, self._tokens(None, with_id=self.gives_id_token_again)

    def _for_code(self, form: dict[str, str]) -> Reply:
        asked = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge:
            return 400, {"error": "invalid_grant"}
        return 200, self._tokens(self.nonce or asked["nonce"], with_id=True)

    def _tokens(self, nonce: str | None, *, with_id: bool) -> dict[str, object]:
        told: dict[str, object] = {"access_token": "at", "token_type": "Bearer", "expires_in": 300}
        if with_id:
            claims = {"sub": self.subject, "groups": list(self.groups) if self.groups else None}
            told["id_token"] = self.issuer.token(
                aud=self.audience, nonce=nonce, sid=self.sid, **claims
            )
        if self.gives_refresh_token:
            fresh = f"rt-{self.refreshed}-{len(self.refresh_tokens)}-{id(told)}"
            self.refresh_tokens.add(fresh)
            told["refresh_token"] = fresh
        return told

    def _userinfo(self, form: dict[str, str]) -> Reply:
        if self.is_gone:
            return 401, {}
        return 200, self.userinfo or {"sub": self.subject, "groups": list(self.groups or ())}
