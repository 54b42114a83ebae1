"""The wiring refuses what cannot work before anything is built."""

from pathlib import Path

import pytest

from shared.bootstrap import Wiring
from shared.errors import SettingsError
from shared.settings import XenditSettings


@pytest.mark.parametrize("backend", [{}, {"BACKEND": "embedded"}])
def test_the_embedded_backend_is_refused_on_cloud_run(backend: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="BACKEND must be gcp"):
        Wiring(variables={"K_SERVICE": "send-reminder", **backend})


def test_the_gcp_backend_is_fine_on_cloud_run() -> None:
    Wiring(variables={"K_SERVICE": "send-reminder", "BACKEND": "gcp", "TRACES": "off"})


def test_an_adapter_is_built_once_and_not_before_it_is_asked_for(tmp_path: Path) -> None:
    wiring = Wiring(variables={"DATA_DIR": str(tmp_path)})
    assert list(tmp_path.iterdir()) == []
    assert wiring.rejected is wiring.rejected
    assert (tmp_path / "rejected.db").exists()
    wiring.rejected.close()  # type: ignore[attr-defined] # not part of the port


def test_refunds_go_the_way_that_invoices_came() -> None:
    variables = {"XENDIT_SECRET_KEY": "xnd_development_of_the_tests", "TRACES": "off"}
    wiring = Wiring(XenditSettings, variables=variables)
    assert type(wiring.refunds).__name__ == "XenditRefundGateway"
    assert wiring.refunds is wiring.refunds
