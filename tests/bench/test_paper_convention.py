"""The block of docs/energy.md: blocks summed, every rate shown, the difference with its sign."""

from bench import paper_convention as bench
from reports.convention import Convention


def test_rows_of_a_block_are_summed():
    rows = [
        bench.Row("conv1", 1_000, 0.25, 1e-6, 900),
        bench.Row("block.0.qkv", 2_000, 0.5, 2e-6, 4_000),
        bench.Row("block.0.fc1", 3_000, 0.125, 3e-6, 1_500),
    ]
    hand = bench._hand_joule(rows)
    assert hand == 1_327_104 * 4.6e-12 + 6e-6
    fields = dict.fromkeys(Convention._fields, 0.0)
    text = bench._text(rows, Convention(**fields | {"formula_joule": 0.99 * hand}))
    assert "| conv1 | 1,000 | 0.2500 | 1.00 | 900 |" in text
    assert "| block 0: qkv, fc1 | 5,000 | 0.5000, 0.1250 | 5.00 | 5,500 |" in text
    assert "**-1.00%**" in text


def test_spikformer_4_384_on_large_is_within_two_percent_and_the_document_says_so(capsys):
    assert bench.main([]) == 0
    printed = capsys.readouterr().out.strip()
    assert printed in bench.DOCUMENT.read_text(encoding="utf-8")
