"""Hidden Markov models for panels: what customers do shows, with error, a state that nobody observes.

Each customer is in one of k ordered states, moves among them from period to period, and acts more or less
often in each. Moves follow an ordered logit that may depend on covariates, one for each state to leave, as in
Netzer, Lattin & Srinivasan (2008), https://doi.org/10.1287/mksc.1070.0294 (in theirs customers differ, too):

    P(next >= j | now = s, x) = Λ(x' b_s - τ_sj),   τ_s1 < τ_s2 < …

Observations are counts (Poisson) or yes-and-no choices (Bernoulli). States are numbered by their rates, the
lowest first, so that no two numberings describe one model. All recursions run over the customers at once.
"""

from crmlab.errors import NotConverged
from crmlab.models.hidden_markov.fitting import HiddenMarkovFit, fit_hidden_markov
from crmlab.models.hidden_markov.model import HiddenMarkov

__all__ = ["HiddenMarkov", "HiddenMarkovFit", "NotConverged", "fit_hidden_markov"]
