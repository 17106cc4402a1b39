"""What the gateway does with what an assistant sends, as a page for people and programs to read.

Anthropic's own gateway answers the same question at the same path, `GET /protocol`, in Markdown.
"""

from collections.abc import Iterable

from gateway.egress.headers import VALUE_LIMIT_BYTES
from gateway.front import HEADER_LIMIT_BYTES
from gateway.wire.base import Wire, WireFamily
from providers.base import VendorRecord, Via

_PAGE = """# What this gateway forwards and what it consumes

Gatehouse {version}. *Forwarded* reaches the model's server as it came, byte for byte. *Consumed*
is read here for identity, policy and the audit record, and ends here.

## Endpoints

| endpoint | what it does | while an answer is silent |
|---|---|---|
{endpoints}

`GET /v1/models` lists the models of the key that asks: with `anthropic-version` in Anthropic's
shape, which is what Claude Code's model discovery reads, for Google's SDKs and below `/v1beta` in
Google's, else in OpenAI's. It never redirects.

## Request headers

| header | fate |
|---|---|
{headers}
| `authorization`, `x-api-key`, `x-goog-api-key` | consumed: the vendor gets the gateway's own |
| every other: session and device ids, user agent, cookies, trace context | consumed |

Below Google's paths the key may stand in `?key=`; it is consumed too. A forwarded header may be
{value_limit} bytes long; all headers together {header_limit}.

## Request body

- Where the model's server speaks the protocol of the request, the body is forwarded with every
  field, known or not. Three edits are made, all recorded: the model's name at its server; in
  streams of OpenAI's form the option that asks for usage; and a warning of the gateway's own is
  taken out of what the model is said to have said.
- Elsewhere it is translated. What the other protocol has no place for is named in the answer's
  `x-gatehouse-dropped`, or refused with `unsupported_feature` where leaving it out would change
  the answer.
- Signed thinking and encrypted reasoning are never written anew: they go unchanged, or are
  removed whole.
- Content encodings are refused with 415.

## Answers

- `x-gatehouse-audit-id` (also `x-request-id` and `request-id`) names the audit record.
- A rule that warns may put a quotation before the first words of a session's first answer. It
  begins with `**Gatehouse:**` and ends with the audit id; the ledger names it. No answer with a
  schema, and none without words, gets one. Warnings stand in `x-gatehouse-warning` too.
- Where nothing is translated, a refusal by the model's server comes back in its own words and
  status.
- A refusal by policy has the form that each assistant shows once and does not repeat: 400, or
  429 with `retry-after` for a short limit.
- An answer that breaks off ends with its protocol's error event, never with an invented end.
"""


def contract_page(
    version: str,
    wires: Iterable[Wire],
    families: Iterable[WireFamily],
    vendors: Iterable[VendorRecord],
) -> str:
    """The page, in Markdown: the same for everybody, with nothing of the configuration in it."""
    rows = [(wire.path, wire.summary, _silence(wire)) for wire in wires]
    for family in families:
        rows += [(path, summary, "nothing") for path, summary in family.summaries.items()]
    return _PAGE.format(
        version=version,
        endpoints="\n".join(
            f"| `POST {path}` | {does} | {silent} |" for path, does, silent in rows
        ),
        headers="\n".join(_forwarded(vendors)),
        value_limit=VALUE_LIMIT_BYTES,
        header_limit=HEADER_LIMIT_BYTES,
    )


def _silence(wire: Wire) -> str:
    if wire.counting or wire.keep_alive is None:
        return "nothing"
    return "an SSE comment" if wire.keep_alive.startswith(b":") else "a `ping` event"


def _forwarded(vendors: Iterable[VendorRecord]) -> Iterable[str]:
    kinds_by_header: dict[str, list[str]] = {}
    for record in vendors:
        if record.via is Via.DIRECT:
            for header in sorted(record.forwarded_headers):
                kinds_by_header.setdefault(header, []).append(record.kind)
    for header, kinds in kinds_by_header.items():
        told = ", ".join(f"`{kind}`" for kind in kinds)
        yield f"| `{header}` | forwarded, whatever it holds, to vendors of kind {told} |"
