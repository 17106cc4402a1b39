"""Every module has a test of its own name; an exception is listed with its reason."""

from pathlib import Path

from tests.house.reading import PRODUCT, ROOT, imports, listing, name_of, python_files

# A package's __init__ that only re-exports, and declarations without a branch, need no twin.
WITHOUT_TWIN: dict[str, str] = {
    "gateway/errors.py": "classes with constants: every wire's tests phrase each of them",
    "policy/types.py": "declarations; DataClass.parse is tested with the rules that read it",
    "gateway/exchange.py": "declarations; the sums of Usage are tested where usage is read",
    "gateway/inbound.py": "a port and frozen records",
    "gateway/wire/base.py": "a port: protocols and frozen records",
    "providers/base.py": "a port: protocols and frozen records",
    "providers/errors.py": "classes with constants: each sender's tests raise them",
    "gateway/admin/desk.py": "a frozen record of what the resources work on",
    "gateway/oidc/refused.py": "words and two exceptions: the tests of who raises them name each",
    "gateway/cli/ports.py": "ports: the commands' tests ask both sides of each",
    "gateway/cli/diagnosis/finding.py": "a frozen record and three ways to make it",
    "gateway/configuration/shipped.py": "a frozen record of what others give",
    "gateway/store/migrations/env.py": "run by every test that opens a database",
}
RECORDS = "anthropic deepseek gemini in_house moonshot openai qwen rehearsal zhipu"
WITHOUT_TWIN |= {
    f"providers/vendors/{kind}.py": "data without code: test_records.py holds every record"
    for kind in RECORDS.split()
}
# One test file speaks for several modules of one thought.
SHARED_TWIN: dict[str, str] = {
    "benchmarks/plot.py": "tests/unit/benchmarks/test_report.py",
    "benchmarks/subject.py": "tests/unit/benchmarks/test_peers.py",
    "benchmarks/tools.py": "tests/integration/test_bench_tools.py",
    "gateway/audit/filing.py": "tests/unit/gateway/audit/test_journaled_lane.py",
    "gateway/configuration/counters_document.py": (
        "tests/unit/gateway/configuration/test_counters.py"
    ),
    "gateway/oauth/machine.py": "tests/integration/test_signing_in.py",
    "gateway/oauth/person.py": "tests/integration/test_signing_in.py",
    "gateway/sessions/opened.py": "tests/unit/gateway/sessions/test_leavers.py",
    "gateway/store/session_tables.py": "tests/unit/gateway/store/test_schema.py",
    "gateway/store/tables.py": "tests/unit/gateway/store/test_schema.py",
    "gateway/telemetry/otlp_grpc.py": "tests/unit/gateway/telemetry/test_otlp.py",
    "gateway/telemetry/reference.py": "tests/unit/gateway/telemetry/test_names.py",
    "providers/local.py": "tests/integration/test_local_engine.py",
    "providers/translator_client.py": "tests/translation/test_translator.py",
}


def twin_of(module: Path) -> Path:
    """Where the test of a module stands; that of a package bears the package's name."""
    name = module.parent.name if module.name == "__init__.py" else module.stem.strip("_")
    return ROOT / "tests" / "unit" / module.relative_to(ROOT).parent / f"test_{name}.py"


def has_twin(module: Path) -> bool:
    """A file of its name, or a folder of files about it."""
    file = twin_of(module)
    return file.exists() or any(file.parent.glob(f"{file.stem}_*.py"))


def has_body(module: Path) -> bool:
    """Whether a file holds anything to test: an empty `__init__` does not."""
    code = [line for line in module.read_text().splitlines() if line.strip()]
    return module.name != "__init__.py" or len(code) > 40


def test_every_module_has_a_twin() -> None:
    lonely = {
        name_of(module)
        for module in python_files(*PRODUCT, "benchmarks")
        if has_body(module)
        and not has_twin(module)
        and name_of(module) not in {*WITHOUT_TWIN, *SHARED_TWIN}
    }
    reason = (
        "tests/unit mirrors the source, so that a reader finds a module's promises by its name."
        " Write tests/unit/<path>/test_<module>.py, or list the module here with the reason."
    )
    assert not lonely, listing(lonely, reason)


def test_every_exception_is_still_needed() -> None:
    listed = {*WITHOUT_TWIN, *SHARED_TWIN}
    stale = {name for name in listed if not (ROOT / name).exists() or has_twin(ROOT / name)}
    assert not stale, listing(stale, "These have a twin by now, or are gone: unlist them.")


def test_a_shared_twin_knows_the_module_it_speaks_for() -> None:
    strangers = {
        f"{twin} does not import {module}"
        for module, twin in SHARED_TWIN.items()
        if module.removesuffix(".py").replace("/", ".") not in imports(ROOT / twin)
    }
    assert not strangers, listing(strangers, "A module's promises are said to be tested here.")
