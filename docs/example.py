"""Makes the example that comes with the program: `python -m docs.example`, some minutes.

SMD and STD on the built-in digits, each trained, attacked, measured and embedded by the commands
that anybody has. What says where that was done, and what only a resumed training needs, is left
out; the stores are written anew without the gaps of their many transactions.
"""

import json
import os
import shutil
import tempfile
import zipfile
from pathlib import Path

import duckdb

from smd import paths
from smd.__main__ import main
from smd.runs import example, folders

IMAGES = 100  # under AutoAttack
JOBS = (
    f"attack RUN --attack autoattack --n {IMAGES} --seeds 0",
    "score RUN --eps 0",
    "embedding RUN --split test",
)
# pages begin with training images where a run keeps their margins, as SMD does; STD is trained too
# soon for the estimate that ends other trainings
DEFENSES = {"smd": (*JOBS, "embedding RUN --split train"), "std": (*JOBS, "estimate RUN --n 200")}
# also adversarial examples of training images at all levels but the largest
LEFT_OUT = (
    ".lock",
    "last.pt",
    "status.reserve",
    ".partial",
    "train_8-255_0.npz",
    "train_16-255_0.npz",
)
WHERE = ("host", "by", "started_by", "ticket", "pid", "pid_started", "process_identity", "asked")
NOON = (
    2026,
    1,
    1,
    0,
    0,
    0,
)  # of every file in the archive, so that the same runs are the same file


def smd(words: str) -> None:
    """One command, as in a shell."""
    print("smd", words, flush=True)
    if main(words.split()):
        raise SystemExit(f"smd {words} failed")


def made(defense: str) -> folders.Run:
    """A run of that defense with all that pages show."""
    smd(f"train --defense {defense} --device cpu")
    run = folders.find("last")
    for job in DEFENSES[defense]:
        smd(job.replace("RUN", run.id))
    return run


def compact(store: Path) -> None:
    """The same tables without the room that many small transactions leave."""
    anew = store.with_name("anew.duckdb")
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{store}' AS old (READ_ONLY); ATTACH '{anew}' AS new")
        con.execute("COPY FROM DATABASE old TO new")
    anew.replace(store)
    store.with_name("run.duckdb.wal").unlink(missing_ok=True)


def tidy(folder: Path, before: str, name: str) -> None:
    """Files that say nothing of the machine, under the example's name."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name.endswith(LEFT_OUT):
            path.unlink()
        elif path.suffix == ".json":
            values = json.loads(path.read_text().replace(before, name))
            kept = {key: value for key, value in values.items() if key not in WHERE}
            path.write_text(json.dumps(kept, indent=1))
        elif path.suffix in (".md", ".txt"):
            path.write_text(path.read_text().replace(before, name))
    compact(folder / "run.duckdb")
    about = json.loads((folder / "provenance.json").read_text())
    about = {key: about[key] for key in ("packages", "python") if key in about}
    (folder / "provenance.json").write_text(json.dumps(about, indent=1))


def pack(root: Path) -> None:
    """The archive, the same for the same files."""
    with zipfile.ZipFile(example.FILE, "w") as packed:
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(root).as_posix(), NOON)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            packed.writestr(entry, path.read_bytes(), compresslevel=9)


def make() -> None:
    """Both runs, one after the other."""
    with tempfile.TemporaryDirectory() as place:
        os.environ["SMD_RUNS"] = str(Path(place) / "runs")
        packed = Path(place) / "packed"
        for defense, name in zip(DEFENSES, example.NAMES, strict=True):
            run = made(defense)
            shutil.copytree(run.folder, packed / name)
            tidy(packed / name, run.id, name)
        pack(packed)
    size = example.FILE.stat().st_size
    print(f"{example.FILE.relative_to(paths.AROUND)}: {size / 1000:,.0f} kB")


if __name__ == "__main__":
    make()
