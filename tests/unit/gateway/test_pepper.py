"""One pepper for every replica: named once, or the data folder's own; a wrong one is told."""

import base64
import os
import stat

import pytest

from gateway.pepper import check_of, chosen_pepper, load_pepper
from gateway.store.schema import StoreError
from providers.base import Secret

PEPPER = bytes(range(32))
OTHER = b"q" * 32
BASE64 = base64.b64encode(PEPPER).decode()


@pytest.mark.parametrize("written", [PEPPER.hex(), PEPPER.hex().upper(), BASE64, f" {BASE64}\n"])
def test_a_pepper_is_named_in_the_configuration_or_in_the_environment(tmp_path, written):
    assert chosen_pepper(tmp_path, Secret(written), {}, None) == PEPPER
    assert chosen_pepper(tmp_path, None, {"GATEHOUSE_PEPPER": written}, None) == PEPPER
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [PEPPER, PEPPER.hex().encode(), (BASE64 + "\n").encode()])
def test_a_pepper_may_stand_in_a_file(tmp_path, content):
    file = tmp_path / "secret"
    file.write_bytes(content)
    assert chosen_pepper(tmp_path, None, {"GATEHOUSE_PEPPER_FILE": str(file)}, None) == PEPPER


def test_a_pepper_named_twice_is_one_pepper_and_two_are_refused(tmp_path):
    environ = {"GATEHOUSE_PEPPER": PEPPER.hex()}
    assert chosen_pepper(tmp_path, Secret(BASE64), environ, None) == PEPPER
    with pytest.raises(StoreError, match=r"keys\.pepper and GATEHOUSE_PEPPER name different"):
        chosen_pepper(tmp_path, Secret(OTHER.hex()), environ, None)


@pytest.mark.parametrize("written", ["short", "zz" * 32, BASE64[:-4], "ab" * 31])
def test_what_is_no_pepper_is_refused_without_showing_it(tmp_path, written):
    with pytest.raises(StoreError, match="openssl rand -hex 32") as refused:
        chosen_pepper(tmp_path, None, {"GATEHOUSE_PEPPER": written}, None)
    assert written not in str(refused.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(StoreError, match=r"cannot read .*nowhere"):
        chosen_pepper(tmp_path, None, {"GATEHOUSE_PEPPER_FILE": str(tmp_path / "nowhere")}, None)


def test_where_a_new_one_would_not_do_it_must_be_named(tmp_path):
    with pytest.raises(StoreError, match="every replica needs the same"):
        chosen_pepper(tmp_path, None, {}, None)
    assert list(tmp_path.iterdir()) == []
    made = load_pepper(tmp_path, os.urandom)
    assert chosen_pepper(tmp_path, None, {}, None) == made


def test_without_any_the_data_folder_has_its_own(tmp_path):
    made = chosen_pepper(tmp_path, None, {}, lambda count: b"x" * count)
    assert made == b"x" * 32 == load_pepper(tmp_path, os.urandom)


def test_the_check_tells_peppers_apart_and_shows_none():
    assert check_of(PEPPER) != check_of(OTHER)
    assert check_of(PEPPER) == check_of(PEPPER)
    assert PEPPER not in check_of(PEPPER)


def test_the_pepper_is_made_once_and_for_its_owner_only(tmp_path):
    pepper = load_pepper(tmp_path, os.urandom)
    assert len(pepper) == 32
    assert load_pepper(tmp_path, os.urandom) == pepper
    assert stat.S_IMODE((tmp_path / "pepper").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["pepper"]


def test_when_another_process_makes_the_pepper_first_its_pepper_holds(tmp_path):
    def slow(count: int) -> bytes:
        (tmp_path / "pepper").write_bytes(b"f" * count)
        (tmp_path / "pepper").chmod(0o600)
        return b"s" * count

    assert load_pepper(tmp_path, slow) == b"f" * 32


def test_a_pepper_of_another_length_is_refused(tmp_path):
    (tmp_path / "pepper").write_bytes(b"short")
    (tmp_path / "pepper").chmod(0o600)
    with pytest.raises(StoreError, match="restore it"):
        load_pepper(tmp_path, os.urandom)


def test_a_pepper_open_to_everybody_is_refused(tmp_path):
    load_pepper(tmp_path, os.urandom)
    (tmp_path / "pepper").chmod(0o644)
    with pytest.raises(StoreError, match="chmod 600"):
        load_pepper(tmp_path, os.urandom)


def test_a_pepper_that_cannot_be_read_is_said(tmp_path):
    (tmp_path / "pepper").mkdir(mode=0o700)
    with pytest.raises(StoreError, match="cannot read"):
        load_pepper(tmp_path, os.urandom)
