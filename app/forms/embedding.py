"""The form that makes an embedding of a run's images, and those that are under way."""

import streamlit as st

from smd.config import commands, options
from smd.config.schema import EmbeddingConfig
from smd.runs.folders import Run
from smd.store import reader

from .. import actions, data
from ..components import job_rows, states
from . import fields


def section(run: Run, split: str, expanded: bool) -> None:
    """Choose how many images it has, see the command, start it; below, embeddings that are being
    made."""
    title = "Make an embedding" if expanded else "Make another embedding"
    with st.expander(title, icon=":material/scatter_plot:", expanded=expanded):
        form(run, split)
    job_rows.under_way(run, "embed")


def form(run: Run, split: str) -> None:
    """The form itself."""
    st.caption(
        "UMAP lays the network's last features on a plane, so that images which it finds alike lie"
        " near each other. Beside some of them it puts their adversarial example under CE-PGD. Some"
        " thousand images take about a minute."
    )
    most = len(data.read(reader.samples, run.store, split))
    usual = options.field(EmbeddingConfig, "n").default
    n = fields.number(
        EmbeddingConfig,
        "n",
        min(usual, most),
        least=min(10, most),
        most=most,
        key=f"map-n-{run.id}-{split}",
        width=160,
        help="Spread evenly over the split.",
    )
    config = EmbeddingConfig(run.id, split=split, n=n)
    st.code(commands.embedding_command(config), language="bash", wrap_lines=True)
    start = actions.button(
        "Make the embedding", type="primary", icon=":material/scatter_plot:", key="start-map"
    )
    if start and states.attempt(actions.start, run, config):
        st.rerun()
