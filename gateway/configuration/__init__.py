"""The configuration: read, checked and built from one file, and watched while the gateway runs."""
