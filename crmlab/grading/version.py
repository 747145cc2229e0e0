"""Which grader this is: a report stands as long as the grader that made it is the same."""

import hashlib
from functools import cache
from pathlib import Path


@cache
def grader_version() -> str:
    """Digest of the code that a grade depends on.

    Words are no part of it: what is said of a mark may change, and the mark stands.
    """
    package, digest = Path(__file__).resolve().parents[1], hashlib.sha256()
    for folder in ("grading", "exercises"):
        for path in sorted((package / folder).rglob("*")):
            if path.suffix == ".py" and "authoring" not in path.parts:
                digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
