"""The table of names: complete, unique, and what the page in docs/ says."""

import re
from pathlib import Path

from opentelemetry.semconv._incubating.attributes import (
    enduser_attributes,
    gen_ai_attributes,
    http_attributes,
    user_agent_attributes,
)
from opentelemetry.semconv.attributes import error_attributes, service_attributes, url_attributes

from gateway.telemetry.names import ATTRIBUTES, METRICS
from gateway.telemetry.reference import PAGE, page

SOURCES = Path(__file__).parents[4] / "gateway"
REGISTRIES = (
    gen_ai_attributes,
    http_attributes,
    user_agent_attributes,
    enduser_attributes,
    error_attributes,
    service_attributes,
    url_attributes,
)
OURS = ("gatehouse.", "audit.")
NEWER_THAN_THE_REGISTRY = {"gen_ai.usage.cache_write.input_tokens"}


def test_the_page_in_docs_is_what_the_table_says():
    """Run `python -m gateway.telemetry.names` when this fails."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_borrowed_name_is_one_of_opentelemetrys():
    known = {
        value
        for registry in REGISTRIES
        for value in vars(registry).values()
        if isinstance(value, str)
    }
    borrowed = {each.name for each in ATTRIBUTES if not each.name.startswith(OURS)}
    assert borrowed - known == NEWER_THAN_THE_REGISTRY


def test_no_name_stands_twice():
    names = [each.name for each in ATTRIBUTES] + [each.prometheus for each in METRICS]
    assert len(names) == len(set(names))


def test_no_other_module_spells_a_name_of_the_contract():
    files = set(SOURCES.rglob("*.py")) - {SOURCES / "telemetry" / "names.py"}
    ours = {each.name for each in ATTRIBUTES} | {each.name for each in METRICS}
    names = ours | {each.prometheus for each in METRICS}
    found = {
        f"{path.name}: {word}"
        for path in files
        for word in re.findall(r"[\"']([a-z_.]+)[\"']", path.read_text(encoding="utf-8"))
        if word in names
    }
    assert found == set()


def test_no_metric_has_a_label_that_names_a_person_a_key_or_a_session():
    labels = {label for metric in METRICS for label in metric.labels}
    assert labels.isdisjoint(
        {"user", "key", "session", "subject", "enduser.pseudo.id", "gatehouse.key.id"}
    )
