"""Hold what every event of the page needs: the engine, the visitors' sessions, and the expected run time."""

from dataclasses import dataclass, field
from pathlib import Path

from spir.app import text
from spir.app.errors import refuse
from spir.app.runtime_estimate import RuntimeEstimate
from spir.app.server.gpu import with_borrowed_gpu
from spir.app.server.gradio_private import upload_folder
from spir.app.widgets.swatches.widget import chosen
from spir.errors import UnknownSessionError
from spir.pipeline import PRESET_STEPS, Reconstructor
from spir.session import actions
from spir.session.session import Session
from spir.session.store import SessionStore, Slot

PAPER_WHITE = 1.0


def session_store() -> SessionStore:
    """Return a store in the folder where Gradio keeps uploads, whose files it serves."""
    return SessionStore(Path(upload_folder()))


@dataclass
class AppContext:
    """A context has one engine and the sessions of its visitors."""

    engine: Reconstructor
    store: SessionStore = field(default_factory=session_store)

    def __post_init__(self):
        self.estimate = RuntimeEstimate.rough(self.engine.device)
        self.engine = with_borrowed_gpu(self.engine)

    def key(self, key: str | None) -> str:
        """Return the session key that the page sent; refuses where there is none yet."""
        if key is None:
            refuse(text.NO_PHOTO)
        return key

    def slot(self, key: str | None) -> Slot:
        """Return the slot of the page's session key; refuses where there is none."""
        key = self.key(key)
        try:
            return self.store.slot(key)
        except UnknownSessionError:
            refuse(text.FORGOTTEN)

    def session(self, key: str | None) -> Session:
        """Return the session of the page's session key; refuses where there is none."""
        return self.slot(key).session

    def fitted(self, key: str | None) -> Session:
        """Return the session of the page's session key; refuses where it has no result."""
        session = self.session(key)
        if session.result is None:
            refuse(text.NO_RESULT)
        return session

    def with_colours(self, session: Session, value: object) -> Session:
        """Return the session in the colours that the page shows; `value` is the value of the swatches
        widget."""
        if not value or (isinstance(value, dict) and not value.get("colours")):
            return session
        try:
            palette = chosen(value, self.engine.palette(session.fit.code)[0])
        except ValueError:
            refuse(text.BAD_COLOUR)
        return actions.recolour(self.engine, session, palette)

    def colour_names(self, count: int) -> list[str]:
        """Return the names of the palette's entries; those that training did not name are numbered."""
        names = self.engine.category.palette_names
        return [names[i] if i < len(names) else f"colour {i + 1}" for i in range(count)]

    def runtime_lines(self, steps: int | float) -> tuple[str, str]:
        """Return the line with the device and the expected time of that many steps, and the label of the
        comparison's button."""
        engine, estimate, steps = self.engine, self.estimate, int(steps)
        took = estimate.seconds(steps), estimate.measured
        return (
            text.machine(engine.device, steps, *took, engine.loss_backend),
            text.race_takes(estimate.seconds(max(PRESET_STEPS))),
        )


def write_file(slot: Slot, name: str, data: bytes) -> str:
    """Write a file into the session's folder; returns its path."""
    path = slot.folder / name
    path.write_bytes(data)
    return str(path)
