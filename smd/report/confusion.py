"""Which class is taken for which: matrices from stored verdicts, without noise and under attack."""

import numpy as np
import pandas as pd

from smd.export.percent import interval, shown
from smd.report import words
from smd.report.known import Known
from smd.report.markup import Markup, element, joined, number, paragraph, table
from smd.units import level_title

MOST = 16  # classes of a matrix; with more the most frequent confusions are listed
NAMED, SHORT = 7, 12  # more classes, or longer names, are numbered in the heads of columns
TINY = 3  # letters of names that have room in any number of columns
LISTED = 20
STRONG = 0.5  # share of a row from which a cell's text is white


def section(known: Known) -> Markup:
    """Both matrices, or why there is none."""
    best = known.strongest
    if best is None:
        return joined([])
    parts: list[Markup] = []
    where = f"under {best.title} at {level_title(best.eps, best.norm)}, seed {best.seed}"
    for verdicts, what in ((best.clean, "without noise"), (best.noisy, where)):
        if verdicts is None or verdicts.empty:
            parts.append(paragraph(f"The verdicts {what} are not stored."))
        else:
            parts.append(_matrix(known, counts(known, verdicts), what))
    heading = element("h3", "Which class is taken for which")
    return joined([heading, element("div", parts, class_="pair")])


def counts(known: Known, verdicts: pd.DataFrame) -> np.ndarray:
    """(K, K) int, rows the true class, columns the predicted one; verdicts: PredictionRow.

    Verdicts without a class that the run knows are left out.
    """
    size = len(known.classes)
    true = known.labels.reindex(verdicts["idx"]).to_numpy(float)
    said = verdicts["pred"].to_numpy(float, na_value=np.nan)
    inside = (true >= 0) & (true < size) & (said >= 0) & (said < size)
    pairs = true[inside].astype(int) * size + said[inside].astype(int)
    return np.bincount(pairs, minlength=size * size).reshape(size, size)


def _matrix(known: Known, matrix: np.ndarray, what: str) -> Markup:
    n, right = int(matrix.sum()), int(np.trace(matrix))
    share = f", {shown(100 * right / n)} % on the diagonal ({interval(right / n, n)})" if n else ""
    caption = f"Rows true, columns predicted class {what}: {words.images(n, known.split)}{share}."
    if len(known.classes) > MOST:
        return _list(known, matrix, caption)
    names = [known.class_name(k) for k in range(len(matrix))]
    columns = names
    longest = max(map(len, names), default=0)
    if longest > SHORT or (len(names) > NAMED and longest > TINY):  # too wide for paper
        columns = [str(k) for k in range(1, len(names) + 1)]
        names = [f"{k} {name}" for k, name in zip(columns, names, strict=True)]
    heads = ["true class", *columns, "correct (%)"]
    rows = [
        [names[k], *(_cell(matrix, k, j) for j in range(len(matrix))), _recall(matrix, k)]
        for k in range(len(matrix))
    ]
    return table(caption, heads, rows, class_="matrix")


def _cell(matrix: np.ndarray, true: int, said: int) -> Markup:
    """A count, the darker the larger its share of the row."""
    n, of = int(matrix[true, said]), int(matrix[true].sum())
    share = n / of if of else 0.0
    kind = "right" if true == said else "mistaken"
    dark = " dark" if share > STRONG else ""
    return (
        element("span", number(n), class_=f"{kind}{dark}", style=f"--share:{share:.2f}")
        if n
        else element("span", "0", class_="none")
    )


def _recall(matrix: np.ndarray, true: int) -> str:
    of = int(matrix[true].sum())
    return f"{100 * int(matrix[true, true]) / of:.1f}" if of else "no image"


def _list(known: Known, matrix: np.ndarray, caption: str) -> Markup:
    """The most frequent confusions, where a matrix would be too wide."""
    wrong = matrix * (1 - np.eye(len(matrix), dtype=int))
    order = np.argsort(wrong, axis=None, kind="stable")[::-1][:LISTED]
    pairs = [divmod(int(k), len(matrix)) for k in order if wrong.flat[k]]
    rows = [
        [
            known.class_name(true),
            known.class_name(said),
            number(int(wrong[true, said])),
            number(int(matrix[true].sum())),
        ]
        for true, said in pairs
    ]
    if not rows:
        return paragraph(caption, " No image was taken for another class.")
    heads = ["true class", "predicted class", "images", "of the class"]
    return table(
        f"{caption} The {len(rows)} most frequent confusions of {len(matrix):,} classes.",
        heads,
        rows,
    )
