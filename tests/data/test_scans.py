"""Files of scanners: DICOM, NIfTI, and images of more than 8 bits."""

import gzip
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from smd.data import dicom, load, nifti, suited_net
from smd.data.request import Request
from smd.data.validation import Unusable
from smd.errors import UserError

pydicom = pytest.importorskip("pydicom")
nibabel = pytest.importorskip("nibabel")

from dicom_files import BORN, NAME, PLAIN, made, placed  # noqa: E402


def noise(seed: int, *shape: int, high: int = 2000, dtype=np.int16) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, high, shape).astype(dtype)


def ct(seed: int, **tags) -> bytes:
    scale = {"Modality": "CT", "RescaleSlope": 1, "RescaleIntercept": -1024}
    return made(noise(seed, 8, 8), **(scale | tags))


def packed(values: np.ndarray, affine=None) -> bytes:
    """A .nii.gz of an array (X, Y, Z)."""
    image = nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine)
    return gzip.compress(image.to_bytes(), 1)


def sample(name: str) -> bytes:
    return (Path(pydicom.__file__).parent / "data" / "test_files" / name).read_bytes()


def in_hu(images) -> np.ndarray:
    known = images.intensity
    return images.pixels / 255 * (known.high - known.low) + known.low


def test_real_files_have_the_values_that_pydicom_reads():
    scan = dicom.read(sample("CT_small.dcm"), "x")
    stored = pydicom.dcmread(io.BytesIO(sample("CT_small.dcm"))).pixel_array
    assert np.array_equal(scan.values[0], stored.astype(np.float32) - 1024)
    assert scan.unit == "HU"
    mr = dicom.read(sample("MR_small.dcm"), "x")
    assert (mr.unit, mr.window) == ("", (-200.0, 1400.0))
    for other in ("MR_small_RLE.dcm", "MR_small_bigendian.dcm", "MR_small_jp2klossless.dcm"):
        assert np.array_equal(dicom.read(sample(other), "x").values, mr.values)
    assert dicom.read(sample("rtdose.dcm"), "x").values.shape == (1, 15, 10, 10)
    assert dicom.read(sample("examples_palette.dcm"), "x").values.shape == (3, 350, 800)
    assert dicom.sides(sample("rtdose.dcm"), "x") == (15, 10, 10)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("MR_small_jpeg_ls_lossless.dcm", "JPEG-LS.*pip install pylibjpeg"),
        ("image_dfl.dcm", "deflated"),
        ("MR_truncated.dcm", "cannot be read"),
        ("rtplan.dcm", "without an image"),
        ("no_meta.dcm", "no DICOM file"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(name, words):
    with pytest.raises(UserError, match=f"'odd.dcm'.*{words}"):
        dicom.read(sample(name), "odd.dcm")


def test_a_file_that_claims_more_than_it_may_or_holds_more_than_it_claims_is_refused():
    with pytest.raises(UserError, match=r"'x' claims 1x65535x65535x1 values"):
        dicom.read(made(noise(0, 8, 8), Rows=65535, Columns=65535), "x")
    with pytest.raises(UserError, match="more than the pixels that it claims"):
        dicom.read(made(np.zeros((1024, 1024), np.int16), Rows=8, Columns=8), "x")
    with pytest.raises(UserError, match="claims 20,000 frames"):
        dicom.read(made(np.zeros((20000, 1, 1), np.uint8)), "x")


@pytest.mark.parametrize(
    ("tags", "unit"),
    [
        ({}, "HU"),
        ({"RescaleType": "US"}, ""),
        ({"Modality": "PT"}, ""),
    ],
)
def test_hounsfield_units_are_those_of_a_ct_that_does_not_say_otherwise(tags, unit):
    assert dicom.read(ct(0, **tags), "x").unit == unit


def test_frames_have_scales_of_their_own():
    from pydicom.dataset import Dataset

    frames = []
    for slope in (1, 3):
        frame, scale = Dataset(), Dataset()
        scale.RescaleSlope, scale.RescaleIntercept = slope, -5
        frame.PixelValueTransformationSequence = [scale]
        frames.append(frame)
    values = noise(0, 2, 4, 4)
    scan = dicom.read(made(values, PerFrameFunctionalGroupsSequence=frames), "x")
    assert np.array_equal(scan.values[0], np.stack([values[0] - 5, 3 * values[1].astype(int) - 5]))


def test_monochrome1_is_inverted_and_padding_takes_the_lowest_of_the_rest():
    values = np.array([[0, 100], [4095, 5]], np.uint16)
    scan = dicom.read(made(values, PhotometricInterpretation="MONOCHROME1", BitsStored=12), "x")
    assert scan.values[0].tolist() == [[4095, 3995], [0, 4090]]
    assert scan.notes == (dicom.INVERTED,)
    scan = dicom.read(made(values, PixelPaddingValue=0, RescaleSlope=2, RescaleIntercept=1), "x")
    assert scan.values[0].tolist() == [[11, 201], [8191, 11]]
    assert scan.notes == (dicom.PADDED,)


def test_bytes_without_units_stay_as_they_are(tmp_path, lay_out):
    values = noise(0, 8, 8, high=256, dtype=np.uint8)
    files = {f"{name}/0.dcm": made(values) for name in "ab"}
    images = load("folder", str(lay_out(tmp_path / "own", files)))
    assert np.array_equal(images.pixels[0, 0], values)
    assert images.intensity is None


def test_a_window_in_hounsfield_units_is_one_for_the_set(tmp_path, lay_out):
    files = {f"{name}/{i}.dcm": ct(10 * i + (name == "a")) for name in "ab" for i in range(3)}
    source = str(lay_out(tmp_path / "own", files))
    images = load("folder", source, intensity="window:-160..240")
    assert images.intensity.json == {"low": -160, "high": 240, "unit": "HU"}
    stored = noise(1, 8, 8).astype(float) - 1024
    assert np.abs(in_hu(images)[0, 0] - np.clip(stored, -160, 240)).max() <= 200 / 255
    outside = np.mean([np.mean((v < -160) | (v > 240)) for v in _hu(files)])
    assert images.notes[0] == (
        f"Intensities from -160 to 240 HU become 0 to 1; {100 * outside:.1f} % of pixels lie"
        " outside and are cut."
    )
    usual = load("folder", source)
    assert usual.key != images.key
    low, high = np.percentile(_hu(files), (0.5, 99.5))
    assert (usual.intensity.low, usual.intensity.high) == pytest.approx((low, high))
    assert "percentiles 0.5 and 99.5 of all images" in usual.notes[0]


def _hu(files) -> np.ndarray:
    return np.stack([dicom.read(data, "x").values for data in files.values()])


def test_bounds_are_found_on_training_images_alone(tmp_path, lay_out):
    files = {
        f"{part}/{name}/0.dcm": made(noise(1, 8, 8, high=high))
        for part, high in (("train", 100), ("test", 9000))
        for name in "ab"
    }
    source = str(lay_out(tmp_path / "own", files))
    images = load("folder", source, intensity="range")
    stored = noise(1, 8, 8, high=100)
    assert (images.intensity.low, images.intensity.high) == (stored.min(), stored.max())
    assert "smallest and the largest value of the training images" in images.notes[0]
    assert (images.pixels[-1] == 255).mean() > 0.9


def test_the_window_of_the_files_is_taken_where_it_is_one(tmp_path, lay_out):
    files = {f"{name}/0.dcm": ct(0, WindowCenter=40, WindowWidth=400) for name in "ab"}
    source = lay_out(tmp_path / "own", files)
    images = load("folder", str(source), intensity="voi")
    assert (images.intensity.low, images.intensity.high) == (-160, 240)
    lay_out(source, {"b/1.dcm": ct(1, WindowCenter=50, WindowWidth=400)})
    with pytest.raises(UserError, match=r"name more than one window.*--intensity"):
        load("folder", str(source), intensity="voi")


def test_nothing_of_a_header_is_kept_or_told(tmp_path, lay_out, capfd):
    """Not even where a package would warn of it or quote it."""
    good = {f"{name}/{i}.dcm": ct(i) for name in "ab" for i in range(2)}
    odd = placed(3, 9, "1.2.3").replace(b"1.2.3\0", b"Plante")
    broken = ct(4)[:-100] + NAME.encode()
    source = lay_out(tmp_path / "own", good | {"a/odd.dcm": odd, "b/broken.dcm": broken})
    with pytest.raises(Unusable) as caught:
        load("folder", str(source))
    images = load("folder", str(source), skip_broken=True)
    kept = [file.read_bytes() for file in (tmp_path / "cache").rglob("*") if file.is_file()]
    told = [str(caught.value), *images.notes, *capfd.readouterr()]
    assert any(b"broken.dcm" in content for content in kept)
    for word in ("Plante", BORN):
        assert not [content for content in kept if word.encode() in content]
        assert not [text for text in told if word in text]
    assert set(json.loads((tmp_path / "cache" / images.key / "meta.json").read_text())) == {
        *("schema", "name", "classes", "fingerprint", "notes", "intensity")
    }


def test_a_way_of_compression_that_nobody_knows_is_not_quoted():
    data = made(noise(0, 8, 8)).replace(PLAIN.encode(), f"1.2.{BORN}.7.8.90".encode(), 1)
    with pytest.raises(UserError, match="in an unknown way, which cannot be read") as caught:
        dicom.read(data, "x")
    assert BORN not in str(caught.value)


def test_files_without_an_ending_are_known_by_their_names(tmp_path, lay_out):
    files = {f"{name}/{file}": ct(1) for name in "ab" for file in ("IM0001", "1.2.840.113619.2.5")}
    source = lay_out(tmp_path / "own", files | {"a/README": b"hello"})
    assert len(load("folder", str(source)).labels) == 4
    assert suited_net(Request(str(source))) == "small-cnn"
    lay_out(source, {"a/2": b"no image"})
    with pytest.raises(UserError, match="'a/2' is no DICOM file"):
        load("folder", str(source))


@pytest.mark.parametrize("ending", ["", ".zip"])
def test_folders_of_slices_become_volumes_sorted_by_where_they_lie(tmp_path, lay_out, pack, ending):
    heights = {"x": 2.5, "y": 0.0, "z": 5.0}
    files = {
        f"{name}/one/{file}.dcm": placed(z, int(10 * z))
        for name in "ab"
        for file, z in heights.items()
    }
    place = tmp_path / f"own{ending}"
    source = str(pack(place, files) if ending else lay_out(place, files))
    assert len(load("folder", source).labels) == 6
    images = load("folder", source, intensity="window:0..50", volumes=True)
    assert images.shape == (1, 3, 8, 8)
    assert images.pixels[0, 0, :, 0, 0].tolist() == [0, 128, 255]
    assert suited_net(Request(source, volumes=True)) == "volume-cnn"
    cubes = load("folder", source, image_size=4, intensity="window:0..50", volumes=True)
    assert cubes.shape == (1, 4, 4, 4)


SERIES = {
    "two series": ([placed(0, 1), placed(1, 1, "9.9")], "several series"),
    "one place twice": ([placed(0, 1), placed(0, 2)], "two slices at the same place"),
    "nowhere": ([made(noise(0, 8, 8)), placed(0, 1)], "do not say where they lie"),
    "alone": ([placed(0, 1)], "no slices of a volume"),
    "turned": (
        [placed(0, 1), placed(1, 1, ImageOrientationPatient=[0, 1, 0, 0, 0, 1])],
        "not parallel",
    ),
}


@pytest.mark.parametrize("case", SERIES)
def test_slices_that_are_no_volume_are_refused(tmp_path, lay_out, case):
    slices, words = SERIES[case]
    files = {f"b/one/{i}.dcm": data for i, data in enumerate(slices)}
    files |= {f"a/one/{i}.dcm": placed(i, i) for i in range(2)}
    with pytest.raises(UserError, match=f"'b/one' (holds )?.*{words}"):
        load("folder", str(lay_out(tmp_path / "own", files)), volumes=True)


def test_volumes_are_made_of_dicom_files_alone(tmp_path, lay_out, two_classes):
    with pytest.raises(UserError, match="no DICOM file: --volumes"):
        load("folder", str(lay_out(tmp_path / "own", two_classes)), volumes=True)


def test_a_missing_slice_is_told(tmp_path, lay_out):
    files = {f"{name}/one/{z}.dcm": placed(z, z) for name in "ab" for z in (0, 1, 3)}
    images = load("folder", str(lay_out(tmp_path / "own", files)), volumes=True)
    assert images.cautions == (
        "2 of 2 volumes have slices that are not evenly spaced: 2 slices seem to be missing.",
    )


def test_nifti_is_turned_to_the_body_and_scaled(tmp_path, lay_out):
    values = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
    plain = nifti.read(packed(values), "x")
    assert plain.values.shape == (1, 6, 5, 4)
    assert plain.values[0, 0, 0, 0] == values[3, 4, 0]  # lowest slice, front, the patient's right
    turned = packed(
        values[::-1].transpose(1, 0, 2), [[0, -1, 0, 3], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    )
    assert np.array_equal(nifti.read(turned, "x").values, plain.values)
    assert nifti.sides(turned, "x") == (6, 5, 4)
    image = nibabel.Nifti1Image(values, np.eye(4))
    image.header.set_slope_inter(2, -100)
    raw = nibabel.Nifti1Image.from_bytes(image.to_bytes())
    scaled = nifti.read(raw.to_bytes(), "x").values
    assert scaled.min() == pytest.approx(np.asarray(raw.dataobj).min())


def test_nifti_sets_are_volumes_of_any_depth_or_slices(tmp_path, lay_out):
    files = {f"{name}/{i}.nii.gz": packed(noise(i, 8, 8, 6 + i)) for name in "ab" for i in range(2)}
    source = str(lay_out(tmp_path / "own", files))
    with pytest.raises(UserError, match="same depth, or an image size"):
        load("folder", source)
    images = load("folder", source, image_size=4)
    assert images.shape == (1, 4, 4, 4)
    assert suited_net(Request(source)) == "volume-cnn"
    flat = lay_out(tmp_path / "flat", {f"{n}/0.nii": packed(noise(0, 8, 8, 1)) for n in "ab"})
    assert load("folder", str(flat)).shape == (1, 8, 8)


def test_nifti_that_lies_or_unpacks_to_anything_is_refused():
    header = nibabel.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.eye(4))
    short = bytearray(header.to_bytes())
    short[42:48] = np.array([30000, 30000, 30000], "<i2").tobytes()
    with pytest.raises(UserError, match="claims 30000x30000x30000"):
        nifti.read(bytes(short), "x")
    bomb = gzip.compress(header.to_bytes() + bytes(10**7), 9)
    assert nifti.read(bomb, "x").values.shape == (1, 2, 2, 2)  # the rest is never unpacked
    with pytest.raises(UserError, match="cannot be read as NIfTI"):
        nifti.read(packed(noise(0, 8, 8, 8))[:-300], "x")
    with pytest.raises(UserError, match="no NIfTI"):
        nifti.read(gzip.compress(b"x" * 1000), "x")
    with pytest.raises(UserError, match="several volumes"):
        nifti.read(packed(noise(0, 2, 2, 2, 3)), "x")
    with pytest.raises(UserError, match="not finite"):
        nifti.read(packed(np.full((2, 2, 2), np.nan, np.float32)), "x")


def encoded(values: np.ndarray, kind: str) -> bytes:
    out = io.BytesIO()
    Image.fromarray(values).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [("PNG", np.uint16), ("TIFF", np.uint16), ("TIFF", np.int32), ("TIFF", np.float32)],
)
def test_deep_pictures_are_mapped(tmp_path, lay_out, kind, dtype):
    values = noise(0, 8, 8, high=60000, dtype=np.int64).astype(dtype)
    files = {f"{name}/0.{kind.lower()}": encoded(values, kind) for name in "ab"}
    images = load("folder", str(lay_out(tmp_path / "own", files)), intensity="range")
    low, high = float(values.min()), float(values.max())
    assert (images.intensity.low, images.intensity.high) == (low, high)
    wanted = np.rint((values.astype(np.float64) - low) / (high - low) * 255)
    assert np.array_equal(images.pixels[0, 0], wanted)


