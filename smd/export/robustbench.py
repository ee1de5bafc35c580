"""One run in the shape of RobustBench's model_info files (github.com/RobustBench/robustbench)."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from smd import registry
from smd.config.notes import AVERAGED, SOUND, noted
from smd.config.schema import TrainConfig
from smd.export.percent import shown
from smd.export.titles import attack_settings, attack_title, data_name, defense_title
from smd.frames import records, tuples
from smd.units import level_title, show_level

Cell = Mapping[str, Any]  # a row of cells (export.CELLS)
OTHERS = (AVERAGED, SOUND)  # of another network, or not found by the attack alone
SAME = ("attack", "steps", "note", "n")  # what the clean accuracy shares with the reported one


def robustbench(
    config: TrainConfig, meta: Mapping[str, Any], cells: pd.DataFrame, provenance: Mapping[str, Any]
) -> dict[str, Any]:
    """The entry as JSON values; accuracies are texts in % with two decimals, None where unknown.

    meta: reader.meta; cells: export.accuracy_cells of this run; provenance:
    smd.runs.provenance.provenance of its start. eps is the largest level that the run watched.
    Accuracies are of test images under noise in the run's norm, as many as there are, on the last
    weights and without what an attack took over: autoattack_acc of AutoAttack alone; reported the
    same, without it the lowest of the other attacks; clean_acc of the same images in the same
    attack. Where autoattack_acc is null, autoattack_note says why. link, authors and venue are left
    for the author to fill in. What RobustBench has no field for stands under "smd_studio", the norm
    among it.
    """
    norm = config.norm
    eps = show_level(max(config.levels), norm)
    clean, main, auto = _measured(cells, eps, norm)
    others = cells[cells["attack"] == "autoattack"]
    elsewhere = "" if auto is not None else _elsewhere(eps, norm, others)
    return {
        "link": "",
        "name": defense_title(config),
        "authors": "",
        "additional_data": False,
        "number_forward_passes": 1,
        "dataset": data_name(config),
        "venue": "",
        "architecture": _network_title(config.net),
        "eps": eps,
        "clean_acc": _percent(clean),
        "reported": _percent(main),
        "autoattack_acc": _percent(auto),
        "smd_studio": {"norm": norm} | _more(main, meta, cells, provenance, elsewhere),
    }


def _measured(
    cells: pd.DataFrame, eps: str, norm: str
) -> tuple[Cell | None, Cell | None, Cell | None]:
    """Clean, reported and AutoAttack's accuracy, of the last weights and attacks by themselves."""
    judged = cells[(cells["split"] == "test") & (cells["norm"] == norm)]
    judged = judged[~noted(judged["note"], *OTHERS)]
    clean = judged[judged["eps"] == 0]
    robust = judged[judged["eps"].map(lambda each: show_level(each, norm) == eps).astype(bool)]
    auto = _of_most(robust[robust["attack"] == "autoattack"])
    main = auto if auto is not None else _of_most(robust)
    if main is not None:
        same = [clean[name] == main[name] for name in SAME]
        clean = clean[pd.concat(same, axis=1).all(axis=1)]
    return _of_most(clean), main, auto


def _network_title(name: str) -> str:
    return registry.network_title(name)


def _elsewhere(eps: str, norm: str, auto: pd.DataFrame) -> str:
    """Why there is no autoattack_acc: AutoAttack never ran, or at other levels, in another norm, on
    other images."""
    ran = [
        " ".join([f"at {level_title(row.eps, row.norm)}", *_settings(row)])
        + f" ({shown(row.percent)} % of {row.n} {row.split} images)"
        for row in tuples(auto[auto["eps"] > 0])
    ]
    missing = f"autoattack_acc is null: AutoAttack did not run at {eps} on test images in {norm}"
    return (
        f"{missing}, but {', '.join(ran)}."
        if ran
        else "autoattack_acc is null: AutoAttack was not run."
    )


def _settings(row: Any) -> list[str]:
    """Unusual ones: "with sound=yes"."""
    named = attack_settings(row.attack, row.note)
    return [f"with {' '.join(named)}"] if named else []


def to_robustbench(
    config: TrainConfig, meta: Mapping[str, Any], cells: pd.DataFrame, provenance: Mapping[str, Any]
) -> str:
    """`robustbench` as JSON text."""
    return json.dumps(robustbench(config, meta, cells, provenance), indent=2, ensure_ascii=False)


def _of_most(cells: pd.DataFrame) -> Cell | None:
    """The lowest accuracy among those of the most images."""
    if cells.empty:
        return None
    most = cells[cells["n"] == cells["n"].max()]
    return records(most.nsmallest(1, "percent"))[0]


def _percent(cell: Cell | None) -> str | None:
    return None if cell is None else shown(cell["percent"])


def _more(
    main: Cell | None,
    meta: Mapping[str, Any],
    cells: pd.DataFrame,
    provenance: Mapping[str, Any],
    elsewhere: str,
) -> dict[str, Any]:
    """What stands behind the robust accuracy (main), every other one, and where they come from."""
    attack = main and attack_title(main["attack"], main["note"], main["steps"])
    return {
        "reported_attack": attack,
        "autoattack_note": elsewhere,
        "n": None if main is None else int(main["n"]),
        "seeds": None if main is None else int(main["seeds"]),
        "interval_95": None if main is None else [shown(main["low"]), shown(main["high"])],
        "accuracies": [_accuracy(cell) for cell in records(cells)],
        "images": meta.get("images"),
        "packages": dict(provenance.get("packages", {})),
        "commit": provenance.get("commit"),
        "footnotes": list(dict.fromkeys(note for note in cells["note"] if note)),
    }


def _accuracy(cell: Mapping[str, Any]) -> dict[str, Any]:
    same = {name: cell[name] for name in ("steps", "norm", "split", "n", "seeds")}
    percents = {
        "accuracy": cell["percent"],
        "low": cell["low"],
        "high": cell["high"],
        "spread": cell["spread"],
    }
    return {
        "attack": attack_title(cell["attack"], cell["note"]),
        **same,
        "eps": show_level(cell["eps"], cell["norm"]),
        **{name: shown(value) or None for name, value in percents.items()},
    }
