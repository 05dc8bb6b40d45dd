"""`python -m hw.formal`: proves every claim and refutes every broken copy; exit code 1 if not."""

from __future__ import annotations

import argparse
import sys
import time

from hw.formal.claims import CLAIMS
from hw.formal.prove import prove


def main() -> int:
    """Prints a line a claim; returns 1 if one fails or a broken copy passes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="claims to prove [all]")
    parser.add_argument(
        "--bounded", action="store_true", help="for so many cycles, with yosys-smtbmc and z3"
    )
    options = parser.parse_args()
    failed = 0
    chosen = [claim for claim in CLAIMS if not options.names or claim.name in options.names]
    if options.bounded:
        chosen = [claim for claim in chosen if claim.depth is not None]
    for claim in chosen:
        started = time.perf_counter()
        verdict = prove(claim, bounded=options.bounded)
        survivors = [
            number
            for number in range(len(claim.broken))
            if prove(claim, mutant=number, bounded=options.bounded).holds
        ]
        how = f"{verdict.depth} cycles" if verdict.depth else "any number of cycles"
        result = f"holds for {how}" if verdict.holds else f"FAILS within {how}"
        refuted = len(claim.broken) - len(survivors)
        print(
            f"{claim.name}: {result}; {refuted} of {len(claim.broken)} broken copies refuted "
            f"({time.perf_counter() - started:.1f} s)",
            flush=True,
        )
        failed += not verdict.holds or bool(survivors)
    print(f"{len(chosen)} claims, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
