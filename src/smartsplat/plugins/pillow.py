"""Pillow opens and saves ``.ssplat`` files once this is imported.

import smartsplat.plugins.pillow
image = Image.open("huge.ssplat")        # reads the header; pixels are decoded when they are needed
image.thumbnail((512, 512))              # decodes a small picture, not all of it
photo.save("photo.ssplat", cr=200)       # options of smartsplat.encode
"""

from __future__ import annotations

from typing import IO, Any, BinaryIO, cast

import numpy as np
from PIL import Image, ImageFile

from smartsplat.coding.format import MAGIC
from smartsplat.errors import SmartSplatError
from smartsplat.file.splatfile import SplatFile
from smartsplat.pictures.metadata import save_options

FORMAT = "SSPLAT"
EXTENSION = ".ssplat"
MEDIA_TYPE = "image/x-ssplat"
DEEP_GREY = "I;16"

OPTIONS = (
    "cr", "size", "bpp", "psnr", "splats", "effort", "preset", "lattice", "tune", "engine", "seed", "threads",
    "flatten", "icc", "exif", "xmp", "resolution", "value_range", "overview", "max_pixels",
)  # fmt: skip
"""Of ``Image.save``: those of ``smartsplat.encode``."""


class SsplatImageFile(ImageFile.ImageFile):
    """A picture of Pillow that is decoded when its pixels are asked for, at the scale of ``draft``."""

    format = FORMAT
    format_description = "SmartSplat picture of 2D Gaussians"

    def _open(self) -> None:
        assert self.fp is not None
        try:
            self._file = SplatFile.open(cast(BinaryIO, self.fp))
        except SmartSplatError as error:
            raise SyntaxError(str(error)) from error  # what Pillow takes for "not mine, or damaged"
        self._size = self._file.width, self._file.height
        self._mode = _mode_of(self._file)
        self.info.update(save_options(self._file.metadata, "PNG", grey=self._file.grey))
        self._decoded = False

    def draft(self, mode: str | None, size: tuple[int, int] | None) -> tuple[str, tuple[int, int, float, float]] | None:
        """Has the picture decoded smaller, but not below a size; see ``Image.draft``.

        Args:
            mode: the picture's own; other modes than the picture's are left to ``convert``.
            size: width and height, px.

        Returns:
            The picture's mode, and the box of it that is the size asked for; None if nothing changes.
        """
        if size is None or self._decoded:
            return None
        width, height = self._file.width, self._file.height
        scale = min(1.0, max(size[0] / width, size[1] / height))
        if scale >= 1:
            return None
        self._size = max(1, round(width * scale)), max(1, round(height * scale))
        return self.mode, (0, 0, float(self._size[0]), float(self._size[1]))

    def load(self) -> Any:
        """Decodes the picture; see ``Image.load``."""
        if not self._decoded:
            kind = np.uint16 if self._mode == DEEP_GREY else np.uint8  # Pillow has no colours of 16 bits
            pixels = self._file.render(size=self._size, dtype=kind)
            self.im = Image.fromarray(pixels).im
            self._decoded = True
            self.tile = []
        return super().load()


def _mode_of(file: SplatFile) -> str:
    if file.grey and file.bits > 8 and file.alpha is None:
        return DEEP_GREY
    return ("L" if file.grey else "RGB") + ("A" if file.alpha else "")


def save(image: Image.Image, file: IO[bytes], filename: str | bytes) -> None:
    """Encodes a picture into an open file; what ``Image.save`` calls.

    Raises:
        OSError: it cannot be encoded as asked; the text is one line.
    """
    from smartsplat.api import encode

    options = {name: image.encoderinfo[name] for name in OPTIONS if name in image.encoderinfo}
    for name in ("exif", "xmp", "resolution"):
        if not isinstance(options.get(name, True), bool):  # what other formats take there: the block itself
            options.pop(name)
    try:
        data = encode(image, **options).to_bytes()
    except SmartSplatError as error:
        raise OSError(str(error)) from error
    file.write(data)


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(MAGIC)


Image.register_open(FORMAT, SsplatImageFile, _accept)
Image.register_save(FORMAT, save)
Image.register_extension(FORMAT, EXTENSION)
Image.register_mime(FORMAT, MEDIA_TYPE)
