"""Parts of the tracks that tests write."""


def scratch(context: int = 512) -> str:
    """A student of one layer from random weights, that reads `context` tokens, as TOML."""
    return f"""
[student.scratch]
vocab_size = 400

[student.scratch.config]
model_type = "llama"
hidden_size = 16
intermediate_size = 16
num_hidden_layers = 1
num_attention_heads = 2
max_position_embeddings = {context}
"""
