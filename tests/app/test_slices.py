"""The chooser of a volume's slice."""

from streamlit.testing.v1 import AppTest


def page(depth):
    import streamlit as st

    from app.components.slices import chooser

    st.write(f"slice {chooser(depth)}")


def opened(depth, **address):
    app = AppTest.from_function(page, args=(depth,))
    for name, value in address.items():
        app.query_params[name] = value
    return app.run()


def test_the_middle_slice_is_shown_first():
    app = opened(12)
    assert app.markdown[0].value == "slice 6"
    assert (app.slider[0].min, app.slider[0].max) == (1, 12)


def test_the_slice_is_in_the_address():
    app = opened(12)
    app.slider[0].set_value(3).run()
    assert app.markdown[0].value == "slice 2"
    assert opened(12, slice="3").markdown[0].value == "slice 2"


def test_a_slice_that_is_not_there_is_not_shown():
    assert opened(4, slice="9").markdown[0].value in ("slice 2", "slice 3")


def test_a_single_slice_leaves_nothing_to_choose():
    app = opened(1)
    assert app.markdown[0].value == "slice 0"
    assert not app.slider
