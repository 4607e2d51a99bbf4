"""Which bootstrapped poses are kept, and whether those are right."""

from spir.evaluate.benchmarks.eth80_kept import summary


def test_shares_are_of_all_and_of_the_kept():
    records = [
        {"name": "a", "car": "1", "kept": True, "rotation_deg": 5.0},
        {"name": "b", "car": "1", "kept": True, "rotation_deg": 170.0},
        {"name": "c", "car": "1", "kept": False, "rotation_deg": 170.0},
        {"name": "d", "car": "2", "kept": False, "rotation_deg": 1.0},
        {"name": "e", "error": "E"},
    ]
    found = summary(records)
    assert found["all"] == {"kept": 0.5, "right": 0.5}
    assert found["car 1"]["kept"] == 2 / 3 and found["car 2"] == {"kept": 0.0, "right": None}
