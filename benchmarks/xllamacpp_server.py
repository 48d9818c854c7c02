"""Starts llama.cpp's own server from the xllamacpp wheel; the settings come as JSON in the first argument.

Run by benchmarks/servers.py with that wheel on the path. Needs nothing of this project.
"""

from __future__ import annotations

import importlib
import json
import sys
import threading


def main() -> None:
    xllamacpp = importlib.import_module("xllamacpp")  # in the peer's folder only
    settings = json.loads(sys.argv[1])
    print(f"xllamacpp {xllamacpp.__version__}, {xllamacpp.get_system_info().strip()}", flush=True)
    params = xllamacpp.CommonParams()
    params.model.path = settings["model"]
    params.n_ctx = settings["n_ctx"]
    params.n_parallel = settings["num_slots"]
    params.kv_unified = True
    params.embedding = settings["is_embedding"]
    params.n_gpu_layers = settings["n_gpu_layers"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings["num_threads"]
    params.hostnames = ["127.0.0.1"]
    params.port = settings["port"]
    params.verbosity = 1
    server = xllamacpp.Server(params)
    print("listening at", server.listening_address, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
