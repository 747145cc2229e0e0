"""The state of a company between two months as a file, without a generator: draws follow from the seed."""

import dataclasses
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from crmlab import files
from crmlab.company.customers import Customers
from crmlab.errors import InputError

FORMAT = 1  # of the file


def write_state(path: str | Path, customers: Customers, header: dict[str, Any]) -> Path:
    """Write customers and a header that JSON can hold, as a compressed archive of NumPy's."""
    arrays = {each.name: getattr(customers, each.name) for each in dataclasses.fields(Customers)}
    text = json.dumps({"format": FORMAT} | header)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, header=np.array(text), **arrays)
    return files.write_bytes(path, buffer.getvalue())


def read_state(path: str | Path) -> tuple[Customers, dict[str, Any]]:
    """Customers and header of a file that `write_state` wrote.

    Raises
    ------
    InputError
        If the file is missing, cut short, or none of these.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            header = json.loads(str(archive["header"]))
            arrays = {each.name: archive[each.name] for each in dataclasses.fields(Customers)}
    except FileNotFoundError:
        raise InputError(f"there is no file {path}; give one that Run.save wrote") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} holds no state of a company ({error}); give one that Run.save wrote"
        ) from None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise InputError(f"{path} was written by another version of crmlab; start the company again")
    sizes = {name: values.shape for name, values in arrays.items()}
    if len(set(sizes.values())) != 1:
        raise InputError(f"{path} holds columns of different lengths; give one that Run.save wrote")
    return Customers(**arrays), header
