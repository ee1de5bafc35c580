"""Query: a question of one's own to a run's store, in SQL."""

import streamlit as st

from smd.config import commands
from smd.errors import UserError
from smd.store import query as ask
from smd.store import reader
from smd.store.query_examples import EXAMPLES

from .. import data
from ..components import standing, ui
from ..components.plain import plain

run = ui.picked()
ui.broken(run)

FIRST = next(iter(EXAMPLES.values()))


def fill(query: str) -> None:
    st.session_state["sql"] = query


def amount(rows: int, truncated: bool) -> str:
    if truncated:
        return f"The first {rows:,} rows; there are more."
    return (
        f"{rows:,} {'row' if rows == 1 else 'rows'}."
        if rows
        else "No rows: nothing in this store fits."
    )


st.caption(
    "DuckDB's SQL over this run's store. It can only read, and only this store: at most "
    f"{ask.LIMIT:,} rows in {ask.SECONDS:g} seconds."
)
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
with st.form("ask", border=False, enter_to_submit=True):
    written = st.text_area("Query", FIRST, key="sql", bind="query-params", height=170)
    clicked = st.form_submit_button("Run", type="primary", icon=":material/play_arrow:")
with st.expander("What there is to ask about", icon=":material/table:"):
    st.table(data.read(ask.tables, run.store), border="horizontal", hide_index=True)
    st.caption(
        "Margins, noise levels and distances are in [0, 1]: times 255 they are in 1/255; where norm"
        " is L2 they are lengths over all pixels. `DESCRIBE margin` tells a table's types."
    )
# what was run by a click; a link alone runs nothing of its own
mine = st.session_state.setdefault("sql-mine", set())
if clicked:
    mine.add(written)
if written and written not in mine and written not in EXAMPLES.values():
    st.info("This query came with a link. Read it, then click Run.", icon=":material/link:")
    st.stop()
try:
    answer = data.value(ask.ask, run.store, written or "")
except UserError as error:
    st.error(plain(error), icon=":material/error:")
    st.stop()
if not data.value(reader.last_epoch, run.store):
    standing.show(run.status, "The store is empty; rows appear", "the first epoch is done")
more = amount(len(answer.table), answer.truncated)
ui.table(answer.table, key="answer", alt=f"The answer: {more}")
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    st.caption(f"{more} {answer.seconds:.2f} s.")
    ui.downloads(answer.table, f"{ui.name(run.id)}-query")
st.markdown("**The same from the shell**")
st.code(commands.query_command(run.id, written or ""), language="bash", wrap_lines=True)
