"""Generations of flows: who finds which, for how long, and that what nobody needs is let go."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.flow.compile import fingerprint
from gateway.flow.load import Flows, load
from gateway.problem import Place, Problem
from gateway.server.generations import KEPT, KEPT_S, NAMED, Generations, changes
from tests.server.world import FLOW

WRONG = Problem(Place("a.yaml", 3, 1), "version", "takes 1")


@pytest.fixture
def flows(tmp_path: Path) -> Flows:
    (tmp_path / "clinic.yaml").write_text(FLOW, encoding="utf-8")
    return load(tmp_path, {})


def edited(flows: Flows, word: str) -> Flows:
    return Flows(tuple(replace(flow, description=word) for flow in flows.flows))


def test_the_first_generation(flows: Flows) -> None:
    current = Generations(flows, 5.0).current
    assert (current.number, current.hash, current.since, current.lines) == (1, fingerprint(flows), 5.0, 2)
    assert current.flows is flows


def test_an_edit_is_the_next_generation_and_calls_that_were_answered_before_find_theirs(flows: Flows) -> None:
    generations = Generations(flows)
    before = generations.current
    after = generations.swap(edited(flows, "b"), 10.0)
    assert generations.current is after
    assert (after.number, after.since) == (2, 10.0)
    assert generations.find(before.hash, 11.0) is before
    assert generations.find(after.hash, 11.0) is after
    assert generations.find("another", 11.0) is after
    assert generations.find("", 11.0) is after


def test_the_same_flows_are_no_new_generation(flows: Flows) -> None:
    generations = Generations(flows)
    assert generations.swap(Flows(flows.flows), 1.0) is generations.current
    assert generations.current.number == 1
    assert generations.kept == 1


def test_a_known_hash_is_taken_as_it_is(flows: Flows) -> None:
    assert Generations(flows).swap(edited(flows, "b"), 1.0, "0123").hash == "0123"


def test_an_edit_that_is_taken_back_is_current_once(flows: Flows) -> None:
    generations = Generations(flows)
    first = generations.current
    second = generations.swap(edited(flows, "b"), 1.0)
    third = generations.swap(flows, 2.0)
    assert (third.number, third.hash) == (3, first.hash)
    assert generations.find(first.hash, 3.0) is third
    assert generations.find(second.hash, 3.0) is second
    assert generations.kept == 2


def test_older_ones_are_kept_for_ten_minutes_after_they_were_replaced(flows: Flows) -> None:
    generations = Generations(flows)
    first = generations.current
    second = generations.swap(edited(flows, "b"), 100.0)
    assert generations.find(first.hash, 100.0 + KEPT_S - 0.1) is first
    assert generations.find(first.hash, 100.0 + KEPT_S) is second
    assert generations.kept == 1


def test_of_many_edits_the_last_are_kept(flows: Flows) -> None:
    generations = Generations(flows)
    made = [generations.current] + [generations.swap(edited(flows, str(n)), float(n)) for n in range(30)]
    assert generations.kept == KEPT + 1
    assert generations.find(made[-1 - KEPT].hash, 30.0) is made[-1 - KEPT]
    assert generations.find(made[-2 - KEPT].hash, 30.0) is made[-1]


class Watched(dict[str, str]):
    """A mapping whose end can be seen."""


def test_what_is_let_go_leaves_the_memory_also_after_a_freeze(flows: Flows) -> None:
    variables = Watched(clinic="Harbour")
    seen = weakref.ref(variables)
    generations = Generations(Flows(tuple(replace(flow, variables=variables) for flow in flows.flows)))
    del variables
    gc.collect()
    gc.freeze()
    try:
        generations.swap(flows, 1.0)
        assert seen() is not None
        generations.forget(1.0 + KEPT_S)
        assert seen() is None  # at once: no cycle, so nothing for the collector, which no longer looks at it
    finally:
        gc.unfreeze()


def test_a_broken_edit_is_told_until_a_reading_is_well(flows: Flows) -> None:
    generations = Generations(flows)
    assert (generations.refused, generations.refused_since) == ((), None)
    generations.refuse([WRONG], 5.0)
    generations.refuse([WRONG, WRONG], 6.0)
    assert (generations.refused, generations.refused_since) == ((WRONG, WRONG), 5.0)
    assert generations.current.number == 1
    generations.swap(flows, 7.0)
    assert (generations.refused, generations.refused_since) == ((), None)


def test_what_an_edit_changed(flows: Flows) -> None:
    (flow,) = flows.flows
    quiet = next(line for line in flow.numbers if line.label == "quiet")
    other = Flows((replace(flow, numbers=(quiet, replace(quiet, label="new", number="+14155550109"))),))
    assert changes(flows, other) == {"added": ["clinic/new"], "removed": ["clinic/front-desk"]}
    assert changes(flows, flows) == {"added": [], "removed": []}


def test_of_many_changed_lines_the_first_are_named(flows: Flows) -> None:
    (flow,) = flows.flows
    many = tuple(replace(flow.numbers[0], label=f"l{n:02}", number=f"+1415555{n:04}") for n in range(NAMED + 5))
    added = changes(flows, Flows((replace(flow, numbers=(*flow.numbers, *many)),)))["added"]
    assert isinstance(added, list)
    assert (added[0], added[NAMED:]) == ("clinic/l00", ["and 5 more"])
