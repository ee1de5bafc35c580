"""The Query page: examples that work on the real store, refusals in a sentence, the same from the
shell."""

import pytest
from paging import open_page, words

from smd import __main__ as cli
from smd.config import commands
from smd.store import reader

pytestmark = pytest.mark.slow


def answer(app):
    return app.dataframe[0].value


def asked(run, sql):
    """The page after the query of a link was run by a click."""
    app = open_page("query", run=run.id, sql=sql)
    return next(button for button in app.button if button.label == "Run").click().run()


def test_every_example_has_an_answer(finished):
    run, _ = finished
    app = open_page("query", run=run.id)
    examples = [button.key for button in app.button if (button.key or "").startswith("example-")]
    assert len(examples) == 4
    for key in examples:
        app.button(key=key).click().run()
        assert not app.exception
        assert not app.error


def test_the_first_answer_is_that_of_the_store(finished):
    run, _ = finished
    table = answer(open_page("query", run=run.id)).set_index("label")
    rows = reader.margins(run.store, 3)
    rows = rows[rows["clean_ok"]]
    expected = (255 * rows.groupby("label")["margin"].median()).round(2)
    median = table["median, found or reached (1/255)"].to_dict()
    assert median == pytest.approx(expected.to_dict(), abs=0.011)
    assert table["correct images"].sum() == len(rows)
    assert table["boundary found"].sum() == (rows["kind"] == "found").sum()


def test_a_query_in_the_link_is_asked_when_run_is_clicked(finished):
    run, _ = finished
    app = open_page("query", run=run.id, sql="SELECT count(*) AS n FROM margin")
    assert app.text_area(key="sql").value == "SELECT count(*) AS n FROM margin"
    assert not app.dataframe
    assert "This query came with a link. Read it, then click Run." in words(app)
    app = asked(run, "SELECT count(*) AS n FROM margin")
    assert "came with a link" not in words(app)
    assert answer(app)["n"].tolist() == [900]
    shown = app.code[0].value
    assert shown == commands.query_command(run.id, "SELECT count(*) AS n FROM margin")


def test_what_is_not_reading_is_refused_on_the_page(finished):
    run, _ = finished
    app = asked(run, "DELETE FROM margin")
    assert "Only reading is possible here, and DELETE does more: write a SELECT." in words(app)
    assert len(reader.margins(run.store, 3)) == 300


def test_more_rows_than_are_shown_are_admitted(finished):
    run, _ = finished
    app = asked(run, "SELECT * FROM range(5000)")
    assert "The first 1,000 rows; there are more." in words(app)


def test_the_shell_asks_the_same(finished, capsys):
    import shlex

    run, _ = finished
    command = commands.query_command(
        run.id, 'SELECT max(epoch) AS "last one" FROM margin WHERE idx < 3'
    )
    assert cli.main([*shlex.split(command)[3:], "--format", "csv"]) == 0
    assert capsys.readouterr().out.splitlines() == ["last one", "3"]
    assert cli.main(["query", run.id, "DROP TABLE margin"]) == 1
    assert "DROP does more" in capsys.readouterr().err


def test_numbers_that_no_column_of_numbers_can_hold_are_shown(finished):
    run, _ = finished
    app = asked(run, "SELECT 2::HUGEINT ** 0 + 170141183460469231731687303715884105726::HUGEINT")
    assert not app.error
    assert len(answer(app)) == 1


def test_every_table_is_there_to_be_read_about(finished):
    run, _ = finished
    app = open_page("query", run=run.id)
    listed = app.table[0].value.set_index("table")
    assert "bin" in listed["columns"]["margin_hist"]
    assert "quantiles" in listed["holds"]["margin_summary"]
