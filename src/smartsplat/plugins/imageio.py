"""imageio reads and writes ``.ssplat`` files, by its Pillow plugin, once this is imported.

import smartsplat.plugins.imageio
pixels = iio.imread("picture.ssplat")
iio.imwrite("picture.ssplat", pixels, cr=200)
"""

from __future__ import annotations

from imageio.config import extension_list, known_extensions
from imageio.config.extensions import FileExtension

import smartsplat.plugins.pillow as plugin

_EXTENSION = FileExtension(
    name=plugin.SsplatImageFile.format_description, extension=plugin.EXTENSION, priority=["pillow"]
)

if plugin.EXTENSION not in known_extensions:
    extension_list.append(_EXTENSION)
    known_extensions[plugin.EXTENSION] = [_EXTENSION]
