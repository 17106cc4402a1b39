"""How the house tests look at the repository: its tracked files, and Python as syntax trees."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("gateway", "policy", "providers")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tracked_files() -> tuple[Path, ...]:
    """Everything git knows, or would know after `git add`: files that are ignored are not ours."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return tuple(sorted({path for path in paths if path.is_file()}))


def name_of(path: Path) -> str:
    """A file as a reader names it."""
    return path.relative_to(ROOT).as_posix()


def python_files(*roots: str) -> tuple[Path, ...]:
    """Tracked Python files below `roots` (all when none is named), migrations left out."""
    return tuple(
        path
        for path in tracked_files()
        if path.suffix == ".py"
        and (not roots or path.relative_to(ROOT).parts[0] in roots)
        and "versions" not in path.parts
    )


@cache
def tree_of(path: Path) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(path.read_text(), name_of(path))


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """Every node of a file's syntax tree."""
    return tuple(ast.walk(tree_of(path)))


def functions(path: Path) -> Iterator[Function]:
    """Every function and method of a file."""
    for node in nodes_of(path):
        if isinstance(node, Function):
            yield node


@cache
def imports(path: Path) -> frozenset[str]:
    """The full names of all modules a file imports, `from a import b` as `a.b` too."""
    return frozenset(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def listing(offenders: object, reason: str) -> str:
    """A failure message: why the rule stands, then who broke it."""
    lines = sorted(str(each) for each in offenders) if isinstance(offenders, list | set) else []
    return "\n  ".join([reason, *lines])
