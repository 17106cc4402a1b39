"""The schema's history, run by `gateway.store.schema` without any file beside the code."""
