"""Gatehouse: the gateway itself: HTTP, the pipeline, the books."""
