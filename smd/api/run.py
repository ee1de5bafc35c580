"""`smd.load_run`: a stored run as DataFrames and tensors.

A run that comes from elsewhere is trusted no more than on a page: its store is opened as
smd.store.connection does, its weights are never unpickled, links out of it are not followed.
"""

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from smd.config.schema import TrainConfig
from smd.data.rows import rows_of
from smd.devices import resolve_device
from smd.errors import UserError
from smd.evaluation import examples
from smd.jobs import Status
from smd.paths import given
from smd.publish import networks
from smd.report import page
from smd.runs import folders, notes
from smd.runs.folders import Run
from smd.store import reader
from smd.tasks.images import images_of, splits_of
from smd.tasks.network import trained_network

SPLITS = ("train", "val", "test")
WITHSTOOD, CLEAN = -1, 0  # stages of reader.attack_results


@dataclass(frozen=True, eq=False)
class AdversarialImages:
    """Adversarial images that an attack kept, with their clean ones; tensors are on the CPU."""

    attack: str  # as in smd.registry.ATTACKS
    eps: float  # noise level, unit of x
    norm: str  # "Linf" or "L2"; "" in a file of an earlier version
    split: str
    idx: Tensor  # (k,) int64, sample ids in the split
    label: Tensor  # (k,) int64
    images: Tensor  # (k, C, H, W) float32 in [0, 1], to the last bit what was judged
    clean: Tensor  # (k, C, H, W) float32 in [0, 1]
    p_adv: Tensor  # (k, K) float32, softmax on images
    p_clean: Tensor  # (k, K) float32, softmax on clean


