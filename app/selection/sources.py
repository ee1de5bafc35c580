"""Where the margins on a page come from: kept by a run while it trained, or estimated on its
network."""

from dataclasses import dataclass

import pandas as pd

from smd import export, registry
from smd.analysis import agreement
from smd.core.schedule import alone
from smd.errors import UserError
from smd.evaluation import final_margins
from smd.export.estimates import paired
from smd.export.titles import estimate_title
from smd.frames import tuples
from smd.runs.folders import Run
from smd.store import reader
from smd.units import factor, show_length

from .. import data
from ..components import run_names


@dataclass(frozen=True)
class Source:
    """Margins of some images of one run."""

    run: Run
    title: str
    by: str = ""  # the method of an estimate, as a title
    estimate: str = ""  # id of the estimate; "": the run's own margins
    norm: str = "Linf"
    split: str = "train"
    n: int = 0  # images that were measured
    eps: float = 0.0  # how far the estimate looked, unit of x; 0: as far as it takes
    weights: str = "last"  # that the network had, or "ema"
    certified: bool = False  # its margins are lower bounds
    picked: bool = False  # its images were chosen by hand

    @property
    def key(self) -> str:
        """As it stands in the address: the run's id, or <run>/<estimate>."""
        return f"{self.run.id}/{self.estimate}" if self.estimate else self.run.id


def of(run: Run) -> list[Source]:
    """A run's own margins, if it keeps any, then the estimates on its network, the newest first;
    those of images chosen by hand come last."""
    name = _name(run)
    summary = data.read(reader.margin_summary, run.store)
    own = [] if summary.empty else [Source(run, f"while training · {name}", norm=run.config.norm)]
    return own + _estimated(run, name)


def of_another(run: Run) -> list[Source]:
    """As `of`, without looking into the store of a run that has no estimate: there may be
    hundreds of them."""
    try:
        name = _name(run)
        entry = registry.KNOWN_DEFENSES.get(run.config.defense)
        keeps = entry is not None and entry.margin and run.status.done > 0
        own = [Source(run, f"while training · {name}", norm=run.config.norm)] if keeps else []
        estimated = (run.folder / "margins").exists() or (run.folder / final_margins.FILE).exists()
        return own + (_estimated(run, name) if estimated else [])
    except UserError:  # another version's
        return []


def _estimated(run: Run, name: str) -> list[Source]:
    rows = [*tuples(data.brief(reader.estimates, run.store)[::-1])]
    proven = registry.certifying()
    by = [estimate_title(e.method, e.eps, e.norm, e.weights) for e in rows]
    titles = [
        f"{method} · {e.n} {'chosen ' * bool(e.picked)}{e.split} · {name}"
        for method, e in zip(by, rows, strict=True)
    ]
    titles = [  # of several alike each is named by its job
        title if titles.count(title) == 1 else f"{title} · {e.job[-4:]}"
        for title, e in zip(titles, rows, strict=True)
    ]
    found = [
        Source(
            run,
            title,
            method,
            e.id,
            e.norm,
            e.split,
            e.n,
            e.eps,
            e.weights,
            e.method in proven,
            bool(e.picked),
        )
        for title, method, e in zip(titles, by, rows, strict=True)
    ]
    return sorted(found, key=lambda source: source.picked)


def _name(run: Run) -> str:
    """What the run is called, else its defense and the end of its id."""
    entry = registry.KNOWN_DEFENSES.get(run.config.defense)
    title = entry.title if entry else run.config.defense
    norm = f" ({run.config.norm})" if run.config.norm != "Linf" else ""
    return run_names.beside(run, f"{title}{norm}")


def results(source: Source) -> pd.DataFrame:
    """What the estimate found, an image a row."""
    return data.read(reader.estimate_results, source.run.store, source.estimate)


def searched(source: Source) -> pd.DataFrame:
    """A run's own margins after the last epoch, each as far as its last search went."""
    store, last = source.run.store, last_epoch(source, 0)
    now, before = (data.read(reader.margins, store, epoch) for epoch in (last, last - 1))
    return agreement.searched(now, before)


