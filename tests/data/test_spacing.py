"""The size of pixels and voxels in mm: read from headers, resampled to one, and said."""

import gzip

import numpy as np
import pytest

from smd.config import parsing, spacings
from smd.data import cached, dicom, load, nifti, resampling, spacing
from smd.data.validation import Unusable
from smd.errors import UserError

pydicom = pytest.importorskip("pydicom")
nibabel = pytest.importorskip("nibabel")

from dicom_files import BORN, NAME, made, sequence  # noqa: E402


def ball(sides: tuple[int, ...], voxel: tuple[float, ...], radius: float) -> np.ndarray:
    """A ball of 1000 in the middle of voxels (D, H, W) of that size in mm, int16; half at its
    surface."""
    axes = [(np.arange(n) - (n - 1) / 2) * side for n, side in zip(sides, voxel, strict=True)]
    squares = [axis**2 for axis in axes]
    far = np.sqrt(squares[0][:, None, None] + squares[1][:, None] + squares[2])
    return (1000 * np.clip(radius - far + 0.5, 0, 1)).astype(np.int16)


def volume_of(values: np.ndarray, voxel: tuple[float, ...]) -> float:
    """mm³ of what is above half of 1000."""
    return float((values > 500).sum() * np.prod(voxel))


def as_nifti(values: np.ndarray, voxel: tuple[float, ...], unit: str = "mm") -> bytes:
    """A .nii.gz of values (D, H, W), whose first axis is the body's last."""
    image = nibabel.Nifti1Image(values.transpose(2, 1, 0), np.diag([*voxel[::-1], 1.0]))
    image.header.set_xyzt_units(unit)
    return gzip.compress(image.to_bytes(), 1)


def slice_at(z: float, values: np.ndarray, **tags) -> bytes:
    """A slice of a series at a height in mm, of pixels of 1 x 2 mm (W x H)."""
    where = {
        "SeriesInstanceUID": "1.2.3.4",
        "ImagePositionPatient": [0, 0, z],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [2, 1],
    }
    return made(values, **(where | tags))


