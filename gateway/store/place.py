"""Which database keeps the state: the environment says it, or the configuration, or nobody."""

from collections.abc import Mapping

from gateway.database_address import DatabaseAddress
from gateway.settings import DATABASE_VARIABLE, database_url
from gateway.store.schema import StoreError


def named_database(
    environ: Mapping[str, str], configured: DatabaseAddress | None
) -> DatabaseAddress | None:
    """The address that is named; None where nobody names one: then the data folder's own.

    Raises `StoreError` when what is named is no address, or two differ.
    """
    written = database_url(environ)
    if written is None:
        return configured
    try:
        address = DatabaseAddress.read(written)
    except ValueError as error:
        raise StoreError(f"{DATABASE_VARIABLE}: {error}") from None
    if configured is not None and configured != address:
        raise StoreError(
            f"storage.url and {DATABASE_VARIABLE} name different databases "
            f"({configured.shown}, {address.shown}): leave one of them out"
        )
    return address
