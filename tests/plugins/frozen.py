"""What the tests' modules have imported is never looked through again for garbage.

Some 650,000 objects stand when the tests have been collected, none of which will go before the process ends.
A full collection takes half a second to find that out; statsmodels, for one, asks for one at every call of
``multipletests``, so that a hundred examples of one property took a minute.
"""

import gc

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session):
    """Leave what stands by now to the end of the process."""
    gc.collect()
    gc.freeze()
