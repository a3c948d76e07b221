"""What can go wrong with a caller's input, as exceptions whose text is one line for a person to read."""


class SmartSplatError(Exception):
    """Base of all errors that the package raises on purpose; the command line prints them and exits with 1."""


def one_line(error: BaseException) -> str:
    """What another library's error or the system's says, for the end of a message of ours."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(text.split())


class PictureError(SmartSplatError):
    """A picture file that cannot be read, is of a kind that is not supported, or is too large."""


class FormatError(SmartSplatError):
    """Bytes that are not a valid ``.ssplat`` file."""


class TargetError(SmartSplatError):
    """A size or quality that no file of this picture can have."""


class OutputError(SmartSplatError):
    """An output file that cannot be written, must not be overwritten, or cannot hold the picture."""
