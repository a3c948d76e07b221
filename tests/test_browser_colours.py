"""Pictures with a colour profile in headless Chromium: shown as their profile says."""

import base64
import zlib

import numpy as np
import pytest

import smartsplat
from smartsplat.coding.container import Container
from smartsplat.coding.format import ICC
from smartsplat.file.splatfile import SplatFile
from tests.browser import Answer, chromium, serving
from tests.photos import grey_photo, photo
from tests.profiles import DISPLAY_P3, SRGB, gamma_curve, grey_profile, rgb_profile, srgb_parametric, srgb_table

ADOBE = [(0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)]


def srgb_curve(x):
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def to_srgb(pixels, primaries, curve):
    """8-bit samples of a space of such primaries and tone curve as the same colours in sRGB, clipped."""
    linear = curve(pixels / 255.0) @ np.array(primaries) @ np.linalg.inv(np.array(SRGB))
    linear = linear.clip(0, 1)
    return 255 * np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


PROFILES = {
    "none": (None, None),
    "srgb": (rgb_profile(SRGB, srgb_table(256)), None),
    "p3": (rgb_profile(DISPLAY_P3, srgb_parametric()), (DISPLAY_P3, srgb_curve)),
    "p3 table": (rgb_profile(DISPLAY_P3, srgb_table(1024)), (DISPLAY_P3, srgb_curve)),
    "adobe": (rgb_profile(ADOBE, gamma_curve(2.2)), (ADOBE, lambda x: x**2.19921875)),
    "p3 gamma": (rgb_profile(DISPLAY_P3, gamma_curve(1.8)), (DISPLAY_P3, lambda x: x**1.80078125)),
}


def file_with(pixels, profile):
    """A file with a profile, also with that of sRGB, which the encoder leaves out."""
    parsed = Container.from_bytes(bytes(smartsplat.encode(pixels, effort=1, cr=6)))
    sections = dict(parsed.sections) | ({ICC: zlib.compress(profile)} if profile else {})
    data = Container(parsed.width, parsed.height, parsed.grey, sections).to_bytes()
    assert SplatFile.from_bytes(data).metadata.icc == profile
    return SplatFile.from_bytes(data)


@pytest.fixture(scope="module")
def files():
    found = {name: file_with(photo(), profile) for name, (profile, _) in PROFILES.items()}
    return found | {"grey": file_with(grey_photo(), grey_profile(gamma_curve(1.0)))}


@pytest.fixture(scope="module")
def page(files):
    answers = {f"/{name.replace(' ', '_')}.ssplat": Answer(bytes(file)) for name, file in files.items()}
    with chromium() as browser, serving(answers) as address:
        page = browser.new_page()
        page.goto(f"{address}/")
        yield page


def drawn(page, name):
    """What a canvas in sRGB has of a file's bitmap."""
    width, height, text = page.evaluate(
        """async (url) => {
          const { open } = await import("/web/index.js");
          const picture = await open(url);
          const bitmap = await picture.render({ as: "ImageBitmap" });
          picture.close();
          const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
          const context = canvas.getContext("2d");
          context.drawImage(bitmap, 0, 0);
          const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
          const reader = new FileReader();
          const read = new Promise((resolve) => (reader.onload = resolve));
          reader.readAsDataURL(new Blob([data]));
          await read;
          return [canvas.width, canvas.height, reader.result.split(",")[1]];
        }""",
        f"/{name.replace(' ', '_')}.ssplat",
    )
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)[:, :, :3].astype(int)


@pytest.mark.parametrize("name", PROFILES)
def test_colours_are_those_of_the_profile(page, files, name):
    decoded = files[name].render()
    found = drawn(page, name)
    space = PROFILES[name][1]
    if space is None:
        assert np.abs(found - decoded).max() <= 1
        return
    expected = to_srgb(decoded, *space)
    assert np.abs(found - expected).max() <= 3
    assert np.abs(found - expected).mean() < 0.7
    assert np.abs(expected - decoded).mean() > 1.5  # else the test could not tell


def test_a_grey_profile(page, files):
    decoded = files["grey"].render()
    linear = decoded / 255
    expected = 255 * np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert np.abs(drawn(page, "grey") - expected[:, :, None]).max() <= 3


def test_a_damaged_profile_is_none(page, files):
    data = bytearray(bytes(files["adobe"]))
    profile = zipped(files["adobe"])
    at = bytes(data).find(profile)
    data[at + 20 : at + 40] = bytes(20)
    page.route("**/damaged.ssplat", lambda route: route.fulfill(body=bytes(data)))
    found = drawn(page, "damaged")
    assert np.abs(found - files["adobe"].render()).max() <= 1


def zipped(file: SplatFile):
    """The profile as it stands in a file."""
    return file._file.section(0x10)
