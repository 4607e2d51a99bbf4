"""Writes ZIP files that have the same bytes for the same content."""

import zipfile
from collections.abc import Mapping
from io import BytesIO

COMPRESSED = ("png", "webp", "jpg", "mp4", "gif", "heic")
"""Extensions of files that are already compressed."""
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The date of every entry, fixed so that the same run gives the same bytes."""


def zip_bytes(contents: Mapping[str, bytes]) -> bytes:
    """Return a ZIP of files given by name."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in contents.items():
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.external_attr = 0o644 << 16
            small = name.rsplit(".", 1)[-1] in COMPRESSED
            entry.compress_type = zipfile.ZIP_STORED if small else zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return file.getvalue()
