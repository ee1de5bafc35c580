"""The former names of what pages share, for callers that still use them."""

from . import downloads as _downloads
from . import layout, run_names, run_picker, states, tables

badge, label, name, stamp, when = (
    states.badge,
    run_names.label,
    run_names.name,
    run_names.stamp,
    run_names.when,
)
picked, nothing_yet, attempt, readable, broken = (
    run_picker.picked,
    states.nothing_yet,
    states.attempt,
    states.readable,
    states.broken,
)
table, fitting, downloads, download, as_bytes = (
    tables.show,
    tables.fitting,
    _downloads.of_table,
    _downloads.one,
    _downloads.as_bytes,
)
pair, metrics = layout.pair, layout.cards
