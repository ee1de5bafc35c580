"""Archives that are cut off, damaged or odd: one sentence, and never a part taken for the whole."""

import contextlib
import gzip
import io
import struct
import tarfile
import zipfile

import making_images as making
import pytest

from smd.data import archive
from smd.errors import UserError


def tar(n=5, **more) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", **more) as opened:
        for k in range(n):
            info, data = tarfile.TarInfo(f"a/{k}.png"), making.picture(k)
            info.size = len(data)
            opened.addfile(info, io.BytesIO(data))
    return out.getvalue()


def listed(place, content):
    place.write_bytes(content)
    return [(member.path, len(member.read())) for member in archive.members(place)]


def last(whole: bytes) -> int:
    """Where the last file of a .tar ends, its filling included."""
    return len(whole.rstrip(b"\0")) + -len(whole.rstrip(b"\0")) % 512


@pytest.mark.parametrize("ending", [".tar", ".tar.gz", ".tgz"])
def test_a_tar_that_is_cut_off_anywhere_is_refused(tmp_path, ending):
    whole = tar()
    packed = gzip.compress if ending != ".tar" else bytes
    assert len(listed(tmp_path / f"whole{ending}", packed(whole))) == 5
    for cut in [*range(1, last(whole), 97), *range(512, last(whole) + 1, 512)]:
        with pytest.raises(UserError, match=r"own.* (cannot be read|is damaged or cut off)"):
            listed(tmp_path / f"own{ending}", packed(whole[:cut]))


def test_a_tar_with_the_least_of_an_end_is_whole(tmp_path):
    whole = tar()
    assert len(listed(tmp_path / "own.tar", whole[: last(whole) + 512])) == 5


def test_a_header_in_the_middle_that_is_damaged_is_not_taken_for_the_end(tmp_path):
    whole = bytearray(tar())
    at = whole.index(b"a/2.png")
    whole[at + 148] ^= 1  # its sum
    with pytest.raises(UserError, match="is damaged or cut off"):
        listed(tmp_path / "own.tar", bytes(whole))


def test_a_packed_tar_is_checked_as_a_whole(tmp_path):
    whole = bytearray(gzip.compress(tar()))
    whole[-8] ^= 1  # the sum of all that is in it
    with pytest.raises(UserError, match=r"cannot be read \(CRC check failed"):
        listed(tmp_path / "own.tar.gz", bytes(whole))


def pax(name, **headers) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as opened:
        info = tarfile.TarInfo(name)
        info.pax_headers = headers
        opened.addfile(info)
    return out.getvalue()


@pytest.mark.parametrize(
    "headers",
    [
        {"GNU.sparse.map": "a,b"},
        {"GNU.sparse.map": "0,0", "size": "-5000"},
        {"size": "-5000"},
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"},
        {"GNU.sparse.size": "x"},
        {"mtime": "never"},
    ],
)
def test_headers_that_make_no_sense_get_one_sentence(tmp_path, headers):
    try:
        listed(tmp_path / "own.tar", pax("a/0.png", **headers))
    except UserError as error:
        assert "own.tar" in str(error) and "\n" not in str(error)


def zipped(kind=zipfile.ZIP_DEFLATED, name="a/0.png") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as opened:
        opened.writestr(name, making.picture(0) * 20)
    return out.getvalue()


@pytest.mark.parametrize(
    "kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_STORED]
)
def test_a_zip_with_any_byte_changed_is_read_or_gets_one_sentence(tmp_path, kind):
    whole = zipped(kind)
    for at in range(0, len(whole), max(1, len(whole) // 80)):
        for flip in (1, 0xFF):
            broken = bytearray(whole)
            broken[at] ^= flip
            try:
                listed(tmp_path / "own.zip", bytes(broken))
            except UserError as error:
                assert str(error).isprintable()


def test_a_name_that_is_no_text_gets_one_sentence(tmp_path):
    whole = zipped(name="a/é.png").replace("é".encode(), b"\xff\xfe")
    with pytest.raises(UserError, match=r"own.zip cannot be read"):
        listed(tmp_path / "own.zip", whole)


def test_lzma_that_is_broken_gets_one_sentence(tmp_path):
    whole = bytearray(zipped(zipfile.ZIP_LZMA))
    at = 30 + struct.unpack_from("<H", whole, 26)[0]
    whole[at + 4 : at + 9] = b"\xff" * 5
    with pytest.raises(UserError, match=r"own.zip cannot be read"):
        listed(tmp_path / "own.zip", bytes(whole))


@pytest.mark.parametrize("other", ["a/x.png", "a\\x.png", "./a/x.png", "a//x.png"])
def test_two_files_of_one_path_are_refused(tmp_path, other):
    place = tmp_path / "own.zip"
    with zipfile.ZipFile(place, "w") as opened:
        opened.writestr("a/", b"")
        opened.writestr("a/x.png", b"1")
        with pytest.warns(UserWarning) if other == "a/x.png" else contextlib.nullcontext():
            opened.writestr(other, b"2")
    with pytest.raises(UserError, match=r"'a/x.png' in it is there twice"):
        list(archive.members(place))


def test_two_files_of_one_path_in_a_tar_are_refused_but_folders_may_be_there_again(tmp_path):
    with tarfile.open(tmp_path / "own.tar", "w") as opened:
        for name, kind in (("a", tarfile.DIRTYPE), ("./a", tarfile.DIRTYPE), ("a/x", b"0")):
            info = tarfile.TarInfo(name)
            info.type = kind
            opened.addfile(info)
    assert [m.path for m in archive.members(tmp_path / "own.tar")] == ["a/", "a/", "a/x"]
    with tarfile.open(tmp_path / "own.tar", "a") as opened:
        opened.addfile(tarfile.TarInfo("./a/x"))
    with pytest.raises(UserError, match=r"'a/x' in it is there twice"):
        list(archive.members(tmp_path / "own.tar"))


def test_a_broken_image_in_a_zip_can_be_left_out(tmp_path):
    from smd.data import load

    files = {f"{c}/{k}.png": making.picture(10 * k + (c == "b")) for c in "ab" for k in range(6)}
    place = tmp_path / "own.zip"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_LZMA) as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    whole = bytearray(place.read_bytes())
    at = 30 + struct.unpack_from("<H", whole, 26)[0]
    whole[at + 4 : at + 9] = b"\xff" * 5
    place.write_bytes(whole)
    with pytest.raises(UserError, match="--skip-broken"):
        load("folder", str(place))
    assert len(load("folder", str(place), skip_broken=True).labels) == 11
