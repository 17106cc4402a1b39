"""An address is read without its password ever being shown, also when it is wrong."""

import pytest

from gateway.database_address import DatabaseAddress


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("postgresql://gate:secret@db.example:5432/ledger", "gate@db.example:5432/ledger"),
        ("postgres://gate:secret@db/ledger?sslmode=verify-full", "gate@db/ledger"),
        ("postgresql://gate:s%40%2F@[::1]:5433/ledger", "gate@[::1]:5433/ledger"),
        ("postgresql://gate:secret@a:1,b:2/ledger", "gate@a:1,b:2/ledger"),
        ("postgresql://db/ledger?password=secret", "db/ledger"),
    ],
)
def test_an_address_is_shown_without_its_password(written, shown):
    address = DatabaseAddress.read(written)
    assert address.shown == shown
    assert address.url.reveal() == written
    assert "secret" not in repr(address)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "mysql://gate:secret@db/ledger",
        "postgresql://gate:secret@db",
        "postgresql://gate:secret@db/",
        "postgresql://gate:secret@/ledger",
        "postgresql://gate:sec#ret@db/ledger",
        "postgresql://gate:sec/ret@db/ledger",
        "postgresql://gate:12/secret@db/ledger",
        "postgresql://gate:sec?ret@db/ledger",
        "postgresql://gate:secret@db:port/ledger",
        "postgresql://gate:[secret@db/ledger",
        "postgresql://:secret@db/ledger",
        "postgresql://gate:secret@d b/ledger",
    ],
)
def test_what_is_no_address_is_refused_without_showing_it(written):
    with pytest.raises(ValueError, match="postgresql://user:password@host:5432/name") as refused:
        DatabaseAddress.read(written)
    assert "secret" not in str(refused.value)
    assert "ret" not in str(refused.value).replace("storage", "")
