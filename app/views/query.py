"""Query: a question of one's own to a run's store, in SQL."""

import streamlit as st

from smd.config import commands
from smd.errors import UserError
from smd.runs.folders import Run
from smd.store import query as ask
from smd.store import reader
from smd.store.query_examples import EXAMPLES

from .. import data
from ..components import downloads, run_names, standing, tables
from ..components.plain import plain

FIRST = next(iter(EXAMPLES.values()))


def fill(query: str) -> None:
    """For an example's button: the query goes into the field."""
    st.session_state["sql"] = query


def amount(rows: int, truncated: bool) -> str:
    """How many rows an answer has, in words."""
    if truncated:
        return f"The first {rows:,} rows; there are more."
    return (
        f"{rows:,} {'row' if rows == 1 else 'rows'}."
        if rows
        else "No rows: nothing in this store fits."
    )


def examples() -> None:
    """A button for each query that one may begin with."""
    with st.container(horizontal=True, gap="small"):
        for title, query in EXAMPLES.items():
            st.button(
                title,
                key=f"example-{title}",
                on_click=fill,
                args=(query,),
                type="tertiary",
                icon=":material/lightbulb:",
            )


def written() -> tuple[str, bool]:
    """The query in the field, and whether it was just sent."""
    with st.form("ask", border=False, enter_to_submit=True):
        query = st.text_area("Query", FIRST, key="sql", bind="query-params", height=170)
        clicked = st.form_submit_button("Run", type="primary", icon=":material/play_arrow:")
    return query or "", clicked


def schema(run: Run) -> None:
    """The tables of the store and their columns."""
    with st.expander("What there is to ask about", icon=":material/table:"):
        st.table(data.read(ask.tables, run.store), border="horizontal", hide_index=True)
        st.caption(
            "Margins, noise levels and distances are in [0, 1]: times 255 they are in 1/255; where"
            " norm is L2 they are lengths over all pixels. `DESCRIBE margin` tells a table's types."
        )


def may_run(query: str, clicked: bool) -> bool:
    """Whether the query was run by a click in this session: a link alone runs only examples."""
    mine: set[str] = st.session_state.setdefault("sql-mine", set())
    if clicked:
        mine.add(query)
    return not query or query in mine or query in EXAMPLES.values()


def answered(run: Run, query: str) -> None:
    """The answer of the run's store, or what is wrong with the query."""
    try:
        answer = data.value(ask.ask, run.store, query)
    except UserError as error:
        st.error(plain(error), icon=":material/error:")
        return
    if not run.trained and not data.value(reader.last_epoch, run.store):
        standing.show(run.status, "The store is empty; rows appear", "the first epoch is done")
    more = amount(len(answer.table), answer.truncated)
    tables.show(answer.table, key="answer", alt=f"The answer: {more}")
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.caption(f"{more} {answer.seconds:.2f} s.")
        downloads.of_table(answer.table, f"{run_names.link(run.id)}-query")
    st.markdown("**The same from the shell**")
    st.code(commands.query_command(run.id, query), language="bash", wrap_lines=True)


def page(run: Run) -> None:
    """A query of one's own, and its answer."""
    st.caption(
        "DuckDB's SQL over this run's store. It can only read, and only this store: at most "
        f"{ask.LIMIT:,} rows in {ask.SECONDS:g} seconds."
    )
    examples()
    query, clicked = written()
    schema(run)
    if may_run(query, clicked):
        answered(run, query)
    else:
        st.info("This query came with a link. Read it, then click Run.", icon=":material/link:")
