"""How many threads may compute at once."""

from functools import cache


@cache
def available_cores() -> int:
    """Cores that this process may use: not those of the machine where a container or an affinity allows fewer."""
    from joblib import (
        cpu_count,
    )  # knows affinities and the limits of containers; a fifth of a second to import

    return cpu_count()
