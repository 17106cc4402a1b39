"""The schema's history, run by `gateway.store.database` without any file beside the code."""