def test_images_of_8_bits_are_mapped_when_asked_for_and_never_mixed_unseen(tmp_path, lay_out):
    shallow, values = noise(0, 8, 8, high=256, dtype=np.uint8), noise(1, 8, 8, dtype=np.uint16)
    files = {"a/0.png": encoded(shallow, "PNG"), "b/0.png": encoded(values, "PNG")}
    source = str(lay_out(tmp_path / "own", files))
    with pytest.raises(Unusable, match=r"'a/0.png' has 8 bits, 'b/0.png' has more") as caught:
        load("folder", source)
    assert caught.value.odd == ("depth",)
    assert (
        load("folder", source, intensity="window:0..255").pixels[0, 0].tolist() == shallow.tolist()
    )


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.int64, np.float32])
def test_arrays_of_any_range_are_mapped(tmp_path, dtype):
    values = (noise(0, 6, 8, 8) - 500).astype(dtype)
    if dtype == np.uint16:
        values = noise(0, 6, 8, 8, dtype=np.uint16)
    np.savez(tmp_path / "own.npz", images=values, labels=np.arange(6) % 2)
    images = load("folder", str(tmp_path / "own.npz"))
    low, high = np.percentile(values, (0.5, 99.5))
    assert (images.intensity.low, images.intensity.high) == pytest.approx((low, high))
    shares = np.clip((values.astype(np.float64) - low) / (high - low), 0, 1)
    assert np.abs(images.pixels[:, 0] / 255 - shares).max() < 0.5 / 255 + 1e-6


