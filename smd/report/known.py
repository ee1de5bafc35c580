"""All that a report tells of a run, read once: what is missing is empty, never an error."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from smd import data, registry
from smd.config.schema import TrainConfig
from smd.data.images import Images
from smd.errors import UserError
from smd.export.titles import estimate_title
from smd.frames import records
from smd.report.markup import cut
from smd.report.strongest import Strongest, strongest
from smd.runs.folders import Run
from smd.store import reader

SPLITS = ("train", "val", "test")
NAME = 80  # characters of a class's name


@dataclass(frozen=True, eq=False)
class Estimate:
    """One estimate of the margins of the split's images."""

    title: str
    norm: str
    result: pd.DataFrame  # EstimateResultRow
    of: int  # how many estimates there are


@dataclass(frozen=True, eq=False)
class Known:
    """What the store and the folder of one run say. Levels and margins are in the unit of x."""

    run: Run
    config: TrainConfig
    split: str  # whose images are judged
    about: Mapping[str, Any]  # reader.meta
    provenance: Mapping[str, Any]  # smd.runs.provenance.read; {} where the file is gone
    classes: tuple[str, ...]
    samples: Mapping[str, pd.DataFrame]  # split -> SampleFactRow
    sources: Mapping[int, int]  # sample id -> row in the cache of images, of the split
    paths: Mapping[int, str]  # sample id -> file, of the split
    metrics: pd.DataFrame  # MetricRow
    accuracies: pd.DataFrame  # AccuracyRow, of the split
    predictions: pd.DataFrame  # PredictionRow, of the split
    flags: pd.DataFrame  # FlagRow, of the split
    estimate: Estimate | None
    strongest: Strongest | None
    patients: Mapping[str, int]  # split -> how many patients; {} where none are known
    groups: pd.DataFrame  # SampleGroupRow of the split
    images: Images | None  # None: the imported images are gone

    @property
    def n(self) -> int:
        """How many images the split has."""
        return len(self.samples[self.split])

    @property
    def labels(self) -> "pd.Series[int]":
        """The class of each sample of the split, by its id."""
        table = self.samples[self.split].dropna(subset=["label"])
        return table.set_index("idx")["label"].astype(int)

    def class_name(self, label: Any) -> str:
        """What a class is called; its number where the run does not say."""
        number = -1 if pd.isna(label) else int(label)
        inside = 0 <= number < len(self.classes)
        other = f"class {number}" if number >= 0 else "no class"
        return cut(self.classes[number], NAME) if inside else other

    def sentences(self, *names: str) -> list[str]:
        """The sentences that the run's description has under these names."""
        said = [self.about.get(name) for name in names]
        texts = [text for each in said if isinstance(each, list) for text in each]
        return [cut(text) for text in texts if isinstance(text, str)]


def known(run: Run, split: str) -> Known:
    """Read a run; raises UserError where its config or its store cannot be read at all."""
    config, about = run.config, reader.meta(run.store)
    samples = {each: reader.sample_facts(run.store, each) for each in SPLITS}
    rows = reader.samples(run.store, split).dropna(subset=["source", "label"])
    files = reader.sample_paths(run.store, split)
    predictions = _whole(reader.predictions(run.store, split), "idx", "ok", "eps", "seed")
    accuracies = _of(split, reader.attack_table(run.store))
    return Known(
        run=run,
        config=config,
        split=split,
        about=about,
        provenance=_provenance(run),
        classes=tuple(map(str, about.get("classes", ()))),
        samples=samples,
        sources=dict(zip(rows["idx"], rows["source"].astype(int), strict=True)),
        paths=dict(zip(files["idx"], files["path"], strict=True)),
        metrics=reader.metrics(run.store),
        accuracies=accuracies,
        predictions=predictions,
        flags=_of(split, reader.attack_flags(run.store)),
        estimate=_estimate(run, split, config.norm),
        strongest=strongest(predictions, accuracies, config.levels, config.norm),
        patients=_patients(samples),
        groups=reader.sample_groups(run.store, split),
        images=matching(about, rows),
    )


def _of(split: str, table: pd.DataFrame) -> pd.DataFrame:
    return table[table["split"] == split].reset_index(drop=True)


def _whole(table: pd.DataFrame, *needed: str) -> pd.DataFrame:
    """The rows that have what they need, as all have that SMD Studio writes."""
    rows = table.dropna(subset=[*needed])
    return rows[np.isfinite(rows["eps"].to_numpy(float))]


def _estimate(run: Run, split: str, norm: str) -> Estimate | None:
    """The estimate to be shown: in the run's norm, of the last weights, without a limit, of the
    most images, and the newest of these."""
    every = reader.estimates(run.store)
    # upper bounds, as the page says, and of images that stand for the split
    found = every[~every["method"].isin(registry.certifying()) & ~every["picked"].astype(bool)]
    rows = records(_whole(_of(split, found), "eps", "n", "created"))
    if not rows:
        return None

    def rank(row: dict[str, Any]) -> tuple[float, ...]:
        first = (row["norm"] == norm, row["weights"] == "last", row["eps"] == 0)
        return (*first, row["n"], row["created"])

    best = max(rows, key=rank)
    title = estimate_title(
        str(best["method"]), float(best["eps"]), str(best["norm"]), str(best["weights"])
    )
    result = reader.estimate_results(run.store, str(best["id"]))
    return Estimate(title, str(best["norm"]), result, len(rows)) if len(result) else None


def _patients(samples: Mapping[str, pd.DataFrame]) -> Mapping[str, int]:
    """How many patients each split has, if any image's is known."""
    counts = {split: int(table["patient"].nunique()) for split, table in samples.items()}
    return counts if any(counts.values()) else {}


def _provenance(run: Run) -> Mapping[str, Any]:
    with suppress(UserError):
        return run.about
    return {}


def matching(about: Mapping[str, Any], rows: pd.DataFrame) -> Images | None:
    """The imported images, if they are still there and are those of the run; rows: SampleRow."""
    key = about.get("images", "")
    found = data.find(key, about.get("content", "")) if key else None
    if found is None or rows.empty:
        return found
    source = rows["source"].to_numpy(np.int64)
    inside = source.min() >= 0 and source.max() < len(found.labels)
    same = inside and (found.labels[source] == rows["label"].to_numpy(np.int64)).all()
    return found if same else None
