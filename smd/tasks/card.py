"""What a run's store knows of margins, as its model card says it."""

from smd.evaluation import final_margins
from smd.evaluation.final_margins import JOB
from smd.export.margins_card import Estimated, Kept, margins_section
from smd.export.titles import estimate_title
from smd.frames import tuples
from smd.runs.folders import Run
from smd.store import reader


def margins_of(run: Run) -> str:
    """The section on margins of a finished training."""
    plan = final_margins.read(run.folder)
    about = (run.config.levels, plan.reason if plan else "", run.config.norm)
    return margins_section(_kept(run), _estimated(run), *about)


def _kept(run: Run) -> Kept | None:
    epoch = reader.last_epoch(run.store)
    kept_margins = reader.margins(run.store, epoch) if epoch else None
    if kept_margins is None or kept_margins.empty:
        return None
    return Kept(epoch, kept_margins, len(reader.samples(run.store, "train")))


def _estimated(run: Run) -> Estimated | None:
    table, plan = reader.estimates(run.store), final_margins.read(run.folder)
    for one in tuples(table[table["job"] == JOB]):
        settings = final_margins.told(plan.settings) if plan and plan.n else "settings unknown"
        images = reader.estimate_results(run.store, str(one.id))
        return Estimated(
            estimate_title(str(one.method), float(one.eps), str(one.norm)), settings, images
        )
    return None
