"""When Python looks for cycles of garbage: hardly before a function's first answer, seldom after it.

Loading modules makes no garbage and a request makes little, so Python looks less often than after
every 700 new objects, as it would: loading Google's clients takes a tenth less time.
"""

import gc

# So many new objects fill some 30 MB, and what a function loads for its first answer is half as many.
_WHILE_LOADING = (200_000, 20, 20)
_AFTERWARDS = (50_000, 20, 20)


def expect_loading() -> None:
    """Look for garbage only if very much comes together, until ``loaded`` is called."""
    gc.set_threshold(*_WHILE_LOADING)


def loaded() -> None:
    """Look for garbage from now on, but not in what is there by now: that is there to stay.

    Does nothing in a process that did not expect to load anything, or has been told before.
    """
    if gc.get_threshold() == _WHILE_LOADING:
        gc.freeze()
        gc.set_threshold(*_AFTERWARDS)
