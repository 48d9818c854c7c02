"""llama.cpp in typed classes: the only room that imports llama_cpp, and only ever inside an engine process.

Knows no request, no schedule and no message: it loads, tokenizes, runs batches, moves KV cells and samples.
"""
