"""A simulation study as one file that others can open, check and run again: an RO-Crate.

The crate follows RO-Crate 1.1 (https://w3id.org/ro/crate/1.1): ``ro-crate-metadata.json`` describes every
file beside it and the run that made them, as a ``CreateAction`` whose instrument is crmlab.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from crmlab import files
from crmlab.design.protocol import ademp
from crmlab.errors import InputError
from crmlab.words import words

if TYPE_CHECKING:
    from crmlab.design.design import Design
    from crmlab.design.diagnosis import Diagnosis

SPECIFICATION = "https://w3id.org/ro/crate/1.1"
LICENCE = "https://spdx.org/licenses/CC-BY-4.0"
KINDS = {".csv": "text/csv", ".json": "application/json", ".md": "text/markdown"}


def write_crate(
    path: str | Path,
    design: Design,
    diagnosis: Diagnosis,
    version: str,
    sources: dict[str, bytes] | None = None,
    at: datetime | None = None,
) -> Path:
    """Write a study as a zip file.

    Parameters
    ----------
    path : path
        Ends in ``.zip``.
    design : Design
    diagnosis : Diagnosis
        What running it gave.
    version : str
        Of the code that ran.
    sources : dict of str to bytes, optional
        More files to put in, by name: the theory's module, the lesson.
    at : datetime, optional
        When it was run; now if not given.

    Raises
    ------
    InputError
        If `path` does not end in ``.zip``.
    """
    path = Path(path)
    if path.suffix != ".zip":
        raise InputError(f"out is {str(path)!r}; give a file that ends in .zip")
    contents = _contents(design, diagnosis, version) | (sources or {})
    at = at or datetime.now().astimezone()
    contents["ro-crate-metadata.json"] = _json(_metadata(design, diagnosis, version, contents, at))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(contents.items()):
            archive.writestr(zipfile.ZipInfo(name, date_time=at.timetuple()[:6]), data, zipfile.ZIP_DEFLATED)
    return files.write_bytes(path, packed.getvalue())


def _contents(design, diagnosis, version: str) -> dict[str, bytes]:
    """The study's own files by name."""
    study = {
        "design": design.name,
        "crmlab": version,
        "sims": diagnosis.sims,
        "seed": diagnosis.seed,
        "varied": diagnosis.by,
        "points": [
            {
                "at": point,
                "parameters": {name: getattr(each.parameters, name) for name in each.parameters.names()},
            }
            for point, each in diagnosis.designs
        ],
    }
    return {
        "protocol.md": ademp(design, diagnosis.sims, diagnosis.seed, version=version).encode(),
        "study.json": _json(study),
        "diagnosis.csv": files.csv_text(diagnosis.full).encode(),
        "simulations.csv": files.csv_text(diagnosis.simulations).encode(),
        "familywise.csv": files.csv_text(diagnosis.familywise("holm")).encode(),
    }


def _metadata(design, diagnosis, version: str, contents: dict[str, bytes], at: datetime) -> dict:
    about = {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "conformsTo": {"@id": SPECIFICATION},
        "about": {"@id": "./"},
    }
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": words("crate.name", title=design.title),
        "description": words(
            "crate.description", claim=design.claim, sims=diagnosis.sims, seed=diagnosis.seed
        ),
        "datePublished": at.isoformat(timespec="seconds"),
        "license": {"@id": LICENCE},
        "hasPart": [{"@id": name} for name in sorted(contents)],
        "mentions": {"@id": "#run"},
    }
    run = {
        "@id": "#run",
        "@type": "CreateAction",
        "name": words("crate.run"),
        "instrument": {"@id": "#crmlab"},
        "endTime": at.isoformat(timespec="seconds"),
        "object": [{"@id": "study.json"}],
        "result": [{"@id": name} for name in ("diagnosis.csv", "simulations.csv", "familywise.csv")],
    }
    tool = {"@id": "#crmlab", "@type": "SoftwareApplication", "name": "crmlab", "version": version}
    licence = {"@id": LICENCE, "@type": "CreativeWork", "name": "CC BY 4.0"}
    parts = [_file(name, data) for name, data in sorted(contents.items())]
    return {"@context": f"{SPECIFICATION}/context", "@graph": [about, root, run, tool, licence, *parts]}


def _file(name: str, data: bytes) -> dict:
    described = {
        "@id": name,
        "@type": "File",
        "name": name,
        "contentSize": str(len(data)),
        "sha256": hashlib.sha256(data).hexdigest(),
        "encodingFormat": KINDS.get(Path(name).suffix, "text/plain"),
    }
    known = Path(name).stem if "/" not in name else ""
    if known in ("protocol", "study", "diagnosis", "simulations", "familywise"):
        described["description"] = words(f"crate.{known}")
    return described


def _json(content: dict) -> bytes:
    return (json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n").encode()
