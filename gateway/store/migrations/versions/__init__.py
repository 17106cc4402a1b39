"""One file per change of the schema; the newest is the last of `schema.REVISIONS`."""
