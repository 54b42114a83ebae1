"""When Python looks for garbage in a function: hardly at first, then as seldom as is enough."""

import gc
from collections.abc import Iterator

import pytest

from shared import garbage


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_what_is_loaded_is_never_looked_at_again() -> None:
    garbage.expect_loading()
    there: list[object] = [object()]
    while_loading, _, _ = gc.get_threshold()
    garbage.loaded()
    afterwards, _, _ = gc.get_threshold()
    assert 700 < afterwards < while_loading
    assert gc.get_freeze_count() > 0
    assert not any(seen is there for seen in gc.get_objects())


def test_only_what_came_before_the_first_answer_stays_out_of_sight() -> None:
    garbage.expect_loading()
    garbage.loaded()
    frozen = gc.get_freeze_count()
    later: list[object] = [object()]
    garbage.loaded()
    assert gc.get_freeze_count() <= frozen
    assert any(seen is later for seen in gc.get_objects())


def test_a_process_that_expected_nothing_goes_on_as_it_was() -> None:
    before = gc.get_threshold()
    garbage.loaded()
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)
