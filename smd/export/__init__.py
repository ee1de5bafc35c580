"""Tables of runs as people and programs take them away, and what lies beside a network that leaves
the house.

Pure functions on what smd.store.reader returns. Levels are written k/255, accuracies in %.
"""

from smd.export.bold import BOLD, best
from smd.export.card import model_card
from smd.export.cells import CELLS, Runs, accuracy_cells, as_cells
from smd.export.details import detailed
from smd.export.empty import EMPTY
from smd.export.empty import text as cell
from smd.export.headings import heading
from smd.export.latex import to_latex
from smd.export.paper import paper_latex
from smd.export.pareto import pareto_points
from smd.export.parquet import to_parquet
from smd.export.percent import interval
from smd.export.robustbench import robustbench, to_robustbench
from smd.export.seeds import grouped
from smd.export.series import (
    epoch_table,
    margin_table,
    robustness_points,
    verdict_table,
    with_paths,
)
from smd.export.tables import (
    ABOUT,
    WIDE,
    accuracy_intervals,
    accuracy_table,
    concise,
    interval_table,
    spread_table,
    wide,
    with_bounds,
)
from smd.export.text import FORMULA, to_csv, to_json, to_markdown, to_text
from smd.export.titles import attack_title, data_name, data_names, data_title, defense_title

__all__ = [
    "ABOUT",
    "BOLD",
    "CELLS",
    "EMPTY",
    "FORMULA",
    "WIDE",
    "Runs",
    "accuracy_cells",
    "accuracy_intervals",
    "accuracy_table",
    "as_cells",
    "attack_title",
    "best",
    "cell",
    "concise",
    "data_name",
    "data_names",
    "data_title",
    "defense_title",
    "detailed",
    "epoch_table",
    "grouped",
    "heading",
    "interval",
    "interval_table",
    "margin_table",
    "model_card",
    "paper_latex",
    "pareto_points",
    "robustbench",
    "robustness_points",
    "spread_table",
    "to_csv",
    "to_json",
    "to_latex",
    "to_markdown",
    "to_parquet",
    "to_robustbench",
    "to_text",
    "verdict_table",
    "wide",
    "with_bounds",
    "with_paths",
]
