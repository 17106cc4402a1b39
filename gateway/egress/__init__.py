"""What may leave: the clean room. Today its first shelf, the header allow-list."""
