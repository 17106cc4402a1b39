"""llama.cpp started with embeddings on, which the engine that ships with the gateway leaves off.

python -m tests.fakes.embedding_engine MODEL_FILE
"""

import json
import sys
import threading

import xllamacpp


def main() -> None:
    """Serve on loopback until told to end; the URL is one JSON line, once ready."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = sys.argv[1]
    parameters.model_alias = {"tiny"}
    parameters.port = 0
    parameters.embedding = True
    parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    parameters.cpuparams.n_threads = 1
    parameters.ui = False
    parameters.verbosity = 1
    server = xllamacpp.Server(parameters)
    print(json.dumps({"base_url": server.listening_address}), flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
