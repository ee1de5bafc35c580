"""The process that imports own images for a page, so that nothing in them can end the dashboard.

What is asked for comes as JSON on stdin; on stdout go lines of JSON: how far it is, then the key of
the imported set, or the sentence that says why there is none.
"""

import json
import os
import resource
import signal
import sys
from contextlib import suppress
from typing import IO, Any

from smd import data
from smd.data.validation import Unusable
from smd.errors import UserError

MEMORY = 8 * 2**30  # bytes, beside the pixels, which are on disk
FIRST = "/proc/self/oom_score_adj"  # whom Linux ends first when memory runs out


def main() -> None:
    """Import what stdin asks for; SIGTERM ends it and takes away what is half done."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with suppress(OSError, ValueError):  # a system without these does without
        resource.setrlimit(
            resource.RLIMIT_DATA, (MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1])
        )
        with open(FIRST, "w", encoding="utf-8") as file:
            file.write("800")
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    answer = _answer(json.load(sys.stdin), out)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # whoever has the answer waits for nothing else
    _tell(out, answer)


def _answer(arguments: dict[str, Any], out: IO[str]) -> dict[str, Any]:
    try:
        images = data.load(
            "folder",
            progress=lambda text, part: _tell(out, {"text": text, "part": part}),
            **arguments,
        )
    except Unusable as error:
        return {
            "error": str(error),
            "sentences": error.sentences,
            "broken": error.broken,
            "odd": error.odd,
        }
    except UserError as error:
        return {"error": str(error)}
    except MemoryError:
        return {
            "error": (
                "The images need more memory than there is: make smaller files of them, or take"
                " fewer."
            )
        }
    return {"key": images.key}


def _progress(out: IO[str], text: str, part: float) -> None:
    _tell(out, {"text": text, "part": part})


def _tell(out: IO[str], line: dict[str, Any]) -> None:
    print(json.dumps(line), file=out, flush=True)


if __name__ == "__main__":
    main()
