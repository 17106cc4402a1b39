"""Decides what may leave: facts in, a decision out. No I/O."""
