"""localllm: language models on your own laptop, served to everything you already use."""

__version__ = "0.1.0"
