"""The audit ledger: what is recorded, how records are chained, and the one writer of them."""
