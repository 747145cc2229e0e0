"""Parameters by their names: what is called ``CAUSE_to_EFFECT`` is what the cause adds to the effect."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np


def named_paths(parameters: Any, *effects: str) -> dict[tuple[str, str], float]:
    """The parameters called ``CAUSE_to_EFFECT``, for some effects, as paths in the order of the fields.

    Parameters
    ----------
    parameters : dataclass
    *effects : str

    Returns
    -------
    dict of (str, str) to float
    """
    found = {}
    for field in fields(parameters):
        cause, _, effect = field.name.partition("_to_")
        if effect in effects:
            found[cause, effect] = getattr(parameters, field.name)
    return found


def weights_on(parameters: Any, effect: str) -> dict[str, float]:
    """What an index adds up, by cause: the parameters called ``CAUSE_to_EFFECT``."""
    return {cause: value for (cause, _), value in named_paths(parameters, effect).items()}


def weighted(weights: Mapping[str, float], values: Mapping[str, np.ndarray]) -> np.ndarray:
    """The weighted sum of variables."""
    return np.asarray(sum(weight * values[name] for name, weight in weights.items()))
