"""Tables that a user could have: a theory's own cohort, under names of the user's."""

import pandas as pd
import pytest

from crmlab.analysis.needs import needs_of
from crmlab.theories import design_of


def own_columns(lesson, cohort):
    """Each sample's asked columns from a cohort, by sample."""
    samples = {}
    for name, sample in needs_of(lesson).samples.items():
        held = {}
        for table in sample.tables:
            if table not in sample.made:
                held = dict(cohort.tables.columns(table)) | held
        samples[name] = pd.DataFrame({column: held[column] for column in sample.columns})
    return samples


@pytest.fixture(scope="session")
def loyal():
    """A survey of 300 customers of the loyalty market."""
    design = design_of("09").replace(n_customers=300)
    return own_columns("09", design.simulate(3))["customers"]
