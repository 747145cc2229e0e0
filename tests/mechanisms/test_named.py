"""Parameters called CAUSE_to_EFFECT are paths and weights."""

from dataclasses import dataclass

import numpy as np

from crmlab.mechanisms.named import named_paths, weighted, weights_on


@dataclass
class Market:
    trust_to_commitment: float = 0.4
    base_renewal: float = 1.0
    cost_to_commitment: float = 0.2
    trust_to_renewal: float = -0.3


def test_paths_and_weights_are_read_from_names():
    assert named_paths(Market(), "commitment") == {("trust", "commitment"): 0.4, ("cost", "commitment"): 0.2}
    assert list(named_paths(Market(), "renewal", "commitment").values()) == [0.4, 0.2, -0.3]
    assert weights_on(Market(), "renewal") == {"trust": -0.3}
    sums = weighted(weights_on(Market(), "commitment"), {"trust": np.array([1.0, 0.0]), "cost": np.ones(2)})
    assert np.allclose(sums, [0.6, 0.2])
