"""Rules that people write: read, compiled, asked, explained and tested. No I/O."""
