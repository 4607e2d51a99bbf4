"""Define the errors that spir raises for its users: every message is a sentence that names the cause and the
way out.
"""


class SpirError(Exception):
    """This is the base class of all errors whose message may be shown to the user as it is."""


class PhotoError(SpirError, ValueError):
    """This is raised for a file that is not a usable photo, or a photo without an object."""


class WeightsError(SpirError, RuntimeError):
    """This is raised for weights that are missing, damaged, or made for something else."""


class EmptySurfaceError(SpirError, ValueError):
    """This is raised for an object without a closed surface, of which no mesh exists."""


class NoPaletteError(SpirError, ValueError):
    """This is raised for an object whose colours are not a mixture of a palette: it takes no photo detail and
    no new colours."""


class ExportError(SpirError, RuntimeError):
    """This is raised for a file format that cannot be written on this machine."""


class ArchiveError(SpirError, ValueError):
    """This is raised for a ZIP from which no session can be restored."""


class ActionError(SpirError, ValueError):
    """This is raised for an action that the session does not allow, such as continuing from a step that does
    not exist."""


class UnknownSessionError(SpirError, LookupError):
    """This is raised for a session that was dropped or never existed."""


class EngineError(SpirError, RuntimeError):
    """This is raised for a batch that cannot begin or continue."""
