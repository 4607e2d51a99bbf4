"""The errors that spir raises for its users: one tree, every message a sentence that names the cause and the way out."""


class SpirError(Exception):
    """Anything that a caller can show to a person as it is."""


class PhotoError(SpirError, ValueError):
    """A file that is no usable photo, or a photo without an object."""


class WeightsError(SpirError, RuntimeError):
    """Weights that are missing, damaged, or made for something else."""


class EmptySurfaceError(SpirError, ValueError):
    """An object without a closed surface: there is no mesh of it."""


class NoPaletteError(SpirError, ValueError):
    """An object whose colours are no mixture of a palette: it takes no photo detail and no new colours."""


class ExportError(SpirError, RuntimeError):
    """A file format that cannot be written here."""


class ArchiveError(SpirError, ValueError):
    """A ZIP that brings no session back."""


class ActionError(SpirError, ValueError):
    """An action that the session does not allow, such as going on from a step that is not there."""


class UnknownSessionError(SpirError, LookupError):
    """A session that was dropped, or never was."""


class EngineError(SpirError, RuntimeError):
    """A batch that cannot begin or go on."""
