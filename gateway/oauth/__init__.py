"""The pages and endpoints by which people sign in: OAuth's device flow, offered by the gateway."""
