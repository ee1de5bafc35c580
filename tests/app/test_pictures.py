"""Pictures: exact pixels, enlarged without smoothing."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from app.components import pictures


@pytest.mark.parametrize("channels", [1, 3])
def test_a_png_holds_the_very_pixels_enlarged(channels):
    pixels = np.random.default_rng(0).integers(0, 256, (channels, 8, 8), dtype=np.uint8)
    image = np.asarray(Image.open(io.BytesIO(pictures.png(pixels, 64))))
    image = image[None] if channels == 1 else np.moveaxis(image, 2, 0)
    assert image.shape == (channels, 64, 64)
    assert np.array_equal(image[:, ::8, ::8], pixels)


def test_a_link_holds_the_whole_picture():
    pixels = np.arange(64, dtype=np.uint8).reshape(1, 8, 8)
    head, _, body = pictures.link(pixels, 8).partition(",")
    assert head == "data:image/png;base64"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(body)))), pixels[0])


def test_differences_are_drawn_around_gray_and_scaled_to_the_largest():
    noise = np.array([[[0.0, 0.02], [-0.01, 0.0]]], dtype=np.float16)
    picture, factor = pictures.difference(noise)
    assert factor == pytest.approx(25, rel=1e-2)
    assert picture[0, 0].tolist() == [128, 255]
    assert picture[0, 1, 0] == pytest.approx(64, abs=1)


def test_no_difference_is_plain_gray():
    picture, factor = pictures.difference(np.zeros((1, 2, 2), np.float16))
    assert factor == 1
    assert (picture == 128).all()


def test_of_a_volume_one_slice_is_shown_the_middle_one_unless_asked():
    volume = np.arange(5, dtype=np.uint8)[None, :, None, None].repeat(4, 2).repeat(4, 3)
    assert pictures.flat(volume).shape == (1, 4, 4)
    assert (pictures.flat(volume) == 2).all()
    assert (pictures.flat(volume, pictures.Cut(4)) == 4).all()
    image = np.zeros((3, 4, 4), np.uint8)
    assert pictures.flat(image) is image


def test_a_volume_is_cut_across_its_height_and_its_width():
    volume = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(1, 2, 3, 4)
    assert np.array_equal(pictures.flat(volume, pictures.Cut(1, 1)), volume[:, :, 1])
    assert np.array_equal(pictures.flat(volume, pictures.Cut(None, 2)), volume[..., 2])


def test_a_window_stretches_what_lies_in_it_and_cuts_the_rest():
    pixels = np.array([[[0, 50, 100, 150, 255]]], np.uint8)
    assert pictures.windowed(pixels, 50, 150).tolist() == [[[0, 0, 128, 255, 255]]]
    assert pictures.windowed(pixels, 0, 255) is pixels
    assert pictures.windowed(pixels, 100, 100).tolist() == [[[0, 0, 0, 255, 255]]]


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 48, 48)])
def test_a_small_picture_of_a_small_image_is_the_image(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert pictures.small(pixels) == pictures.link(pixels, shape[2])


@pytest.mark.parametrize("channels", [1, 3])
def test_a_small_picture_of_a_large_image_is_reduced(channels):
    pixels = np.full((channels, 200, 100), 128, np.uint8)
    head, _, body = pictures.small(pixels).partition(",")
    assert head == "data:image/jpeg;base64"
    assert Image.open(io.BytesIO(base64.b64decode(body))).size == (24, 48)
    assert len(body) < 2000
