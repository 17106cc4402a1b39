"""What is right and wrong between an assistant and its gateway: each finding on its own."""
