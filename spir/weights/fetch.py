"""Downloads files: resumes where a download broke off, checks the result, and writes the whole file or none."""

import hashlib
import os
from pathlib import Path
from urllib.parse import unquote, urlparse

import httpx

from spir.errors import WeightsError

CHUNK = 2**20
TIMEOUT = 30.0
"""The most seconds without receiving a byte."""
HUB = "https://huggingface.co"


def address(source: str) -> str:
    """Return the URL of a source: the source itself, or the hub's for OWNER/REPOSITORY/FILE. Raises WeightsError
    for anything else."""
    parts = urlparse(source)
    if parts.scheme in ("http", "https") and parts.netloc:
        return source
    owner, _, rest = source.partition("/")
    repository, _, file = rest.partition("/")
    if parts.scheme or not (owner and repository and file) or ".." in source:
        raise WeightsError(
            f"{source!r} is neither a URL (https://...) nor a file of the hub (OWNER/REPOSITORY/FILE)."
        )
    return f"{os.environ.get('HF_ENDPOINT', HUB)}/{owner}/{repository}/resolve/main/{file}"


def fetch(source: str, folder: str | Path, sha256: str = "") -> Path:
    """Download the file of a URL or of a hub's repository into a folder; what an earlier call received is kept.

    Raises WeightsError where the network or the server fails, or the hash differs; the message says what to do."""
    url = address(source)
    target = Path(folder) / Path(unquote(urlparse(url).path)).name
    if target.is_file() and sha256 and digest(target) == sha256.lower():
        return target
    part = target.with_name(target.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        receive(url, part)
    except httpx.HTTPStatusError as problem:
        code = problem.response.status_code
        raise WeightsError(
            f"{url} answered {code} {problem.response.reason_phrase}: check the address."
        ) from problem
    except httpx.HTTPError as problem:
        there = part.stat().st_size if part.is_file() else 0
        raise WeightsError(
            f"{url} could not be fetched ({type(problem).__name__}: {problem or 'no answer'}). Is there a network? "
            f"{there:,} bytes are kept; the same command goes on from there."
        ) from problem
    if sha256 and (found := digest(part)) != sha256.lower():
        part.unlink()
        raise WeightsError(f"{url} has the SHA-256 {found}, not {sha256}: it was not kept.")
    os.replace(part, target)
    return target


def receive(url: str, part: Path) -> None:
    """Download the missing rest of `part`, or all of it where the server does not support ranges."""
    there = part.stat().st_size if part.is_file() else 0
    headers = {"Range": f"bytes={there}-"} if there else {}
    with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=TIMEOUT) as answer:
        if there and answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            # Complete already, and cut off before it was looked at; or of another file.
            total = answer.headers.get("content-range", "").rpartition("/")[2]
            if total == str(there):
                return
            part.unlink()
            return receive(url, part)
        answer.raise_for_status()
        mode = "ab" if answer.status_code == httpx.codes.PARTIAL_CONTENT else "wb"
        with part.open(mode) as file:
            for chunk in answer.iter_bytes():
                file.write(chunk)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()
