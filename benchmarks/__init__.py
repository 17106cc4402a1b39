"""The gateway beside its peers, in front of the same stand-in model, in one run."""
