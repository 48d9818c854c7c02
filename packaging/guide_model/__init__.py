"""Makes `localllm/guide.gguf`: the corpus, the tokenizer, the network, its training and its evaluation.

The corpus needs nothing but Python, training needs torch, tokenizers and gguf, evaluating needs llama-cpp-python.
See docs/guide-model.md.
"""
