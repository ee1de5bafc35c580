"""The network that is offered for a size, and that large images pass the import's limits."""

import numpy as np
import pytest
from dicom_files import made

from smd import nets, registry
from smd.data import arrays, folder, suited_net
from smd.data.request import Request
from smd.registry import offers


@pytest.mark.parametrize(
    ("dims", "side", "net"),
    [
        (2, 0, "small-cnn"),
        (2, 64, "small-cnn"),
        (2, 65, "torchvision:resnet18"),
        (2, 512, "torchvision:resnet18"),
        (3, 28, "volume-cnn"),
        (3, 256, "volume-cnn"),
    ],
)
def test_what_is_offered_takes_images_of_that_size(dims, side, net):
    assert registry.offered(dims, side, "small-cnn") == net
    if side:
        assert registry.shape_problem(registry.find_network(net), (1, *(side,) * dims)) == ""
        assert net in offers.why("small-cnn")


@pytest.mark.parametrize("name", ["volume-cnn", "resnet-10-3d", "resnet-18-3d"])
def test_networks_for_volumes_are_built_for_256_voxels_a_side(name):
    import torch

    with torch.device("meta"):
        model = nets.build(name, (1, 256, 256, 256), 2)
    assert sum(p.numel() for p in model.parameters()) < 40_000_000


@pytest.mark.parametrize(("side", "size", "net"), [(80, 0, "torchvision:resnet18"), (80, 32, "")])
def test_pictures_are_offered_a_network_by_their_header(
    side, size, net, tmp_path, picture, lay_out
):
    files = {f"{name}/0.png": picture(size=(side, side)) for name in "ab"}
    path = str(lay_out(tmp_path / "own", files))
    assert suited_net(Request(path, size)) == (net or registry.DATASETS["folder"].net)


@pytest.mark.parametrize(
    ("shape", "dtype", "sides"),
    [
        ((3000, 224, 224, 3), np.uint8, (3, 224, 224)),
        ((60_000, 512, 512, 3), np.uint8, (3, 512, 512)),
        ((1000, 256, 256, 256), np.float64, (1, 256, 256, 256)),
    ],
)
def test_headers_of_large_sets_pass(shape, dtype, sides, tmp_path):
    header = np.lib.format.header_data_from_array_1_0(np.zeros(0, dtype)) | {"shape": shape}
    with (tmp_path / "own.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize)
    np.save(tmp_path / "labels.npy", np.arange(shape[0]) % 2)
    assert arrays.shape(tmp_path / "own.npy") == sides


@pytest.mark.parametrize(("spacing", "net"), [("", "torchvision:resnet18"), ("2", "small-cnn")])
def test_scans_are_offered_a_network_by_the_size_that_they_are_resampled_to(
    spacing, net, tmp_path, lay_out
):
    scan = made(np.zeros((80, 80), np.int16), PixelSpacing=[1, 1])
    path = str(lay_out(tmp_path / "own", {f"{name}/0.dcm": scan for name in "ab"}))
    assert suited_net(Request(path, spacing=spacing)) == net


@pytest.mark.parametrize("hurried", [False, True])
def test_only_a_page_has_no_time_to_find_the_pictures_among_scans(
    hurried, tmp_path, lay_out, picture, monkeypatch
):
    scan = made(np.zeros((3, 80, 80), np.int16))
    files = {"a/0.dcm": scan, "a/1.dcm": scan, "b/0.png": picture()}
    path = str(lay_out(tmp_path / "own", files))
    assert suited_net(Request(path), hurried) == "small-cnn"
    monkeypatch.setattr(folder, "PATIENCE", -1.0)  # it is over at once
    assert suited_net(Request(path), hurried) == ("volume-cnn" if hurried else "small-cnn")
