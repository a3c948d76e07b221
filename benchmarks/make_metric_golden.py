"""Writes tests/data/metric_golden.json: what pytorch_msssim says of the pictures in tests/metric_pictures.py.

Run from the root of the repository, with torch and pytorch_msssim installed:

    python -m benchmarks.make_metric_golden
"""

import json
import zlib
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytorch_msssim
import torch

from tests.metric_pictures import metric_pictures

OUTPUT = Path("tests/data/metric_golden.json")


def tensor(picture, dtype):
    channels = picture.reshape(*picture.shape[:2], -1).transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(channels))[None].to(dtype)


def values(picture, distorted, dtype):
    pair = tensor(picture, dtype), tensor(distorted, dtype)
    large = min(picture.shape[:2]) > 160
    return {
        "ssim": float(pytorch_msssim.ssim(*pair, data_range=255)),
        "ms_ssim": float(pytorch_msssim.ms_ssim(*pair, data_range=255)) if large else None,
    }


def main():
    cases = [
        {
            "name": name,
            "crc32": [zlib.crc32(picture.tobytes()), zlib.crc32(distorted.tobytes())],
            "float64": values(picture, distorted, torch.float64),
            "float32": values(picture, distorted, torch.float32),
        }
        for name, picture, distorted in metric_pictures()
    ]
    made_with = {name: version(name) for name in ("pytorch_msssim", "torch", "numpy")}
    rows = ",\n".join(json.dumps(case) for case in cases)
    OUTPUT.write_text(f'{{"made_with": {json.dumps(made_with)}, "cases": [\n{rows}\n]}}\n')


if __name__ == "__main__":
    main()
