"""The report on margins: how far the split's images are from being misclassified, as estimated."""

from smd.core.kinds import FOUND, KINDS, MISCLASSIFIED, REACHED, middle
from smd.evaluation import final_margins
from smd.export.estimates import median, share_beyond
from smd.report import charts, words
from smd.report.known import Estimate, Known
from smd.report.markup import Markup, code, cut, joined, number, paragraph, table
from smd.stats import wilson_of_one
from smd.units import UNIT, px, show_level

RULES = px(2, 4, 8)
MEANS = {
    FOUND: "the search met the decision boundary: there is one at that distance (to a"
    " thousandth) or nearer",
    REACHED: "the search met no boundary: the number says how far it came, and is no distance",
    MISCLASSIFIED: "wrong without any noise, so there is no margin",
}


def section(known: Known) -> Markup:
    """Counts by kind, shares beyond the usual levels, and the histogram."""
    estimate = known.estimate
    if estimate is None:
        return _none(known)
    n = len(estimate.result)
    others = f", one of {estimate.of} estimates that are stored" * (estimate.of > 1)
    first = f"Margins of {words.images(n, known.split)} as estimated by {estimate.title}{others}."
    parts = [paragraph(first), _kinds(estimate), paragraph(_median(estimate))]
    if estimate.norm == "Linf":
        levels = (*RULES, *known.config.levels_in("Linf"))
        parts += [_shares(estimate, levels), charts.margin_bars(estimate.result, RULES)]
    else:
        parts.append(paragraph("They are L2 lengths, to which levels in 1/255 do not apply."))
        parts.append(_shares(estimate, known.config.levels_in(estimate.norm)))
    return joined(parts)


def _none(known: Known) -> Markup:
    plan = final_margins.read(known.run.folder) if known.split == "test" else None
    if plan is not None and plan.reason:
        return paragraph(cut(plan.reason))
    return paragraph(
        f"No margins of {words.SPLIT[known.split]} images were estimated: ",
        code(words.estimate_command(known)),
        " does.",
    )


def _kinds(estimate: Estimate) -> Markup:
    count, n = estimate.result["kind"].value_counts(), len(estimate.result)
    rows = []
    for kind in KINDS:
        images = int(count.get(kind, 0))
        low, high = wilson_of_one(images / n, n)
        rows.append(
            [
                kind,
                number(images),
                f"{100 * images / n:.1f}",
                f"{100 * low:.1f} to {100 * high:.1f}",
                MEANS[kind],
            ]
        )
    heads = ["kind", "images", "share (%)", "95 % interval", "what it says"]
    return table(f"Margins by kind, n = {n:,}.", heads, rows, class_="kinds")


def _median(estimate: Estimate) -> str:
    right = estimate.result[estimate.result["clean_ok"].astype(bool)]
    if right.empty:
        return "No image is classified correctly without noise, so there is no margin."
    told = median(estimate.result, estimate.norm)
    bound = "at most " if middle(estimate.result)[1] == FOUND else ""
    unmet = int((right["kind"] != FOUND).sum())
    met = f"; of {unmet:,} no boundary was met, and they count as farther" if unmet else ""
    unit = "" if estimate.norm == "Linf" else f" {UNIT[estimate.norm]}"
    return f"Median over the {len(right):,} correctly classified images: {bound}{told}{unit}{met}."


def _shares(estimate: Estimate, levels: tuple[float, ...]) -> Markup:
    """Correct images that are not known to be fooled within each level, of all images."""
    n, rows = len(estimate.result), []
    for level in sorted({round(255 * level, 3): level for level in levels}.values()):
        share, shown = share_beyond(estimate.result, level), show_level(level, estimate.norm)
        if share != share:
            rows.append([shown, "not known: some searches ended below", "–"])
            continue
        low, high = wilson_of_one(share, n)
        rows.append([shown, f"{100 * share:.1f}", f"{100 * low:.1f} to {100 * high:.1f}"])
    heads = ["ε", "correct and margin > ε (%)", "95 % interval"]
    caption = (
        f"Images that are classified correctly and not known to be fooled within ε, n = {n:,}."
    )
    return table(caption, heads, rows, class_="shares")
