"""One small patient, painted once for all tests of this room."""

import pytest

from diagnosis.phantom.case import PhantomCase, make_phantom
from diagnosis.phantom.spec import NoduleSpec, PhantomSpec, ScanSpec

SMALL_SCAN = ScanSpec(size=144, pixel_mm=2.2, slice_mm=4.0, noise_hu=10, origin_mm=(4.0, -120.0, 33.0))


@pytest.fixture(scope="session")
def small_spec() -> PhantomSpec:
    return PhantomSpec("test_case", seed=5, scan=SMALL_SCAN, nodule=NoduleSpec(diameter_mm=20.0))


@pytest.fixture(scope="session")
def small_case(small_spec: PhantomSpec) -> PhantomCase:
    return make_phantom(small_spec)
