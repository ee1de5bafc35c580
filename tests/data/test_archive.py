"""Archives that would do harm are refused before they can."""

import io
import shutil
import stat
import struct
import tarfile
import zipfile
from collections import namedtuple

import pytest

from smd.data import archive, load
from smd.errors import UserError

GB = 10**9
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def disk_of(monkeypatch):
    """Pretend that the disk has only so many bytes free."""
    return lambda free: monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(free, 0, free))


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tar.gz"])
@pytest.mark.parametrize(
    "path", ["../evil.png", "/etc/evil.png", "a/../../evil.png", "C:/evil.png", "..\\evil.png"]
)
def test_path_that_leaves_its_folder(tmp_path, picture, pack, ending, path):
    files = {"a/0.png": picture(), path: picture(), "b/0.png": picture()}
    with pytest.raises(
        UserError, match=r"own.* is refused: .*evil.png' in it has a path that leaves its folder"
    ):
        load("folder", str(pack(tmp_path / f"own{ending}", files)))
    assert not list(tmp_path.rglob("evil.png"))


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_in_a_tar(tmp_path, kind):
    with tarfile.open(tmp_path / "own.tar", "w") as tar:
        info = tarfile.TarInfo("a/0.png")
        info.type, info.linkname = kind, "/etc/passwd"
        tar.addfile(info)
    with pytest.raises(UserError, match=r"'a/0.png' in it is a link or a device"):
        load("folder", str(tmp_path / "own.tar"))


def test_link_in_a_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as zipped:
        info = zipfile.ZipInfo("a/0.png")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        zipped.writestr(info, "/etc/passwd")
    with pytest.raises(UserError, match=r"'a/0.png' in it is a link or a device"):
        load("folder", str(tmp_path / "own.zip"))


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tar.gz"])
def test_archive_that_would_fill_the_disk(tmp_path, two_classes, pack, disk_of, ending):
    place = pack(tmp_path / f"own{ending}", two_classes | {"train/cat/big.bin": bytes(10**6)})
    disk_of(10**6)
    with pytest.raises(UserError, match=r"would fill the disk: it unpacks to more than 1.0 MB"):
        load("folder", str(place))


def test_bomb_is_refused_by_its_header_alone(tmp_path):
    info = tarfile.TarInfo("train/cat/0.png")
    info.size = 100 * 2**30
    (tmp_path / "own.tar").write_bytes(info.tobuf() + bytes(1024))
    with pytest.raises(UserError, match="would fill the disk"):
        next(archive.members(tmp_path / "own.tar"))


def test_too_many_members(tmp_path, two_classes, pack, monkeypatch):
    monkeypatch.setattr(archive, "MAX_MEMBERS", 11)
    with pytest.raises(UserError, match="or 11 files"):
        load("folder", str(pack(tmp_path / "own.zip", two_classes)))


@pytest.mark.parametrize("ending", [".zip", ".tar.gz"])
def test_one_huge_file(tmp_path, two_classes, pack, monkeypatch, ending):
    place = pack(tmp_path / f"own{ending}", two_classes | {"train/cat/big.png": bytes(20_000)})
    monkeypatch.setattr(archive, "MAX_FILE", 15_000)
    with pytest.raises(UserError, match=r"'train/cat/big.png' in it is larger than 15.0 kB"):
        load("folder", str(place))


def test_zip_that_lies_about_its_size(tmp_path, two_classes, pack):
    bomb = {"train/cat/bomb.png": bytes(10**6)}
    place = pack(tmp_path / "own.zip", two_classes | bomb)
    place.write_bytes(place.read_bytes().replace(struct.pack("<L", 10**6), struct.pack("<L", 100)))
    assert max(member.size for member in archive.members(place)) < 10**6
    with pytest.raises(UserError, match=r"own.zip cannot be read"):
        load("folder", str(place))


def test_tar_header_that_claims_a_huge_next_header(tmp_path):
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 50 * GB
    (tmp_path / "own.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    with pytest.raises(UserError, match=r"a header in it claims 50.0 GB"):
        list(archive.members(tmp_path / "own.tar"))


def test_cache_that_does_not_fit(tmp_path, two_classes, lay_out, disk_of):
    folder = lay_out(tmp_path / "own", two_classes)
    disk_of(12 * 64 - 1)
    with pytest.raises(UserError, match=r"these 12 images needs 768 bytes, .* has 767 bytes free"):
        load("folder", str(folder))
    disk_of(12 * 64)
    assert len(load("folder", str(folder)).labels) == 12


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tar.gz"])
def test_broken_archive(tmp_path, two_classes, pack, ending):
    place = pack(tmp_path / f"own{ending}", two_classes)
    place.write_bytes(place.read_bytes()[:1000])
    with pytest.raises(UserError, match=r"own.* cannot be read .*make or download it again"):
        load("folder", str(place))


def test_members_read_in_order(tmp_path, pack):
    files = {"./b/1.txt": b"one", "a/2.txt": b"two"}
    for ending in (".zip", ".tar", ".tgz"):
        found = [
            (m.path, m.size, m.read())
            for m in archive.members(pack(tmp_path / f"own{ending}", files))
        ]
        assert found == [("b/1.txt", 3, b"one"), ("a/2.txt", 3, b"two")]


def test_folders_end_with_a_slash(tmp_path):
    with tarfile.open(tmp_path / "own.tar", "w") as tar:
        for name in (".", "./a"):
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE
            tar.addfile(info, io.BytesIO())
    assert [m.path for m in archive.members(tmp_path / "own.tar")] == ["a/"]
