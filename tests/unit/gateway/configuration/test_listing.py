"""A pattern finds every file that it covers, and says so where nobody can look."""

from pathlib import Path

import pytest

from gateway.configuration.listing import Pattern, UnreadableFolder, listing

FILES = (
    "a.yaml",
    "b.yaml",
    "b.txt",
    ".hidden.yaml",
    "sub/c.yaml",
    "sub/deep/d.yaml",
    ".git/e.yaml",
    "[x]/f.yaml",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose own name would be a pattern, were it taken for one."""
    made = tmp_path / "rules [*]"
    for each in FILES:
        (made / each).parent.mkdir(parents=True, exist_ok=True)
        (made / each).touch()
    return made


def listed(folder: Path, written: str) -> list[str]:
    return [str(Path(each).relative_to(folder)) for each in listing(Pattern(folder, written))]


@pytest.mark.parametrize(
    ("written", "files"),
    [
        ("*.yaml", ["a.yaml", "b.yaml"]),
        ("?.*", ["a.yaml", "b.txt", "b.yaml"]),
        ("[!a].yaml", ["b.yaml"]),
        ("a.yaml", ["a.yaml"]),
        ("./sub/../a.yaml", ["sub/../a.yaml"]),
        (".*.yaml", [".hidden.yaml"]),
        (".git/*.yaml", [".git/e.yaml"]),
        ("*/*.yaml", ["[x]/f.yaml", "sub/c.yaml"]),
        ("s*/c.yaml", ["sub/c.yaml"]),
        ("**/*.yaml", ["[x]/f.yaml", "a.yaml", "b.yaml", "sub/c.yaml", "sub/deep/d.yaml"]),
        ("**/**/d.yaml", ["sub/deep/d.yaml"]),
        ("sub/**", ["sub/c.yaml", "sub/deep", "sub/deep/d.yaml"]),
        ("[[]x]/*", ["[x]/f.yaml"]),
        ("gone/*.yaml", []),
        ("a.yaml/*", []),
        ("a.yaml/c.yaml", []),
        ("gone.yaml", []),
        ("A.yaml", []),
    ],
)
def test_a_pattern_finds_what_it_covers_in_the_order_of_names(folder, written, files):
    assert listed(folder, written) == files


def test_a_pattern_may_begin_at_the_root(folder):
    found = listing(Pattern(Path("/nowhere"), f"{folder.parent}/rules*/*.yaml"))
    assert found == (str(folder / "a.yaml"), str(folder / "b.yaml"))


def test_linked_folders_are_gone_through_once_on_each_way(folder):
    (folder / "again").symlink_to("sub")
    (folder / "sub" / "up").symlink_to(folder)
    assert listed(folder, "**/d.yaml") == ["again/deep/d.yaml", "sub/deep/d.yaml"]


@pytest.mark.parametrize("written", ["**/*.yaml", "*/*.yaml", "loop/*.yaml", "loop/a.yaml"])
def test_a_folder_that_cannot_be_looked_into_is_named(folder, written):
    (folder / "loop").symlink_to("loop")
    with pytest.raises(UnreadableFolder, match="/loop cannot be looked into"):
        listed(folder, written)


def test_a_link_to_nothing_is_found_by_its_name_and_is_no_folder(folder):
    (folder / "z.yaml").symlink_to("gone")
    assert listed(folder, "**/z.yaml") == ["z.yaml"]
    assert listed(folder, "z.*/*") == []


@pytest.mark.parametrize("name", ["a\nb.yaml", "a\u2028b.yaml", "a\x85b.yaml", "a\udcffb.yaml"])
def test_an_odd_name_is_one_name(tmp_path, name):
    (tmp_path / name).touch()
    assert listed(tmp_path, "*.yaml") == [name]
