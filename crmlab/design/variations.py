"""A design at several values of its parameters, diagnosed together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crmlab.design.diagnosis import COLUMNS, Diagnosis, diagnose
from crmlab.errors import InputError, listing


@dataclass(frozen=True)
class Variations:
    """A design at several parameter values."""

    points: Sequence[tuple]

    @property
    def designs(self) -> list:
        """The designs at the points, in their order."""
        return [design for _, design in self.points]

    def diagnose(
        self,
        sims: int | str = 500,
        seed: int = 1,
        jobs: int | None = None,
        progress: bool | None = None,
        diagnosands: Mapping[str, Callable] | None = None,
    ) -> Diagnosis:
        """As `Design.diagnose`, at every point, with the same random numbers at each."""
        return diagnose(self.points, sims, seed, jobs, progress, diagnosands)

    def __len__(self):
        return len(self.points)

    def __repr__(self):
        return f"Variations of {self.points[0][1].name} at {len(self)} points:\n" + "\n".join(
            "  " + ", ".join(f"{name}={value}" for name, value in point.items()) for point, _ in self.points
        )


def grid(name: str, values: Any) -> list:
    """The values of one varied name as a list, each once."""
    if name in COLUMNS:
        raise InputError(
            f"parameter {name!r} is also a column of the diagnosis; give it another name to vary it"
        )
    shown = repr(values)
    values = [] if isinstance(values, str) or not np.iterable(values) else list(values)
    if not values:
        raise InputError(f"{name} is {shown}; give a list of values")
    twice = [value for at, value in enumerate(values) if value in values[:at]]
    if twice:
        raise InputError(f"{name} holds {listing(dict.fromkeys(twice))} more than once; give each value once")
    return values
