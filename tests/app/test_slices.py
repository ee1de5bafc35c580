"""The chooser of a volume's slice and the window of intensities."""

from streamlit.testing.v1 import AppTest


def page(depth):
    import streamlit as st

    from app.components.slices import chooser

    cut = chooser((depth, 6, 4))
    st.write(f"slice {cut.at}")
    st.write(f"axis {cut.axis}")


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


def test_a_volume_is_cut_across_any_of_its_axes():
    app = opened(12, **{"slice-axis": "width"})
    assert [each.value for each in app.markdown] == ["slice 2", "axis 2"]
    assert (app.slider[0].min, app.slider[0].max) == (1, 4)


def test_a_slice_beyond_a_shorter_axis_becomes_its_middle_one():
    app = opened(12)
    app.slider[0].set_value(11).run()
    app.segmented_control[0].set_value("height").run()
    assert [each.value for each in app.markdown] == ["slice 3", "axis 1"]
