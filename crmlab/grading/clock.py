"""How long a run has taken, whatever else the machine is doing.

A run is charged its processor time. Time in which it does not compute is charged too, at a fraction, so that
code that sleeps ends; but not time in which it could have computed and got no processor.
"""

from dataclasses import dataclass

PATIENCE = 4.0  # seconds that a run may sleep for each second that it may compute
AT_LAST = 60.0  # seconds on the wall for each second that it may compute, whatever it waits for


@dataclass(frozen=True)
class Reading:
    """What has been used up to a moment.

    Attributes
    ----------
    wall : float
        Seconds on the monotonic clock.
    computed : float
        Processor seconds of all processes of the run.
    waited : float
        Seconds in which the run was ready to compute and no processor was free.
    """

    wall: float
    computed: float
    waited: float

    def charge(self, before: "Reading") -> float:
        """Seconds that count from `before` to this reading."""
        wall = self.wall - before.wall
        idle = wall - (self.waited - before.waited)
        return max(self.computed - before.computed, idle / PATIENCE, wall / AT_LAST, 0.0)


@dataclass
class Budget:
    """Seconds that all runs of a submission may be charged together."""

    left: float

    def charge(self, seconds: float) -> None:
        self.left -= seconds
