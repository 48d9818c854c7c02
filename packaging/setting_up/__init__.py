"""What happens between `python3 packaging/start.py` and the first line of localllm. Standard library only.

    command.py       the words: which environment is wanted, is it there, make it, hand over
    environment.py   where it lives, what a finished one looks like, the lock, the stamp (written last)
    steps.py         runs the commands one after another: what is shown, what goes into the log
    build_log.py     what pip and the compiler say → how far they are
    llama_build.py   llama.cpp: a wheel that is ready where there is one, else compiled
    needs.py         what the machine lacks, said in one sentence that names the command

Knows nothing of localllm itself: it runs before localllm can be imported.
"""
