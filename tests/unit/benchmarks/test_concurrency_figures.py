"""What the levels of the concurrency benchmark come to."""

from benchmarks.concurrency.run import Level, figures

LEVELS = [
    Level(threads=1, requests_per_s=4.0, seconds=(0.25, 0.26), rss_mb=80.0),
    Level(threads=16, requests_per_s=30.0, seconds=(0.5, 0.3), rss_mb=90.0),
    Level(threads=1, requests_per_s=5.0, seconds=(0.27,), rss_mb=82.0),
    Level(threads=16, requests_per_s=42.0, seconds=(0.4,), rss_mb=94.0),
]


def test_each_number_of_threads_is_compared_with_as_many_alone() -> None:
    assert figures(LEVELS, vendors_s=0.2) == {
        "1": {
            "requests_per_s": 4.5,
            "share": 1.0,
            "p50_ms_over_vendor": 60,
            "p95_ms_over_vendor": 69,
            "rss_mb": 81.0,
        },
        "16": {
            "requests_per_s": 36.0,
            "share": 0.5,
            "p50_ms_over_vendor": 200,
            "p95_ms_over_vendor": 290,
            "rss_mb": 92.0,
        },
    }
