"""What the errors are, and that the command line says each in one line of its own text."""

import pickle

import pytest
from PIL import Image

from smartsplat.cli import main
from smartsplat.errors import (
    FormatError,
    OutputError,
    PictureError,
    SmartSplatError,
    TargetError,
    one_line,
    shown,
)
from tests.photos import photo

BUILT_IN = {PictureError: ValueError, FormatError: ValueError, TargetError: ValueError, OutputError: OSError}


@pytest.mark.parametrize(("error", "built_in"), BUILT_IN.items())
def test_errors_are_the_built_in_ones_too(error, built_in):
    raised = error("a.png: what is wrong")
    assert isinstance(raised, SmartSplatError)
    assert isinstance(raised, built_in)
    assert str(raised) == "a.png: what is wrong"
    again = pickle.loads(pickle.dumps(raised))
    assert (type(again), str(again)) == (error, str(raised))


def test_the_base_is_none_of_the_built_in_ones():
    assert not issubclass(SmartSplatError, (ValueError, OSError))
    assert not any(issubclass(error, OSError) for error in BUILT_IN if error is not OutputError)


def test_names_that_would_break_a_line_are_quoted():
    assert shown("a b/ü.png") == "a b/ü.png"
    assert shown("") == "''"
    assert shown("a\nb\0\udcff") == r"'a\nb\x00\udcff'"


def test_texts_of_other_errors_in_one_line():
    assert one_line(OutputError("a: b")) == "a: b"
    assert one_line(OSError(2, "No such\nfile", "x")) == "No such file"
    assert one_line(KeyError()) == "KeyError"


@pytest.fixture
def said(tmp_path, monkeypatch, capsys):
    """Runs a command that must fail, in a folder with a picture `a.png`, and gives its line."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photo(30, 20)).save("a.png")

    def run(*arguments):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        out, err = capsys.readouterr()
        assert (caught.value.code, out, err.count("\n")) == (1, "", 1)
        return err.strip()

    return run


@pytest.mark.parametrize(
    "command", [["encode", "{}", "b.ssplat"], ["compare", "a.png", "{}"], ["compare", "{}", "a.png"]]
)
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("missing.png", "missing.png: No such file or directory"),
        (".", ".: Is a directory"),
        ("a.png/b.png", "a.png/b.png: Not a directory"),
        ("", ".: Is a directory"),
    ],
)
def test_pictures_that_cannot_be_opened(said, command, name, text):
    assert said(*(name if part == "{}" else part for part in command)) == f"smartsplat: {text}"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["encode", "a.png", "a.png"], "a.png: is the input"),
        (["encode", "a.png", "."], ".: is a folder, not a file"),
        (["encode", "a.png", "x/b.ssplat"], "x/b.ssplat: there is no folder"),
        (["decode", "a.png", "b.xyz"], "b.xyz: unknown extension '.xyz'"),
        (["encode", "a.png", f"{'x' * 300}"], f"{'x' * 300}: cannot be written: File name too long"),
    ],
)
def test_outputs_that_cannot_be_written_are_said_by_their_own_text(said, arguments, text):
    line = said(*arguments)
    assert line.startswith(f"smartsplat: {text}")
    assert "None" not in line
    assert "Errno" not in line


def test_a_damaged_picture_is_said_by_its_own_text(said, tmp_path):
    (tmp_path / "b.png").write_bytes(b"no picture")
    assert said("encode", "b.png", "b.ssplat") == "smartsplat: b.png: is not a picture of a known kind"
