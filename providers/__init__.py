"""Reaches the models: senders, vendors and what is known of them."""
