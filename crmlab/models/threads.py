"""One thread for linear algebra: on matrices as small as ours more threads only wait for each other."""

from contextlib import AbstractContextManager
from functools import lru_cache

from threadpoolctl import ThreadpoolController


@lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    """Finding the libraries of a process takes 9 ms, so it is done once."""
    import scipy.linalg  # noqa: F401  (brings a BLAS of its own, which must be there to be found)

    return ThreadpoolController()


def one_blas_thread() -> AbstractContextManager[object]:
    """A context in which NumPy's and SciPy's linear algebra keeps to one thread."""
    return _controller().limit(limits=1, user_api="blas")


def one_openmp_thread() -> AbstractContextManager[object]:
    """A context in which scikit-learn keeps to one thread: threads of small fits wait for each other."""
    import sklearn.cluster  # noqa: F401  (loads the library, which must be there to be found)

    return ThreadpoolController().limit(limits=1, user_api="openmp")
