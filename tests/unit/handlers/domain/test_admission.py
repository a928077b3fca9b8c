"""Which files are held, and when what is broken in them is the new normal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.admission import Admission, Inspected, Standing, admit
from handlers.domain.quality_gate import Break

EMPTY = Break("calls", "missing", 0.0, 1.0, "calls: empty")
ELSEWHERE = Break("calls", "outside", 0.0, 1.0, "calls: outside")


def fates(*files: Inspected, at_most: int = 3, standing: Standing | None = None) -> list[str]:
    return [one.fate for one in admit(files, standing or Standing(), at_most=at_most).files]


def broken(number: int, *breaks: Break, released: bool = False) -> Inspected:
    return Inspected(number, breaks or (EMPTY,), released=released)


def test_the_third_in_a_row_is_the_new_normal_until_a_file_comes_without_it() -> None:
    files = [*(broken(number) for number in range(1, 6)), Inspected(6, ()), broken(7)]
    assert fates(*files) == ["held", "held", "normal", "passed", "passed", "passed", "held"]
    assert admit(files[:3], Standing(), at_most=3).freed == (1, 2)
    assert admit(files[:3], Standing(), at_most=3).held == ()


def test_different_breaks_are_no_row_and_a_shared_one_is() -> None:
    assert fates(broken(1), broken(2, ELSEWHERE), broken(3)) == ["held", "held", "held"]
    assert fates(broken(1), broken(2, EMPTY, ELSEWHERE), broken(3)) == ["held", "held", "normal"]


def test_a_file_that_is_too_small_shows_neither_a_break_nor_its_end() -> None:
    small = Inspected(2, (), telling=False)
    assert fates(broken(1), small, broken(3), broken(4)) == ["held", "passed", "held", "normal"]


def test_what_was_released_by_hand_is_no_break_any_more() -> None:
    assert fates(broken(1, released=True), broken(2), broken(3, ELSEWHERE)) == ["released", "passed", "held"]


FILES = st.lists(
    st.tuples(st.sets(st.sampled_from([EMPTY, ELSEWHERE])), st.booleans(), st.booleans()), min_size=1, max_size=12
)


@given(drawn=FILES, cut=st.integers(0, 12), at_most=st.integers(1, 4))
def test_it_matters_not_in_how_many_blocks_the_files_come(
    drawn: list[tuple[set[Break], bool, bool]], cut: int, at_most: int
) -> None:
    files = [
        Inspected(number, tuple(sorted(breaks, key=lambda one: one.key)) if telling else (), released, telling)
        for number, (breaks, released, telling) in enumerate(drawn)
    ]
    whole = admit(files, Standing(), at_most=at_most)
    first = admit(files[:cut], Standing(), at_most=at_most)
    second = admit(files[cut:], first.standing, at_most=at_most)
    assert whole == Admission((*first.files, *second.files), (*first.freed, *second.freed), second.standing)
    assert len(whole.standing.in_a_row) < at_most
    assert {one.file for one in whole.held} >= set(whole.standing.in_a_row)
    assert not set(whole.freed) & {one.file for one in whole.held}
