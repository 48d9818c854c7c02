"""What is true about the product, said once: address, endpoints, commands, words.

The program, its documentation and the corpus of the embedded model all take these from here, so that none
of them can say something else. Knows nothing of how any of it works.
"""

from __future__ import annotations

PRODUCT = "localllm"
LICENSE = "MIT"
MIN_PYTHON = "3.11"

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 5757
WORKER_PORT = 50052  # as llama.cpp has it
ORIGIN = f"http://localhost:{DEFAULT_PORT}"
API_BASE_URL = f"{ORIGIN}/v1"
DOCKER_BASE_URL = f"http://host.docker.internal:{DEFAULT_PORT}/v1"

CHAT_COMPLETIONS = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
MODELS = "/v1/models"
HEALTH = "/health"
EMBEDDINGS = "/v1/embeddings"
RESPONSES = "/v1/responses"
MESSAGES = "/v1/messages"
ENDPOINTS = (CHAT_COMPLETIONS, COMPLETIONS, EMBEDDINGS, RESPONSES, MESSAGES, MODELS, HEALTH)

GUIDE = "guide"
GUIDE_FILE = "guide.gguf"  # inside the package
GUIDE_MILLION_PARAMETERS = 4
GUIDE_CONTEXT = 4096
CATALOG_FILE = "models.toml"
HOME_VARIABLE = "LOCALLLM_HOME"

KEY_CONTEXT = "n_ctx"
KEY_GPU_LAYERS = "n_gpu_layers"
KEY_THREADS = "n_threads"
KEY_PARALLEL = "n_parallel"
KEY_KEEP_ALIVE = "keep_alive"
CATALOG_KEYS = (KEY_CONTEXT, KEY_GPU_LAYERS, KEY_THREADS, KEY_PARALLEL, KEY_KEEP_ALIVE)

COMMANDS = (
    "serve", "chat", "list", "ps", "stop", "pull", "add", "rm", "fit", "connect", "paths", "check", "doctor",
)  # fmt: skip
SERVE_OPTIONS = ("--host", "--port", "--model", "--api-key")
ADD_OPTIONS = ("--id",)
START_SCRIPT = "packaging/start.py"

RUN = PRODUCT
SERVE = f"{PRODUCT} serve"
CHAT = f"{PRODUCT} chat"
LIST = f"{PRODUCT} list"
ADD = f"{PRODUCT} add PATH --id ID"
PULL = f"{PRODUCT} pull ID"
PULL_HUB = f"{PRODUCT} pull hf:OWNER/REPO"
REMOVE = f"{PRODUCT} rm ID"
FIT = f"{PRODUCT} fit"
IN_MEMORY = f"{PRODUCT} ps"
UNLOAD = f"{PRODUCT} stop ID"
CONNECT = f"{PRODUCT} connect open-webui"
CHECK = f"{PRODUCT} check URL"
PATHS = f"{PRODUCT} paths"
DOCTOR = f"{PRODUCT} doctor"
START = f"python3 {START_SCRIPT}"
START_TEST = f"{START} test"
