"""Spans, log records and metrics: projections of the ledger, never a source of their own."""
