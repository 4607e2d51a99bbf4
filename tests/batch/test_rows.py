"""The table on the terminal."""

from spir.batch.rows import Row, summary, table


def test_the_table_lines_up():
    rows = [
        Row("a.jpg", "a", 0.9, 20.0, 0.5, 3.0, "solved", "our own network"),
        Row("long-name.jpg", "b", failure="no object"),
        Row("c.jpg", "c", 0.9, None, None, 3.0, "too few points", "mask c.mask.png", earlier=True),
    ]
    head, first, second, third = table(rows).splitlines()
    assert head.index("IoU") + 3 == first.index("0.900") + 5
    assert second == "long-name.jpg  failed: no object"
    assert first.index("our own network") == third.index("mask c.mask.png") == head.index("cut out by")
    assert third.endswith("(earlier)") and third.count(" - ") == 2


def test_the_rate_is_that_of_new_photos():
    rows = [Row("a", "a", 0.8), Row("b", "b", 0.9, earlier=True), Row("c", "c", failure="no")]
    told = summary(rows, 72.0)
    assert told == "3 photos: 2 new, 1 from earlier, 1 failed; IoU 0.850 in the median; 50 photos per hour"
    assert "per hour" not in summary(rows[1:2], 72.0)
