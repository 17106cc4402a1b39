"""A configuration is kept with all its files, and its texts come back as they were."""

import pytest

from gateway.configuration import stored
from gateway.configuration.files import ON_DISK
from gateway.configuration.listing import Pattern
from gateway.configuration.stored import Origin, StoredConfiguration, StoredFiles
from tests.fakes.configurations import CANARIES, configured, write, write_registered
from tests.fakes.policy_files import WITH_RULES, loaded

RULE = "rules:\n  - { id: %s, effect: deny, reason: x, match: { users: [bob] } }\n"


def kept(configuration) -> StoredConfiguration:
    assert configuration.stored is not None
    return configuration.stored


def test_every_file_is_kept_by_its_role_and_name(tmp_path):
    write_registered(tmp_path)
    text = (tmp_path / "gatehouse.yaml").read_text() + "policy: [policy/*.yaml, policy/1.yaml]\n"
    whole = kept(loaded(tmp_path, RULE % "one", RULE % "two", configuration=text))
    assert [(each.role, each.name) for each in whole.files] == [
        ("configuration", "gatehouse.yaml"),
        ("vendors", "registers/vendors.yaml"),
        ("assistants", "assistants.yaml"),
        ("policy.0", "policy/0.yaml"),
        ("policy.0.1", "policy/1.yaml"),
    ]
    assert whole.source == str(tmp_path / "gatehouse.yaml")
    assert all(each.owner for each in whole.files)


def test_nothing_of_the_environment_is_kept(tmp_path):
    text = WITH_RULES.replace("policy/*.yaml", '"${WORD}/*.yaml"').replace(
        "127.0.0.1:8000", "${WORD}"
    )
    write(tmp_path / "wibble-canary", RULE % "one", "a.yaml")
    whole = kept(configured(tmp_path, text))
    assert [each.name for each in whole.files] == ["gatehouse.yaml", "${WORD}/a.yaml"]
    assert not any(canary in str(whole) for canary in CANARIES)


def test_what_was_packed_is_unpacked(tmp_path):
    whole = kept(loaded(tmp_path, RULE % "one"))
    assert StoredConfiguration.unpacked(whole.digest, whole.source, whole.packed()) == whole


@pytest.mark.parametrize("packed", [b"", b"nothing", b"\x1f\x8b broken"])
def test_what_was_not_packed_is_refused(packed):
    with pytest.raises((ValueError, OSError, EOFError)):
        StoredConfiguration.unpacked("d", None, packed)


def test_what_is_too_large_is_named_and_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(stored, "MOST_BYTES", 100)
    whole = kept(configured(tmp_path))
    assert (whole.files, whole.size_bytes) == ((), 0)


def test_stored_files_are_read_as_those_on_disk(tmp_path):
    write_registered(tmp_path)
    built = loaded(tmp_path, RULE % "one", RULE % "two")
    files, pattern = StoredFiles(kept(built), built.source), Pattern(tmp_path, "policy/*.yaml")
    assert files.listing(0, pattern) == ON_DISK.listing(0, pattern)
    for path in map(type(tmp_path), files.listing(0, pattern)):
        assert files.rules(path) == ON_DISK.rules(path)
    with pytest.raises(OSError, match="not among"):
        files.rules(tmp_path / "policy" / "2.yaml")
    with pytest.raises(OSError, match="not among"):
        files.register("vendors", tmp_path / "registers" / "vendors.yaml")


def test_a_configuration_knows_where_it_was_taken_from(tmp_path):
    assert configured(tmp_path).origin is Origin.FILES