@dataclass(frozen=True)
class LoadedRun:
    """One training run. Lengths are in the unit of x, pixels in [0, 1], shares in [0, 1].

    Each method reads the store anew, so that a run in progress can be watched. Raises UserError
    where something is missing, broken or of a newer version.
    """

    run: Run

    @property
    def id(self) -> str:
        """As `python -m smd runs` lists it."""
        return self.run.id

    @property
    def name(self) -> str:
        """What it was named (`python -m smd rename`); its id where it has no name."""
        return notes.read(self.run).name or self.id

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return self.run.folder

    @property
    def config(self) -> TrainConfig:
        """What it was asked to do."""
        return self.run.config

    @property
    def status(self) -> Status:
        """How its training stands: `.state` is "queued", "running", "finished", ..."""
        return self.run.status

    @property
    def about(self) -> dict[str, Any]:
        """What it says of itself: classes, shape (C, H, W), delta (Eq. 12), parameters, device."""
        return reader.meta(self.run.store)

    def metrics(self) -> pd.DataFrame:
        """The numbers of all epochs: epoch (from 1), split, name, eps (0: clean), value."""
        return reader.metrics(self.run.store)

    def margins(self, epoch: int | None = None) -> pd.DataFrame:
        """The margin of every training image that an epoch drew, by default the last.

        Columns: idx, label, margin, clean_ok, adv_ok, crossed, kind, which is

        - "found": the last search met the boundary, there is one no farther than the margin
        - "reached": it met none, the margin says how far the next search may go
        - "misclassified": there is no margin

        All have a row, unless classes are drawn equally often (balance="sampling"): what an epoch
        did not draw kept the margin of the last one that did.
        """
        if self.config.imported:
            raise UserError(
                f"{self.id} was imported and has no epochs: ask for its estimated_margins."
            )
        last = reader.last_epoch(self.run.store)
        epoch = last if epoch is None else epoch
        if not 1 <= epoch <= last:
            raise UserError(
                f"{self.id} has no epoch {epoch}: it has 1 to {last}." if last else NONE
            )
        table = reader.margins(self.run.store, epoch)
        if table.empty:
            raise UserError(f"{self.id} has no margins: {self.config.defense} keeps none.")
        return table

    def accuracies(self) -> pd.DataFrame:
        """The accuracy of every attack at every level, the mean over its seeds.

        Columns: name, steps, norm, split, n, eps, accuracy, seeds, spread (standard deviation over
        seeds; nan for one, and where each takes over those before), note, lo, hi (Wilson's 95 %
        interval for n images).
        """
        return reader.attack_table(self.run.store)

    def attacks(self) -> pd.DataFrame:
        """Every attack at every level and seed, the oldest first; `id` names it elsewhere.

        Columns: id, name, eps, norm, steps, seed, split, n, package, version, seconds, note, job,
        created (Unix seconds), picked (whether its images were picked by hand).
        """
        return reader.attack_runs(self.run.store)

    def verdicts(self, attack: str | None = None) -> pd.DataFrame:
        """What became of every image under every attack, or under those of one name or id.

        Columns: id, name, eps, norm, seed, split, idx, ok, pred, distance (of the noise), broken_by
        (the stage that broke it, "clean" if misclassified without noise, "" if it withstood).
        """
        table = self.attacks()
        if attack is not None:
            table = table[(table["name"] == attack) | (table["id"] == attack)]
        if table.empty:
            known = ", ".join(dict.fromkeys(self.attacks()["name"]))
            raise UserError(_none(self.id, "attack", attack, known))
        stages = reader.attack_stages(self.run.store)
        parts = [self._verdicts(row, stages) for row in table.to_dict("records")]
        return pd.concat(parts, ignore_index=True)

    def estimates(self) -> pd.DataFrame:
        """All estimates of margins on the trained network, the oldest first.

        Columns: id, method, eps (how far it looked; 0: as far as it took), norm, seed, split, n,
        package, version, seconds, job, created, weights ("last", or "ema": averaged ones).
        """
        return reader.estimates(self.run.store)

    def smoothed(self) -> pd.DataFrame:
        """What was certified of the smoothed network, as `estimates`; eps: the noise's deviation.

        No margins of the network itself: `estimated_margins` takes their ids, too.
        """
        return reader.smoothed(self.run.store)

    def estimated_margins(self, estimate: str | None = None) -> pd.DataFrame:
        """What one estimate found, by default the newest: idx, label, source, margin, clean_ok,
        crossed, kind, as in `smd.estimate_margins`."""
        ids = [str(each) for each in self.estimates()["id"]]
        known = ids if estimate is None else [*ids, *map(str, self.smoothed()["id"])]
        if not known or (estimate is not None and estimate not in known):
            raise UserError(_none(self.id, "estimate", estimate, ", ".join(known)))
        return reader.estimate_results(self.run.store, estimate or ids[-1])

    def images(
        self, ids: Sequence[int] | Tensor | None = None, split: str = "test"
    ) -> tuple[Tensor, Tensor]:
        """(x, y) of those sample ids, or of the whole split.

        x: (k, C, H, W) float32 in [0, 1]; y: (k,) int64. split: "train", "val" or "test".
        """
        if split not in SPLITS:
            raise UserError(f"There is no split '{split}': choose train, val or test.")
        images = images_of(self.run)
        rows = rows_of(images, getattr(splits_of(self.run, images), split), torch.device("cpu"))
        wanted = range(len(rows)) if ids is None else ids
        chosen = torch.tensor([int(each) for each in wanted], dtype=torch.int64)
        if len(chosen) and not (int(chosen.min()) >= 0 and int(chosen.max()) < len(rows)):
            raise UserError(
                f"The {split} split of {self.id} has the ids 0 to {len(rows) - 1}: ask for those."
            )
        batch = rows.take(chosen)
        return batch.x, batch.y

    def adversarial(self, attack: str | None = None) -> AdversarialImages:
        """The images that an attack kept, by its id (see `attacks`); by default the newest ones."""
        names = examples.names(self.folder)
        name = examples.name_of(attack) if attack is not None else names[-1] if names else ""
        if name not in names:
            known = ", ".join(names)
            raise UserError(_none(self.id, "adversarial images of attack", attack, known))
        return self._with_clean(examples.read(self.run.adv / f"{name}{examples.SUFFIX}"))

    def model(self, device: torch.device | str = "cpu", weights: str = "last") -> nn.Module:
        """The trained network, in eval mode: x (B, C, H, W) in [0, 1] -> logits (B, K).

        `.features(x)` is its penultimate layer, (B, F). weights: "last", or "ema" for the averaged
        ones of a run with average="ema".
        """
        model = trained_network(self.run, weights).model
        return model.to(resolve_device(str(device)))

    def export(self, path: str | Path, form: str = "safetensors", weights: str = "last") -> str:
        """Write the trained network for others, see `export --weights`; a sentence on what was
        checked.

        form: "safetensors", "pt2" (torch.export) or "onnx". The latter two need none of our code:
        x (B, C, H, W) in [0, 1] -> logits (B, K), normalisation inside, for any B. weights: as for
        `model`.
        """
        place = given(path)
        network = trained_network(self.run, weights)
        return str(networks.export_network(self.run, network, place, form))

    def report(self, path: str | Path, split: str = "test") -> None:
        """Write the run's report: one HTML page that needs no other file and asks no network.

        split: whose images, "train", "val" or "test". See `python -m smd report`.
        """
        page.write(self.run, given(path), split)

    def _verdicts(self, attack: Any, stages: pd.DataFrame) -> pd.DataFrame:
        """One attack's rows."""
        own = stages[stages["attack_id"] == attack["id"]]
        names = {WITHSTOOD: "", CLEAN: "clean", **dict(zip(own["stage"], own["name"], strict=True))}
        table = reader.attack_results(self.run.store, str(attack["id"]))
        about = {key: attack[key] for key in ("id", "name", "eps", "norm", "seed", "split")}
        table = table.assign(**about, broken_by=table["stage"].map(names).fillna(""))
        return table[[*about, "idx", "ok", "pred", "distance", "broken_by"]]

    def _with_clean(self, kept: examples.Examples) -> AdversarialImages:
        """Kept adversarial images beside their clean ones."""
        clean, label = self.images(torch.from_numpy(kept.idx.astype(np.int64)), kept.split)
        pixels = (clean * 255).round().to(torch.uint8).numpy()
        if clean.shape != kept.noise.shape:
            raise UserError(f"The adversarial images in {self.run.adv} are not of its images.")
        images = [kept.image(k, pixels[k]) for k in range(len(label))]
        return AdversarialImages(
            attack=kept.attack,
            eps=float(kept.eps.max(initial=0.0)),
            norm=kept.norm,
            split=kept.split,
            idx=torch.from_numpy(kept.idx.astype(np.int64)),
            label=label,
            images=torch.from_numpy(np.stack(images)) if images else clean,
            clean=clean,
            p_adv=torch.from_numpy(kept.p_adv.astype(np.float32)),
            p_clean=torch.from_numpy(kept.p_clean.astype(np.float32)),
        )


NONE = "No epoch is finished yet: let the training go on."


def _none(run: str, what: str, asked: str | None, known: str) -> str:
    """The sentence about a thing that a run does not have."""
    if asked is None or not known:
        return f"{run} has no {what} yet: make one first."
    return f"{run} has no {what} '{asked}': choose one of {known}."


def load_run(which: str | Path = "last") -> LoadedRun:
    """A stored run: by its id, its beginning or end, "last" for the newest, or by its folder.

    Ids are looked for in the folder of all runs: SMD_RUNS, else runs/ in a checkout, else the
    user's folder of data. A text with a slash, or a Path, is a folder. Raises UserError with the
    candidates if there is none or more than one.
    """
    if not isinstance(which, str | Path):
        raise UserError(f"{reprlib.repr(which)} names no run: give its id, its folder, or 'last'.")
    if isinstance(which, Path) or "/" in which:
        folder = given(which)
        run = Run(folder.name, folder)
        _ = run.config  # raises where this is no folder of a run
        return LoadedRun(run)
    return LoadedRun(folders.find(which))
