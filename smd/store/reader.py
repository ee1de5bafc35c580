"""All that can be read from a run's store.

Each function takes its path first and opens it for one query.

A run without a store yet has no rows. A store that is broken, newer or held for too long raises
UserError.
"""

from smd.config.notes import AVERAGED, SOUND
from smd.store.attack_tables import (
    attack_flags,
    attack_runs,
    attack_stages,
    attack_table,
    image_verdicts,
    seed_verdicts,
)
from smd.store.brief_tables import Brief, brief
from smd.store.class_tables import (
    at_boundary,
    class_density,
    class_found,
    class_hist,
    class_summary,
    flow,
    margin_curves,
)
from smd.store.connection import kept, together
from smd.store.embedding_tables import embedding_points, embeddings
from smd.store.estimate_tables import estimate_hist, estimate_results, estimates, smoothed
from smd.store.found_tables import broken, certified, nearest_found
from smd.store.margin_tables import (
    margin_hist,
    margin_summary,
    margins,
    sample_history,
    share_beyond,
    state_hist,
    state_names,
    state_summary,
    state_values,
)
from smd.store.outlines import ahead, outline
from smd.store.prediction_tables import predicted_classes
from smd.store.run_tables import (
    class_names,
    gauges,
    last_epoch,
    meta,
    metrics,
    sample_paths,
    samples,
    split_sizes,
    stamp,
    validation,
)
from smd.store.score_tables import (
    predictions,
    sample_facts,
    sample_groups,
    score_runs,
    scores,
)
from smd.store.verdict_tables import attack_results, outcomes, sample_verdicts

__all__ = [
    "AVERAGED",
    "SOUND",
    "Brief",
    "ahead",
    "at_boundary",
    "attack_flags",
    "attack_results",
    "attack_runs",
    "attack_stages",
    "attack_table",
    "brief",
    "broken",
    "certified",
    "class_density",
    "class_found",
    "class_hist",
    "class_names",
    "class_summary",
    "embedding_points",
    "embeddings",
    "estimate_hist",
    "estimate_results",
    "estimates",
    "flow",
    "gauges",
    "image_verdicts",
    "kept",
    "last_epoch",
    "margin_curves",
    "margin_hist",
    "margin_summary",
    "margins",
    "meta",
    "metrics",
    "nearest_found",
    "outcomes",
    "outline",
    "predicted_classes",
    "predictions",
    "sample_facts",
    "sample_groups",
    "sample_history",
    "sample_paths",
    "sample_verdicts",
    "samples",
    "score_runs",
    "scores",
    "seed_verdicts",
    "share_beyond",
    "smoothed",
    "split_sizes",
    "stamp",
    "state_hist",
    "state_names",
    "state_summary",
    "state_values",
    "together",
    "validation",
]
