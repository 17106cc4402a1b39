"""What may not stand in the code, and where the few exceptions are."""

import ast
import re
from pathlib import Path

from tests.house.reading import (
    PRODUCT,
    ROOT,
    imports,
    listing,
    name_of,
    nodes_of,
    python_files,
    tracked_files,
)

READS_ENVIRONMENT = {"gateway/settings.py", "providers/translated.py"}
ENVIRONMENT = ("environ", "environb", "getenv", "getenvb", "putenv", "unsetenv")
ENVIRONMENT_OF_OS = {f"os.{name}" for name in ENVIRONMENT}
BROAD_EXCEPT = {"gateway/front.py"}
PRINTS = "gateway/cli/"
# Written in halves: this file is tracked too.
REGISTRY_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry.yarnpkg", "com"),
        ("proxy.golang", "org"),
        ("sum.golang", "org"),
        ("static.crates", "io"),
        ("index.crates", "io"),
        ("rubygems", "org"),
        ("deb.debian", "org"),
    )
)
LEFT_FOR_LATER = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")
TEXT_SUFFIXES = {".py", ".c", ".h", ".md", ".yaml", ".yml", ".toml", ".json", ".tpl", ".txt", ".sh"}


def text_files() -> list[Path]:
    return [
        path
        for path in tracked_files()
        if path.suffix in TEXT_SUFFIXES or path.name in {"Makefile", "run", ".gitignore", "LICENSE"}
    ]


def names_of_os_environment(path: Path) -> list[int]:
    """Lines that read or write the process environment, however `os` was imported."""
    found = []
    for node in nodes_of(path):
        # Its last name first: to write a node as text takes long.
        is_such = isinstance(node, ast.Attribute) and node.attr in ENVIRONMENT
        if is_such and ast.unparse(node) in ENVIRONMENT_OF_OS:
            found.append(node.lineno)
    return found + [0 for taken in imports(path) if taken in ENVIRONMENT_OF_OS]


def test_only_settings_and_the_litellm_module_touch_the_environment() -> None:
    offenders = [
        f"{name_of(path)}:{line}"
        for path in python_files(*PRODUCT)
        if name_of(path) not in READS_ENVIRONMENT
        for line in names_of_os_environment(path)
    ]
    reason = "Settings arrive through constructors; only gateway/settings.py reads the environment."
    assert not offenders, listing(offenders, reason)


def catches_everything(handler: ast.ExceptHandler) -> bool:
    """A bare except, or one that names Exception or BaseException, raised again or not."""
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {each.id for each in caught if isinstance(each, ast.Name)}
    return handler.type is None or bool(names & {"Exception", "BaseException"})


def broad_handlers(path: Path) -> list[int]:
    handlers = [node for node in nodes_of(path) if isinstance(node, ast.ExceptHandler)]
    return [handler.lineno for handler in handlers if catches_everything(handler)]


def test_everything_is_caught_in_one_place_only() -> None:
    offenders = [
        f"{name_of(path)}:{line}"
        for path in python_files(*PRODUCT)
        if name_of(path) not in BROAD_EXCEPT
        for line in broad_handlers(path)
    ]
    reason = (
        "Catch what you can name. Only the app's edge may catch everything; what must be undone"
        " when anything breaks stands in an exit stack or a context manager."
    )
    assert not offenders, listing(offenders, reason)


def test_a_place_that_may_catch_everything_does_so_once_at_most() -> None:
    counts = {name: len(broad_handlers(ROOT / name)) for name in BROAD_EXCEPT}
    assert max(counts.values()) <= 1, f"One broad handler a place is enough: {counts}"


def test_only_the_command_line_prints() -> None:
    offenders = [
        f"{name_of(path)}:{node.lineno}"
        for path in python_files(*PRODUCT)
        if not name_of(path).startswith(PRINTS)
        for node in nodes_of(path)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"print", "breakpoint"}
    ]
    assert not offenders, listing(offenders, "A server logs events; only gateway/cli prints.")


def test_nothing_is_left_for_later_in_a_comment() -> None:
    offenders = [
        f"{name_of(path)}:{number}"
        for path in text_files()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if LEFT_FOR_LATER.search(line)
    ]
    assert not offenders, listing(offenders, "What is not done is an issue, not a comment.")


def test_no_registry_is_named_in_a_tracked_file() -> None:
    offenders = [
        f"{name_of(path)}: {host}"
        for path in text_files()
        for text in (path.read_text(),)
        for host in REGISTRY_HOSTS
        if host in text
    ]
    reason = "Where packages come from is the installer's setting; a lock holds hashes, no hosts."
    assert not offenders, listing(offenders, reason)


def test_nobody_imports_the_litellm_proxy() -> None:
    offenders = [
        f"{name_of(path)}: {module}"
        for path in python_files()
        for module in imports(path)
        if module == "litellm.proxy" or module.startswith("litellm.proxy.")
    ]
    reason = (
        "LiteLLM is used as a library; its server was where the stolen release hid its payload."
    )
    assert not offenders, listing(offenders, reason)


def test_litellm_is_imported_in_one_module() -> None:
    importers = {
        name_of(path)
        for path in python_files(*PRODUCT)
        if any(module.split(".")[0] == "litellm" for module in imports(path))
    }
    reason = "One module knows LiteLLM: what it does with a request is then in one place to read."
    assert importers <= {"providers/translated.py"}, listing(importers, reason)


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    drawers = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
    offenders = [name_of(path) for path in python_files() if path.stem in drawers]
    assert not offenders, listing(offenders, "A file is named after what it does.")
