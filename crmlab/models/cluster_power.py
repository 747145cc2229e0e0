"""How many clusters an experiment needs whose units come in clusters, as clients of advisers do."""

from scipy.special import ndtri

from crmlab.errors import InputError


def clusters_needed(
    effect: float,
    intraclass: float,
    members: int,
    spread: float = 1.0,
    power: float = 0.8,
    size: float = 0.05,
) -> float:
    """Clusters, half of them treated by lot, for a one-sided test of cluster means.

    Parameters
    ----------
    effect : float
        In the unit of `spread`; its sign does not matter.
    intraclass : float
        Share of the variance that lies between clusters.
    members : int
        Units seen in each cluster.
    spread : float
        Standard deviation of the outcome.
    power, size : float

    Returns
    -------
    float
        ``4 (z_size + z_power)² (ICC + (1 - ICC)/m) σ²/d²``, by the normal distribution: the sum for two
        samples of cluster means. More members cannot bring it below the part with the ICC alone.
    """
    if not (effect != 0 and 0 <= intraclass <= 1 and members >= 1 and spread > 0 and 0 < size < power < 1):
        raise InputError(
            f"effect is {effect!r}, intraclass {intraclass!r}, members {members!r}, spread {spread!r}, power "
            f"{power!r}, size {size!r}; give an effect other than 0, shares between 0 and 1 with size below "
            "power, one member or more and a positive spread"
        )
    variance = (intraclass + (1 - intraclass) / members) * spread**2
    return float(4 * (ndtri(1 - size) + ndtri(power)) ** 2 * variance / effect**2)
