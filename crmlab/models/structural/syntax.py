"""The language of structural models, as lavaan and semopy read it, and what a text leaves unsaid.

    visual =~ x1 + x2 + x3        a factor and its items; the first loading is 1
    habit ~ b*attitude + rating   a regression; b names its coefficient
    x1 ~~ x2                      a covariance, of what is left where arrows lead to them
    x1 ~~ 0.5*x1                  a variance, fixed
    x1 ~ 1                        an intercept

A number times a variable fixes the parameter, ``NA`` frees it, a name names it; parameters of one name are
equal. ``#`` starts a comment.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from crmlab.errors import InputError

NAME = r"[^\W\d][\w.]*"
TERM = re.compile(rf"(?:(?P<by>.+)\*)?\s*(?P<variable>{NAME}|1)")
OPERATORS = ("=~", "~~", "~")


def measured_by(scales: Mapping[str, Sequence[str]], loading: str = "") -> str:
    """The lines of a measurement model: a factor for each scale, measured by its items.

    Parameters
    ----------
    scales : mapping of str to sequence of str
        Items by factor.
    loading : str
        Before each item: ``"1*"`` fixes the loadings at 1.

    Examples
    --------
    >>> measured_by({"trust": ["trust_1", "trust_2"]})
    'trust =~ trust_1 + trust_2'
    """
    return "\n".join(
        f"{name} =~ {' + '.join(loading + item for item in items)}" for name, items in scales.items()
    )


@dataclass(frozen=True)
class Term:
    """One parameter: ``left operator right``, fixed at a number, or free, or free and named."""

    left: str
    operator: str
    right: str
    fixed: float | None = None
    label: str | None = None
    implied: bool = False  # said by no line of the text

    @property
    def name(self) -> str:
        """``"visual =~ x1"``, or the name that the text gives."""
        return self.label or f"{self.left} {self.operator} {self.right}"

    @property
    def kind(self) -> str:
        """Loadings, regressions, intercepts, variances or covariances."""
        if self.operator == "=~":
            return "loadings"
        if self.operator == "~":
            return "intercepts" if self.right == "1" else "regressions"
        return "variances" if self.left == self.right else "covariances"

    @property
    def ends(self) -> tuple[str, str]:
        """The variables from which and to which an arrow leads; the two of a covariance."""
        return (self.left, self.right) if self.operator == "=~" else (self.right, self.left)


@dataclass(frozen=True)
class Description:
    """A structural model, everything said.

    Attributes
    ----------
    terms : list of Term
    observed, latent : list of str
        In order of mention.
    exogenous : list of str
        Observed variables to which no arrow leads and of which the text says no variance: their moments are
        the sample's.
    """

    terms: list[Term]
    observed: list[str]
    latent: list[str]
    exogenous: list[str] = field(default_factory=list)


def describe(text: str, means: bool = False) -> Description:
    """Read a model and add what it leaves unsaid.

    Variances of factors and of whatever arrows lead to are free, as are covariances of factors to which no
    arrow leads. Other covariances are 0, those between a factor and an observed cause included: that is
    semopy's rule. With `means`, intercepts of the observed are free and factors have mean 0.

    Raises
    ------
    InputError
        With the line that cannot be read.
    """
    said = [term for line in _lines(text) for term in _terms(line)]
    if not said:
        raise InputError("the model's description is empty; give lines such as 'factor =~ item1 + item2'")
    latent = list(dict.fromkeys(term.left for term in said if term.operator == "=~"))
    mentioned = dict.fromkeys(name for term in said for name in (term.left, term.right) if name != "1")
    observed = [name for name in mentioned if name not in latent]
    said = _first_loadings_fixed(said)
    _refuse_repetitions(said)
    means = means or any(term.kind == "intercepts" for term in said)
    led_to = {term.ends[1] for term in said if term.kind in ("loadings", "regressions")}
    spread = {name for term in said if term.operator == "~~" for name in (term.left, term.right)}
    exogenous = [name for name in observed if name not in led_to and name not in spread]
    return Description(
        said + _unsaid(said, observed, latent, led_to, exogenous, means), observed, latent, exogenous
    )


def _lines(text: str) -> list[str]:
    lines: list[str] = []
    for raw in text.replace(";", "\n").splitlines():
        line = raw.split("#")[0].strip()
        if line and lines and (lines[-1].endswith(("+", "~")) or line.startswith("+")):
            lines[-1] += " " + line
        elif line:
            lines.append(line)
    return lines


def _terms(line: str) -> list[Term]:
    operator = next((each for each in OPERATORS if each in line), None)
    left, _, right = line.partition(operator or "~")
    if operator is None or not right.strip() or not re.fullmatch(NAME, left.strip()):
        raise InputError(
            f"the line {line!r} cannot be read; write 'factor =~ item1 + item2', 'outcome ~ cause' "
            "or 'a ~~ b'"
        )
    return [_term(left.strip(), operator, part.strip(), line) for part in right.split("+")]


def _term(left: str, operator: str, part: str, line: str) -> Term:
    found = TERM.fullmatch(part)
    if found is None or (found["variable"] == "1" and operator != "~"):
        raise InputError(
            f"{part!r} in the line {line!r} cannot be read; write 'item', 'name*item' or '0.5*item'"
        )
    by = (found["by"] or "").strip()
    try:
        fixed, label = float(by) if by else None, None
    except ValueError:
        fixed, label = None, by
        if not re.fullmatch(NAME, by):
            raise InputError(f"{by!r} in the line {line!r} is neither a number nor a name") from None
    return Term(left, operator, found["variable"], fixed, label)


def _first_loadings_fixed(terms: list[Term]) -> list[Term]:
    """The first item of each factor gives it its unit, unless the text says otherwise."""
    begun, fixed = set(), []
    for term in terms:
        if term.operator == "=~" and term.left not in begun and term.fixed is None and term.label is None:
            term = Term(term.left, "=~", term.right, fixed=1.0)
        begun |= {term.left} if term.operator == "=~" else set()
        fixed.append(Term(term.left, term.operator, term.right) if term.label == "NA" else term)
    return fixed


def _refuse_repetitions(terms: list[Term]) -> None:
    seen = set()
    for term in terms:
        ends = (term.operator == "~~", *(sorted(term.ends) if term.operator == "~~" else term.ends))
        if ends in seen:
            raise InputError(f"the model gives {term.left} {term.operator} {term.right} twice; remove one")
        seen.add(ends)
        if term.operator != "~~" and term.left == term.right:
            raise InputError(
                f"in {term.left} {term.operator} {term.right} an arrow leads from a variable to itself"
            )


def _unsaid(
    said: list[Term],
    observed: list[str],
    latent: list[str],
    led_to: set[str],
    exogenous: list[str],
    means: bool,
) -> list[Term]:
    joined = {frozenset((term.left, term.right)) for term in said if term.operator == "~~"}
    levels = {term.left for term in said if term.kind == "intercepts"}
    free = [name for name in latent + observed if name not in exogenous and frozenset((name,)) not in joined]
    factors = [name for name in latent if name not in led_to]
    pairs = [(a, b) for at, a in enumerate(factors) for b in factors[at + 1 :]]
    unsaid = [Term(name, "~~", name, implied=True) for name in free]
    unsaid += [Term(a, "~~", b, implied=True) for a, b in pairs if frozenset((a, b)) not in joined]
    if means:
        rest = [name for name in observed if name not in exogenous and name not in levels]
        unsaid += [Term(name, "~", "1", implied=True) for name in rest]
    return unsaid