def test_single_arrays_of_any_range_are_mapped_also_where_the_first_is_within_0_and_1(tmp_path):
    for name, values in (("a", np.zeros((8, 8))), ("b", np.linspace(-100, 300, 64).reshape(8, 8))):
        (tmp_path / "own" / name).mkdir(parents=True)
        np.save(tmp_path / "own" / name / "0.npy", values.astype(np.float32))
    images = load("folder", str(tmp_path / "own"), intensity="")
    assert not list((tmp_path / "cache" / images.key).glob("values*"))
    assert np.ptp(images.pixels[0]) == 0
    assert images.pixels[1].max() == 255


@pytest.mark.parametrize("value", [np.inf, 1e300])
def test_numbers_that_cannot_be_computed_with_are_refused(tmp_path, value):
    values = noise(0, 6, 8, 8).astype(np.float64)
    values[3, 2, 1] = value
    np.savez(tmp_path / "own.npz", images=values, labels=np.arange(6) % 2)
    with pytest.raises(UserError, match="not finite or huge"):
        load("folder", str(tmp_path / "own.npz"))


def test_one_value_throughout_cannot_be_mapped(tmp_path, lay_out):
    files = {f"{name}/0.dcm": made(np.full((8, 8), 7, np.int16)) for name in "ab"}
    with pytest.raises(UserError, match="hold 7 nearly everywhere"):
        load("folder", str(lay_out(tmp_path / "own", files)))


def test_a_table_of_labels_goes_with_scans_whose_headers_name_nobody(tmp_path):
    rows = ["file,diagnosis,pid"]
    for k in range(24):
        (tmp_path / f"scan{k}.dcm").write_bytes(ct(k))
        rows.append(f"scan{k},{'ill' if k % 2 else 'well'},{k // 2 % 8}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    images = load("folder", str(tmp_path), labels=str(tmp_path / "labels.csv"))
    assert images.classes == ("ill", "well")
    assert len(set(images.facts.patients)) == 8
    assert images.intensity is not None
    assert images.intensity.unit == "HU"
