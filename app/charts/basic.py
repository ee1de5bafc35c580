"""The former names of what charts share, for callers that still use them."""

from . import histograms, levels, style
from . import history as _history
from . import rules as _rules

histogram, lengths, placed = histograms.histogram, histograms.lengths, histograms.placed
fan, history, FLAGS = _history.fan, _history.of_sample, _history.FLAGS
robustness, rules = levels.robustness, _rules.at_levels
BELOW, ON_TOP, SOLID, HEIGHT = style.BELOW, style.ON_TOP, style.SOLID, style.HEIGHT
COLOURS, FREE, KIND_COLOURS = style.COLOURS, style.FREE, style.KIND_COLOURS
LEVELS, NOT_NEGATIVE, PALETTE = style.LEVELS, style.NOT_NEGATIVE, style.PALETTE
colour, kind_colour, level_name = style.colour, style.kind_colour, style.level_name
run_colours = style.run_colours
