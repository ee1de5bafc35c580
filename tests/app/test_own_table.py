"""A table of labels on the Train page: its columns guessed into a field, patients told apart."""

import csv

import numpy as np
import pytest
import streamlit as st
from paging import open_page, words
from PIL import Image

from smd.data import load
from smd.jobs import launch
from smd.runs import folders

COLUMNS = "path=file,label=dx,patient=pid,group=sex"


@pytest.fixture
def own(tmp_path, monkeypatch):
    """(images in one folder, a table of them): 60 images of twenty patients."""
    monkeypatch.setattr(launch, "wake_all", lambda: None)
    monkeypatch.setattr(launch, "submit", lambda folder: None)
    monkeypatch.setenv("SMD_CACHE", str(tmp_path / "cache"))
    st.cache_data.clear()
    st.cache_resource.clear()
    (tmp_path / "own").mkdir()
    drawn, rows = np.random.default_rng(0), [["file", "dx", "pid", "sex"]]
    for k in range(60):
        Image.fromarray(drawn.integers(0, 256, (12, 12), np.uint8)).save(
            tmp_path / "own" / f"{k}.png"
        )
        rows.append([f"{k}.png", "ab"[k % 2], f"Mustermann-{k // 3}", "FM"[k // 3 % 2]])
    with (tmp_path / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return str(tmp_path / "own"), str(tmp_path / "t.csv")


def test_a_table_is_guessed_shown_and_trained_with(own):
    path, labels = own
    load("folder", path, labels=labels, columns=COLUMNS)
    app = open_page("train")
    app.selectbox(key="train-data").set_value("folder").run()
    app.text_input(key="train-path").set_value(path).run()
    app.text_input(key="train-labels").set_value(labels).run()
    assert not app.exception
    assert app.text_input(key="train-columns").value == COLUMNS
    shown = words(app)
    assert "by patient, so that nobody is in two splits" in shown
    assert "none is in two of them" in shown
    assert "Mustermann" not in shown
    app.button(key="train").click().run()
    (run,) = folders.all_runs()
    assert (run.config.labels, run.config.columns) == (labels, COLUMNS)
    assert not run.config.allow_leaks
