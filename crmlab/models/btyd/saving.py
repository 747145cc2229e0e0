"""Models as JSON that another version of crmlab reads exactly, or refuses by the name of the field.

A file holds numbers, names and nothing that is run. Floats are written with as many digits as they have, what
is unknown as null, and a SHA-256 over the rest tells a file that was changed.
"""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crmlab.errors import InputError, listing
from crmlab.files import write_text
from crmlab.models.btyd.fields import Fields
from crmlab.models.btyd.fitting import STATUSES, Convergence

if TYPE_CHECKING:
    from crmlab.models.btyd.base import Model

FORMAT, FORMAT_VERSION = "crmlab customer-base model", 1
LARGEST = 1 << 22  # bytes of a file that is read
NAMES = (
    "BGBB",
    "BGCNBD",
    "BGNBD",
    "GammaGamma",
    "ModifiedBGCNBD",
    "ModifiedBGNBD",
    "ParetoNBD",
    "ShiftedBetaGeometric",
)
VARYING = ("TimeVaryingBGNBD", "TimeVaryingModifiedBGNBD", "TimeVaryingParetoNBD")


def can_be_saved(model: object) -> bool:
    """Whether a model is of a kind that has a file format."""
    return type(model).__name__ in (*NAMES, *VARYING)


def save_model(model: "Model", path: str | Path, unit: str | None = None) -> Path:
    """Write a model as JSON, beside its place and renamed.

    Parameters
    ----------
    model : Model
        Fitted, or with known parameters.
    path : path
    unit : str, optional
        The unit of time (or of money) of the data, such as ``"week"``: kept for whoever reads the file.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    InputError
        If the model has no parameters yet, or is of a kind that has no file format.
    """
    model.params_  # noqa: B018 – raises NotFittedError before fit()
    kind = type(model).__name__
    if not can_be_saved(model):
        raise InputError(f"{kind} has no file format; {listing((*NAMES, *VARYING))} can be saved")
    document: dict[str, Any] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "crmlab": version("crmlab"),
        "model": kind,
        "settings": model._settings(),
        "unit": unit if unit is not None else getattr(model, "unit_", None),
        "in_unit": list(model.time_parameters),
        "covariates": [list(names) for names in model.covariate_names_],
        "parameters": {name: float(value) for name, value in model.params_.items()},
        "estimates": _estimates(model),
        "fit": _fit(model),
        "more": model._more(),
    }
    document["sha256"] = _hash(document)
    return write_text(path, json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def load_model(path: str | Path) -> "Model":
    """Read a model that `save_model` wrote.

    Returns
    -------
    Model
        Of the kind that was saved, with the same numbers to the last digit; ``unit_`` is its unit.

    Raises
    ------
    InputError
        If the file is none of ours, of a newer format, or changed; the message names the field.
    """
    path = Path(path)
    read = Fields(_parsed(path), str(path))
    if read.text("format") != FORMAT:
        raise read.error("format", f"is {read.text('format')!r:.60}", f"a file of ours says {FORMAT!r}")
    written, by = read.whole("format_version", least=1), read.text("crmlab")
    if written > FORMAT_VERSION:
        raise read.error(
            "format_version", f"is {written}, written by crmlab {by:.20}", "update crmlab to read this file"
        )
    given = read.text("sha256")
    held = {name: value for name, value in read.values.items() if name != "sha256"}
    kind = read.text("model")
    if kind not in (*NAMES, *VARYING):
        raise read.error("model", f"is {kind!r:.60}", f"known are {listing((*NAMES, *VARYING))}")
    model = _model(_class(kind), read)
    read.nothing_else()
    if given != _hash(held):
        raise read.error("sha256", "is not that of the rest", "the file was changed; save the model again")
    return model


def _class(name: str) -> "type[Model]":
    from crmlab.models import btyd
    from crmlab.models.btyd import varying

    return getattr(varying if name in VARYING else btyd, name)


def _hash(document: dict[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _parsed(path: Path) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(f"{str(path)!r}: field {twice[0]!r:.60} stands there more than once")
        return dict(pairs)

    def refuse(word: str) -> None:
        raise InputError(f"{str(path)!r}: {word} is no number of JSON; what is unknown is written null")

    if not path.is_file():
        raise InputError(f"{str(path)!r} is no file; name one that save_model wrote")
    if path.stat().st_size > LARGEST:
        raise InputError(f"{str(path)!r} has {path.stat().st_size:,} bytes; no model of ours has so many")
    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text, object_pairs_hook=once, parse_constant=refuse)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{str(path)!r} is no JSON ({error!s:.80}); name a file of save_model") from None
    if not isinstance(document, dict):
        raise InputError(f"{str(path)!r} holds no fields; name a file that save_model wrote")
    return document


# -- what is written -----------------------------------------------------------------------------------------


def _table(values: Any) -> list[Any]:
    """Numbers as nested lists, null where unknown."""
    return [
        _table(each) if np.ndim(each) else (float(each) if np.isfinite(each) else None) for each in values
    ]


def _estimates(model: "Model") -> dict[str, Any] | None:
    if "_coefficients" not in model.__dict__:
        return None
    return {
        "covariance": _table(model.covariance_.to_numpy()),
        "standard_errors": _table(model.standard_errors_),
        "coefficients": _table(model._coefficients),
        "coefficient_spread": _table(model._coefficient_spread),
        "coefficient_covariance": _table(model._coefficient_covariance),
    }


def _fit(model: "Model") -> dict[str, Any] | None:
    if "log_likelihood_" not in model.__dict__:
        return None
    ended = model.convergence_
    return {
        "log_likelihood": model.log_likelihood_,
        "penalty": model.penalty_,
        "customers": float(model.n_customers_),
        "degrees_of_freedom": int(model.degrees_of_freedom_),
        "aic": float(model.aic_),
        "bic": float(model.bic_),
        "fixed": list(model.fixed_),
        "sums": _table(model._data),
        "status": ended.status,
        "message": ended.message,
        "iterations": int(ended.iterations),
        "evaluations": int(ended.evaluations),
        "last_gain": float(ended.last_gain) if np.isfinite(ended.last_gain) else None,
        "boundary": list(ended.boundary),
        "flat": list(ended.flat),
    }


# -- what is read --------------------------------------------------------------------------------------------


def _model(kind: "type[Model]", read: Fields) -> "Model":
    model = kind._from_settings(read.within("settings"))
    if read.names("in_unit") != list(kind.time_parameters):
        raise read.error(
            "in_unit", "names other parameters than the model has in a unit", "save the model again"
        )
    model.unit_ = read.text("unit", optional=True)
    sides = read.sequence("covariates", most=2)
    model.covariate_names_ = tuple(tuple(read.strings("covariates", side)) for side in sides)
    names = list(kind.parameter_names) + [
        f"{side}_{name}"
        for side, given in zip(("purchase", "dropout"), model.covariate_names_)
        for name in given
    ]
    within = read.within("parameters")
    values = [within.number(name, above=0.0 if name in kind.parameter_names else None) for name in names]
    within.nothing_else()
    model.params_ = pd.Series(values, index=names, name="estimate")
    _read_estimates(model, names, read.within("estimates", optional=True))
    _read_fit(model, names, read.within("fit", optional=True))
    model._restore_more(read.within("more"))
    return model


def _read_estimates(model: "Model", names: list[str], read: Fields | None) -> None:
    if read is None:
        return
    k = len(names)
    covariance = read.square("covariance", k)
    model.covariance_ = pd.DataFrame(covariance, index=names, columns=names)
    errors = read.vector("standard_errors", k)
    if not np.allclose(errors**2, np.diag(covariance), rtol=1e-9, equal_nan=True):
        raise read.error("standard_errors", "are not the roots of the covariance's diagonal", "save it again")
    model.standard_errors_ = pd.Series(errors, index=names, name="standard_error")
    model._coefficients = read.vector("coefficients", k)
    model._coefficient_spread = read.vector("coefficient_spread", k)
    model._coefficient_covariance = read.square("coefficient_covariance", k)
    read.nothing_else()
    own = len(model.parameter_names)
    again = np.concatenate([np.exp(model._coefficients[:own]), model._coefficients[own:]])
    if not np.allclose(again, model.params_.to_numpy(), rtol=1e-9):
        raise read.error("coefficients", "are not the logarithms of the parameters", "save the model again")


def _read_fit(model: "Model", names: list[str], read: Fields | None) -> None:
    if read is None:
        return
    model.log_likelihood_, model.penalty_ = read.number("log_likelihood"), read.number("penalty")
    model.n_customers_ = read.number("customers", above=0.0)
    model.degrees_of_freedom_ = read.whole("degrees_of_freedom", least=1)
    model.aic_, model.bic_ = read.number("aic"), read.number("bic")
    model.fixed_ = tuple(read.some_of("fixed", names))
    model._data = tuple(map(float, read.vector("sums")))
    status = read.text("status")
    if status not in STATUSES:
        raise read.error("status", f"is {status!r:.60}", f"known are {listing(STATUSES)}")
    model.convergence_ = Convergence(
        status,
        read.text("message"),
        read.whole("iterations"),
        read.whole("evaluations"),
        read.number("last_gain", optional=True),
        tuple(read.some_of("boundary", names)),
        tuple(read.some_of("flat", names)),
    )
    read.nothing_else()
