"""Own images by upload: what the server takes, where it goes, and how the page goes on from it."""

import asyncio
import io
import os
import zipfile
from pathlib import Path

import pytest
from paging import open_page, words
from PIL import Image

from app.server import upload
from smd.data import apart, disk, load, uploading, uploads
from smd.errors import UserError
from smd.files import leftovers
from smd.runs import folders

SESSION, FILE = "s-1", "f-1"
ROUTE = f"/_stcore/upload_file/{SESSION}/{FILE}"


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    """A data folder of this test's own, with uploads of at most 2 MiB, and room for them."""
    monkeypatch.setenv("SMD_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SMD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SMD_UPLOAD", "2MiB")
    monkeypatch.setattr(disk, "free", lambda folder=None: 10**12)
    uploads.limit.cache_clear()
    yield tmp_path / "data"
    uploads.limit.cache_clear()


def archive(n=12, **also):
    """A .zip of n images of each of two classes, and of other files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for k in range(2 * n):
            png = io.BytesIO()
            Image.effect_noise((12, 12), 90 + k).save(png, "PNG")
            packed.writestr(f"{'ab'[k % 2]}/{k:03}.png", png.getvalue())
        for name, content in also.items():
            packed.writestr(name, content)
    return out.getvalue()


def form(content, name="Moles 2024.zip", boundary=b"xyz"):
    head = f'Content-Disposition: form-data; name="f"; filename="{name}"'.encode()
    return b"\r\n".join([b"--" + boundary, head, b"", content, b"--" + boundary + b"--", b""])


def put(body, path=ROUTE, piece=1000, broken_off=False, told=None, status=204):
    """Send it through the layer: (status that the browser sees, the outcome, what was read)."""
    pieces = [body[k : k + piece] for k in range(0, len(body), piece)]
    given, sent, inner = iter(pieces[: len(pieces) // 2] if broken_off else pieces), [], []

    async def receive():
        data = next(given, None)
        if data is None:
            return {"type": "http.disconnect"}
        more = broken_off or data is not pieces[-1]
        return {"type": "http.request", "body": data, "more_body": more}

    async def streamlit(scope, receive, send):
        inner.append((await receive())["body"])
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message):
        sent.append(message)

    length = str(len(body) if told is None else told).encode()
    headers = [(b"content-type", b"multipart/form-data; boundary=xyz"), (b"content-length", length)]
    scope = {"type": "http", "method": "PUT", "path": path, "headers": headers}
    asyncio.run(upload.Uploads(streamlit)(scope, receive, send))
    return sent[0]["status"], upload.outcome(SESSION, FILE), inner


@pytest.fixture
def allowed():
    upload.allow(SESSION, upload.Permit(uploading.Incoming, uploads.limit()))
    yield
    upload._permits.clear()


def left(data):
    """All that lies in the folder of uploads."""
    return sorted(path.name for path in (data / "uploads").glob("*"))


def test_an_upload_gets_a_name_of_its_own_and_is_kept_once(data, allowed):
    content = archive()
    status, came, inner = put(form(content, "../../etc/M\u00f6les (2024).ZIP"))
    assert (status, came.error) == (204, "")
    (name,) = left(data)
    assert uploads.NAME.fullmatch(name) and name.startswith("moles-2024-")
    assert came.path == str(data / "uploads" / name)
    assert (data / "uploads" / name).read_bytes() == content
    assert inner == [upload.STAND_IN]  # what Streamlit keeps in memory
    _, again, _ = put(form(content, "other.zip"), piece=10**6)
    assert again == came
    assert left(data) == [name]


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"words", "notes.txt", "pack your images into one"),
        (b"no archive", "images.zip", "cannot be read"),
        (archive(0, notes="words"), "images.zip", "There is no image in it"),
        (archive(2, **{"../out.png": b""}), "images.zip", "leaves its folder"),
        (b"PK no arrays", "images.npz", ""),
        (bytes(2**21 + 1), "images.zip", "larger than 2.0 MiB"),
        (b"", "images.tar.gz", ""),
    ],
)
def test_what_is_no_set_of_images_is_refused_in_a_sentence_and_gone(
    content, name, sentence, data, allowed
):
    status, came, _ = put(form(content, name))
    assert status == 204 and came.path == ""
    assert sentence in came.error and came.error.count(str(data)) == 0
    assert left(data) == []


def test_only_pages_that_may_upload_get_a_byte_to_the_disk(data, allowed):
    body = form(archive())
    assert put(body, ROUTE.replace(SESSION, "s-2"))[0] == 403
    assert put(body, told=3 * 2**20)[0] == 403  # too large, as the browser says itself
    assert put(body, status=400)[:2] == (400, None)  # Streamlit's own checks come first
    assert put(b"no form at all")[1].error
    assert not (data / "uploads").exists()


def test_what_breaks_off_is_taken_away(data, allowed):
    assert put(form(archive()), broken_off=True)[:2] == (403, None)
    assert left(data) == []


@pytest.mark.parametrize("first", [10**12, 0])
def test_a_disk_that_is_nearly_full_takes_nothing(first, data, allowed, monkeypatch):
    """Before the first byte, or on the way."""
    free = iter([first])
    monkeypatch.setattr(disk, "free", lambda folder=None: next(free, uploads.RESERVE - 1))
    monkeypatch.setattr(uploading, "CHECKED", 1000)
    assert "Make room" in put(form(archive()))[1].error
    assert left(data) == []


def test_of_unused_uploads_old_ones_go_and_others_stay(data, allowed):
    paths = [put(form(archive(n), f"set{n}.zip"))[1].path for n in range(2, 7)]
    started, of_a_run, looked_at, _unused, new = paths
    for path in paths[:-1]:
        os.utime(path, (0, 0))
    uploads.keep(started)
    uploads.looked_at(looked_at)
    dead = data / "uploads" / ".upload-abcd1234"
    dead.mkdir()
    (dead / leftovers.LOCK).touch()
    uploads.sweep({of_a_run})
    assert {str(each.path) for each in uploads.listed()} == {started, of_a_run, looked_at, new}
    assert not dead.exists()
    assert Path(looked_at).stat().st_mtime == 0  # an import of it is still known
    with pytest.raises(UserError, match="A run has its images"):
        uploads.remove(Path(of_a_run).name, {of_a_run})
    uploads.remove(Path(new).name, {of_a_run})
    assert new not in {str(each.path) for each in uploads.listed()}


@pytest.mark.parametrize(("given", "size"), [("0", 0), ("", 2**30), ("1500kB", 2**20)])
def test_the_limit_is_one_setting(given, size, monkeypatch):
    monkeypatch.setenv("SMD_UPLOAD", given)
    uploads.limit.cache_clear()
    assert uploads.limit() == size
    monkeypatch.setenv("SMD_UPLOAD", "much")
    uploads.limit.cache_clear()
    with pytest.raises(UserError, match="SMD_UPLOAD is 'much'"):
        uploads.limit()


def own():
    app = open_page("train")
    app.selectbox(key="train-data").set_value("folder").run()
    return app


def test_the_page_goes_on_with_what_was_uploaded(data, allowed, monkeypatch):
    # in this process: one of its own is waited for in the browser
    monkeypatch.setattr(apart, "load", lambda tell, **given: load("folder", **given).key)
    came = put(form(archive(30)))[1]
    app = own()
    (field,) = app.file_uploader
    assert "up to 2.0 MiB" in field.label
    monkeypatch.setattr(upload, "outcome", lambda session, file: came)
    field.set_value(("in.zip", b"", "application/zip")).run()
    assert not app.exception
    assert app.text_input(key="train-path").value == came.path
    assert "**60** images of 2 classes" in words(app)  # it was looked at at once
    assert f"--path {came.path}" in " ".join(code.value for code in app.code)
    app.button(key="train").click().run()
    (run,) = folders.all_runs()
    assert run.config.data_path == came.path
    (there,) = uploads.listed()
    assert there.kept
    assert "own-look-again" not in app.session_state  # other images are not looked at unasked
    again = own()  # another tab, another day
    again.selectbox(key="train-path-before").set_value(there.path.name).run()
    again.button(key="train-path-delete").click().run()
    assert "A run has its images" in words(again) and uploads.listed()
    again.button(key="train-path-take").click().run()
    assert again.text_input(key="train-path").value == came.path


def test_a_refusal_is_told_and_without_uploads_nothing_is_said_of_them(data, monkeypatch):
    app = own()
    monkeypatch.setattr(upload, "outcome", lambda *_: upload.Outcome(error="There is no image."))
    app.file_uploader[0].set_value(("in.zip", b"", "application/zip")).run()
    assert "There is no image." in words(app)
    assert app.text_input(key="train-path").value == ""
    app.text_input(key="train-path").set_value(str(data)).run()
    assert "There is no image." not in words(app)
    monkeypatch.setenv("SMD_UPLOAD", "0")
    uploads.limit.cache_clear()
    assert not own().file_uploader
