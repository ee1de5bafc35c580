"""Import: a network that was trained elsewhere, judged here like one's own.

Below the form, how the import goes on and what it has found.
"""

import streamlit as st

from smd.config import commands
from smd.config.schema import ImportConfig
from smd.runs import folders
from smd.runs.folders import Run

from .. import actions
from ..components import layout, run_names
from ..forms import cloning, importing, knobs
from ..sections import imported
from ..server import login

SHOWN = "import-shown"  # in the session: the import that is shown below
WHAT = (
    "The weights are checked against the network name by name, and copied into a run of its own."
    " Then the clean accuracy on test images is measured under the usual preprocessings, as a wrong"
    " one is the commonest mistake. After that every page works on it as on a run trained here:"
    " attacks, margins, samples, comparisons."
)


def page() -> None:
    """The form for who may import, and the imports."""
    if login.may_act():
        form()
    else:
        st.caption(login.ONLY_LOOKING)
    results()


def form() -> None:
    """What is to be imported, what happens then, and the button."""
    grid = layout.pair()
    wrong: list[str] = []
    with grid.cell(), st.container(border=True):
        cloning.banner(importing.CLONED)
        config = importing.form(wrong)
        told = knobs.told(wrong)
        clicked = actions.button(
            "Import",
            type="primary",
            icon=":material/upload_file:",
            key="import",
            disabled=told or not config.file,
        )
    with grid.cell():
        summary(config, told)
    if clicked:
        imported.start(config)


def summary(config: ImportConfig, wrong: bool) -> None:
    """What an import does, and the same from the shell."""
    st.markdown("**What happens**")
    st.caption(WHAT)
    if config.file and not wrong:
        st.markdown("**The same from the shell**")
        st.code(commands.import_command(config), language="bash", wrap_lines=True)


def results() -> None:
    """The import that was started last, or another one that is chosen."""
    runs = [run for run in folders.all_runs() if imported.is_import(run)]
    if not runs:
        return
    st.header("Imported networks")
    run = chosen(runs)
    with st.container(border=True):
        st.fragment(imported.section, run_every=imported.every(run))(run)


def chosen(runs: list[Run]) -> Run:
    """One of them, at first the newest."""
    known = {run_names.link(run.id): run for run in runs}
    if len(known) == 1:
        return runs[0]
    name = st.selectbox(
        "Import",
        list(known),
        key=f"{SHOWN}-{len(known)}",  # another one begins with itself
        format_func=lambda name: run_names.label(known[name]),
        width=420,
    )
    return known[str(name)]
