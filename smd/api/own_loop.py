"""Defenses for a training loop of one's own: any nn.Module, any loader that yields ids.

Given the same weights, batches and seed, a step here is the step of smd.training.loop: margins and
weights come out the same to the last bit.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import pandas as pd
import torch
from torch import Tensor, nn

from smd import defenses, registry
from smd.api import checks
from smd.api.names import class_name
from smd.api.own_state import FLAGS, refuse_place, refuse_sizes
from smd.api.saved_state import drawn_before, fitting
from smd.config.schema import TrainConfig, Value
from smd.config.validation import made, of_training
from smd.core import rng
from smd.core.kinds import NOT_DRAWN, kinds
from smd.core.lp import Norm
from smd.data.batches import Batch
from smd.defenses import RunInfo, StepContext, StepResult
from smd.devices import resolve_device
from smd.errors import UserError

SCHEMA = 1


class OwnLoop:
    """A defense for your own training loop; `smd.SMD`, `smd.AT`, `smd.TRADES`, ... are its kinds.

        defense = smd.SMD(n=len(data), epochs=30, shape=(1, 28, 28))
        for epoch in range(30):
            defense.begin(epoch)
            for ids, x, y in loader:
                optimizer.zero_grad()
                defense.step(model, ids, x, y)
                optimizer.step()
        defense.margins  # (n,) lengths in the unit of x

    - n: training samples, whose ids are 0 to n - 1
    - epochs: passes that will be made; the first margin of SMD (Eq. 12) and the schedules of others
      follow from it
    - shape: of one sample, such as (C, H, W)
    - seed: of random starts
    - norm: "Linf", or "L2" for a defense that is trained in it, such as SMD; margins are lengths in
      it
    - knobs: the defense's own, such as eps=8/255, see `help(smd.AT)`

    Raises UserError for a bad value.

    What each sample has, such as its margin, moves to the device of the first batch. Precision,
    autocast, augmentation and the learning rate are yours; the gradient is left in `.grad`, added
    to what is there, so zero it before. Put the network in train mode.
    """

    name: ClassVar[str] = ""  # the defense's, as in smd.registry.DEFENSES

    def __init__(
        self,
        n: int,
        epochs: int,
        shape: tuple[int, ...],
        *,
        seed: int = 0,
        norm: Norm = "Linf",
        **knobs: Value,
    ) -> None:
        if not self.name:
            raise UserError("OwnLoop is what defenses share: take one, such as smd.SMD(...).")
        refuse_sizes(n, shape)
        asked = {"defense": self.name, "params": knobs, "epochs": epochs, "seed": seed}
        config = made(TrainConfig, {**asked, "norm": norm})
        if epochs < 1:
            raise UserError(f"epochs is {epochs}: it must be at least 1.")
        if wrong := of_training(config):
            raise UserError(" ".join(wrong))
        self.knobs = dict(config.params)
        self.seed = seed
        self.epoch: int | None = None  # the running one, from 0; None before the first begin()
        self.batch = 0  # steps taken in it
        self._info = RunInfo(n, epochs, tuple(shape), torch.device("cpu"), norm)
        self._defense = defenses.build(self.name, self.knobs)
        self._state = self._defense.begin(self._info)
        self._flags = {name: torch.zeros(n, dtype=torch.bool) for name in FLAGS}
        self._drawn = torch.full((n,), -1)  # the epoch that drew each sample last; -1: none yet
        self._told: set[str] = set()  # flags that the defense gives: not all look at clean images
        self._classes: int | None = None

    def begin(self, epoch: int) -> None:
        """Start an epoch, counted from 0; the random starts of its steps follow from its number."""
        if not isinstance(epoch, int) or not 0 <= epoch < self._info.epochs:
            raise UserError(
                f"Epoch {epoch!r} is none of the {self._info.epochs} that were announced: they"
                f" count from 0 to {self._info.epochs - 1}."
            )
        self.epoch, self.batch = int(epoch), 0

    def step(self, model: nn.Module, ids: Tensor, x: Tensor, y: Tensor) -> StepResult:
        """Leave the loss's gradient in the parameters and update the batch's margins.

        - ids: (B,) whole numbers from 0 to n - 1, none twice
        - x: (B, *shape) floats in [0, 1]
        - y: (B,) labels from 0

        Take the optimiser's step afterwards. Returns what was measured, on the device: clean_ok,
        adv_ok and crossed (B,) bool, and means: name, such as "loss" -> (sum, count). Raises
        UserError for what does not fit, before margins or weights have changed.
        """
        if self.epoch is None:
            raise UserError("No epoch has begun: call begin(epoch) before the first step.")
        if checks.network(model) is not torch.float32:
            raise UserError("The network computes in float64: take model.float() to train it.")
        batch = self._checked(ids, x, y)
        self.to(batch.x.device)
        generator = rng.generator(batch.x.device, self.seed, "step", self.epoch, self.batch)
        context = StepContext(self._info, self.epoch, generator)
        watch = model.register_forward_hook(self._look(batch.y)) if self._classes is None else None
        try:
            result = self._defense.step(model, batch, self._state, context)
        except (RuntimeError, ValueError, TypeError) as error:
            if self._classes is not None or isinstance(error, torch.OutOfMemoryError):
                raise
            raise checks.cannot_take(error, self._info.shape) from error  # it never answered
        finally:
            if watch:
                watch.remove()
        self.batch, self._drawn[batch.idx] = self.batch + 1, self.epoch
        self._remember(batch.idx, result)
        return result

    @property
    def margins(self) -> Tensor:
        """Every sample's margin, (n,) float32 in the unit of x; a copy.

        A margin is a distance only where the last search met the boundary: see `to_frame`. Raises
        UserError for a defense that keeps none.
        """
        if "margin" not in self._state:
            keep = ", ".join(f"smd.{class_name(d)}" for d in registry.DEFENSES.values() if d.margin)
            raise UserError(f"smd.{type(self).__name__} keeps no margins; these do: {keep}.")
        return self._state["margin"].clone()

    @property
    def state(self) -> dict[str, Tensor]:
        """All that the defense keeps of every sample: name -> (n,) tensor, a copy.

        "margin" is a length in the unit of x; other names are in smd.registry (`state`,
        `state_title`). Empty for a defense that remembers nothing.
        """
        return {name: value.clone() for name, value in self._state.items()}

    def to_frame(self) -> pd.DataFrame:
        """A row a sample: idx, the state's columns, and what the defense has told of each.

        Those are clean_ok, adv_ok and crossed, as `step` returned them last, and drawn: the epoch,
        from 0, that drew the sample last, -1 for none yet. With margins also kind:

        - "found": the last search met the boundary, there is one no farther than the margin
        - "reached": it met none, the margin says how far the next search may go
        - "misclassified": there is no margin
        - "not drawn": no epoch has drawn it yet, its margin is the one that all begin with
        """
        flags = {name: value.cpu().numpy() for name, value in self._flags.items()}
        state = {name: value.cpu().numpy() for name, value in self._state.items()}
        told = {name: value for name, value in flags.items() if name in self._told}
        drawn = self._drawn.cpu().numpy()
        table = pd.DataFrame({"idx": range(self._info.n), **state, **told, "drawn": drawn})
        if "margin" in state:
            kind = pd.Series(kinds(flags["clean_ok"], flags["crossed"]))
            table["kind"] = kind.where(drawn >= 0, NOT_DRAWN)
        return table

    def to(self, device: torch.device | str) -> "OwnLoop":
        """Move what each sample has to a device; `step` does so by itself."""
        device = device if isinstance(device, torch.device) else resolve_device(str(device))
        if device != self._info.device:
            self._state = {name: value.to(device) for name, value in self._state.items()}
            self._flags = {name: value.to(device) for name, value in self._flags.items()}
            self._drawn = self._drawn.to(device)
            self._info = replace(self._info, device=device)
        return self

    def state_dict(self) -> dict[str, Any]:
        """All that changes while training, and what it belongs to; tensors are copies.

        torch.save takes it, torch.load(weights_only=True) reads it. Saved between two steps, a
        training resumes with the next one bit for bit.
        """
        return {
            "schema": SCHEMA,
            "about": self._about(),
            "epoch": self.epoch,
            "batch": self.batch,
            "state": self.state,
            "flags": {name: value.clone() for name, value in self._flags.items()},
            "told": sorted(self._told),
            "drawn": self._drawn.clone(),
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`; raises UserError if it is of another defense, size or seed.

        Inside an epoch go on with its next batch, without begin().
        """
        try:
            schema, about = saved["schema"], dict(saved["about"])
            state, flags = dict(saved["state"]), dict(saved["flags"])
            epoch, batch, told = saved["epoch"], int(saved["batch"]), set(saved["told"])
            drawn = saved.get("drawn", drawn_before(epoch, self._drawn))
        except (KeyError, TypeError, ValueError):
            raise UserError("This is no state_dict of a defense: give what one returned.") from None
        if schema != SCHEMA:
            raise UserError(f"This state_dict has version {schema}, known is {SCHEMA}: update SMD.")
        about.setdefault("norm", "Linf")  # of an earlier version's
        if other := [k for k, v in self._about().items() if about.get(k) != v]:
            wrong = ", ".join(f"{k}={about.get(k)}, here {self._about()[k]}" for k in other)
            raise UserError(f"This state_dict is of another training: {wrong}.")
        refuse_place(epoch, batch, told, self._info.epochs)
        state, flags = (
            fitting(state, self._state),
            fitting(flags, self._flags),
        )
        drawn = fitting({"drawn": drawn}, {"drawn": self._drawn})["drawn"]
        self._state, self._flags, self._drawn = state, flags, drawn
        self.epoch, self.batch, self._told = epoch, batch, told

    def __repr__(self) -> str:
        info = self._info
        about: dict[str, object] = {"n": info.n, "epochs": info.epochs, "shape": info.shape}
        about |= {"seed": self.seed} | ({"norm": info.norm} if info.norm != "Linf" else {})
        told = ", ".join(f"{name}={value!r}" for name, value in (about | self.knobs).items())
        return f"smd.{type(self).__name__}({told})"

    def _about(self) -> dict[str, Any]:
        """What a state_dict belongs to, as plain values."""
        info = self._info
        return {
            "defense": self.name,
            "knobs": self.knobs,
            "n": info.n,
            "epochs": info.epochs,
            "shape": list(info.shape),
            "seed": self.seed,
            "norm": info.norm,
        }

    def _checked(self, ids: Any, x: Any, y: Any) -> Batch:
        """The batch on x's device, all of it in range: asked for at once, as a GPU waits for it."""
        x = checks.images(x, self._info.shape)
        y, ids = (
            checks.whole(values, name, len(x)).to(x.device)
            for values, name in ((y, "y"), (ids, "ids"))
        )
        ordered = ids.sort().values
        inside = (ordered[0] >= 0) & (ordered[-1] < self._info.n)
        once = (ordered[1:] > ordered[:-1]).all()
        high = self._classes if self._classes is not None else y.max() + 1
        right = torch.stack([checks.in_unit(x), inside, once, (y >= 0).all() & (y < high).all()])
        if not bool(right.all()):
            self._refuse(x, ids, y)
        return Batch(x.float(), y, ids)

    def _refuse(self, x: Tensor, ids: Tensor, y: Tensor) -> None:
        """Raise the UserError about a batch that is out of range."""
        if not checks.in_unit(x):
            checks.refuse_range(x)
        low, high, n = int(ids.min()), int(ids.max()), self._info.n
        if low < 0 or high >= n:
            raise UserError(
                f"ids reach from {low} to {high}, {n} samples were announced: ids go from 0 to"
                f" {n - 1}."
            )
        checks.refuse_labels(y, self._classes)
        raise UserError("ids name a sample twice: a batch must have each at most once.")

    def _look(self, y: Tensor) -> Any:
        """A hook that refuses labels beyond the classes of the network's first answer."""

        def look(model: nn.Module, inputs: tuple[Any, ...], answer: Any) -> None:
            if self._classes is None:
                classes = checks.logits(answer, len(inputs[0]))
                if int(y.max()) >= classes:
                    checks.refuse_labels(y, classes)
                self._classes = classes

        return look

    def _remember(self, ids: Tensor, result: StepResult) -> None:
        """Keep the batch's flags; who does not look at clean images has only the attacked ones."""
        result_flags = (result.clean_ok, result.adv_ok, result.crossed)
        for name, flags in zip(FLAGS, result_flags, strict=True):
            if flags is not None:
                self._flags[name][ids] = flags
                self._told.add(name)
