"""The database is named once: by the environment, or by the configuration."""

import pytest

from gateway.database_address import DatabaseAddress
from gateway.store.place import named_database
from gateway.store.schema import StoreError

ONE = "postgresql://gate:secret@db/one"
OTHER = "postgresql://gate:secret@db/other"


def test_where_nobody_names_one_it_is_the_data_folders():
    assert named_database({}, None) is None
    assert named_database({"GATEHOUSE_DATABASE_URL": ""}, None) is None


def test_either_may_name_it_and_both_the_same():
    address = DatabaseAddress.read(ONE)
    assert named_database({}, address) == address
    assert named_database({"GATEHOUSE_DATABASE_URL": ONE}, None) == address
    assert named_database({"GATEHOUSE_DATABASE_URL": ONE}, address) == address


def test_two_that_differ_are_refused_by_what_may_be_shown():
    with pytest.raises(StoreError, match=r"gate@db/one, gate@db/other.*leave one") as refused:
        named_database({"GATEHOUSE_DATABASE_URL": OTHER}, DatabaseAddress.read(ONE))
    assert "secret" not in str(refused.value)


def test_what_is_no_address_is_refused_without_showing_it():
    with pytest.raises(StoreError, match="GATEHOUSE_DATABASE_URL: ") as refused:
        named_database({"GATEHOUSE_DATABASE_URL": "mysql://gate:secret@db/one"}, None)
    assert "secret" not in str(refused.value)