def there(source: Source) -> bool:
    """Whether the store has what was promised: a run's margins may have failed to be written."""
    return bool(source.estimate) or not data.read(reader.margin_summary, source.run.store).empty


def last_epoch(source: Source, epoch: int) -> int:
    """The last epoch that the run keeps margins of, up to the given one if that is not 0."""
    stored = data.read(reader.margin_summary, source.run.store)["epoch"]
    return int(stored[stored <= epoch].max() if epoch else stored.max())


def title(source: Source, epoch: int) -> str:
    """The source as a legend names it."""
    if source.estimate:
        return source.title
    return source.title.replace("while training", f"epoch {last_epoch(source, epoch)}", 1)


def counts(source: Source, epoch: int) -> pd.DataFrame:
    """The histogram as charts.histogram takes it: run, defense, kind, bin, n, percent (of these
    images)."""
    store = source.run.store
    if source.estimate:
        table = data.read(reader.estimate_hist, store, source.estimate)
    else:
        table = data.read(reader.margin_hist, store, last_epoch(source, epoch))
    share = 100 * table["n"] / table["n"].sum()
    return table.assign(run=title(source, epoch), defense=source.run.config.defense, percent=share)


def schedule(run: Run) -> pd.DataFrame | None:
    """What SMD's schedule alone would make of a margin: epoch, margin (1/255; of a run in L2 a
    length); None for other defenses, and where an epoch does not draw each image once."""
    delta, norm = data.value(reader.meta, run.store).get("delta"), run.config.norm
    uneven = run.config.defense != "smd" or run.config.balance == "sampling"
    if uneven or not isinstance(delta, float | int) or delta <= 0:
        return None
    # h(x/255) of Eq. 12 and 13
    pixel = 1 / 255 if norm == "Linf" else delta / -(-255 // run.config.epochs)
    unit = delta if run.config.params.get("preset") == "ame" else pixel
    grown = alone(run.config.epochs, delta, unit)
    return pd.DataFrame(
        {"epoch": range(1, len(grown) + 1), "margin": [factor(norm) * margin for margin in grown]}
    )


def undrawn(source: Source, images: pd.DataFrame) -> int:
    """How many training images the epoch of these margins did not draw; images: a row each.

    0 of an estimate, and where every epoch draws all images.
    """
    if source.estimate:
        return 0
    return len(data.read(reader.samples, source.run.store, "train")) - len(images)


def images(source: Source, epoch: int) -> pd.DataFrame:
    """The margin of every image that has one of the epoch or estimate, as it is taken away."""
    if source.estimate:
        table = results(source).drop(columns="source")
        return export.margin_table(table, source.norm)
    table = data.read(reader.margins, source.run.store, last_epoch(source, epoch))
    return export.margin_table(table, source.norm)


def compared(one: Source, two: Source) -> str:
    """Two estimates on one network and split in plain words; "" for any other two."""
    what = [(s.run.id, s.weights, s.norm, s.split) for s in (one, two)]
    alike = what[0] == what[1]
    if not (one.estimate and two.estimate and alike):
        return ""
    pair = paired(results(one), results(two))
    if not pair.n:
        return "There is no image where both met a boundary, so their medians cannot be compared."
    (less, small), (more, large) = sorted(
        zip(pair.medians, (one, two), strict=True), key=lambda item: item[0]
    )
    where = f"On the {pair.n} images where both met a boundary, the median margin is"
    figures = (
        f"{show_length(more, one.norm)} by {large.by} and {show_length(less, one.norm)} by"
        f" {small.by}"
    )
    if more - less < (0.005 / 255 if one.norm == "Linf" else 0.0005):
        return f"{where} {figures}: the same."
    factor = f"{more / less:.2f} times as much" if less else "more"
    return (
        f"{where} {figures}, {factor}. The network is the same, so the larger one overestimates the"
        " distance."
    )
