"""Write the page of every attribute and metric from the table in `names`."""

from pathlib import Path

from gateway.telemetry.names import ATTRIBUTES, METRICS, Signal

PAGE = Path(__file__).parents[2] / "docs" / "telemetry.md"

_HEAD = """\
# Telemetry: every name that leaves the gateway

<!-- Written by `python -m gateway.telemetry.names`: change gateway/telemetry/names.py instead. -->

Spans and log records are a projection of the ledger. A process of its own reads the ledger and
sends them to the OTLP endpoint of the configuration; the ledger keeps what a collector has not
accepted. It works where a core would be idle, so spans come late while all are busy. Delivery is
at least once: a sink drops repeats by `audit.record.id` (log records) or span id, which are the
same at every sending. No prompt, no answer, no name of a person and no key
is ever part of it.

One exchange is one trace: a SERVER span (**S**), an INTERNAL span of the decision (**P**) and a
CLIENT span for each attempt at a target (**C**); and one log record (**L**) for each ledger record,
in the same trace. **R** marks the resource. Texts are cut at 256 characters, lists at 32 entries.

## Attributes

| attribute | type | on | meaning |
|---|---|---|---|
"""

_METRICS_HEAD = """
## Metrics

`GET /metrics` serves them in Prometheus' text format. A label with more than 200 values counts the
rest as `other`; no label ever names a user, a key or a session.

| metric | kind | labels | meaning |
|---|---|---|---|
"""


def page() -> str:
    """The whole page, as Markdown."""
    attributes = "".join(
        f"| `{each.name}` | {each.kind.value} | "
        f"{', '.join(signal.value for signal in Signal if signal in each.on)} | {each.meaning} |\n"
        for each in ATTRIBUTES
    )
    metrics = "".join(
        f"| `{each.prometheus}` | {each.instrument.value} | "
        f"{', '.join(f'`{label}`' for label in each.prometheus_labels)} | {each.meaning} |\n"
        for each in METRICS
    )
    return _HEAD + attributes + _METRICS_HEAD + metrics


def write() -> None:
    """Bring `docs/telemetry.md` up to date."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