def frames_at(heights: list[float], values: np.ndarray, pixel=(2, 1)) -> bytes:
    """A file of frames that say in functional groups where each lies and how large pixels are."""
    shared = sequence(
        PixelMeasuresSequence=sequence(PixelSpacing=list(pixel), SliceThickness=9),
        PlaneOrientationSequence=sequence(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
    )
    own = []
    for z in heights:
        own += sequence(PlanePositionSequence=sequence(ImagePositionPatient=[0, 0, z]))
    return made(values, SharedFunctionalGroupsSequence=shared, PerFrameFunctionalGroupsSequence=own)


@pytest.mark.parametrize(
    ("has", "wanted"),
    [((2.5, 0.8, 0.8), (1, 1, 1)), ((1, 1, 1), (3, 1.7, 1.7)), ((3, 1, 2), (2,) * 3)],
)
def test_a_ball_keeps_its_volume_and_extents_change_by_half_a_voxel_at_most(has, wanted):
    sides = tuple(round(60 / side) for side in has)
    values = ball(sides, has, 22)
    new = resampling.resampled(values[None], has, wanted, "x")[0][0]
    true = 4 / 3 * np.pi * 22**3
    assert volume_of(values, has) == pytest.approx(true, rel=0.03)
    assert volume_of(new, wanted) == pytest.approx(true, rel=0.03)
    extents = zip(new.shape, wanted, sides, has, strict=True)
    assert max(abs(n * w - m * h) / w for n, w, m, h in extents) <= 0.5
    centre = np.average(np.indices(new.shape).reshape(3, -1), axis=1, weights=new.ravel())
    assert centre == pytest.approx((np.array(new.shape) - 1) / 2, abs=0.02)


@pytest.mark.parametrize("wanted", [(0.7, 0.7), (1.3, 2.9), (1, 1)])
def test_a_ramp_stays_what_it_is_inside(wanted):
    """At the places in mm where the new samples lie, also where there are fewer than before."""
    rows, columns = np.arange(40.0), np.arange(60.0)
    values = 3 * rows[:, None] + 5 * columns + 7
    new = resampling.resampled(values[None], (1, 1), wanted, "x")[0][0]
    at = [
        (np.arange(n) - (n - 1) / 2) * side + (m - 1) / 2
        for n, side, m in zip(new.shape, wanted, values.shape, strict=True)
    ]
    true, inside = 3 * at[0][:, None] + 5 * at[1] + 7, (slice(6, -6), slice(6, -6))
    assert np.abs(new - true)[inside].max() < 1e-3
    if wanted == (1, 1):
        assert np.array_equal(new, values)


def test_what_is_finer_than_the_new_samples_is_averaged_and_not_aliased():
    stripes = np.tile([0.0, 100.0], (64, 32))
    new = resampling.resampled(stripes[None], (1, 1), (2.5, 2.5), "x")[0][0]
    assert np.ptp(new[2:-2, 2:-2]) < 20
    assert new.mean() == pytest.approx(50, abs=2)


def test_headers_tell_the_size_of_voxels():
    values = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
    assert nifti.read(as_nifti(values, (3, 2, 1)), "x").spacing == (3, 2, 1)
    assert nifti.read(as_nifti(values, (3, 2, 1), "micron"), "x").spacing == (0.003, 0.002, 0.001)
    turned = nibabel.Nifti1Image(values, [[0, -2, 0, 3], [1, 0, 0, 0], [0, 0, 3, 0], [0, 0, 0, 1]])
    assert nifti.read(turned.to_bytes(), "x").spacing == (3, 1, 2)
    assert dicom.read(slice_at(0, values[0]), "x").spacing == (2, 1)
    scan = dicom.read(made(values[0], ImagerPixelSpacing=[0.2, 0.1]), "x")
    assert (scan.spacing, scan.notes) == ((0.2, 0.1), (dicom.dicom_geometry.DETECTOR,))
    scan = dicom.read(frames_at([6, 4, 2, 0], values), "x")
    assert (scan.spacing, scan.along) == ((2, 2, 1), ())
    scan = dicom.read(frames_at([0, 2, 4, 8], values), "x")
    assert (scan.spacing, scan.along) == ((2, 2, 1), (0, 2, 4, 8))
    assert dicom.read(frames_at([0, 2, 0, 2], values), "x").spacing is None
    scan = dicom.read(made(values, PixelSpacing=[2, 1], SpacingBetweenSlices=-4), "x")
    assert scan.spacing == (4, 2, 1)
    for tags in ({"PixelSpacing": [2, 1], "SliceThickness": 3}, {}):
        assert dicom.read(made(values, **tags), "x").spacing is None


def balls(kind: str, voxels: list[tuple[float, ...]]) -> dict[str, bytes]:
    """A file of each class for each size of voxels, 30 mm a side."""
    files = {}
    for name, radius in (("large", 10), ("small", 6)):
        for k, voxel in enumerate(voxels):
            values = ball(tuple(round(30 / side) for side in voxel), voxel, radius)
            if kind == "nifti":
                files[f"{name}/{k}.nii.gz"] = as_nifti(values, voxel)
                continue
            heights = [z * voxel[0] for z in range(len(values))]
            files[f"{name}/{k}.dcm"] = frames_at(heights, values, list(voxel[1:]))
    return files


@pytest.mark.parametrize("kind", ["nifti", "dicom"])
def test_scans_of_different_voxels_are_warned_of_and_resampled(tmp_path, lay_out, kind):
    source = str(lay_out(tmp_path / "own", balls(kind, [(1, 1, 1), (3, 1, 1), (3, 1.5, 1)])))
    more = {"intensity": "window:0..1000"}
    asis = load("folder", source, image_size=16, **more)
    assert asis.spacing is None
    assert asis.cautions == (
        "4 of 6 volumes have voxels of another size than 1 x 1 x 3 mm; they have from 1 x 1 x 1 mm"
        " to 1 x 1.5 x 3 mm. The same thing takes more voxels in one than in another: --spacing 1"
        " (on the Train page: 'Spacing') resamples all alike.",
    )
    images = load("folder", source, spacing="1.5", **more)
    assert (images.shape, images.spacing) == ((1, 20, 20, 20), (1.5, 1.5, 1.5))
    assert (images.cautions, cached(images.key).spacing) == ((), (1.5, 1.5, 1.5))
    assert images.notes[0] == (
        "6 volumes were resampled to 1.5 x 1.5 x 1.5 mm; the files have from 1 x 1 x 1 mm to 1 x"
        " 1.5 x 3 mm."
    )
    for row, label in enumerate(images.labels):
        true = 4 / 3 * np.pi * (10, 6)[label] ** 3
        assert volume_of(images.pixels[row] / 0.255, images.spacing) == pytest.approx(true, rel=0.1)
    cut = load("folder", source, image_size=12, spacing="1,1,3", **more)
    assert (cut.shape, cut.spacing) == ((1, 12, 12, 12), (3, 1, 1))
    assert cut.notes[-2:] == (f"6 of 6 {resampling.CUT}.", f"6 of 6 {resampling.FILLED}.")
    assert cut.pixels[0, 0, 1:-1, 6, 6].tolist()[3:7] == [255] * 4  # it was 10 slices of 3 mm
    assert len({asis.key, images.key, cut.key}) == 3


def test_slices_that_lack_are_filled_in_where_scans_are_resampled(tmp_path, lay_out):
    plane = np.full((8, 8), 100, np.int16)
    files = {f"{n}/s/{z}.dcm": slice_at(z, (z + 1) * plane) for n in "ab" for z in (0, 1, 2, 5)}
    source = str(lay_out(tmp_path / "own", files))
    images = load("folder", source, volumes=True, spacing="1,2,1", intensity="window:0..600")
    assert images.pixels[0, 0, :, 4, 4].tolist() == [42, 85, 128, 170, 212, 255]
    assert images.cautions == (
        "2 of 2 volumes have slices that are not evenly spaced: 4 slices seem to be missing;"
        " between their neighbours values are interpolated.",
    )


def test_copies_and_localizers_are_left_out_and_counted(tmp_path, lay_out):
    plane = np.arange(64, dtype=np.int16).reshape(8, 8)
    files = {f"{n}/s/{z}.dcm": slice_at(z, plane + z) for n in "ab" for z in range(3)}
    files["a/s/copy.dcm"] = slice_at(1, plane + 1)
    overview = {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"], "SeriesInstanceUID": "9.8.7.6"}
    overview["SeriesDescription"] = NAME
    files["b/s/scout.dcm"] = slice_at(0, plane[:4], **overview)
    images = load("folder", str(lay_out(tmp_path / "own", files)), volumes=True)
    assert images.shape == (1, 3, 8, 8)
    assert np.array_equal(images.pixels[0], images.pixels[1])
    assert images.notes[-2:] == (
        "1 of 2 volumes had localizers beside their slices: these are left out.",
        "1 of 2 volumes had slices twice, at the same place with the same values: one is used.",
    )
    load("folder", str(tmp_path / "own"), volumes=True, spacing="2")
    kept = b"".join(file.read_bytes() for file in (tmp_path / "cache").rglob("*") if file.is_file())
    assert kept
    assert not [word for word in (NAME, BORN, "1.2.3.4", "9.8.7.6") if word.encode() in kept]


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({}, r"'a/0.dcm' does not say how large its pixels are.*in the same way"),
        ({"PixelSpacing": [0, 1]}, "does not say how large"),
        (
            {"PixelSpacing": [60, 60]},
            "would have 9600x9600 pixels of 0.05 x 0.05 mm, more than 512",
        ),
    ],
)
def test_what_cannot_be_resampled_is_said_once(tmp_path, lay_out, tags, words):
    files = {f"{n}/0.dcm": made(np.zeros((8, 8), np.int16), **tags) for n in "ab"}
    with pytest.raises(Unusable, match=words):
        load("folder", str(lay_out(tmp_path / "own", files)), spacing="0.05")


