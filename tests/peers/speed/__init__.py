"""The project's speed beside others': the same model, texts, batch and precision, side by side."""
