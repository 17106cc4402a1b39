"""The admin API: one file per resource, on a listener of its own, for those who run the gateway."""
