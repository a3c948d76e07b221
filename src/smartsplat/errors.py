"""What can go wrong with a caller's input, as exceptions whose text is one line for a person to read.

Each is also the built-in error that Python users expect there. A file that cannot be opened for reading is no case
of these: the system's own error (FileNotFoundError, PermissionError, ...) comes through as it is.
"""


class SmartSplatError(Exception):
    """Base of all errors that the package raises on purpose; the command line prints them and exits with 1."""


def one_line(error: BaseException) -> str:
    """What another library's error or the system's says, for the end of a message of ours."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(text.split())


def shown(name: str) -> str:
    """A file's name for such a message: as it is, or quoted where it would break the line or not be seen."""
    return name if name and name.isprintable() else repr(name)


class PictureError(SmartSplatError, ValueError):
    """A picture that is damaged, of a kind that is not supported, or too large."""


class PictureWarning(UserWarning):
    """Something about a picture that was read nevertheless: one line for a person to read."""


class FormatError(SmartSplatError, ValueError):
    """Bytes that are not a valid ``.ssplat`` file."""


class TargetError(SmartSplatError, ValueError):
    """A size or quality that no file of this picture can have."""


class CheckpointError(SmartSplatError, ValueError):
    """A checkpoint that is none, or that of another picture or of other settings."""


class OutputError(SmartSplatError, OSError):
    """An output file that cannot be written, must not be overwritten, or cannot hold the picture."""


class LimitError(SmartSplatError, ValueError):
    """More work than this program can do at once."""
