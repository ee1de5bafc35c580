"""The examples run as they are, quickly, and stay short."""

import ast
import json
import os
import re
import subprocess
import sys

import pytest

from smd.paths import AROUND as REPOSITORY

FOLDER = REPOSITORY / "examples"
LONGEST = 40  # lines of code
SAYS = {
    "own_training_loop.py": r"epoch 8: [6-9]\d.\d % correct.*<ce-pgd at 16/255: \d+\.\d+ % of 597",
    "attack_my_model.py": r"AutoAttack at 16/255: \d+ % of 30 robust.*median margin \d+\.\d/255",
    "read_a_run.ipynb": r"smd on digits is finished.*found +\d+.*labels .*adversarial images",
}


def cells(name):
    """The code cells of a notebook; a script is one."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    if not name.endswith(".ipynb"):
        return [text]
    found = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] for cell in found)
    return ["".join(cell["source"]) for cell in found]


def lines_of_code(text):
    """Without blank lines, comments and the docstring."""
    doc = ast.parse(text).body[0]
    after = doc.end_lineno if ast.get_docstring(ast.parse(text)) else 0
    lines = (line.strip() for line in text.splitlines()[after:])
    return sum(bool(line) and not line.startswith("#") for line in lines)


def test_every_example_is_run_here():
    assert {path.name for path in FOLDER.iterdir() if path.is_file()} == set(SAYS)


@pytest.mark.parametrize("name", SAYS)
def test_they_are_short_and_name_no_place(name):
    code = cells(name)
    assert sum(map(lines_of_code, code)) < LONGEST
    assert not re.search(r"/home|/work|/root|/tmp|C:", "".join(code))


def ran(name, folder):
    """What it prints, run elsewhere in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(cells(name))],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", ["own_training_loop.py", "attack_my_model.py"])
def test_a_script_ends_with_a_result(name, tmp_path):
    assert re.search(SAYS[name], ran(name, tmp_path), re.DOTALL)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_notebook_reads_a_run_with_margins(tmp_path, own_runs):
    """Where there is none yet it trains one."""
    said = ran("read_a_run.ipynb", tmp_path)
    assert re.search(SAYS["read_a_run.ipynb"], said, re.DOTALL)
    assert len(list(own_runs.glob("*/run.duckdb"))) == 1
    again = ran("read_a_run.ipynb", tmp_path)
    assert again == said
