"""What stands on the disk is read by its role."""

import pytest

from gateway.configuration.files import ON_DISK
from gateway.configuration.listing import Pattern
from tests.fakes.configurations import write


def test_every_role_is_the_file_at_its_path(tmp_path):
    path = write(tmp_path, "text")
    assert ON_DISK.configuration(path) == b"text"
    assert ON_DISK.register("vendors", path) == b"text"
    assert ON_DISK.rules(path) == b"text"
    assert ON_DISK.listing(0, Pattern(tmp_path, "*.yaml")) == (str(path),)


def test_a_file_that_is_not_there_cannot_be_read(tmp_path):
    with pytest.raises(FileNotFoundError):
        ON_DISK.configuration(tmp_path / "gatehouse.yaml")
