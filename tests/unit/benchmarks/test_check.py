from statistics import median

import msgspec
import pytest

from benchmarks.model.check.calibrate import Calibration, Run, calibration
from benchmarks.model.check.crowd import Journey, arrivals, throughput
from benchmarks.model.check.local_model import Hops, fitted_hops, forecast
from benchmarks.model.check.run import Figures, capacity, errors
from local.dispatcher import POLL_S
from shared.errors import PipelineError

KNOWN = Calibration(
    processor_s={
        "create_invoice": 0.005,
        "payment_callback": 0.004,
        "create_meeting": 0.013,
        "send_notification": 0.009,
    },
    vendors_s={
        "create_invoice": 0.002,
        "payment_callback": 0.001,
        "create_meeting": 0.01,
        "send_notification": 0.01,
    },
    asleep_s={
        "create_invoice": 0.0,
        "payment_callback": 0.0,
        "create_meeting": 0.75,
        "send_notification": 0.0,
    },
    dispatcher_s=0.002,
    people_s=0.002,
    order_to_invoice_s=0.02,
    payment_to_room_s=0.82,
    background=0.0,
)


def _to_invoice(journeys: list[Journey]) -> float:
    return median(journey.order_to_invoice for journey in journeys)


def test_a_lone_order_takes_what_its_steps_take() -> None:
    (journey,) = forecast(KNOWN, Hops(), [0.0], cores=2)
    # Half of people, of the dispatcher and of the function, and the vendors; the poll is random.
    least = 0.001 + 0.001 + 0.0025 + 0.002
    assert least <= journey.order_to_invoice <= least + POLL_S
    assert journey.payment_to_room == pytest.approx(0.75 + 0.0025 + 0.012, abs=0.03)


def test_more_orders_and_more_other_programs_make_it_slower() -> None:
    few = _to_invoice(forecast(KNOWN, Hops(), arrivals(1, 60, 1), cores=2))
    many = _to_invoice(forecast(KNOWN, Hops(), arrivals(12, 60, 1), cores=2))
    busy = msgspec.structs.replace(KNOWN, background=1.5)
    beside = _to_invoice(forecast(busy, Hops(), arrivals(1, 60, 1), cores=2))
    assert many > 1.2 * few
    assert beside > few


def test_hops_make_up_for_what_the_calibration_shows() -> None:
    instants = arrivals(1.2, 25, 1)
    hops = fitted_hops(KNOWN, instants, 2)
    said = forecast(KNOWN, hops, instants, 2)
    assert _to_invoice(said) == pytest.approx(KNOWN.order_to_invoice_s, rel=0.2)


def test_every_order_that_comes_is_followed_to_its_room() -> None:
    instants = arrivals(3, 30, 2)
    journeys = forecast(KNOWN, Hops(), instants, 2)
    assert len(journeys) == len(instants)
    assert all(j.published < j.invoiced < j.paid < j.scheduled for j in journeys)


def test_throughput_counts_from_when_rooms_can_be() -> None:
    journeys = [
        Journey(published=at, invoiced=at, paid=at, scheduled=at + 1.0) for at in range(106)
    ]
    assert throughput(journeys) == pytest.approx(1.0, abs=0.02)


def test_arrivals_are_repeatable_and_as_many_as_asked_for() -> None:
    assert arrivals(5, 100, 3) == arrivals(5, 100, 3)
    assert len(arrivals(5, 1000, 3)) == pytest.approx(5000, rel=0.05)


def test_errors_are_relative_to_what_was_measured() -> None:
    said = Figures(order_to_invoice=0.9, payment_to_room=2.0, throughput=3.0)
    seen = Figures(order_to_invoice=1.0, payment_to_room=1.0, throughput=3.0)
    found = {name: round(error, 6) for name, error in errors(said, seen).items()}
    assert found == {"order_to_invoice": 0.1, "payment_to_room": 1.0, "throughput": 0.0}


def test_capacity_is_that_of_the_scarcest() -> None:
    assert capacity(KNOWN, cores=4) == pytest.approx(1 / KNOWN.vendors_order_s)
    assert capacity(KNOWN, cores=1) == pytest.approx(1 / KNOWN.order_s)


def _run(requests: dict[str, int]) -> Run:
    journeys = [
        Journey(published=at, invoiced=at + 0.02, paid=at + 3, scheduled=at + 3.8)
        for at in range(10)
    ]
    busy = {"create_invoice": 0.05, "payment_callback": 0.04, "create_meeting": 0.13}
    busy |= {"send_notification": 0.36, "vendors": 0.5, "dispatcher": 0.1, "people": 0.02}
    latency = {"create_invoice": 0.004, "payment_callback": 0.003, "create_meeting": 0.77}
    latency |= {"send_notification": 0.024}
    return Run(journeys=journeys, requests=requests, busy_s=busy, latency_s=latency, background=0.2)


def test_a_calibration_shares_out_all_that_the_vendors_took() -> None:
    counts = {"create_invoice": 10, "payment_callback": 10, "create_meeting": 10}
    known = calibration(_run(counts | {"send_notification": 30}))
    assert known.processor_s["send_notification"] == pytest.approx(0.009)
    assert known.vendors_order_s == pytest.approx(0.05)
    assert known.dispatcher_s == pytest.approx(0.002)
    assert known.payment_to_room_s == pytest.approx(0.8)


def test_a_calibration_without_requests_is_refused() -> None:
    counts = {"create_invoice": 10, "payment_callback": 0, "create_meeting": 10}
    with pytest.raises(PipelineError, match="payment_callback"):
        calibration(_run(counts | {"send_notification": 30}))
