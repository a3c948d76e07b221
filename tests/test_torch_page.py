"""The example of docs/torch.md, as it stands there."""

import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed (extra: torch)")

from tests.photos import photo

PAGE = Path(__file__).parent.parent / "docs" / "torch.md"
GAIN = 20.0
"""dB over a picture of its mean colour; two runs gained 28."""


def test_the_fitting_loop_of_the_page_fits(tmp_path, monkeypatch, capsys):
    code = re.search(r"<!-- example -->\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    assert len(code.strip().splitlines()) <= 25
    picture = photo(96, 64).astype(np.float32) / 255
    np.save(tmp_path / "picture.npy", picture)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, str(PAGE), "exec"), {})
    reached = float(capsys.readouterr().out.split()[0])
    flat = -10 * np.log10(((picture - picture.mean(axis=(0, 1))) ** 2).mean())
    assert reached > flat + GAIN
