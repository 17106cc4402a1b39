"""Pure translation between client protocols and the hub: OpenAI chat as LiteLLM speaks it."""
