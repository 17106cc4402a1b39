"""Somebody before the gateway's pages: goes where links and forms lead, and keeps cookies."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from html import unescape
from urllib.parse import urlsplit

import httpx

CALLBACK = "/oauth/callback"


def field_of(page: httpx.Response, name: str) -> str:
    """What stands in a form under this name."""
    (value,) = re.findall(rf'name="{name}" value="([^"]*)"', page.text)
    return unescape(value)


def way_on(page: httpx.Response) -> str:
    """The one link of a page: to the provider."""
    (way,) = re.findall(r'href="([^"]+)"', page.text)
    return unescape(way)


@dataclass
class Browser:
    """`arrive` signs in at the provider: from the way there to the address it sends back to."""

    client: httpx.AsyncClient
    arrive: Callable[[str], Awaitable[str]]

    async def types(self, code: str) -> httpx.Response:
        """Type a code; the page that asks whether this is them."""
        page = await self.client.get("/device", params={"user_code": code})
        assert page.status_code == 200
        form = {"form_token": field_of(page, "form_token"), "user_code": code}
        return await self.client.post("/device", data=form)

    async def says(self, answer: str, page: httpx.Response) -> httpx.Response:
        """Answer that page."""
        names = ("form_token", "user_code")
        form = {name: field_of(page, name) for name in names} | {"answer": answer}
        return await self.client.post("/device/answer", data=form)

    async def signs_in(self, code: str) -> httpx.Response:
        """All of it, to the last page."""
        left = await self.says("yes", await self.types(code))
        back = urlsplit(await self.arrive(way_on(left)))
        assert back.path.endswith(CALLBACK)
        return await self.client.get(f"{CALLBACK}?{back.query}")
