"""The endpoints as a page of plain HTML: the usual viewers fetch their scripts from elsewhere."""

from html import escape
from typing import Any

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem}}
table{{border-collapse:collapse;width:100%}}td,th{{text-align:left;padding:.4rem;
border-bottom:1px solid #ccc;vertical-align:top}}code{{white-space:nowrap}}</style>
<h1>{title} {version}</h1>
<p>The same as <a href="{openapi}">OpenAPI</a>. Send the key as
<code>Authorization: Bearer</code>,
<code>x-api-key</code> or <code>x-goog-api-key</code>.</p>
<table><tr><th>Endpoint<th>What it does</tr>{rows}</table></html>"""


def manual_page(openapi: dict[str, Any], address: str = "/openapi.json") -> str:
    """Render the operations of the OpenAPI document, which is at this address, as a table."""
    rows = "".join(
        f"<tr><td><code>{method.upper()} {escape(path)}</code>"
        f"<td>{escape(operation.get('description') or operation.get('summary', ''))}</tr>"
        for path, operations in openapi["paths"].items()
        for method, operation in operations.items()
    )
    info = openapi["info"]
    return PAGE.format(
        title=escape(info["title"]), version=escape(info["version"]), openapi=address, rows=rows
    )
