"""What ``crmlab check`` found, kept beside a copy for ``crmlab progress``: good until the copy changes."""

import datetime
import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmlab import files

if TYPE_CHECKING:
    from crmlab.exercises.checking import Report

SUFFIX = ".check.json"


def remember(report: "Report") -> None:
    """Keep a check's verdicts and points beside the copy; where nothing can be written, nowhere."""
    path = report.copy.path
    kept = {
        "sha256": _sha256(path),
        "day": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "stale": bool(report.stale),
        "verdicts": {row.question: row.verdict.reason for row in report.rows},
        "points": {row.question: row.points for row in report.rows},
    }
    with suppress(OSError):
        files.write_text(_beside(path), json.dumps(kept, indent=1) + "\n")


def remembered(path: Path) -> dict[str, Any]:
    """What the last check of this very file found; empty if it has changed since, or was never checked."""
    try:
        kept = json.loads(_beside(path).read_text(encoding="utf-8"))
        sound = all(isinstance(kept[name], dict) for name in ("verdicts", "points"))
        return kept if sound and kept["sha256"] == _sha256(path) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.stem}{SUFFIX}")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
