"""An embedding of images: penultimate features on a plane by UMAP (McInnes et al. 2018).

Images that the network finds alike lie near each other; adversarial examples are points like all
others.
"""

import io
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from smd import paths
from smd.core import losses, pgd
from smd.core.predicted import predicted
from smd.data.batches import Rows, spread
from smd.dealing.portions import Deal
from smd.errors import UserError
from smd.nets import Classifier

NEIGHBOURS = 15  # UMAP's own default: how large a group is seen as one
STEPS = 20  # of CE-PGD, each a quarter of the noise level long
CHUNK = 1024  # points whose distances to all others are in memory at once
SPREAD = 1e-6  # features that differ less are all the same
TRUSTED = (
    1000  # points that tell how far an embedding can be trusted; all of many would take minutes
)

Progress = Callable[[int], None]  # images that are done


@dataclass(frozen=True, eq=False)
class Features:
    """Penultimate features and predictions of n images."""

    features: np.ndarray  # (n, F) float32
    pred: np.ndarray  # (n,) int64, the predicted class
    ok: np.ndarray  # (n,) bool, classified correctly


def seen(
    deal: Deal,  # who does the batches; their model must be in eval mode
    ids: Tensor,  # (n,)
    eps: float,  # unit of x; 0: the clean images
    batch: int,
    progress: Progress,
) -> Features:
    """Features of the images of those ids, or of adversarial examples of them by CE-PGD from the
    clean image."""
    parts: list[Features] = []
    with closing(deal([Seeing(part, eps) for part in ids.cpu().split(batch)])) as results:
        for part in results:
            parts.append(part)
            progress(len(part.pred))
    return _joined(parts)


@dataclass(frozen=True, eq=False)
class Seeing:
    """A portion (smd.dealing.portions): the features of one batch."""

    ids: Tensor  # (B,) int64 sample ids, on the CPU
    eps: float  # unit of x; 0: the clean images

    def do(self, model: nn.Module, data: Rows) -> Features:
        """See `seen`."""
        one = data.take(self.ids.to(data.labels.device))
        x = one.x
        if self.eps:
            radius = torch.full_like(x.flatten(1)[:, 0], self.eps)
            x, _ = pgd.last_iterate(model, losses.ce, x, one.y, radius, radius / 4, STEPS)
        return _features(model, x, one.y)


def _features(model: nn.Module, x: Tensor, y: Tensor) -> Features:
    with torch.no_grad():
        features = cast(Classifier, model).features(x).float().flatten(1)
        pred = predicted(model(x))
    return Features(features.cpu().numpy(), pred.cpu().numpy(), (pred == y).cpu().numpy())


def _joined(parts: list[Features]) -> Features:
    columns = ([getattr(part, name) for part in parts] for name in ("features", "pred", "ok"))
    return Features(*(np.concatenate(column) for column in columns))


def neighbours(features: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Each point's nearest points, itself first: (n, F) -> (n, count) int32 and float32 distances.

    Exact, and on ten thousand points a hundred times quicker than the search that UMAP would do.
    """
    # far from zero small distances drown in float noise
    points = torch.from_numpy(features - features.mean(0))
    chunks = [_nearest(points, start, count) for start in range(0, len(points), CHUNK)]
    near, far = (torch.cat(part) for part in zip(*chunks, strict=True))
    return near.int().numpy(), far.numpy()


def _nearest(points: Tensor, start: int, count: int) -> tuple[Tensor, Tensor]:
    distance = torch.cdist(points[start : start + CHUNK], points)
    distance.diagonal(start).fill_(-1)  # itself first, also where others are alike
    nearest = distance.topk(count, largest=False)
    return nearest.indices, nearest.values.clamp(min=0)


def layout(features: np.ndarray, seed: int, alive: Callable[[float], None]) -> np.ndarray:
    """Positions on a plane, (n, F) float32 with n >= 3 -> (n, 2) float32, a function of the seed.

    alive is called now and then with the share that is done, and may raise to stop. Raises
    UserError where features are not finite.
    """
    if not torch.from_numpy(features).norm(dim=1).isfinite().all():
        raise UserError(
            "The network's features are not finite, as its training has diverged: embed another"
            " run."
        )
    if float(np.ptp(features, axis=0).max(initial=0)) < SPREAD:
        return np.zeros((len(features), 2), np.float32)
    count = min(NEIGHBOURS, len(features) - 1)
    near, far = neighbours(features, count)
    _keep_compiled()
    with _quiet():
        import umap  # takes seconds, and only an embedding needs it

        # A spectral start needs more points than this; few of them find their places from anywhere.
        start = "spectral" if len(features) > 4 * NEIGHBOURS else "random"
        reducer = umap.UMAP(
            n_neighbors=count,
            random_state=seed,
            n_jobs=1,
            init=start,
            precomputed_knn=(near, far, None),
            verbose=True,
            tqdm_kwds={"file": _Listener(alive), "mininterval": 0.2, "bar_format": "{percentage}"},
        )
        return np.asarray(reducer.fit_transform(features), np.float32)


def trust(features: np.ndarray, points: np.ndarray) -> float:
    """The trustworthiness of a layout (Venna and Kaski 2001); 1: all neighbours are features' too.

    (n, F) and (n, 2) with n >= 3; taken over at most 1,000 of the points.
    """
    from sklearn.manifold import trustworthiness  # takes a second, and only an embedding needs it

    some = spread(len(features), TRUSTED).numpy()
    return float(
        trustworthiness(
            features[some], points[some], n_neighbors=min(NEIGHBOURS, (len(some) - 1) // 2)
        )
    )


class _Listener:
    """The file that UMAP writes its progress to: its only way to tell it, and to be stopped."""

    def __init__(self, alive: Callable[[float], None]) -> None:
        self.alive = alive

    def write(self, text: str) -> None:
        """Percentages are told, all else is dropped."""
        try:
            share = float(text.strip("\r\n ")) / 100
        except ValueError:
            return
        self.alive(min(max(share, 0.0), 1.0))

    def flush(self) -> None:
        """Nothing waits."""


def _keep_compiled() -> None:
    """A folder for numba's compiled code where it cannot be written beside umap."""
    beside = find_spec("umap")
    if (
        beside is None
        or beside.origin is None
        or not os.access(Path(beside.origin).parent, os.W_OK)
    ):
        os.environ.setdefault("NUMBA_CACHE_DIR", str(paths.compiled_root()))


@contextmanager
def _quiet() -> Iterator[None]:
    """Within, no warnings about threads and seeds, about which nobody can do anything."""
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
