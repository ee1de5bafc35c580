"""What pages read, cached by the stamp of the file it comes from; the only caches of the app.

Tables are kept once and shared by all sessions. Who asks gets a shallow copy, which pandas copies
before it is written to, so that no page can change what another one sees.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import streamlit as st

from smd import data as sets
from smd import jobs
from smd.evaluation import examples as adv
from smd.runs import folders
from smd.runs.folders import Run
from smd.store import reader

from .components import pictures

T = TypeVar("T")


@contextmanager
def kept(*runs: Run) -> Iterator[None]:
    """Within, the runs' stores stay open from one query to the next, but those that a job may write
    to meanwhile: to open one takes longer than most queries."""
    with ExitStack() as stack:
        for run in runs:
            places = [run.folder, *folders.jobs_of(run)]
            if not any(jobs.read(place).state in ("queued", "running") for place in places):
                stack.enter_context(reader.kept(run.store))
        yield


def read(query: Callable[..., pd.DataFrame], store: Path, *args: Any) -> pd.DataFrame:
    """The answer of a reader's query; read again only when the store has changed."""
    return _read(query, _name(query), str(store), reader.stamp(store), args).copy(deep=False)


def _name(query: Callable[..., Any]) -> str:
    return f"{query.__module__}.{query.__qualname__}"


@st.cache_resource(max_entries=256, show_spinner=False)
def _read(
    _query: Callable[..., pd.DataFrame],
    name: str,
    store: str,
    stamp: tuple[int, ...],
    args: tuple[Any, ...],
) -> pd.DataFrame:
    return _query(Path(store), *args)


def outline(store: Path) -> reader.Brief:
    """What lists of many runs say of one: its tables are shared, nobody may change them."""
    return _outline(str(store), reader.stamp(store))


@st.cache_resource(max_entries=4096, show_spinner=False)
def _outline(store: str, stamp: tuple[int, ...]) -> reader.Brief:
    return reader.outline(Path(store))


def brief(query: Callable[..., T], store: Path, *args: Any) -> T:
    """As `read`, for short answers of many runs: what pages over all runs ask does not push out
    what one run needs."""
    answer: T = _brief(query, _name(query), str(store), reader.stamp(store), args)
    return answer


@st.cache_data(max_entries=4096, show_spinner=False)
def _brief(
    _query: Callable[..., Any], name: str, store: str, stamp: tuple[int, ...], args: tuple[Any, ...]
) -> Any:
    return _query(Path(store), *args)


def value(query: Callable[..., Any], store: Path, *args: Any) -> Any:
    """As `read`, for queries that answer with something else than a table."""
    return _value(query, _name(query), str(store), reader.stamp(store), args)


@st.cache_data(max_entries=256, show_spinner=False)
def _value(
    _query: Callable[..., Any], name: str, store: str, stamp: tuple[int, ...], args: tuple[Any, ...]
) -> Any:
    return _query(Path(store), *args)


def several(query: Callable[..., T], runs: Sequence[Run], *args: Any) -> T:
    """What a query makes of several runs and these arguments; asked again when the config or the
    store of one of them has changed."""
    versions = tuple(
        (str(run.folder), *reader.stamp(run.folder / "config.json"), *reader.stamp(run.store))
        for run in runs
    )
    answer: T = _several(query, runs, _name(query), versions, args)
    return answer


@st.cache_data(max_entries=32, show_spinner=False)
def _several(
    _query: Callable[..., Any],
    _runs: Sequence[Run],
    name: str,
    versions: tuple[object, ...],
    args: tuple[Any, ...],
) -> Any:
    return _query(_runs, *args)


def images(run: Run) -> sets.Images | None:
    """The memory-mapped images of a run, by what they are, wherever they lie now; None if their
    cache is gone."""
    about = value(reader.meta, run.store)
    named = about.get("images", ""), about.get("content", "")
    pixels = _images(*named)
    if pixels is None:  # they may come back at any moment
        _images.clear(*named)
    return pixels


@st.cache_resource(max_entries=8, show_spinner=False)
def _images(key: str, content: str) -> sets.Images | None:
    return sets.find(key, content)


def thumbnails(run: Run, rows: Sequence[int]) -> list[str]:
    """Small pictures of these rows of the run's images, as addresses that hold them; [] if their
    cache is gone."""
    if images(run) is None:
        return []
    about = value(reader.meta, run.store)
    return _thumbnails((about.get("images", ""), about.get("content", "")), tuple(rows))


@st.cache_data(max_entries=8, show_spinner=False)
def _thumbnails(named: tuple[str, str], rows: tuple[int, ...]) -> list[str]:
    known = _images(*named)
    return [pictures.small(pictures.flat(known.pixels[row])) for row in rows] if known else []


@st.cache_data(max_entries=32, show_spinner=False)
def _examples(path: str, stamp: tuple[int, ...]) -> adv.Examples:
    return adv.read(Path(path))


def examples(path: Path) -> adv.Examples:
    """A file of adversarial examples."""
    stat = path.stat()
    return _examples(str(path), (stat.st_mtime_ns, stat.st_size))


def adversarial(folder: Path, split: str, idx: int) -> list[tuple[str, int]]:
    """Where a sample's adversarial images are stored: (file's name, position in it)."""
    if not folder.exists():
        return []
    return _adversarial(str(folder), folder.stat().st_mtime_ns, split, idx)


@st.cache_data(max_entries=512, show_spinner=False)
def _adversarial(folder: str, stamp: int, split: str, idx: int) -> list[tuple[str, int]]:
    return adv.find(Path(folder).parent, split, idx)
