"""Errors that a user may see. Their text says what happened, why, and what to do about it."""

from __future__ import annotations

from typing import Self

from pof3d.text import legible


class Pof3dError(Exception):
    """Base of every error this project raises on purpose.

    Parameters
    ----------
    what : str
        What failed, in one clause.
    why : str, optional
        The cause, as far as it is known.
    todo : str, optional
        What the user can do about it.
    """

    def __init__(self, what: str, why: str = "", todo: str = "") -> None:
        # Names of files need not be text, and whatever shows an error can show only text.
        self.what, self.why, self.todo = map(legible, (what, why, todo))
        super().__init__(self.what, self.why, self.todo)

    def detached(self) -> Self:
        """The same error without its traceback, cause and context.

        Those hold on to the variables of whatever failed: whoever keeps an error keeps this one, or a network
        that did not open stays in memory.
        """
        twin = type(self).__new__(type(self), *self.args)
        twin.__dict__.update(self.__dict__)
        return twin

    def __str__(self) -> str:
        text = self.what
        if self.why:
            text += f": {self.why}"
        if not text.endswith((".", "!", "?")):
            text += "."
        if self.todo:
            text += f" {self.todo}"
        return text


def naming(error: Pof3dError, name: str) -> Pof3dError:
    """The error, with the name of the file in it."""
    name = legible(name)
    if name in str(error):
        return error
    why = error.what[:1].lower() + error.what[1:]
    return Pof3dError(f"cannot open {name}", f"{why}: {error.why}" if error.why else why, error.todo)


class CheckpointError(Pof3dError):
    """A checkpoint file is missing, damaged, foreign or unsafe."""


class DatasetError(Pof3dError):
    """A data set is missing, empty or damaged."""


class ConfigError(Pof3dError):
    """A setting has a value that cannot work."""


class DeviceError(Pof3dError):
    """A device is missing or out of memory."""


class TrainingError(Pof3dError):
    """Training cannot start, continue or save."""
