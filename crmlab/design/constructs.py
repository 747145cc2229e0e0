"""What a theory speaks of, and how it hangs together: a glossary, and the causal diagram."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from crmlab.errors import check_known


@dataclass(frozen=True)
class Construct:
    """A concept of a theory.

    Parameters
    ----------
    label : str
        As it stands at an axis or in a questionnaire.
    definition : str
        One sentence.
    """

    label: str
    definition: str


@dataclass(frozen=True)
class Diagram:
    """A directed acyclic graph: what causes what in a market. `crmlab.plots.causal_diagram` draws it.

    Parameters
    ----------
    nodes : dict of str to (float, float)
        Place of each variable, both coordinates from 0 to 1.
    arrows : sequence of (str, str)
        Cause and effect.
    latent : collection of str
        The variables that nobody observes.
    """

    nodes: Mapping[str, tuple[float, float]]
    arrows: Sequence[tuple[str, str]]
    latent: Sequence[str] = field(default=())

    def __post_init__(self) -> None:
        check_known("node", [name for arrow in self.arrows for name in arrow], self.nodes)
        check_known("node", self.latent, self.nodes)

    @classmethod
    def by_cause(
        cls,
        nodes: Mapping[str, tuple[float, float]],
        effects: Mapping[str, Sequence[str]],
        latent: Sequence[str] = (),
    ) -> "Diagram":
        """The diagram in which each cause has these effects.

        Examples
        --------
        >>> places = {"contact": (0, 0), "potential": (0.5, 1), "spend": (1, 0)}
        >>> Diagram.by_cause(places, {"potential": ["contact", "spend"], "contact": ["spend"]}).arrows
        [('potential', 'contact'), ('potential', 'spend'), ('contact', 'spend')]
        """
        pairs = [(cause, effect) for cause, caused in effects.items() for effect in caused]
        return cls(nodes, pairs, latent)

    def causes(self, effect: str) -> list[str]:
        """The direct causes of a variable."""
        return [cause for cause, caused in self.arrows if caused == effect]

    def ancestors(self, effect: str) -> set[str]:
        """All variables from which a directed path leads to this one."""
        found: set[str] = set()
        waiting = self.causes(effect)
        while waiting:
            cause = waiting.pop()
            if cause not in found:
                found.add(cause)
                waiting += self.causes(cause)
        return found
