"""Sphinx builds the site from the Markdown as it stands in the repository: `make docs`."""

from pathlib import Path

from sphinx.application import Sphinx

project = "SMD Studio"
author = "The SMD Studio contributors"
extensions = ["myst_parser"]
# The sources are the repository's own pages, so that a link leads to the same place in both.
include_patterns = ["*.md", "docs/*.md", "docs/results/*.md"]
root_doc = "README"
myst_heading_anchors = 4
html_theme = "furo"
html_title = "SMD Studio"
html_show_sphinx = False
html_show_copyright = False

HOME = (
    '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=README.html">'
)
# The site's side bar; a page that is missing here is a warning, and warnings are errors.
CONTENTS = {
    "Use": "index dashboard clicks own-images own-networks medical-example report alerts"
    " experiment-trackers command-line api",
    "Know": "evaluation defenses reproduce results/README results/small results/nearest"
    " differences-from-the-paper speed",
    "Many machines and people": "devices parallel cluster scaling shared-machine login torture",
    "Change it": "architecture ../CONTRIBUTING ../CHANGELOG ../SECURITY ../THIRD_PARTY_NOTICES",
}


def add_contents(app: Sphinx, name: str, source: list[str]) -> None:
    """Give the first page the table of contents, which its Markdown need not show."""
    if name == root_doc:
        for caption, pages in CONTENTS.items():
            paths = [f"docs/{page}".replace("docs/../", "") for page in pages.split()]
            tree = ["```{toctree}", ":hidden:", f":caption: {caption}", "", *paths, "```"]
            source[0] += "\n".join(["", *tree, ""])


def open_at_the_readme(app: Sphinx, failure: Exception | None) -> None:
    """Let the site's address lead to its first page."""
    if failure is None:
        Path(app.outdir, "index.html").write_text(HOME, encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Sphinx calls this once."""
    app.connect("source-read", add_contents)
    app.connect("build-finished", open_at_the_readme)