def test_volumes_have_three_sides_and_pictures_none(tmp_path, lay_out, two_classes):
    source = str(lay_out(tmp_path / "own", balls("nifti", [(3, 3, 3)])))
    with pytest.raises(UserError, match=r"has 2 numbers, and 'large/0\.nii\.gz' is a volume"):
        load("folder", source, spacing="1,2")
    pictures = str(lay_out(tmp_path / "pictures", two_classes))
    with pytest.raises(UserError, match="is no DICOM or NIfTI file, so nothing tells"):
        load("folder", pictures, spacing="1")
    np.savez(tmp_path / "own.npz", images=np.zeros((4, 8, 8), np.uint8), labels=[0, 1, 0, 1])
    with pytest.raises(UserError, match="a file of arrays, which tells no size of pixels"):
        load("folder", str(tmp_path / "own.npz"), spacing="1")


@pytest.mark.parametrize("text", ["0", "1,2,3,4", "-1", "1e3", "nan", "1;2", "1,", "٣", "5000"])
def test_spacings_that_are_none(text):
    assert len(parsing.problems(spacings.parse, text)) == 1
    assert parsing.problems(spacings.parse, "0.7,0.7, 2.5") == []


@pytest.mark.parametrize("kept", [None, 1, "ab", [1], [1, 0], [1, "x"], [1, 2, float("nan")], {}])
def test_a_size_that_was_kept_by_others_is_read_with_care(kept):
    assert spacing.read(kept) is None
    assert spacing.read([1, 2.5]) == (1, 2.5)
