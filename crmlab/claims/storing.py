"""The maps of the claimed numbers as they are stored: ``datasets/ledger/numbers.json``."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np

from crmlab import files, places
from crmlab.claims.audit import Audit, audit
from crmlab.claims.numbers import NUMBERS
from crmlab.notebook.dependencies import digest, programs

# Rooms whose code makes numbers. What claims say in words lies elsewhere.
ROOMS = ("claims", "design", "estimators", "mechanisms", "models", "theories")


def folder() -> Path:
    """Where the ledger's numbers lie, one file a lesson, and those of the audits."""
    return places.root() / "datasets" / "ledger"


def code_digest(modules: Iterable[str]) -> str:
    """Digest of the code of the markets that modules follow from; words and pictures are no part of it."""
    code = [path for path in programs(modules) if path.suffix == ".py"]
    return digest(path for path in code if path.relative_to(places.PACKAGE).parts[0] in ROOMS)


def numbers_digest() -> str:
    """Of the code that the audits follow from."""
    return code_digest(["crmlab.claims.quantities", "crmlab.claims.numbers", "crmlab.claims.audit"])


def stored_numbers() -> dict[str, dict]:
    """What each audit came to, by the claim's name; empty before the first build."""
    path = folder() / "numbers.json"
    return _read(path) if path.is_file() else {}


@cache
def _read(path: Path) -> dict[str, dict]:
    """By path, so that one folder's numbers are not taken for another's."""
    return json.loads(path.read_text(encoding="utf-8"))["numbers"]


def numbers_are_current() -> bool:
    """Whether they are those of the code as it stands."""
    path = folder() / "numbers.json"
    return path.is_file() and json.loads(path.read_text(encoding="utf-8"))["digest"] == numbers_digest()


def store_numbers() -> None:
    """Audit every number and write what came out."""
    numbers = {name: summary_of(audit(claim)) for name, claim in NUMBERS.items()}
    text = json.dumps({"digest": numbers_digest(), "numbers": numbers}, indent=1, ensure_ascii=False)
    files.write_text(folder() / "numbers.json", text + "\n")
    _read.cache_clear()


def summary_of(found: Audit) -> dict:
    """An audit's shares, quantiles, ranges and map, rounded, as JSON holds it."""
    shares, across, up = found.cells()
    return {
        "claimed": found.interval(),
        "share": round(found.share, 4),
        "share_mcse": round(found.error, 5),
        "below": round(found.below, 4),
        "above": round(found.above, 4),
        "quantiles": [found.written(each) for each in found.quantiles()],
        "impossible": round(found.impossible, 4),
        "ranges": {name: asdict(one) for name, one in found.ranges.items()},
        "map": {
            "over": list(found.quantity.map),
            "across": [float(f"{each:.2g}") for each in across],
            "up": [float(f"{each:.2g}") for each in up],
            "shares": [
                [None if np.isnan(share) else round(float(share), 3) for share in row] for row in shares
            ],
        },
    }
