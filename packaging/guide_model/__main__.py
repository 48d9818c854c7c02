"""`python packaging/guide_model train|export|evaluate …`"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent)]
sys.path = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE]

VERBS = ("train", "export", "evaluate")


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in VERBS:
        raise SystemExit(f"usage: python packaging/guide_model {'|'.join(VERBS)} [options]")
    verb = sys.argv[1]
    if verb == "train":
        from guide_model.train import main as run
    elif verb == "export":
        from guide_model.export import main as run
    else:
        from guide_model.evaluate import main as run
    run(sys.argv[2:])


if __name__ == "__main__":
    main()
